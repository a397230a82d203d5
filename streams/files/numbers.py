"""Many numbers that are counted in the end: how many are different, how often each occurs. Memory holds few of them."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import Final, Self

from streams.files.spill import Spill

_PARTS: Final = 256
_PENDING: Final = 65_536
_MOST_BYTES: Final = 8 * 1_048_576


class Numbers:
    """A bag of numbers of 64 bits with a sign, such as `hash` gives. Close it, or use it in a `with`."""

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._spill: Spill[int] = Spill(most_bytes)
        self._pending = array("q")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Forget everything."""
        self._spill.close()

    def add(self, number: int) -> None:
        """Add a number. Raises SpillError."""
        self._pending.append(number)
        if len(self._pending) == _PENDING:
            self._sort_out()

    def parts(self) -> Iterator[array[int]]:
        """Yield all numbers in parts; equal ones are in the same part. Raises SpillError."""
        self._sort_out()
        for key in range(_PARTS):
            part = array("q")
            with self._spill.read(key) as stream:
                part.frombytes(stream.read())
            yield part

    def different(self) -> int:
        """Return how many different numbers there are. Raises SpillError."""
        return sum(len(set(part)) for part in self.parts())

    def _sort_out(self) -> None:
        parts = [array("q") for _ in range(_PARTS)]
        add_to = [part.append for part in parts]
        for number in self._pending:
            add_to[number % _PARTS](number)
        for key, part in enumerate(parts):
            if part:
                self._spill.append(key, part.tobytes())
        self._pending = array("q")
