"""The bound of partition time: nothing moves it further than the tolerance beyond the brokers' time (decision 26).

Owns which records are suspect, what becomes of them, and whether a partition has leapt already. It must not tell the time: produce answers
do (`streams.state.broker_time`). Kafka's time of a record bounds its event (`core.decode`), but where a producer sets that time both may lie
in the future; such an event would take away every state of its partition, and hide all that come after.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import structlog

from streams.core.decode import ahead_of_broker
from streams.core.records import REJECTED_AT, Decoded, Record
from streams.state.broker_time import BrokerTime, most_ahead_ms
from streams.state.store import SignalsStore
from streams.telemetry.amounts import amount

log = structlog.get_logger(__name__)

MOST_AHEAD_MS: Final = 24 * 3_600_000
"""A partition that is ahead by less goes on: it is right again within a day, and a broker's clock that was corrected does no more."""


class LeapError(Exception):
    """A partition's time lies in the future: its events would be taken for late, and its states for old."""


class TimeBound:
    """Of one worker. `tolerance_ms`: how far an event may be ahead."""

    def __init__(
        self,
        time: BrokerTime,
        tolerance_ms: int,
        decode: Callable[[Record], Decoded],
        ask: Callable[[SignalsStore], Awaitable[None]],
    ) -> None:
        """`decode` reads a record again. `ask` writes to a partition's changelog, so that `time` has a new answer."""
        self._time = time
        self._most_ms = most_ahead_ms(tolerance_ms)
        self._decode = decode
        self._ask = ask

    def set_aside(self, partition: int, records: Sequence[Decoded]) -> list[Decoded]:
        """Return the records, as they go into the merge: a suspect one as if it had no time, so that it keeps no other back."""
        latest = self._latest(partition)
        return [
            each if each.at <= latest and each.record.timestamp <= latest else each._replace(at=REJECTED_AT)
            for each in records
        ]

    async def settle(self, partition: SignalsStore, records: Sequence[Decoded]) -> Sequence[Decoded]:
        """Return the records with those that were set aside as they are to be judged: an event after all, or a reject.

        This machine may have slept since the last answer, so the broker is asked first. Raises what `ask` raises.
        """
        aside = [n for n, each in enumerate(records) if each.at < 0 and each.event is not None]
        if not aside:
            return records
        await self._ask(partition)
        latest = self._latest(partition.number)
        settled = list(records)
        for number in aside:
            suspect = records[number]
            decoded = self._decode(suspect.record)._replace(origin=suspect.origin)
            beyond = decoded.at > latest or decoded.record.timestamp > latest
            settled[number] = ahead_of_broker(decoded) if beyond and decoded.event is not None else decoded
        return settled

    def check(self, partition: SignalsStore) -> None:
        """Tell of a recovered partition that has leapt; raises `LeapError` when it has by more than a day."""
        ahead = self._time.ahead_ms(partition.number, partition.clock.now)
        if ahead <= self._most_ms:
            return
        text = (
            f"the time of partition {partition.number} is {_span(ahead)} ahead of the brokers' time: an event of the future, or a broker's "
            "clock that was wrong, has moved it"
        )
        if ahead - self._most_ms > MOST_AHEAD_MS:
            raise LeapError(
                f"{text}. Its events would be dropped as beyond the horizon. `behoudlijn state check` shows it, "
                f"`behoudlijn state repair --partition {partition.number}` rebuilds its states from what topics hold"
            )
        log.error("partition time is ahead of the brokers' time", partition=partition.number, reason=text)

    def _latest(self, partition: int) -> int:
        return self._time.now(partition) + self._most_ms


def _span(ms: int) -> str:
    days, hours = divmod(ms // 3_600_000, 24)
    return amount(days, "day") if days else amount(hours, "hour") if hours else amount(ms // 1000, "second")
