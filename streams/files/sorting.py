"""More lines than memory holds, put in order: sorted runs in temporary files, merged. Owns nothing of what a line means."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from heapq import merge
from tempfile import TemporaryFile
from types import TracebackType
from typing import IO, Final, Self

from streams.files.spill import told

RUN_BYTES: Final = 67_108_864
"""So much is held in memory, roughly, before it goes to a file."""
_MOST_RUNS: Final = 64
_OVERHEAD: Final = 64
"""Bytes of a line beside its own: Python's object and its place in a list."""


class Sorter:
    """Takes lines (without a zero byte or a line end) in any order and gives them by time, then name, then arrival.

    A context manager: its files go away with it. Raises SpillError when the disk is full.
    """

    def __init__(self, run_bytes: int = RUN_BYTES) -> None:
        self._run_bytes = run_bytes
        self._held: list[bytes] = []
        self._size = 0
        self._count = 0
        self._runs: list[IO[bytes]] = []
        self._files = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._files.close()

    def __len__(self) -> int:
        return self._count

    def add(self, at: int, name: str, data: bytes) -> None:
        """Take a line: `at` (ms, from 0) and `name` decide its place."""
        self._count += 1
        line = b"%015d%b\x00%012d\x00%b\n" % (at, name.encode(), self._count, data)
        self._held.append(line)
        self._size += len(line) + _OVERHEAD
        if self._size >= self._run_bytes:
            with told():
                self._spill()

    def lines(self) -> Iterator[bytes]:
        """Yield all lines in order, with their ends. Once."""
        for line in self._ordered():
            yield line[line.rindex(b"\x00") + 1 :]

    def arrivals(self) -> Iterator[tuple[int, bytes]]:
        """Yield all lines in order, with their ends, and of each which it was to come. Once."""
        for line in self._ordered():
            begin = line.rindex(b"\x00")
            yield int(line[begin - 12 : begin]), line[begin + 1 :]

    def _ordered(self) -> Iterator[bytes]:
        self._held.sort()
        with told():
            yield from merge(*self._runs, self._held) if self._runs else self._held

    def _spill(self) -> None:
        self._held.sort()
        self._keep(iter(self._held))
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
