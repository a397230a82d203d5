"""`behoudlijn worker`: the two processes of the pipeline. It builds them from settings and options."""

from __future__ import annotations

import tempfile
from enum import StrEnum
from functools import partial
from os import environ
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streams.commands.ending import end
from streams.commands.options import Bootstrap, settings_of

if TYPE_CHECKING:
    from streams.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Run a worker: decide on callbacks, or write to ClickHouse.")


class Mode(StrEnum):
    """Whether dialers get what is decided."""

    SHADOW = "shadow"
    LIVE = "live"


_MetricsPort = Annotated[
    int | None, typer.Option(help="Port of /metrics, /healthz, /readyz; 0 picks a free one.")
]


def register(parent: typer.Typer) -> None:
    """Add `worker` to the command line."""
    parent.add_typer(app, name="worker")


@app.command()
def signals(
    mode: Annotated[
        Mode | None, typer.Option(help="`shadow` decides without telling dialers; default BEHOUDLIJN_MODE.")
    ] = None,
    policy: Annotated[
        str | None, typer.Option(help="Built-in policy, or file; default BEHOUDLIJN_POLICY.")
    ] = None,
    bootstrap: Bootstrap = None,
    metrics_port: _MetricsPort = None,
    idle_timers: Annotated[
        bool,
        typer.Option(
            help="Let time pass on partitions without new events. Off for a demo or a replay of history."
        ),
    ] = True,
    dead_letter_limit: Annotated[
        bool | None,
        typer.Option(
            "--dead-letter-limit/--no-dead-letter-limit",
            help="End when a topic goes bad, or publish all of it as dead letters; default "
            "BEHOUDLIJN_DEAD_LETTER_LIMIT.",
        ),
    ] = None,
) -> None:
    """Read events, keep every customer's signals, publish callback triggers.

    Ends with a code other than 0 on any failure (docs/commands.md), with 65 when a topic has gone bad: too many of its records
    cannot be read.

    Example: behoudlijn worker signals --mode shadow
    """
    from streams.phrases import load_phrases
    from streams.policies import load_policy
    from streams.telemetry.metrics import Metrics
    from streams.workers.fail_point import FailPoint
    from streams.workers.process import run
    from streams.workers.signals import SignalsWorker

    given = {"policy": policy, "mode": mode.value if mode else None}
    if dead_letter_limit is not None:
        given["dead_letter_limit"] = "on" if dead_letter_limit else "off"
    settings = _settings(given | {"bootstrap": bootstrap, "metrics_port": metrics_port})
    chosen = load_policy(settings.policy)
    phrases = load_phrases(settings.language, settings.phrases)
    metrics = Metrics()
    with tempfile.TemporaryDirectory(prefix="behoudlijn-") as data_dir:
        code = run(
            partial(
                SignalsWorker,
                settings,
                chosen,
                phrases,
                metrics,
                data_dir=data_dir,
                idle_timers=idle_timers,
                fail_point=FailPoint(environ.get("BEHOUDLIJN_FAILPOINT", "")),
            ),
            settings,
            metrics,
        )
    end(code)


@app.command()
def sink(bootstrap: Bootstrap = None, metrics_port: _MetricsPort = None) -> None:
    """Write every event and every decision to ClickHouse. An outage there holds this worker's offsets only.

    Example: behoudlijn worker sink
    """
    from sinks.clickhouse.connection import ClickHouse
    from sinks.clickhouse.erasure import ClickHouseEraser
    from sinks.clickhouse.writer import ClickHouseSink
    from streams.telemetry.metrics import Metrics
    from streams.workers.measures import SinkMetrics
    from streams.workers.process import run
    from streams.workers.sink import SinkWorker

    settings = _settings({"bootstrap": bootstrap, "metrics_port": metrics_port})
    metrics = Metrics()
    seen = SinkMetrics(metrics, settings)
    store = ClickHouse(
        settings.clickhouse_dsn.get_secret_value(),
        timeout=settings.sink_timeout_s,
        on_unavailable=seen.unavailable,
    )
    clickhouse = ClickHouseSink(store, batch_rows=settings.sink_batch_rows, on_insert=seen.inserted)
    with tempfile.TemporaryDirectory(prefix="behoudlijn-") as data_dir:
        code = run(
            partial(
                SinkWorker, settings, clickhouse, seen, data_dir=data_dir, eraser=ClickHouseEraser(store)
            ),
            settings,
            metrics,
        )
    end(code)


def _settings(given: dict[str, Any]) -> Settings:
    import structlog

    from streams.telemetry import log

    strange: list[str] = []
    settings = settings_of(tell=strange.append, **given)
    log.configure(settings.log_format, settings.log_level)
    for sentence in strange:
        structlog.get_logger(__name__).warning(sentence)
    return settings
