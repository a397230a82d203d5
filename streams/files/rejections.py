"""Lines that no worker could read: how many by reason, and the first of each, without their content."""

from bisect import insort
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from streams.core.records import Reject

MOST_REJECTED: Final = 0.01
"""From this share of rejected lines on, files are not fit to be used."""
_SHOWN: Final = 3
"""So many lines are shown of each reason."""


class Example(NamedTuple):
    """A rejected line."""

    place: str
    message: str


@dataclass(slots=True)
class Rejections:
    """What was rejected, by reason code (as of dead letters)."""

    counts: dict[str, int] = field(default_factory=dict)
    _first: dict[str, list[tuple[str, int, str]]] = field(default_factory=dict)
    """Files, lines and messages."""

    def note(self, file: str, number: int, reject: Reject) -> None:
        """Count a line; lines may come in any order."""
        self.counts[reject.code] = self.counts.get(reject.code, 0) + 1
        first = self._first.setdefault(reject.code, [])
        insort(first, (file, number, reject.message))
        del first[_SHOWN:]

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.counts.values())

    @property
    def examples(self) -> dict[str, list[Example]]:
        """The first lines of each reason, by file and line."""
        return {
            code: [Example(f"{file}:{number}", message) for file, number, message in first]
            for code, first in sorted(self._first.items())
        }

    def sentences(self) -> Iterator[str]:
        """Yield what to tell people, the most frequent reason first."""
        examples = self.examples
        for code, count in sorted(self.counts.items(), key=lambda each: (-each[1], each[0])):
            yield f"rejected as {code}: {count:,}"
            for place, message in examples[code]:
                yield f"  {place}: {message}"
