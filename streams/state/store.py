"""The store: every customer's state in memory, a dict per partition, there only while the partition is ours.

Owns what a recovery brings and what a batch changes. It must not read or write Kafka: the changelog is the
durable copy, written before the store is changed.
"""

import time
from collections.abc import Iterator, Mapping

from streams.core.dead_letter_limit import Tallies, as_rows, from_rows
from streams.core.engine import Clock
from streams.core.erasure import is_reserved
from streams.core.state import NEVER, asked_since
from streams.state.changelog import NOTHING, PartitionRecord, Stamp


class PartitionStore:
    """States and clock of one partition.

    `batch` is the highest batch number that its changelog holds, 0 when there is none. `departed` are
    customers whose last value is an outbox without a state: the next batch removes them from the changelog.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.states: dict[str, bytes] = {}
        self.departed: set[str] = set()
        self.waiting: dict[str, int] = {}
        """Who asked for a callback and has not been given one, since when (ms)."""
        self.clock = Clock()
        self.batch = 0
        self.assignment = -1
        """The lane's count of assignments when this one was recovered; another one now: it may be a stranger's."""
        self.policy = ""
        self.written_at = 0.0
        """When its changelog was last written by us, by `time.monotonic`."""
        self._overdue_since: float | None = None
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
        self.clock.now, self.policy = record.clock, record.policy
        self.dead_letters = from_rows(record.dead_letters)
        self.agreed, self.inputs = record.agreed, record.inputs
        self.changelog_start, self.changelog_id = record.changelog_start, record.changelog_id
        self.begins, self.repairing = record.begins, record.repairing

    def apply(
        self, batch: int, changed: Mapping[str, bytes | None], departed: set[str], *, outputs: bool
    ) -> None:
        """Take over what batch number `batch` wrote to the changelog; None removes a customer."""
        states = self.states
        for customer_id, state in changed.items():
            if state is None:
                states.pop(customer_id, None)
            else:
                states[customer_id] = state
            self._note_request(customer_id, state)
        self.batch = batch
        self.departed = departed
        self.unmarked = outputs

    def restore(self, now: int) -> None:
        """Derive from the states, once all are recovered, what is not written: timers and who waits.

        `now`: partition time in ms.
        """
        self.clock = Clock.restore(now, self.states)
        self.waiting.clear()
        for customer_id, state in self.states.items():
            self._note_request(customer_id, state)

    def _note_request(self, customer_id: str, data: bytes | None) -> None:
        since = NEVER if data is None or is_reserved(customer_id) else asked_since(data)
        if since != NEVER:
            self.waiting[customer_id] = since
        elif self.waiting:
            self.waiting.pop(customer_id, None)


class Store:
    """The partitions of the present assignment."""

    def __init__(self) -> None:
        self._partitions: dict[int, PartitionStore] = {}

    def put(self, partition: PartitionStore) -> None:
        """Add a recovered partition, in the place of what was there."""
        self._partitions[partition.number] = partition

    def get(self, number: int) -> PartitionStore | None:
        """Return the partition, None when it is not, or no longer, ours."""
        return self._partitions.get(number)

    def clear(self) -> None:
        """Drop everything: partitions went to other workers, who change them from now on."""
        self._partitions.clear()

    def __iter__(self) -> Iterator[PartitionStore]:
        return iter(list(self._partitions.values()))
