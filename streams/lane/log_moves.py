"""Where reading begins, and begins anew when a log does not hold the position from which it was to be read on.

Owns what happens then, and what is said of it. Retention may pass a reader that is slow; a topic may be made anew, restored, or
lose its end in an unclean election. The Kafka client would go elsewhere without a word, and offsets alone cannot tell a topic
that was made anew and has grown since: so the id of the topic goes with each commit. It must not fetch, nor commit: the lane
holds the new position, and the consumer commits what the lane says.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence, Set
from typing import Any, NamedTuple, Protocol

import structlog
from aiokafka.errors import KafkaError

from streams.lane.lane import Lane
from streams.lane.micro_batch import TP, Moved
from streams.telemetry.trouble import Trouble

log = structlog.get_logger(__name__)

TopicIds = Callable[[Collection[str]], Awaitable[Mapping[str, str]]]
"""Asks the brokers for the ids of topics; without those that are not known."""


class Committed(NamedTuple):
    """What a group left of one partition. `topic_id`: of the topic that was read, empty when it is not known."""

    offset: int | None = None
    topic_id: str = ""


class Logs(Protocol):
    """What is asked of the Kafka client, which a `LaneConsumerThread` answers."""

    async def first_offsets(self, partitions: Iterable[TP]) -> Mapping[TP, int]:
        """Return where each log begins."""

    async def last_offsets(self, partitions: Iterable[TP]) -> Mapping[TP, int]:
        """Return where each log ends."""

    async def begin_at(self, positions: Mapping[TP, int]) -> None:
        """Read on from these positions."""


class LogMoves:
    """The logs of one consumer. `on_moved` hears at once of each that is begun anew; `on_told` after it was logged, which waits until
    the group has the new position: else whoever has the partition next finds the same and tells it again.
    """

    def __init__(
        self,
        lane: Lane[Any],
        logs: Logs,
        topic_ids: TopicIds,
        on_moved: Callable[[Moved], None],
        on_told: Callable[[Moved], None],
    ) -> None:
        self._lane = lane
        self._logs = logs
        self._ask_ids = topic_ids
        self._on_moved = on_moved
        self._on_told = on_told
        self._untold: dict[TP, Moved] = {}
        self._trouble = Trouble(log, "where logs begin is not known", "where logs begin is known again")
        self._outside: dict[TP, int] = {}
        self._anew: set[TP] = set()
        self._suspect: set[TP] = set()
        self._short: Mapping[TP, tuple[int, int]] = {}
        self.ids: dict[TP, str] = {}
        """Of which topic each partition is read."""

    @property
    def waiting(self) -> Set[TP]:
        """Nothing may be fetched of these: what they hold now has another place in the log than what is under work."""
        return self._outside.keys()

    async def begin(self, committed: Mapping[TP, Committed]) -> Mapping[TP, int]:
        """Begin with a new assignment; return where each partition is read from."""
        self._outside.clear()
        self._anew.clear()
        self._suspect.clear()
        self._untold.clear()
        self._short = {}
        now = await self._ask_ids({tp.topic for tp in committed})
        known = {tp: now.get(tp.topic, each.topic_id) for tp, each in committed.items()}
        self.ids = {tp: topic_id for tp, topic_id in known.items() if topic_id}
        first = await self._logs.first_offsets(committed)
        moved = {}
        for tp, each in committed.items():
            anew = differ(each.topic_id, now.get(tp.topic, ""))
            if each.offset is not None and (anew or each.offset < first[tp]):
                moved[tp] = Moved(tp, each.offset, first[tp], -1, anew)
        start = {
            tp: first[tp] if tp in moved or each.offset is None else each.offset
            for tp, each in committed.items()
        }
        await self._logs.begin_at(start)
        ends = await self._logs.last_offsets(moved)
        for tp, away in moved.items():
            self._begun(away._replace(end=ends[tp]))
        return start

    def note(self, outside: Mapping[TP, int]) -> None:
        """Take partitions with the position that the broker refused."""
        self._outside.update(outside)

    async def look(self, told: Mapping[TP, tuple[int, int]]) -> None:
        """Ask for the ids of the topics, and note those that were made anew, and of logs that end before our position.

        `told`: position and end of each partition, by the last response. Kafka refuses a position beyond the end; other brokers
        answer with nothing. A new leader may lag for a moment, so an end counts that was the same at the last look; one that has no
        followers in sync lags for as long as that, so the leader is asked once more before anything is read again.
        """
        epoch, now = self._lane.epoch, await self._ask_ids(self._lane.topics)
        if self._lane.epoch != epoch:
            return
        self._compare(now)
        short = {tp: each for tp, each in told.items() if each[0] > each[1]}
        same = {tp: at for tp, (at, end) in short.items() if self._short.get(tp) == (at, end)}
        self._suspect |= same.keys() - self._outside.keys()
        self.note(same)
        self._short = short

    def _compare(self, now: Mapping[str, str]) -> None:
        for tp in self._lane.assignment.committed:
            new = now.get(tp.topic)
            if new and differ(self.ids.setdefault(tp, new), new):
                self._anew.add(tp)
                self._outside.setdefault(tp, self._lane.position(tp))

    async def settle(self) -> Sequence[TP]:
        """Begin anew with those of which everything that was read is acknowledged, and return them. Call it under the lock of
        positions.
        """
        epoch, ours = self._lane.epoch, self._lane.assignment.committed
        ready = [tp for tp in self._outside if tp in ours and self._lane.settled(tp)]
        if not ready:
            return ()
        now = await self._ask_ids({tp.topic for tp in ready})
        try:
            first, last = await self._logs.first_offsets(ready), await self._logs.last_offsets(ready)
        except KafkaError as error:  # the topic is away, or its leader is
            self._trouble.tell(type(error).__name__, partitions=len(ready))
            return ()
        self._trouble.over()
        if self._lane.epoch != epoch:
            return ()  # a rebalance came: all positions are about to be sought
        self._compare(now)
        held = {
            tp
            for tp in self._suspect.intersection(ready) - self._anew
            if first[tp] <= self._outside[tp] <= last[tp]
        }
        await self._logs.begin_at({tp: first[tp] for tp in ready if tp not in held})
        if self._lane.epoch != epoch:
            return ()
        for tp in ready:
            position, anew = self._outside.pop(tp), tp in self._anew
            self._anew.discard(tp)
            self._suspect.discard(tp)
            if tp in held:
                continue  # the leader knows by now how far its log is committed: nothing has moved
            self.ids.pop(tp, None)
            if tp.topic in now:
                self.ids[tp] = now[tp.topic]
            self._lane.restart(tp, first[tp])
            self._begun(Moved(tp, position, first[tp], last[tp], anew))
        return ready

    def _begun(self, moved: Moved) -> None:
        self._on_moved(moved)
        self._untold[moved.tp] = moved
        if moved.first == moved.position:  # there is nothing to commit
            self.confirmed({moved.tp: -1})

    def confirmed(self, offsets: Mapping[TP, int]) -> None:
        """Tell what moved to where the group now has it; `offsets` are those of a commit that the broker has confirmed."""
        for tp, offset in offsets.items():
            moved = self._untold.get(tp)
            if moved is not None and offset != moved.position:
                del self._untold[tp]
                self._tell(moved)

    def _tell(self, moved: Moved) -> None:
        place = {"topic": moved.tp.topic, "partition": moved.tp.partition, "committed": moved.position}
        if moved.lost:
            log.error(
                "records were removed by retention before they were read",
                action="raise the retention of this topic, or add workers; send again what is missing",
                lost=moved.lost,
                first=moved.first,
                end=moved.end,
                **place,
            )
        if moved.anew or not moved.lost:
            log.error(
                "the log is not the one that was read: it is read from its beginning, and what is known already changes nothing",
                happened="the topic was deleted and made anew"
                if moved.anew
                else "it ends before what was committed",
                action="was it restored, or did a broker without all of it become leader? Then send again what is missing",
                first=moved.first,
                end=moved.end,
                **place,
            )
        self._on_told(moved)


def differ(known: str, now: str) -> bool:
    """Return whether these are the ids of two topics; one that is empty is not known, and differs from none."""
    return bool(known and now) and known != now
