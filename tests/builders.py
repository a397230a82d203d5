"""Events at named instants, as decoded records, and a small partition to feed them to.

Every event goes through JSON and the real `decode`, so that a test never builds what no producer could send.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, Final

import orjson

from schemas import topics
from schemas.revisions import revision_of
from streams.core import state as st
from streams.core.decode import decode
from streams.core.engine import ALL, BatchResult, Clock, process_batch
from streams.core.erasure import Erasure
from streams.core.events.table import EVENTS
from streams.core.facts import Fact
from streams.core.history import View
from streams.core.objections import recall
from streams.core.policy import Policy
from streams.core.published import Output
from streams.core.records import Decoded, Feedback, Record
from streams.core.signals import SIGNALS
from streams.core.state import State
from streams.core.state import decode as decode_state
from streams.core.wording import CODES, Wording
from streams.policies import load_policy

HOUR: Final = 3_600_000
DAY: Final = 24 * HOUR
KEEP: Final = 38 * DAY
"""How long the marker of an erased customer is kept."""
PHONE: Final = "+31201234567"
START: Final = 1_788_768_000_000
"""Monday 2026-09-07, 08:00 UTC: ten in the morning in Amsterdam, and a working day."""
STATES_BEFORE: Final = sorted((Path(__file__).parent / "data" / "states").glob("version-*.bin"))
"""A complaint `k1` and a survey `s1` about it, an hour later, with the episode that they opened: a state as each version before wrote it."""
_numbers = count(1)


def iso(at: int) -> str:
    """`at` (ms) as ISO 8601 with milliseconds, UTC."""
    return datetime.fromtimestamp(at // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{at % 1000:03d}Z"


def ms(text: str) -> int:
    """The instant (ms) of an ISO text."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def record(topic: str, value: bytes | None, *, timestamp: int = START) -> Record:
    """Any record of partition 0."""
    return Record(topic, 0, next(_numbers), timestamp, b"key", value)


def event(
    kind: str,
    at: int,
    *,
    customer: str | None = "c1",
    event_id: str | None = None,
    ingested: int | None = None,
    **fields: Any,
) -> Decoded:
    """An event of `kind` at `at` (ms), ingested at once, a correction when it was made, unless said otherwise."""
    if ingested is None:
        ingested = max(at, ms(fields.get("revised_at") or iso(at)))
    body = {
        "type": kind,
        "schema_version": 1,
        "event_id": event_id or f"{kind}-{next(_numbers)}",
        "customer_id": customer,
        "occurred_at": iso(at),
        **fields,
    }
    return decode(record(topics.EVENT_TYPES[kind].topic, orjson.dumps(body), timestamp=ingested))


def fact_of(decoded: Decoded) -> Fact | None:
    """The fact that an event leaves; none for what is registered only."""
    event = decoded.event
    assert event is not None
    build = EVENTS[event.kind].fact
    if build is None:
        return None
    return build(event, decoded.at, revision_of(event.revised_at), decoded.arrival)


def call(at: int, **fields: Any) -> Decoded:
    """An inbound telephone call."""
    return event("call", at, **fields)


def survey(at: int, **fields: Any) -> Decoded:
    """A survey; give it at least one answer."""
    return event("survey", at, **fields)


def cancellation(at: int, stage: str = "requested", **fields: Any) -> Decoded:
    """A step of leaving."""
    return event("cancellation", at, stage=stage, **fields)


def outcome(at: int, disposition: str = "ANSWERED_HUMAN", **fields: Any) -> Decoded:
    """What came of a callback."""
    return event("outcome", at, disposition=disposition, trigger_id="t", attempt=1, **fields)


def profile(at: int, **fields: Any) -> Decoded:
    """A profile."""
    return event("profile", at, **fields)


def removal(at: int, key: bytes | None = b"c1", topic: str = topics.PROFILES) -> Decoded:
    """A record without a value, which takes the profile away; by default of c1."""
    return decode(Record(topic, 0, 7, at, key, None))


def erasure(at: int, **fields: Any) -> Decoded:
    """The word that everything up to `at` must be erased."""
    return event("erasure", at, **fields)


def objection(at: int, **fields: Any) -> Decoded:
    """The word that nobody may be called at `PHONE`, or at the number that is given; with `lifted` that one may again."""
    return event("objection", at, **{"customer": None, "phone_e164": PHONE, **fields})


@cache
def default_policy() -> Policy:
    """The policy of every timeline: a frozen copy of the built-in one, which may be tuned any time."""
    return load_policy(str(Path(__file__).with_name("timelines-policy.yaml")))


def with_shape(policy: Policy, **shape: Any) -> Policy:
    """`policy` with other numbers in its shape."""
    body = policy.model_dump()
    body["shape"] |= shape
    return Policy.model_validate(body)


def without_a_desk(policy: Policy) -> Policy:
    """`policy` as workers go by it that publish what they decide themselves; it has the same label."""
    return Policy.model_validate(policy.model_dump() | {"release": None})


def with_weights(policy: Policy, **weights: float) -> Policy:
    """`policy` with other weights of signals, or more of them."""
    body = policy.model_dump()
    for name, weight in weights.items():
        effect = "raises" if weight > 0 else "lowers"
        body["score"]["weights"][name] = {"weight": weight, "effect": effect, "source": "a timeline"}
    return Policy.model_validate(body)


class Partition:
    """One partition: states, clock, and everything that came out so far."""

    def __init__(
        self, policy: Policy | None = None, erasure: Erasure | None = None, wording: Wording = CODES
    ) -> None:
        self.policy = policy or default_policy()
        self.erasure = erasure or Erasure(b"the key of every timeline", KEEP)
        self.wording = wording
        self.states: dict[str, bytes] = {}
        self.clock = Clock()
        self.outputs: list[Output] = []
        self.counts: dict[tuple[str, str], int] = {}

    def feed(
        self,
        *records: Decoded,
        advance_to: int | None = None,
        most_timers: int = ALL,
        feedback: Sequence[Feedback] = (),
    ) -> BatchResult:
        """Process one batch and take its states over, as the store does."""
        result = process_batch(
            records,
            self.states,
            self.policy,
            self.clock,
            advance_to=advance_to,
            most_timers=most_timers,
            erasure=self.erasure,
            wording=self.wording,
            feedback=feedback,
        )
        for customer, data in result.states.items():
            if data is None:
                self.states.pop(customer, None)
            else:
                self.states[customer] = data
        self.outputs += result.outputs
        for key, number in result.counts.items():
            self.counts[key] = self.counts.get(key, 0) + number
        return result

    def one_by_one(self, records: Iterable[Decoded]) -> None:
        """Each record as a batch of its own."""
        for each in records:
            self.feed(each)

    def advance(self, to: int) -> BatchResult:
        """Let time pass up to `to` (ms)."""
        return self.feed(advance_to=to)

    def restart(self) -> None:
        """What a crash leaves: the states' bytes and the partition time."""
        self.clock = Clock.restore(self.clock.now, self.states)

    def state(self, customer: str = "c1") -> State:
        """A stored customer, who knows of an objection by number that holds now."""
        state = st.decode(self.states[customer])
        recall(state, self.states, self.erasure, self.clock.now)
        return state

    def triggers(self, customer: str = "c1") -> list[dict[str, Any]]:
        """The trigger records of a customer so far."""
        return [
            orjson.loads(o.value) for o in self.outputs if o.kind == "trigger" and o.customer_id == customer
        ]

    def story(self, customer: str = "c1") -> list[tuple[str, str, int]]:
        """The triggers as (purpose, status, sequence)."""
        return [(t["purpose"], t["status"], t["sequence"]) for t in self.triggers(customer)]

    def signals(self, customer: str = "c1") -> list[dict[str, Any]]:
        """The signals records of a customer so far."""
        return [
            orjson.loads(o.value)
            for o in self.outputs
            if o.kind == "signals" and o.customer_id == customer and o.value
        ]

    def reading(self, name: str, at: int, customer: str = "c1") -> float:
        """One signal of a stored customer at `at` (ms)."""
        return SIGNALS[name].measure(View(self.state(customer), at, self.policy.parameters))


def arrived_anyhow(data: bytes) -> State:
    """A state without the arrivals of what it holds: they differ between a topic and a history that never was in one."""
    state = decode_state(data)
    state.facts = [fact._replace(arrival=0) for fact in state.facts]
    state.profile_arrival = 0
    return state
