"""What the log says of a failure: ours and Kafka's in words, a bug by type and place, and of neither any data."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Callable

import pytest
import structlog
from aiokafka.errors import GroupAuthorizationFailedError, TopicAuthorizationFailedError

from streams.state.delivery import EffectsError
from streams.telemetry import log
from streams.telemetry.failure import frames, reason

CANARY = "customer-canary"


def raised(error: BaseException) -> BaseException:
    """`error` as it is after it was raised, with what it was raised from."""
    try:
        try:
            {}[CANARY]  # type: ignore[index]
        except KeyError as cause:
            raise error from cause
    except BaseException as caught:  # noqa: BLE001
        return caught


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[dict[str, str]]]:
    """The lines of a freshly configured log."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    log.configure("json", "debug")
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


def test_our_own_errors_speak() -> None:
    assert reason(EffectsError("look at the brokers")) == "EffectsError: look at the brokers"


@pytest.mark.parametrize(
    "error", [TopicAuthorizationFailedError({"calls"}), GroupAuthorizationFailedError("calls")]
)
def test_a_right_that_is_gone_is_named(error: Exception) -> None:
    assert "calls any more; `behoudlijn topics acls`" in reason(error)


def test_a_bug_is_told_by_type_and_place() -> None:
    said = reason(raised(ValueError(CANARY)))
    assert said.startswith(f"ValueError at {__file__}:")
    assert CANARY not in said


def test_a_traceback_shows_frames_and_types() -> None:
    text = frames(raised(ValueError(f"{CANARY} of a record")))
    assert text.count("in raised") == 2
    assert "builtins.KeyError: [withheld]" in text
    assert text.endswith("builtins.ValueError: [withheld]\n")


def test_a_crash_of_faust_is_told_without_its_text(lines: Callable[[], list[dict[str, str]]]) -> None:
    for error in (raised(ValueError(CANARY)), raised(EffectsError("look"))):
        try:
            raise error
        except Exception as caught:
            logging.getLogger("faust.app").exception("[^App]: Crashed reason=%r", caught)
    logging.getLogger("faust.app").error("[^App]: Crashed reason=%r", ValueError(CANARY))
    (line,) = lines()
    assert line["event"] == "[^App]: crashed"
    assert "ValueError: [withheld]" in line["exception"]
    assert CANARY not in json.dumps(line)


def test_libraries_do_not_speak_at_debug(lines: Callable[[], list[dict[str, str]]]) -> None:
    for name in ("aiokafka.conn", "faust.transport", "kafka.net", "urllib3.connectionpool", "asyncio"):
        logging.getLogger(name).debug("Request: %s", CANARY)
    structlog.get_logger("streams.workers.process").debug("we do")
    assert [line["event"] for line in lines()] == ["we do"]
