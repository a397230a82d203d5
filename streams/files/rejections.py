"""Lines that no worker could read: how many by reason, and the first of each, without their content."""

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
    examples: dict[str, list[Example]] = field(default_factory=dict)

    def note(self, place: str, reject: Reject) -> None:
        """Count a line."""
        self.counts[reject.code] = self.counts.get(reject.code, 0) + 1
        first = self.examples.setdefault(reject.code, [])
        if len(first) < _SHOWN:
            first.append(Example(place, reject.message))

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.counts.values())

    def sentences(self) -> Iterator[str]:
        """Yield what to tell people, the most frequent reason first."""
        for code, count in sorted(self.counts.items(), key=lambda each: -each[1]):
            yield f"rejected as {code}: {count:,}"
            for place, message in self.examples[code]:
                yield f"  {place}: {message}"
