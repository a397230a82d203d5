"""The store: every state in memory, a dict per partition, there only while the partition is ours.

Owns what a recovery brings and what a batch changes. It must not read or write Kafka: the changelog is the
durable copy, written before the store is changed.
"""

import time
from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

from streams.core import state as st
from streams.core.dead_letter_limit import Tallies, as_rows, from_rows
from streams.core.engine import Clock
from streams.core.erasure import check_marker, is_marker, is_reserved
from streams.core.handed_over import HANDED_OVER, MARK
from streams.core.objections import decode_objection, is_objection
from streams.core.state import NEVER, RESERVED, asked_since
from streams.state.changelog import NOTHING, ChangelogError, PartitionRecord, Stamp


class PartitionStore:
    """The states of one partition, whatever they are of: its kinds say what a state is, and what is derived from all of them.

    `batch` is the highest batch number that its changelog holds, 0 when there is none. `departed` are
    keys whose last value is an outbox without a state: the next batch removes them from the changelog.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.states: dict[str, bytes] = {}
        self.departed: set[str] = set()
        self.batch = 0
        self.assignment = -1
        """The lane's count of assignments when this one was recovered; another one now: it may be a stranger's."""
        self.policy = ""
        self.written_at = 0.0
        """When its changelog was last written by us, by `time.monotonic`."""
        self.dead_letters: Tallies = {}
        """What the limit of dead letters counted of each topic."""
        self.agreed: Mapping[str, str] = NOTHING
        """The settings under which it is written; after a recovery, under which it was."""
        self.inputs: Mapping[str, int] = NOTHING
        """By input topic, without prefix: the offset up to which the states hold it."""
        self.changelog_start = 0
        """Where its changelog begins, as it was accepted."""
        self.begins = 0
        """From which offset its changelog counts, since a repair."""
        self.repairing = False
        """A repair of it has not ended."""
        self.changelog_id = ""
        """Of the topic that holds its states, by Kafka."""
        self.whole = True
        """It is what its changelog says: no batch is between its computation and its last effect, or broke off there."""
        self.unmarked = False
        """The last batch had outputs, and nothing in the changelog says yet that they were delivered."""

    @property
    def now(self) -> int:
        """Partition time (ms); NEVER when there is none yet."""
        raise NotImplementedError

    def check(self, key: str, state: bytes) -> None:
        """Raise `ChangelogError`, or the error of its own kind, for what is no state of this key."""
        raise NotImplementedError

    def restore(self, now: int) -> None:
        """Derive from the states, once all are recovered, what is not written; `now`: partition time in ms."""
        raise NotImplementedError

    def _take_time(self, now: int) -> None:
        raise NotImplementedError

    def _note(self, key: str, state: bytes | None) -> None:
        """Note that a state is another one now, or has left."""

    def record(self, stamp: Stamp, owner: str, clock: int, policy: str) -> PartitionRecord:
        """Return the partition's own record, as `owner` writes it with this stamp, clock (ms) and policy; all else is as it is here."""
        return PartitionRecord(
            stamp,
            clock,
            policy,
            owner,
            as_rows(self.dead_letters),
            self.agreed,
            self.inputs,
            self.changelog_start,
            self.begins,
            self.repairing,
            self.changelog_id,
        )

    def take(self, record: PartitionRecord) -> None:
        """Take over what the partition's own record says; whether it counts, `recovery` knows."""
        self._take_time(record.clock)
        self.policy = record.policy
        self.dead_letters = from_rows(record.dead_letters)
        self.agreed, self.inputs = record.agreed, record.inputs
        self.changelog_start, self.changelog_id = record.changelog_start, record.changelog_id
        self.begins, self.repairing = record.begins, record.repairing

    def apply(
        self, batch: int, changed: Mapping[str, bytes | None], departed: set[str], *, outputs: bool
    ) -> None:
        """Take over what batch number `batch` wrote to the changelog; None removes a state."""
        states = self.states
        for key, state in changed.items():
            if state is None:
                states.pop(key, None)
            else:
                states[key] = state
            self._note(key, state)
        self.batch = batch
        self.departed = departed
        self.unmarked = outputs


class SignalsStore(PartitionStore):
    """The customers' states of one partition of the signals workers, and its clock."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.clock = Clock()
        self.waiting: dict[str, int] = {}
        """Who asked for a callback and has not been given one, since when (ms)."""
        self._overdue_since: float | None = None

    @property
    def customers(self) -> int:
        """How many customers the store holds; markers of erased ones, and numbers, are none."""
        return len(self.states) - self.clock.reserved

    def note_overdue(self) -> None:
        """Note whether timers are put off, and since when: after whatever may have changed it."""
        if not self.clock.overdue:
            self._overdue_since = None
        elif self._overdue_since is None:
            self._overdue_since = time.monotonic()

    @property
    def overdue_seconds(self) -> float:
        """For how long some timer has been put off; 0 when none is."""
        return 0.0 if self._overdue_since is None else time.monotonic() - self._overdue_since

    @property
    def now(self) -> int:
        """Partition time (ms): that of the newest event."""
        return self.clock.now

    def check(self, key: str, state: bytes) -> None:
        """Raise what `state.check`, `erasure.check_marker` and `objections.decode_objection` of the core raise, and `ChangelogError` for another
        reserved key."""
        if key[:1] != RESERVED:
            st.check(state)
        elif is_marker(key):
            check_marker(state)
        elif is_objection(key):
            decode_objection(state)
        elif key == HANDED_OVER:
            if state != MARK:
                raise ChangelogError("what says that the desks publish the triggers is of a newer release")
        else:
            raise ChangelogError("a reserved key that this release does not know")

    def restore(self, now: int) -> None:
        """Derive timers, and who waits, from the states."""
        self.clock = Clock.restore(now, self.states)
        self.waiting.clear()
        for customer_id, state in self.states.items():
            self._note(customer_id, state)

    def _take_time(self, now: int) -> None:
        self.clock.now = now

    def _note(self, key: str, state: bytes | None) -> None:
        since = NEVER if state is None or is_reserved(key) else asked_since(state)
        if since != NEVER:
            self.waiting[key] = since
        elif self.waiting:
            self.waiting.pop(key, None)


StoreT = TypeVar("StoreT", bound=PartitionStore)


class Store(Generic[StoreT]):
    """The partitions of the present assignment."""

    def __init__(self) -> None:
        self._partitions: dict[int, StoreT] = {}

    def put(self, partition: StoreT) -> None:
        """Add a recovered partition, in the place of what was there."""
        self._partitions[partition.number] = partition

    def get(self, number: int) -> StoreT | None:
        """Return the partition, None when it is not, or no longer, ours."""
        return self._partitions.get(number)

    def clear(self) -> None:
        """Drop everything: partitions went to other workers, who change them from now on."""
        self._partitions.clear()

    def __iter__(self) -> Iterator[StoreT]:
        return iter(list(self._partitions.values()))
