"""Where the logs of our partitions end, by the brokers' last word, and where a transaction holds up what lies behind it.

Owns how old that word may be, and since when a log's stable end has stood still although records lie beyond it. A reader that takes
committed records only gets no further than the stable end, so its lag alone would say that all is well. It must not ask the brokers
(`fetching` does) nor decide what may be read (`lane`, by fetch responses).
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final, NamedTuple

import structlog

from streams.lane.micro_batch import TP
from streams.telemetry.amounts import amount

log = structlog.get_logger(__name__)

_FRESH_MS: Final = 3_000
"""A word of the brokers that is older is asked for anew: while fetching is paused no response comes."""
_STANDS_SECONDS: Final = 60.0
"""An open transaction of this age is told: a producer's time-out, after which Kafka ends it, is a minute unless somebody raised it."""


class LogEnd(NamedTuple):
    """Where a log ends. `at`: when the brokers said so, in ms since the epoch."""

    high_watermark: int
    stable: int
    """The last stable offset: from here on an open transaction may still be taken back; `high_watermark` where there is none."""
    at: int = 0


class Held(NamedTuple):
    """Records behind the beginning of an open transaction."""

    tp: TP
    offset: int
    """Where the transaction begins."""
    records: int
    """Offsets from there to the log's end."""
    seconds: float
    """How long it has stood there, as far as we have seen."""

    @property
    def stands(self) -> bool:
        """Whether this is longer than a transaction of a producer that lives should take."""
        return self.seconds >= _STANDS_SECONDS

    def __str__(self) -> str:
        return (
            f"{self.tp.topic}, partition {self.tp.partition}: a transaction has been open at offset {self.offset} for "
            f"{amount(round(self.seconds), 'second')}, and {amount(self.records, 'record')} from there on cannot be read before it ends"
        )


class LogEnds:
    """Of the partitions of one worker. Times are seconds of a steady clock, unless they are called ms."""

    def __init__(self) -> None:
        self._ends: dict[TP, LogEnd] = {}
        self._since: dict[TP, tuple[int, float]] = {}
        self._told: dict[TP, int] = {}

    def forget(self) -> None:
        """Drop what the brokers said: after a rebalance. Since when a transaction stands is kept, for partitions that come back."""
        self._ends.clear()

    def tell(self, ends: Mapping[TP, LogEnd], now: float) -> None:
        """Take what the brokers say; the later word counts."""
        for tp, end in ends.items():
            known = self._ends.get(tp)
            if known is not None and end.at < known.at:
                continue
            self._ends[tp] = end
            if end.stable >= end.high_watermark:
                self._since.pop(tp, None)
            elif self._since.get(tp, (-1, 0.0))[0] != end.stable:
                self._since[tp] = end.stable, now

    def of(self, tp: TP) -> int | None:
        """Return where reading of a partition ends at present, None while nobody has said so."""
        end = self._ends.get(tp)
        return None if end is None else end.stable

    def known_up_to(self, tp: TP, now: float) -> int | None:
        """Return up to when (ms) the stable end tells of all that was written: before an open transaction as far as we have seen it. None
        while nobody has said where the log ends."""
        end = self._ends.get(tp)
        if end is None or end.stable >= end.high_watermark:
            return None if end is None else end.at
        return end.at - round((now - self._since[tp][1]) * 1000)

    def stale(self, partitions: Collection[TP], now_ms: int) -> list[TP]:
        """Return those of `partitions` of whose end the brokers' word is old, or whose end is not known yet."""
        return [
            tp
            for tp in partitions
            if (end := self._ends.get(tp)) is None or not 0 <= now_ms - end.at <= _FRESH_MS
        ]

    def held(self, now: float) -> Iterator[Held]:
        """Yield what open transactions hold up, however short."""
        for tp, end in self._ends.items():
            if end.stable < end.high_watermark:
                since = self._since[tp][1]
                yield Held(tp, end.stable, end.high_watermark - end.stable, max(0.0, now - since))

    def words(self, now: float) -> list[str]:
        """Return a sentence for each transaction that stands."""
        return [str(each) for each in self.held(now) if each.stands]

    def watch(self, partitions: Collection[TP], now: float) -> None:
        """Log a transaction that stands, and that one ended: once each. `partitions`: those that are ours."""
        for tp in self._since.keys() - set(partitions):
            del self._since[tp]
        standing = {each.tp: each for each in self.held(now) if each.stands}
        for tp, each in standing.items():
            if self._told.get(tp) != each.offset:
                log.warning(
                    "a transaction stays open: what lies behind it cannot be read",
                    action=f"kafka-transactions.sh find-hanging --topic {tp.topic} --partition {tp.partition} names its producer; "
                    f"abort --topic {tp.topic} --partition {tp.partition} --start-offset {each.offset} ends it",
                    seconds=round(each.seconds),
                    records=each.records,
                    offset=each.offset,
                    **_place(tp),
                )
        for tp in self._told.keys() - standing.keys():
            if tp in partitions:
                log.info("the transaction that stood open has ended", offset=self._told[tp], **_place(tp))
        self._told = {tp: each.offset for tp, each in standing.items()}


def _place(tp: TP) -> dict[str, Any]:
    return {"topic": tp.topic, "partition": tp.partition}
