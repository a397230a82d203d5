"""The road of one event through the core: fold, score, decide; each record alone and in order.

`process_batch` is the one function that workers, `backtest`, the tests' oracle and the benchmarks call. How records are
cut into batches never shows in what comes out. It does no I/O and reads no clock: time is the events' own.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from heapq import heapify, heappop, heappush
from typing import Final, NamedTuple

from schemas.outcome import OutcomeEvent
from streams.core import state as st
from streams.core.episodes import Cause, Output, decide
from streams.core.facts import add, drop_before, fact_of
from streams.core.policy import Policy
from streams.core.records import Decoded
from streams.core.state import NEVER, State

ACCEPTED: Final = "accepted"
DUPLICATE: Final = "duplicate"
BEYOND_HORIZON: Final = "beyond_horizon"
UNATTRIBUTABLE: Final = "unattributable"
REJECTED: Final = "rejected"
UNKNOWN_FIELD: Final = "unknown_field"


class Clock:
    """Partition time (ms; the largest event time seen), and the customers' due times."""

    __slots__ = ("heap", "now")

    def __init__(self, now: int = NEVER) -> None:
        self.now = now
        self.heap: list[tuple[int, str]] = []

    @classmethod
    def restore(cls, now: int, states: Mapping[str, bytes]) -> "Clock":
        """The clock of a partition whose states were recovered."""
        clock = cls(now)
        clock.heap = [
            (due, customer) for customer, data in states.items() if (due := st.due_of(data)) < st.FOREVER
        ]
        heapify(clock.heap)
        return clock

    def due(self, until: int) -> tuple[int, str] | None:
        """Take the earliest due time at or before `until`, with its customer; none when nothing is due."""
        if self.heap and self.heap[0][0] <= until:
            return heappop(self.heap)
        return None

    def schedule(self, due: int, customer: str) -> None:
        """Look at `customer` again at `due` (ms)."""
        if due < st.FOREVER:
            heappush(self.heap, (due, customer))


class BatchResult(NamedTuple):
    """What one batch changed and says."""

    states: dict[str, bytes | None]
    """New bytes by customer; None when the customer leaves the store."""
    outputs: list[Output]
    rejects: list[Decoded]
    counts: dict[tuple[str, str], int]
    """Events by (type, result)."""


def process_batch(
    records: Sequence[Decoded],
    states: Mapping[str, bytes],
    policy: Policy,
    clock: Clock,
    *,
    advance_to: int | None = None,
) -> BatchResult:
    """Fold and decide `records` in order upon `states`, which stays as it is; `clock` moves on.

    `advance_to` (ms) lets time pass after the records, for an idle partition.
    """
    batch = _Batch(states, policy, clock)
    for decoded in records:
        batch.record(decoded)
    if advance_to is not None and advance_to > clock.now:
        batch.let_time_pass(advance_to)
    return batch.result()


class _Batch:
    """The work of one call: decoded states, so that a customer who comes often is decoded once."""

    def __init__(self, states: Mapping[str, bytes], policy: Policy, clock: Clock) -> None:
        self.before = states
        self.policy = policy
        self.clock = clock
        self.touched: dict[str, State | None] = {}
        self.outputs: list[Output] = []
        self.rejects: list[Decoded] = []
        self.counts: Counter[tuple[str, str]] = Counter()

    def result(self) -> BatchResult:
        states = {c: None if s is None else st.encode(s) for c, s in self.touched.items()}
        gone = [customer for customer, data in states.items() if data is None and customer not in self.before]
        for customer in gone:
            del states[customer]
        return BatchResult(states, self.outputs, self.rejects, dict(self.counts))

    def load(self, customer: str) -> State | None:
        if customer in self.touched:
            return self.touched[customer]
        data = self.before.get(customer)
        return None if data is None else st.decode(data)

    def record(self, decoded: Decoded) -> None:
        event = decoded.event
        if event is None:
            self.rejects.append(decoded)
            self.counts[decoded.record.topic, REJECTED] += 1
            return
        kind: str = event.type  # type: ignore[attr-defined]
        if decoded.unknown_fields:
            self.counts[kind, UNKNOWN_FIELD] += 1
        if decoded.anonymous or event.customer_id is None:
            self.counts[kind, UNATTRIBUTABLE] += 1
            return
        if decoded.at > self.clock.now:
            self.let_time_pass(decoded.at)
        self.counts[kind, self.fold(decoded, event.customer_id)] += 1

    def fold(self, decoded: Decoded, customer: str) -> str:
        event, at, now = decoded.event, decoded.at, self.clock.now
        assert event is not None
        fact = fact_of(event, at)
        horizon_start = now - self.policy.parameters.horizon
        if fact is not None and at <= horizon_start:
            return BEYOND_HORIZON
        state = self.load(customer)
        if state is None:
            state = State()
        changed = fact is not None and add(state.facts, fact, self.policy.parameters.keep)
        if not (st.register(state, event, at) or changed):
            return DUPLICATE
        if at > state.newest:
            state.newest = at
        drop_before(state.facts, horizon_start)
        answered = isinstance(event, OutcomeEvent) and event.disposition == "ANSWERED_HUMAN"
        kind: str = event.type  # type: ignore[attr-defined]
        # With its time: a corrected event that asks anew must not repeat the (id, sequence) of its first version.
        identity = f"{kind}:{event.event_id}:{at}"
        cause = Cause(customer, at, identity, decoded.record.timestamp, answered)
        self.decide(state, now, cause)
        return ACCEPTED

    def let_time_pass(self, until: int) -> None:
        """Evaluate what is due up to `until`, each at its own time, then move the clock there."""
        clock = self.clock
        while (item := clock.due(until)) is not None:
            due, customer = item
            state = self.load(customer)
            if state is None or state.due != due:
                continue  # it was looked at since, and is scheduled anew
            drop_before(state.facts, due - self.policy.parameters.horizon)
            if (
                not state.facts
                and not state.standing
                and due >= state.ends_at(self.policy.parameters.horizon)
            ):
                self.outputs.extend(self._leave(state, customer, due))
                continue
            self.decide(state, due, Cause(customer, due, f"timer:{due}", -1))
        clock.now = until

    def _leave(self, state: State, customer: str, due: int) -> list[Output]:
        outputs = decide(state, self.policy, due, Cause(customer, due, f"timer:{due}", -1))
        self.touched[customer] = None
        return outputs

    def decide(self, state: State, now: int, cause: Cause) -> None:
        old_due = state.due
        self.outputs.extend(decide(state, self.policy, now, cause))
        self.touched[cause.customer_id] = state
        if state.due != old_due:
            self.clock.schedule(state.due, cause.customer_id)
