"""A log that goes into a pipe: read, not read, and read again."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator

import pytest

from streams.telemetry import log


class Pipe:
    """A pipe, and who reads it."""

    def __init__(self) -> None:
        self.reader, writer = os.pipe()
        os.set_blocking(self.reader, False)
        self.stream = os.fdopen(writer, "w")

    def read(self) -> str:
        """All that lies in it."""
        found = b""
        try:
            while piece := os.read(self.reader, 65_536):
                found += piece
        except BlockingIOError:
            pass
        return found.decode()


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pipe]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    made = Pipe()
    monkeypatch.setattr("sys.stderr", made.stream)
    log.configure("json", "info")
    yield made
    root.handlers[:], root.level = handlers, level
    made.read()
    made.stream.close()
    os.close(made.reader)


def say(text: str) -> None:
    logging.getLogger("streams.tests").info(text)


def test_who_reads_gets_every_line(pipe: Pipe) -> None:
    for number in range(100):
        say(f"line {number}")
        assert f"line {number}" in pipe.read()


@pytest.mark.timeout(30)
def test_nobody_is_waited_for_and_what_is_lost_is_counted_and_told(pipe: Pipe) -> None:
    for number in range(1_000):
        say(f"line {number} " + "x" * 100)
    kept = pipe.read()
    lines = kept.count("\n")
    assert 0 < lines < 900
    say("somebody reads again")
    after = pipe.read()
    assert "somebody reads again" in after
    assert f'"lines": {1_000 - lines}' in after
    say("and goes on")
    assert "lost" not in pipe.read()


@pytest.mark.timeout(30)
def test_a_line_longer_than_the_pipe_waits_for_nobody(pipe: Pipe) -> None:
    say("y" * 200_000)
    pipe.read()
    say("behind it")
    assert "behind it" in pipe.read()


def test_a_reader_that_has_gone_is_not_missed(pipe: Pipe) -> None:
    os.close(pipe.reader)
    say("to nobody")
    pipe.reader = os.open(os.devnull, os.O_RDONLY)
