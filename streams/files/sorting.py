"""More lines than memory holds, put in order: sorted runs in temporary files, merged. Owns nothing of what a line means."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from heapq import merge
from operator import itemgetter
from tempfile import TemporaryFile
from types import TracebackType
from typing import IO, Final, Self

from streams.files.spill import told

RUN_BYTES: Final = 67_108_864
"""So much is held in memory, roughly, before it goes to a file."""
_MOST_RUNS: Final = 64
_OVERHEAD: Final = 256
"""Bytes of a line beside its own: Python's objects around it."""


_TIME_DIGITS: Final = 15
_ARRIVAL_DIGITS: Final = 12
_place: Final = itemgetter(0, 1)


def _place_of_arrived(arrived: tuple[int, tuple[int, str, bytes]]) -> tuple[int, str]:
    return arrived[1][:2]


class Sorter:
    """Takes lines (without a zero byte or a line end) in any order and gives them by time, then name, then arrival.

    A context manager: its files go away with it. Raises SpillError when the disk is full.
    """

    def __init__(self, run_bytes: int = RUN_BYTES) -> None:
        self._run_bytes = run_bytes
        self._held: list[tuple[int, str, bytes]] = []
        self._size = 0
        self._count = 0
        """How many lines are in files."""
        self._runs: list[IO[bytes]] = []
        self._files = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._files.close()

    def __len__(self) -> int:
        return self._count + len(self._held)

    def add(self, placed: tuple[int, str, bytes]) -> None:
        """Take a line, with the time (ms, from 0) and the name that decide its place."""
        self._held.append(placed)
        self._size += len(placed[2]) + _OVERHEAD
        if self._size >= self._run_bytes:
            with told():
                self._spill()

    def lines(self) -> Iterator[bytes]:
        """Yield all lines in order, with their ends. Once."""
        self._held.sort(key=_place)
        if not self._runs:
            for _, _, data in self._held:
                yield data + b"\n"
            return
        for line in self._merged():
            yield line[line.rindex(b"\x00") + 1 :]

    def arrivals(self) -> Iterator[tuple[int, str, bytes]]:
        """Yield all lines in order, with their ends, and before each which it was to come, and its name. Once."""
        for line in self._merged():
            begin = line.rindex(b"\x00")
            name = line[_TIME_DIGITS : begin - _ARRIVAL_DIGITS - 1].decode()
            yield int(line[begin - _ARRIVAL_DIGITS : begin]), name, line[begin + 1 :]

    def _merged(self) -> Iterator[bytes]:
        with told():
            yield from merge(*self._runs, self._placed())

    def _placed(self) -> Iterator[bytes]:
        """Yield what is held in order, with its place before it, so that bytes are compared as places are."""
        arrived = sorted(enumerate(self._held, self._count), key=_place_of_arrived)
        for number, (at, name, data) in arrived:
            yield b"%015d%b\x00%012d\x00%b\n" % (at, name.encode(), number, data)

    def _spill(self) -> None:
        self._keep(self._placed())
        self._count += len(self._held)
        self._held, self._size = [], 0
        if len(self._runs) >= _MOST_RUNS:
            runs, self._runs = self._runs, []
            self._keep(merge(*runs))
            for run in runs:
                run.close()

    def _keep(self, lines: Iterator[bytes]) -> None:
        run: IO[bytes] = self._files.enter_context(TemporaryFile(prefix="behoudlijn-sort-"))  # noqa: SIM115
        run.writelines(lines)
        run.seek(0)
        self._runs.append(run)
