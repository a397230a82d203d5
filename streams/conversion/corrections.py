"""Events that stand in the order of time, of which an older telling must not come behind the one that corrects it.

Of two tellings of one event without a revision (or of one revision) the later to arrive counts, and in a file that is the later line. Once
lines lie in the order of time, the older one would come later if the correction moved the event back in time: it is left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final, Self

from streams.files.numbers import Numbers
from streams.files.sorting import Sorter

_BEHIND_ID: Final = b',"customer_id":'
"""What follows type and id in an event as a mapping makes it; in an id the quotes are escaped."""
_REVISED: Final = b',"revised_at":"'


class Corrections:
    """Which events are told more than once. Memory holds those only. Close it, or use it in a `with`."""

    def __init__(self) -> None:
        self._told = Numbers()
        self.left_out = 0
        """Tellings that were left out."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._told.close()

    def add(self, event_id: str) -> None:
        """Take note of an event. Raises SpillError."""
        self._told.add(hash(event_id))

    def latest(self, sorter: Sorter) -> Iterator[bytes]:
        """Return the lines of a sorter in order, but for those behind a later telling. Raises SpillError."""
        again = {told for part in self._told.parts() for told, count in Counter(part).items() if count > 1}
        return self._but_for_older(sorter.arrivals(), again) if again else sorter.lines()

    def _but_for_older(self, lines: Iterable[tuple[int, str, bytes]], again: set[int]) -> Iterator[bytes]:
        newest: dict[tuple[bytes, bytes], int] = {}
        for arrival, event_id, line in lines:
            if hash(event_id) in again:
                key = line[: line.find(_BEHIND_ID)], line.partition(_REVISED)[2].partition(b'"')[0]
                if newest.get(key, -1) > arrival:
                    self.left_out += 1
                    continue
                newest[key] = arrival
            yield line
