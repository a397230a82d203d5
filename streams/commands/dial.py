"""`behoudlijn dial`: the reference dialer on the command line. It shows what came of the attempts and
decides nothing.
"""

from __future__ import annotations

import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streams.commands.ending import fail
from streams.commands.options import Bootstrap, settings_of
from streams.commands.screen import Screen, listing, whole, words

if TYPE_CHECKING:
    from rich.table import Table


class ClockChoice(StrEnum):
    """Which time the dialer lives in."""

    WALL = "wall"
    TRIGGER = "trigger"


def register(app: typer.Typer) -> None:
    """Add `dial` to the command line."""
    app.command()(dial)


def dial(
    from_beginning: Annotated[
        bool,
        typer.Option("--from-beginning", help="Begin with the oldest trigger, not with the next new one."),
    ] = False,
    until_idle: Annotated[
        float | None,
        typer.Option("--until-idle", min=0.1, help="End when no trigger came for so many seconds."),
    ] = None,
    clock: Annotated[
        ClockChoice,
        typer.Option(
            "--clock", help="`trigger`: the time that the triggers tell, for replayed or simulated events."
        ),
    ] = ClockChoice.WALL,
    simulate_outcomes: Annotated[
        bool,
        typer.Option(
            "--simulate-outcomes",
            help="Do so on another broker than that of `up` or `demo` too: made-up outcomes end the episodes there.",
        ),
    ] = False,
    bootstrap: Bootstrap = None,
) -> None:
    """Take callback triggers, simulate the calls, answer with outcomes. Ctrl-C ends it.

    A reference for your own dialer, not one for real calls: nobody is dialled, and what it reports is made up. So it refuses any
    broker but that of `up` and `demo` without --simulate-outcomes, and its outcomes say `SIMULATED` as `raw_disposition`, and
    `behoudlijn/dial` in the header `ce_source`. It drops repeats by (id, sequence) and keeps to the windows in which a customer may be
    called, for each attempt, to expiry, retraction and priority.

    Example: behoudlijn dial --from-beginning --until-idle 10
    """
    from streams.demo.dial import ReferenceDialer, is_embedded

    settings = settings_of(bootstrap)
    if not simulate_outcomes and not is_embedded(settings):
        fail(
            f"{settings.kafka_bootstrap} is not the embedded stack: what `dial` reports is made up, and would end episodes of real "
            "customers whom nobody has called. Say --simulate-outcomes if that is what you want"
        )
    dialer = ReferenceDialer(
        settings, clock=clock.value, from_beginning=from_beginning, until_idle_s=until_idle
    )
    with _stopped_by_signal() as stop:
        counts = dialer.run(stop)
    Screen().print(_table(counts, dialer.waiting))


@contextmanager
def _stopped_by_signal() -> Iterator[threading.Event]:
    stop = threading.Event()

    def end(*_: Any) -> None:
        stop.set()

    if threading.current_thread() is not threading.main_thread():
        yield stop  # signals belong to the main thread: whoever runs us in another ends us otherwise
        return
    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


_ROWS = (
    ("new", "triggers taken"),
    ("updated", "updates"),
    ("ended", "ended by the pipeline"),
    ("repeat", "repeats dropped"),
    ("unreadable", "unreadable"),
    ("attempts", "attempts"),
    ("ANSWERED_HUMAN", "  customer reached"),
    ("NO_ANSWER", "  no answer"),
    ("BUSY", "  busy"),
    ("MACHINE", "  machine"),
    ("CALLBACK_LATER", "  call back later"),
    ("DO_NOT_CALL", "  objected to calls"),
    ("INVALID_NUMBER", "  no valid number"),
    ("too_late", "expired before an attempt"),
    ("given_up", "given up after the last attempt"),
)


def _table(counts: Counter[str], waiting: int) -> Table:
    table = listing(words("simulated calls"), whole("number", right=True))
    for name, text in _ROWS:
        if counts[name] or name in ("new", "attempts"):
            table.add_row(text, f"{counts[name]:,}")
    table.add_row("still waiting", f"{waiting:,}")
    return table
