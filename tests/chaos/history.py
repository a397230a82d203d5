"""What the topics have ever held: the pieces that a deletion or retention took away, and which of them no worker has read.

Owns the memory of logs that Kafka has forgotten; a piece is handed in before it goes. It must not read Kafka.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from streams.core.records import Record

Logs = Mapping[str, Sequence[Record]]
"""Records by plain topic name, each partition in offset order."""

Lives = Mapping[str, Sequence[Sequence[Record]]]
"""The same, each topic from its making to its deletion: within one life no offset comes twice."""


class Place(NamedTuple):
    """Where a record lies or lay. `topic` without prefix; `life` counts how often the topic was made anew before."""

    topic: str
    life: int
    partition: int
    offset: int


class History:
    """Of one run. What is unread and what is in doubt is so for the signals workers: the sink has read all that was taken."""

    def __init__(self) -> None:
        self._taken: dict[str, list[list[Record]]] = defaultdict(lambda: [[]])
        self.unread: set[Place] = set()
        """Records that retention took before they were read."""
        self.doubtful: set[Place] = set()
        """Records of which nobody outside can say whether they were read before their topic was deleted."""
        self.lost: Counter[tuple[str, int]] = Counter()
        """By topic and partition how many offsets retention took unread."""

    def life(self, name: str) -> int:
        """How often a topic was made anew."""
        return len(self._taken[name]) - 1

    @property
    def made_anew(self) -> set[str]:
        """Topics of more than one life."""
        return {name for name in self._taken if self.life(name)}

    def take(self, name: str, records: Iterable[Record]) -> None:
        """Keeps records of the present life that are about to go."""
        self._taken[name][-1] += records

    def begin_anew(self, name: str) -> None:
        """A topic was deleted, what it held was taken, and it was made again."""
        self._taken[name].append([])

    def place(self, name: str, record: Record) -> Place:
        """Where a record of the present life lies."""
        return Place(name, self.life(name), record.partition, record.offset)

    def lives(self, present: Logs) -> Lives:
        """All that the topics of `present` have ever held."""
        return {
            name: [*self._taken[name][:-1], [*self._taken[name][-1], *records]]
            for name, records in present.items()
        }

    def all(self, present: Logs) -> dict[str, list[Record]]:
        """The same without the borders of lives."""
        return {name: [r for life in each for r in life] for name, each in self.lives(present).items()}

    def read(self, present: Logs) -> dict[str, list[Record]]:
        """What the signals workers have read for sure."""
        gone = self.unread | self.doubtful
        return self._those(present, lambda place: place not in gone)

    def at_most_read(self, present: Logs) -> dict[str, list[Record]]:
        """What the signals workers may have read."""
        return self._those(present, lambda place: place not in self.unread)

    def in_doubt(self, present: Logs) -> dict[str, list[Record]]:
        """What they may have read or not."""
        return self._those(present, self.doubtful.__contains__)

    def _those(self, present: Logs, wanted: Callable[[Place], bool]) -> dict[str, list[Record]]:
        return {
            name: [record for place, record in self._placed(name, records) if wanted(place)]
            for name, records in present.items()
        }

    def _placed(self, name: str, present: Sequence[Record]) -> Iterator[tuple[Place, Record]]:
        for number, life in enumerate(self.lives({name: present})[name]):
            for record in life:
                yield Place(name, number, record.partition, record.offset), record
