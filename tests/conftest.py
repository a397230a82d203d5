"""What every test shares: hypothesis profiles, the log of before, and the header that names the broker of this run."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings

from tests.engines.choice import NAMES
from tests.kafka.choice import chosen
from tests.kafka.distribution import cached_jars

# No deadline: a test never judges the speed of the machine. CI repeats the same examples on every run.
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("default"), derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI", "").lower() == "true" else "default")

_WITHOUT_BROKER = {"unit", "property", "contract"}


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--engine` says on which engine of ClickHouse the tests of the sink's SQL run."""
    parser.addoption(
        "--engine", choices=NAMES, default="pinned", help="engine of tests/integration/clickhouse_sink"
    )


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Name the broker; runs of unit tests alone do not wait for Maven to find out."""
    if cached_jars() is None and all(_needs_no_broker(argument, config) for argument in config.args):
        return ["broker: not needed by these tests"]
    choice = chosen()
    return [f"broker: {choice.kind} ({choice.reason.splitlines()[0]})"]


def _needs_no_broker(argument: str, config: pytest.Config) -> bool:
    path = (config.invocation_params.dir / argument.split("::")[0]).resolve()
    tests = Path(__file__).resolve().parent
    return path.is_relative_to(tests) and bool(_WITHOUT_BROKER & set(path.relative_to(tests).parts[:1]))


@pytest.fixture(autouse=True)
def _with_the_log_of_before() -> Iterator[None]:
    """Commands configure the log of their process; here there is another test after them."""
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.configure(**before)
