"""Lines of libraries that repeat, and troubles that last."""

from __future__ import annotations

import logging
from typing import Any

import structlog
from structlog.testing import capture_logs

from streams.telemetry.repeats import Repeats
from streams.telemetry.trouble import Trouble


class Lines:
    """A log with a clock of its own."""

    def __init__(self) -> None:
        self.now = 0.0
        self.repeats = Repeats(["streams"], clock=lambda: self.now)
        self.written: list[str] = []

    def say(
        self, message: str, *args: Any, name: str = "aiokafka", level: int = logging.ERROR, **more: Any
    ) -> None:
        record = logging.LogRecord(name, level, "file", 1, message, args, more.get("exc_info"))
        if self.repeats(record):
            self.written.append(record.getMessage())


def test_one_of_a_kind_is_written_a_minute_with_how_many_were_left_out() -> None:
    lines = Lines()
    for _ in range(300):
        lines.say("Failed fetch messages from %s: %s", 1, "[Errno 111]")
        lines.now += 0.25
    assert lines.written == [
        "Failed fetch messages from 1: [Errno 111]",
        "Failed fetch messages from 1: [Errno 111] (239 more like it before)",
    ]


def test_other_kinds_levels_and_loggers_are_lines_of_their_own() -> None:
    lines = Lines()
    for name in ("aiokafka", "faust"):
        for level in (logging.WARNING, logging.ERROR):
            lines.say("gone", name=name, level=level)
    lines.say("gone again")
    assert len(lines.written) == 5


def test_what_a_library_has_filled_in_itself_is_one_kind_for_all_figures() -> None:
    lines = Lines()
    for number in range(50):
        lines.say(f"Unable to connect to node {number} at 0x{number:x}: 'h{number}'")
    assert len(lines.written) == 1


def test_ours_and_what_is_critical_are_always_written_a_traceback_once_for_each_failure() -> None:
    lines = Lines()
    for _ in range(3):
        lines.say("worker failed", name="streams.workers.process")
        lines.say("the end", level=logging.CRITICAL)
        for failure in (ValueError("why"), KeyError("what")):
            lines.say("crashed", exc_info=(type(failure), failure, None))
    assert len(lines.written) == 3 + 3 + 2


def test_kinds_are_forgotten_before_they_fill_the_memory() -> None:
    lines = Lines()
    for number in range(5_000):
        lines.say("".join(chr(97 + int(digit)) for digit in str(number)))
    assert len(lines.repeats._told) <= 1_000


def test_a_trouble_is_told_when_it_begins_and_when_it_is_over() -> None:
    with capture_logs() as said:
        trouble = Trouble(structlog.get_logger(), "away", "back")
        for _ in range(2):
            trouble.over()
            for reason in ("refused", "refused", "timed out"):
                trouble.tell(reason, partitions=2)
            trouble.over()
    assert [(each["event"], each.get("reason")) for each in said] == [("away", "refused"), ("back", None)] * 2
