"""Hypothesis strategies: histories of a few customers, dense enough that episodes open and close."""

from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as some

from schemas.parts import complete
from schemas.revisions import arrival_of
from schemas.topics import EVENT_TYPES
from streams.core.records import Decoded
from streams.policies import load_policy
from tests.builders import (
    DAY,
    HOUR,
    START,
    default_policy,
    erasure,
    event,
    iso,
    removal,
    with_shape,
    with_weights,
)

CUSTOMERS = ("c1", "c2", "c3")
SMALL = with_shape(default_policy(), horizon_days=20, max_facts=10)
TALKS = with_weights(SMALL, recovered=-2.5, unresolved_callback=2.5, will_leave_said=3.0)
"""What was said in callbacks decides."""
POLICIES = (load_policy("default"), default_policy(), load_policy("four-unresolved-calls"), SMALL, TALKS)
policies = some.sampled_from(POLICIES)


@dataclass(frozen=True)
class Sketch:
    """An event to be: small and printable when hypothesis shows a counterexample."""

    kind: str
    at: int
    customer: str
    number: int
    fields: tuple[tuple[str, Any], ...]
    delay: int = 0
    """How long after it happened (ms) it came into Kafka, whenever it is processed."""
    revised_at: int | None = None

    def decoded(self, offset: int) -> Decoded:
        """The event as the core gets it."""
        body = dict(self.fields)
        if self.revised_at is not None:
            body["revised_at"] = iso(self.revised_at)
        arrived = max(self.at + self.delay, self.revised_at or 0)  # a version cannot come before it was made
        one = event(
            self.kind, self.at, customer=self.customer, event_id=f"e{self.number}", ingested=arrived, **body
        )
        return one._replace(arrival=arrival_of(arrived, offset))


def _fields(**choices: some.SearchStrategy[Any]) -> some.SearchStrategy[tuple[tuple[str, Any], ...]]:
    return some.fixed_dictionaries(choices).map(lambda fields: tuple(fields.items()))


_DAYS = some.sampled_from([None, None, *(iso(START + days * DAY) for days in (-5, 2, 10, 30))])
_GRADES = _fields(
    csat=some.integers(1, 5),
    ces=some.integers(1, 7),
    answered=some.booleans(),
    contact_id=some.none() | some.sampled_from(["e1", "e2"]) | some.integers(1, 40).map("e{}".format),
)
_KINDS: dict[str, some.SearchStrategy[tuple[tuple[str, Any], ...]]] = {
    "call": _fields(
        resolved=some.sampled_from([True, False, False, "unknown"]),
        direction=some.sampled_from(["inbound", "inbound", "inbound", "outbound"]),
        reason=some.sampled_from(["fault", "bill", "move"]),
        channel=some.sampled_from(["phone", "chat"]),
        abandoned=some.sampled_from([False, False, True]),
        wait_seconds=some.sampled_from([0, 30, 1200]),
        cancel_intent=some.sampled_from([False, False, True]),
    ),
    "survey": _GRADES | _fields(callback_requested=some.just(True)),
    "cancellation": _fields(
        stage=some.sampled_from(
            ["inquiry", "inquiry", "requested", "requested", "withdrawn", "confirmed", "reinstated"]
        ),
        reason=some.sampled_from(["price", "service", "price", "service", "deceased"]),
        contract_id=some.sampled_from([None, "K1", "K2"]),
        whole_relation=some.sampled_from([True, True, False]),
    ),
    "outcome": _fields(
        disposition=some.sampled_from(
            ["ANSWERED_HUMAN", "NO_ANSWER", "REFUSED", "ANSWERED_HUMAN", "ANSWERED_HUMAN", "DO_NOT_CALL"]
        ),
        result=some.sampled_from(
            ["satisfied", "satisfied", "unresolved", "will_leave", "competitor", "unknown"]
        ),
        trigger_id=some.just("t"),
        attempt=some.just(1),
    ),
    "profile": _fields(
        do_not_call=some.sampled_from([None, None, False, True]),
        consented_at=_DAYS,
        customer_since=_DAYS,
        tenure_months=some.sampled_from([None, 6, 60]),
        time_zone=some.sampled_from([None, "Europe/Amsterdam"]),
    ),
}
complete(
    "event type",
    set(EVENT_TYPES) - {"erasure", "objection"},
    "strategy",
    _KINDS,
    "tests.property.core.histories",
)
_OFTEN = {"call": 4, "survey": 2}
_MIX = tuple(kind for kind in _KINDS for _ in range(_OFTEN.get(kind, 1)))


@some.composite
def sketches(draw: some.DrawFn, *, span: int) -> Sketch:
    """One event within `span` ms. Few numbers, so that an identity comes in several versions."""
    kind = draw(some.sampled_from(_MIX))
    at = START + draw(some.integers(0, span // HOUR)) * HOUR + draw(some.sampled_from([0, 0, 1, 1_234_567]))
    number = draw(some.integers(1, 40))
    return Sketch(kind, at, draw(some.sampled_from(("c1", "c1", *CUSTOMERS))), number, draw(_KINDS[kind]))


def histories(*, span: int = 60 * DAY, most: int = 40) -> some.SearchStrategy[list[Sketch]]:
    """Events in order of arrival, which is any. Few find edges, many find episodes."""
    one = sketches(span=span)
    return some.lists(one, min_size=1, max_size=most) | some.lists(one, min_size=most // 2, max_size=most)


@some.composite
def _corrections(draw: some.DrawFn, *, span: int) -> Sketch:
    """One of few events, in any version: neither its time, its revision nor its arrival says when it is processed."""
    sketch = draw(sketches(span=span))
    return replace(
        sketch,
        number=draw(some.integers(1, 2)),
        delay=draw(some.sampled_from([0, 0, HOUR, 5 * DAY, 50 * DAY])),
        revised_at=draw(some.none() | some.integers(0, 3).map(lambda days: START + days * DAY)),
    )


def corrected(*, span: int = 60 * DAY, most: int = 40) -> some.SearchStrategy[list[Sketch]]:
    """As `histories`, with corrections of any kind among them."""
    one = _corrections(span=span) | sketches(span=span)
    return some.lists(one, min_size=1, max_size=most) | some.lists(one, min_size=most // 2, max_size=most)


def talked_with(*, span: int = 60 * DAY) -> some.SearchStrategy[list[Sketch]]:
    """One customer with a few talks and grounds, in the order of time and each once: what a talk raises or lowers decides."""
    talk = _fields(
        disposition=some.just("ANSWERED_HUMAN"),
        result=some.sampled_from(["satisfied", "satisfied", "unresolved", "will_leave"]),
        trigger_id=some.just("t"),
        attempt=some.just(1),
    )
    ground = some.one_of(
        *[some.tuples(some.just(kind), _KINDS[kind]) for kind in ("call", "survey", "survey")]
    )
    one = some.tuples(some.integers(0, span // HOUR), some.tuples(some.just("outcome"), talk) | ground)
    return some.lists(one, min_size=2, max_size=12).map(
        lambda events: [
            Sketch(kind, START + hour * HOUR, CUSTOMERS[0], number, fields)
            for number, (hour, (kind, fields)) in enumerate(sorted(events, key=lambda each: each[0]))
        ]
    )


def uncorrected(history: list[Sketch]) -> list[Sketch]:
    """The history with an id of its own for each event."""
    return [replace(sketch, number=number) for number, sketch in enumerate(history)]


@some.composite
def erasures(draw: some.DrawFn, *, span: int = 60 * DAY) -> Decoded:
    """The erasure of some customer within `span` ms."""
    at = START + draw(some.integers(0, span))
    return erasure(at, customer=draw(some.sampled_from(CUSTOMERS)), ingested=at)


@some.composite
def removals(draw: some.DrawFn, *, span: int = 60 * DAY) -> Decoded:
    """The removal of some customer's profile within `span` ms."""
    at = START + draw(some.integers(0, span))
    return removal(at, draw(some.sampled_from(CUSTOMERS)).encode())


def in_order(history: list[Sketch]) -> list[Sketch]:
    """The history in the order of event time, as a complete backlog is read."""
    return sorted(history, key=lambda sketch: sketch.at)


def decoded(history: list[Sketch]) -> list[Decoded]:
    """Each sketch as the core gets it."""
    return [sketch.decoded(offset) for offset, sketch in enumerate(history)]
