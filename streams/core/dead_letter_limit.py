"""The limit of dead letters: after how many rejects of one topic a worker stops instead of publishing more.

Owns the counting, per topic of a partition, and the verdict. It must not read a clock or publish. A producer
that changes its format by mistake would else drain its topic into the dead letters, while nobody is called.

Two numbers are kept of a topic. The *run*: rejects since the last event that could be read. The *ratio*: the
share of rejects, each record weighing 1/2,000 and what was before 1 - 1/2,000 (about the last 2,000 records);
a topic begins at 0. Events of nobody count as neither. Only a reject trips a limit. A record below the offset
up to which was counted is read again and does not count twice.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from streams.core.records import Decoded

WINDOW: Final = 2_000
"""Records over which the ratio is taken, roughly: the weight of a record is one part of it."""


class DeadLetterLimitError(Exception):
    """A topic has gone bad; the worker ends with the batch unacknowledged and nothing of it published."""


class Tally(NamedTuple):
    """What was counted of one topic of a partition. `offset`: counted up to here."""

    offset: int = 0
    run: int = 0
    ratio: float = 0.0


Tallies = Mapping[str, Tally]
"""By topic. One that never had a reject is not in it."""


@dataclass(frozen=True, slots=True)
class DeadLetterLimit:
    """How much is allowed. `max_run`: rejects in a row; `max_ratio`: share of rejects, 0-1.

    With `on` false an operator lets it go on: nothing is counted, and the count begins anew afterwards.
    """

    max_run: int = 500
    max_ratio: float = 0.5
    on: bool = True

    def count(self, records: Sequence[Decoded], before: Tallies) -> Tallies:
        """Return the tallies after `records` of one partition. Raises `DeadLetterLimitError` at the first reject too many."""
        if not before and all(decoded.reject is None for decoded in records):
            return before
        counted = {topic: list(tally) for topic, tally in before.items()}
        for decoded in records:
            record, fine, anonymous = decoded.record, decoded.reject is None, decoded.anonymous
            numbers = counted.get(record.topic)
            if numbers is None:
                if fine:
                    continue
                numbers = counted[record.topic] = [0, 0, 0.0]
            if record.offset < numbers[0] or anonymous:
                continue
            numbers[0] = record.offset + 1
            if not self.on:
                numbers[1:] = 0, 0.0
            elif fine:
                numbers[1] = 0
                numbers[2] -= numbers[2] / WINDOW
            else:
                numbers[1] += 1
                numbers[2] += (1.0 - numbers[2]) / WINDOW
                self._check(decoded, int(numbers[1]), numbers[2])
        return from_rows(
            (topic, int(offset), int(run), ratio) for topic, (offset, run, ratio) in counted.items()
        )

    def used(self, tallies: Tallies) -> dict[str, float]:
        """Return how much of the limit each topic has used up, 0-1."""
        return {
            topic: max(tally.run / self.max_run, tally.ratio / self.max_ratio)
            for topic, tally in tallies.items()
        }

    def _check(self, decoded: Decoded, run: int, ratio: float) -> None:
        if run <= self.max_run and ratio <= self.max_ratio:
            return
        what = (
            f"{run} records in a row (BEHOUDLIJN_DEAD_LETTER_MAX_RUN={self.max_run})"
            if run > self.max_run
            else f"{ratio:.0%} of the last records (BEHOUDLIJN_DEAD_LETTER_MAX_RATIO={self.max_ratio:g})"
        )
        record, reject = decoded.record, decoded.reject
        raise DeadLetterLimitError(
            f"{record.topic} has gone bad: {what} cannot be read as events, the last one at partition "
            f"{record.partition}, offset {record.offset}: {reject.code if reject else 'unknown'}. Nothing of "
            "this batch was published or acknowledged. Repair the producer, or bring this program up to its "
            "format, and start the worker again. To publish them all as dead letters and go on: `worker "
            "signals --no-dead-letter-limit`, or BEHOUDLIJN_DEAD_LETTER_LIMIT=off"
        )


def differs(before: Tallies, after: Tallies) -> bool:
    """Return whether a restart should know of `after`: a reject was counted, or a run has ended."""
    return {topic: tally.run for topic, tally in before.items()} != {
        topic: tally.run for topic, tally in after.items()
    }


def without(tallies: Tallies, topic: str) -> Tallies:
    """Return the tallies when the log of `topic` begins anew: its offsets say nothing of what was counted.

    >>> without({"a": Tally(9, 2, 0.1), "b": Tally(4)}, "a")
    {'b': Tally(offset=4, run=0, ratio=0.0)}
    """
    return {name: tally for name, tally in tallies.items() if name != topic}


def as_rows(tallies: Tallies) -> tuple[tuple[str, int, int, float], ...]:
    """Plain values for the changelog."""
    return tuple((topic, *tally) for topic, tally in sorted(tallies.items()))


def from_rows(rows: Iterable[tuple[str, int, int, float]]) -> dict[str, Tally]:
    """Return the tallies of what `as_rows` made."""
    return {topic: Tally(offset, run, ratio) for topic, offset, run, ratio in rows}
