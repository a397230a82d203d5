"""The road of one event through the core: fold, score, decide; each record alone and in order.

`process_batch` is the one function that workers, `backtest`, the tests' oracle and the benchmarks call. How records are
cut into batches never shows in what comes out. It does no I/O and reads no clock: time is the events' own.
"""

from collections.abc import Mapping, Sequence
from heapq import heapify, heappop, heappush
from typing import Final, NamedTuple, cast

from schemas.objection import ObjectionEvent
from schemas.outcome import OutcomeEvent
from schemas.revisions import revision_of
from schemas.trigger import Purpose
from streams.core import state as st
from streams.core.corrections import take
from streams.core.episodes import decide
from streams.core.erasure import (
    ERASED,
    NO_ERASURE,
    Erasure,
    Markers,
    forget,
    is_marker,
    is_reserved,
    retraction,
    tombstone,
    unserve,
)
from streams.core.events.outcome import reached
from streams.core.events.rules import EventRules
from streams.core.events.table import EVENTS
from streams.core.facts import Fact, find, ghost_of
from streams.core.feedback import CROSSED, KIND, close, closes, crosses
from streams.core.handed_over import HANDED_OVER
from streams.core.objections import Holders, Numbers, is_objection, number_key, word_of
from streams.core.outlook.shortcut import postpone, shortcut
from streams.core.policy import Policy
from streams.core.published import Cause, Output
from streams.core.records import Decoded, Feedback, Reject
from streams.core.removal import is_blank, is_removal
from streams.core.state import NEVER, RESERVED, State
from streams.core.to_desks import forgotten, relayed
from streams.core.wording import CODES, Wording

ACCEPTED: Final = "accepted"
DUPLICATE: Final = "duplicate"
BEYOND_HORIZON: Final = "beyond_horizon"
UNATTRIBUTABLE: Final = "unattributable"
REJECTED: Final = "rejected"
UNKNOWN_FIELD: Final = "unknown_field"
ALL: Final = -1
"""No timer is put off."""
_NOTHING: Final[tuple[bytes, State | None]] = (b"", None)
_OTHER_KEY: Final = Reject(
    "invalid_field",
    "number_hash: it was made with another BEHOUDLIJN_ERASURE_KEY than the workers'; load the numbers again with theirs",
)


class Clock:
    """Partition time (ms; the largest event time seen), and the customers' due times."""

    __slots__ = ("expiries", "handed_over", "heap", "holders", "lapses", "markers", "now", "objections")

    def __init__(self, now: int = NEVER) -> None:
        self.now = now
        self.heap: list[tuple[int, str]] = []
        self.expiries: list[tuple[int, str]] = []
        """A heap too, of the markers of erased customers: they are few, and never put off."""
        self.lapses: list[tuple[int, str]] = []
        """And of numbers, which go after the timers that were due before."""
        self.markers = 0
        """How many of the states are markers of erased customers: while there is none, no event is held against them."""
        self.objections = 0
        """How many of the states are numbers': while there is none, nobody's number is looked at."""
        self.handed_over = False
        """Whether the desks publish the triggers: it stands among the states."""
        self.holders: Holders | None = None
        """Who has which number; none before the first word about a number since the start."""

    @classmethod
    def restore(cls, now: int, states: Mapping[str, bytes]) -> "Clock":
        """Return the clock of a partition whose states were recovered."""
        clock = cls(now)
        for key, data in states.items():
            due = st.due_of(data)
            if due < st.FOREVER:
                clock.heap_of(key).append((due, key))
        heapify(clock.heap)
        heapify(clock.expiries)
        heapify(clock.lapses)
        reserved = [key for key in states if is_reserved(key)]
        clock.markers = sum([is_marker(key) for key in reserved])
        clock.objections = sum([is_objection(key) for key in reserved])
        clock.handed_over = HANDED_OVER in states
        return clock

    @property
    def reserved(self) -> int:
        """How many of the states are no customer's."""
        return self.markers + self.objections + int(self.handed_over)

    @property
    def next_due(self) -> int:
        """The earliest due time (ms) of a customer or a marker; FOREVER when there is none."""
        customer = self.heap[0][0] if self.heap else st.FOREVER
        marker = self.expiries[0][0] if self.expiries else st.FOREVER
        number = self.lapses[0][0] if self.lapses else st.FOREVER
        return min(customer, marker, number)

    @property
    def overdue(self) -> bool:
        """Whether a customer's timer was put off: it is due and not judged yet."""
        return bool(self.heap) and self.heap[0][0] <= self.now

    def overdue_timers(self) -> int:
        """Return how many customers' timers are due and not judged; one that was moved while it was put off counts twice."""
        found, places = 0, [0]
        while places:
            place = places.pop()
            if place < len(self.heap) and self.heap[place][0] <= self.now:
                found += 1
                places += (2 * place + 1, 2 * place + 2)
        return found

    def heap_of(self, key: str) -> list[tuple[int, str]]:
        """Return where the due time of a key among the states stands: a customer's, or a marker's."""
        if key[:1] != RESERVED:
            return self.heap
        return self.lapses if is_objection(key) else self.expiries

    def due(self, until: int) -> tuple[int, str] | None:
        """Take the earliest due time at or before `until`, with its customer; none when nothing is due."""
        return _earliest(self.heap, until)

    def expired(self, until: int) -> tuple[int, str] | None:
        """Take the earliest expiry at or before `until`, with its marker's key; none when nothing is due."""
        return _earliest(self.expiries, until)

    def lapsed(self) -> tuple[int, str] | None:
        """Take the earliest time by now at which a number is forgotten, with its key; none while a timer is put off that was due before."""
        if self.heap and self.lapses and self.heap[0][0] < self.lapses[0][0]:
            return None
        return _earliest(self.lapses, self.now)

    def schedule(self, due: int, key: str) -> None:
        """Look at a customer again, or let a marker go, at `due` (ms)."""
        if due < st.FOREVER:
            heappush(self.heap_of(key), (due, key))


def _earliest(heap: list[tuple[int, str]], until: int) -> tuple[int, str] | None:
    return heappop(heap) if heap and heap[0][0] <= until else None


def _identity(decoded: Decoded, revision: int, corrected: int | None) -> str:
    """Return what a trigger that opens now is named after: the event and its time; of a correction its version too.

    `corrected`: the revision of the version that it replaces. A corrected event that asks anew must not repeat the (id, sequence) of
    its first version.
    """
    event = decoded.event
    assert event is not None
    first = f"{event.kind}:{event.event_id}:{decoded.at}"
    if corrected is None:
        return first
    return f"{first}:r{revision}" if revision > corrected else f"{first}:a{decoded.arrival}"


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
    most_timers: int = ALL,
    erasure: Erasure = NO_ERASURE,
    wording: Wording = CODES,
    feedback: Sequence[Feedback] = (),
) -> BatchResult:
    """Fold and decide `records` in order upon `states`, which stays as it is, then `feedback`; `clock` moves on.

    `advance_to` (ms): let time pass up to there after the records, for an idle partition. `most_timers`: judge at most so many
    timers, the earliest due first; the others are put off (`clock.overdue`) to later calls. Putting off never shows in a
    decision, since a customer's own timers are judged before anything else that happens to that customer. `wording` tells the
    evidence, and decides nothing. Raises ErasureError when a customer is, or was, erased and `erasure` has no key.
    """
    batch = Batch(states, policy, clock, erasure, wording)
    batch.judge_overdue(most_timers)
    batch.take(records, batch.timers_left)
    for told in feedback:
        batch.feedback(told)
    if advance_to is not None:
        batch.advance(advance_to, batch.timers_left)
    return batch.result()


class Batch:
    """A batch that is computed in as many steps as its caller likes: `take`, `judge_overdue` and `advance`, then `result`.

    How it is cut into steps, as how many timers each may judge, never shows in what is decided about a customer. Arguments as of
    `process_batch`.
    """

    def __init__(
        self,
        states: Mapping[str, bytes],
        policy: Policy,
        clock: Clock,
        erasure: Erasure = NO_ERASURE,
        wording: Wording = CODES,
        *,
        desks: bool = False,
    ) -> None:
        """`desks`: what comes of calls is passed on to whoever has them made."""
        self.before = states
        self.timers_left = 0
        """How many timers the present step may still judge; below 0: all."""
        self.erasure = erasure
        self.markers = Markers(states, erasure)
        self.numbers = Numbers(states, erasure)
        self.policy = policy
        self.wording = wording
        self.desks = desks
        self.plan = policy.plan
        self.outlook = policy.outlook
        self.clock = clock
        self.touched: dict[str, bytes | None] = {}
        self.outputs: list[Output] = []
        self.rejects: list[Decoded] = []
        self.counts: dict[tuple[str, str], int] = {}
        self.written: tuple[bytes, State | None] = _NOTHING
        """The state that was written last, beside its bytes: where one customer's events follow one another it is not decoded again."""

    def take(self, records: Sequence[Decoded], most_timers: int) -> None:
        """Fold and decide records in order; of the timers that fall due before them at most so many are judged."""
        self.timers_left = most_timers
        for decoded in records:
            self.record(decoded)

    def judge_overdue(self, most_timers: int) -> int:
        """Judge at most so many timers that are due by now; return how many that were."""
        self.timers_left = most_timers
        self.judge_due(self.clock.now)
        self.forget_numbers()
        return most_timers - self.timers_left

    def advance(self, until: int, most_timers: int) -> None:
        """Let time pass up to `until` (ms), if it is later; of the timers that fall due at most so many are judged."""
        self.timers_left = most_timers
        if until > self.clock.now:
            self.let_time_pass(until)

    def judge_until(self, until: int) -> None:
        """Judge the timers that are due up to `until` (ms), and leave the clock where it is: for whoever knows that no event before comes."""
        self.timers_left = ALL
        self.judge_due(until)

    def feedback(self, told: Feedback, ingested_at: int = -1) -> None:
        """Take in that a trigger has ended at its desk, told by a record that arrived at `ingested_at` (ms). It moves no clock."""
        self.count(KIND, self.ended(told, ingested_at))

    def result(self) -> BatchResult:
        """Return what all steps together changed and say."""
        states = self.touched | self.markers.changed | self.numbers.changed
        gone = [customer for customer, data in states.items() if data is None and customer not in self.before]
        for customer in gone:
            del states[customer]
        return BatchResult(states, self.outputs, self.rejects, self.counts)

    def load(self, customer: str) -> bytes | None:
        if customer in self.touched:
            return self.touched[customer]
        return self.before.get(customer)

    def state_of(self, customer: str) -> State | None:
        data = self.load(customer)
        return None if data is None else self.read(data)

    def read(self, data: bytes) -> State:
        """Return the state of these bytes: to be changed, and written by `write` or given up."""
        state, self.written = self.written[1] if data is self.written[0] else None, _NOTHING
        return st.decode(data) if state is None else state

    def write(self, customer: str, state: State) -> None:
        data = self.touched[customer] = st.encode(state)
        self.written = data, state

    def record(self, decoded: Decoded) -> None:
        event = decoded.event
        if event is None:
            if decoded.reject is not None:
                self.rejects.append(decoded)
                self.count(decoded.record.topic, REJECTED)
            elif decoded.told is not None:
                self.feedback(decoded.told, decoded.record.timestamp)
            return
        kind, customer = event.kind, event.customer_id
        if decoded.unknown_fields:
            self.count(kind, UNKNOWN_FIELD)
        # By the name of the kind: pydantic answers isinstance in Python.
        if kind == "objection":
            self.count(kind, self.take_word(decoded, cast("ObjectionEvent", event)))
        elif decoded.anonymous or customer is None:
            self.count(kind, UNATTRIBUTABLE)
        elif kind == "erasure":
            self.count(kind, self.erase(decoded, customer))
        elif self.clock.markers and self.markers.covers(customer, decoded.at):
            self.count(kind, self.fold(decoded, kind, customer, ERASED))
        elif kind == "profile" and is_removal(decoded):
            self.count(kind, self.remove_profile(decoded, customer))
        else:
            if decoded.at > self.clock.now:
                self.let_time_pass(decoded.at)
            if self.desks and kind == "outcome":
                self.count(kind, self.relay(decoded, cast("OutcomeEvent", event), customer))
            else:
                self.count(kind, self.fold(decoded, kind, customer))

    def relay(self, decoded: Decoded, event: OutcomeEvent, customer: str) -> str:
        """Take an outcome in, and pass it on before what is decided upon it; not one that is known."""
        self.settle(customer)
        place = len(self.outputs)
        result = self.fold(decoded, event.kind, customer)
        if result != DUPLICATE:
            cause = Cause(customer, decoded.at, "", decoded.record.timestamp)
            self.outputs.insert(place, relayed(event, cause))
        return result

    def count(self, kind: str, result: str) -> None:
        key = kind, result
        self.counts[key] = self.counts.get(key, 0) + 1

    def fold(self, decoded: Decoded, kind: str, customer: str, refused: str = "") -> str:
        """Take an event in. `refused`: why it does not count; an older version of it gives way all the same."""
        event, at, now = decoded.event, decoded.at, self.clock.now
        assert event is not None
        rules, parameters = EVENTS[kind], self.plan.parameters
        horizon_start = now - parameters.horizon
        if rules.fact is None:
            return refused or self.stand(decoded, customer, rules, horizon_start)
        fact = rules.fact(event, at, revision_of(event.revised_at), decoded.arrival)
        if at <= horizon_start:
            refused = refused or BEYOND_HORIZON
        if refused and not self.may_know(customer, fact):
            return refused
        self.settle(customer)
        data = self.load(customer)
        if data is not None and not refused and (rules.register is None or not rules.registers(fact)):
            briefly = shortcut(data, fact, horizon_start, self.outlook)
            if briefly is not None:
                self.touched[customer], due = briefly
                if due != st.due_of(data):
                    self.clock.schedule(due, customer)
                return ACCEPTED
        state = State() if data is None else self.read(data)
        state.drop_before(horizon_start)
        known = find(state.facts, fact.identity)
        if refused:
            if known is None:
                return refused
            fact = ghost_of(known, fact)
        changed = take(state, rules, fact, known, horizon_start, parameters.keep)
        if not changed:
            return self.unchanged(state, customer, changed, refused or DUPLICATE)
        if not refused and at > state.newest:
            state.newest = at
        answered = not refused and kind == "outcome" and reached(event)
        identity = _identity(decoded, fact.revision, None if known is None else known.revision)
        named = None if refused == ERASED else event.event_id
        self.decide(state, now, Cause(customer, at, identity, decoded.record.timestamp, answered, named))
        return ACCEPTED

    def may_know(self, customer: str, fact: Fact) -> bool:
        """Return whether a version of a fact may be among what is known of a customer."""
        data = self.load(customer)
        return data is not None and fact.identity.to_bytes(8, "little") in data

    def stand(self, decoded: Decoded, customer: str, rules: EventRules, horizon_start: int) -> str:
        """Take in an event that leaves no fact."""
        event, at = decoded.event, decoded.at
        assert event is not None
        assert rules.stand is not None
        self.settle(customer)
        state = self.state_of(customer) or State()
        state.drop_before(horizon_start)
        corrected = state.profile_revision if state.profile_at == at else None
        changed = rules.stand(state, decoded, horizon_start)
        if not changed:
            return self.unchanged(state, customer, changed, DUPLICATE)
        if at > state.newest:
            state.newest = at
        if self.clock.holders is not None and (name := self.numbers.name_in(state)) is not None:
            self.clock.holders.add(name, customer)
        identity = _identity(decoded, revision_of(event.revised_at), corrected)
        cause = Cause(customer, at, identity, decoded.record.timestamp, event_id=event.event_id)
        self.decide(state, self.clock.now, cause)
        return ACCEPTED

    def unchanged(self, state: State, customer: str, version: bool | None, result: str) -> str:
        """Return the result of an event that changes nothing of a customer, but perhaps the version of what is known."""
        if version is not None:
            self.write(customer, state)
        return result

    def erase(self, decoded: Decoded, customer: str) -> str:
        """Forget a customer up to the erasure's time. It moves no clock: it tells nothing that a customer did."""
        self.settle(customer)
        at, arrived, clock = decoded.at, decoded.record.timestamp, self.clock
        added = self.markers.add(customer, at, arrived)
        clock.markers += added.first
        clock.schedule(added.due, added.key)
        if not added.more:
            return DUPLICATE
        cause = Cause(customer, at, f"erasure:{at}", arrived)
        state = self.state_of(customer)
        last = None if state is None else retraction(state, cause, max(clock.now, at))
        self.outputs += [tombstone(cause)] if last is None else [last, tombstone(cause)]
        if self.desks:
            self.outputs.append(forgotten(cause))
        if state is None:
            return ACCEPTED
        if state.newest <= at:
            self.touched[customer] = None
            return ACCEPTED
        if last is not None:
            unserve(state, cast("Purpose", last.purpose))  # of a trigger, as the open episode's was
        forget(state, at)
        self.decide(state, clock.now, cause)
        return ACCEPTED

    def take_word(self, decoded: Decoded, event: ObjectionEvent) -> str:
        """Take a word about a number, and judge at once whoever has it. It moves no clock: it tells nothing that a customer did."""
        name, word, clock = self.numbers.name_of(event), word_of(event), self.clock
        if name is None:
            self.rejects.append(decoded._replace(event=None, reject=_OTHER_KEY))
            return REJECTED
        if clock.holders is None:
            clock.holders = Holders()
            clock.holders.look_through(self.before, self.erasure)
            clock.holders.look_through(self.touched, self.erasure)
        holders = list(clock.holders.of(name))
        for customer in holders:
            self.settle(customer)
        taken = self.numbers.take(name, word)
        if taken is None:
            return DUPLICATE
        due, first = taken
        clock.objections += first
        clock.schedule(due, number_key(name))
        identity = f"objection:{word.at}:{int(word.objects)}:{word.until}"
        for customer in holders:
            state = self.state_of(customer)
            if state is not None and self.numbers.name_in(state) == name:
                state.drop_before(clock.now - self.plan.parameters.horizon)
                self.decide(state, clock.now, Cause(customer, decoded.at, identity, decoded.record.timestamp))
        self.forget_numbers()  # a word of long ago, read again: no event may come that would let it go
        return ACCEPTED

    def remove_profile(self, decoded: Decoded, customer: str) -> str:
        """Delete the profile; a customer of whom nothing else is known leaves at once. It moves no clock either."""
        self.settle(customer)
        at, now = decoded.at, self.clock.now
        state = self.state_of(customer)
        horizon_start = now - self.plan.parameters.horizon
        stand = EVENTS["profile"].stand
        assert stand is not None
        if state is None:
            return DUPLICATE
        changed = stand(state, decoded, horizon_start)
        if not changed:
            return self.unchanged(state, customer, changed, DUPLICATE)
        if is_blank(state):
            self.touched[customer] = None
        else:
            self.decide(state, now, Cause(customer, at, f"removal:{at}", decoded.record.timestamp))
        return ACCEPTED

    def ended(self, told: Feedback, ingested_at: int) -> str:
        """Close the episode whose trigger has ended; one that is closed, or was never known, stays as it is, as of a duplicate."""
        customer, now = told.customer_id, self.clock.now
        self.settle(customer)
        state = self.state_of(customer)
        if state is None or not closes(state, told):
            return DUPLICATE
        if crosses(state, told):
            return CROSSED
        old_due = state.due
        state.drop_before(now - self.plan.parameters.horizon)
        self.recall(state, now)
        self.outputs.extend(close(state, self.policy, now, told, ingested_at, self.wording))
        self.keep(customer, state, old_due)
        return ACCEPTED

    def let_time_pass(self, until: int) -> None:
        """Evaluate what is due up to `until`, each at its own time, then move the clock there."""
        clock = self.clock
        while (item := clock.expired(until)) is not None:
            due, key = item
            clock.markers -= self.markers.expire(key, due)
        self.judge_due(until)
        clock.now = until
        if clock.lapses:  # on the path of every event
            self.forget_numbers()

    def forget_numbers(self) -> None:
        """Let what is known of numbers go whose time is over."""
        clock = self.clock
        while (item := clock.lapsed()) is not None:
            due, key = item
            clock.objections -= self.numbers.forget(key, due)

    def judge_due(self, until: int) -> None:
        """Judge the timers that are due up to `until`, as many as are left to this call."""
        while self.timers_left != 0 and (item := self.clock.due(until)) is not None:
            due, customer = item
            data = self.load(customer)
            if data is None or st.due_of(data) != due:
                continue  # it was looked at since, and is scheduled anew
            self.timers_left -= 1
            self.judge(customer, due, data)

    def settle(self, customer: str) -> None:
        """Judge the timers of `customer` that were put off: nothing that happens to a customer may overtake them."""
        while self.clock.overdue and (data := self.load(customer)) is not None:
            due = st.due_of(data)
            if due > self.clock.now:
                break
            self.judge(customer, due, data)

    def judge(self, customer: str, due: int, data: bytes) -> None:
        """Evaluate a timer at its own time."""
        if (later := postpone(data, self.outlook)) is not None:
            self.touched[customer], again = later
            self.clock.schedule(again, customer)
            return
        state = self.read(data)
        state.drop_before(due - self.plan.parameters.horizon)
        if not state.facts and not state.standing and due >= state.ends_at(self.plan.parameters.horizon):
            self.outputs.extend(self._leave(state, customer, due))
            return
        self.decide(state, due, Cause(customer, due, f"timer:{due}", -1))

    def _leave(self, state: State, customer: str, due: int) -> list[Output]:
        self.recall(state, due)
        outputs = decide(state, self.policy, due, Cause(customer, due, f"timer:{due}", -1), self.wording)
        self.touched[customer] = None
        return outputs

    def recall(self, state: State, now: int) -> None:
        """Have a state know of what the partition knows of its number."""
        if self.clock.objections:
            self.numbers.recall(state, now)
        else:
            state.number_objected_at, state.number_objected_until = NEVER, st.FOREVER

    def decide(self, state: State, now: int, cause: Cause) -> None:
        old_due = state.due
        self.recall(state, now)
        self.outputs.extend(decide(state, self.policy, now, cause, self.wording))
        self.keep(cause.customer_id, state, old_due)

    def keep(self, customer: str, state: State, old_due: int) -> None:
        """Write a state that was judged, and look at it again when it says so."""
        self.write(customer, state)
        if state.due != old_due:
            self.clock.schedule(state.due, customer)
