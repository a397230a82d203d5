"""The same deliveries to the core and to the sink, in orders of their own: both let the same one count."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any, Final, NamedTuple

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from schemas import topics
from schemas.instants import ms_of
from schemas.revisions import arrival_of, revision_of
from sinks.clickhouse.connection import ClickHouse
from sinks.clickhouse.rows import row_of_event
from sinks.clickhouse.writer import ClickHouseSink
from streams.core.decode import decode
from streams.core.facts import identity_of
from streams.core.records import Decoded, Record
from streams.core.repartition import decode_rekeyed, wrap
from tests.builders import DAY, HOUR, START, Partition, iso

VIEWS: Final = {
    "call": "v_calls",
    "survey": "v_surveys",
    "cancellation": "v_cancellations",
    "outcome": "v_outcomes",
    "profile": "v_customers",
}
NEEDED: Final[dict[str, dict[str, Any]]] = {
    "survey": {"csat": 1},
    "cancellation": {"stage": "inquiry"},
    "outcome": {"trigger_id": "t", "attempt": 1, "disposition": "BUSY"},
}
EPOCH: Final = "1960-01-01T00:00:00Z"
REVISIONS: Final = (None, EPOCH, iso(START), iso(START + 1), iso(START + 39 * DAY), iso(START + 40 * DAY))
OFFSETS: Final = (0, 2**20 - 5, 2**40 + 7)
"""Where a topic's offsets begin. Not of profiles: a row of one without a revision knows only the low bits of its offset (decision 18)."""
Counts = dict[tuple[str, str], tuple[int, int, int]]
"""By type and id the time, revision and arrival of the delivery that counts; of profiles by customer."""
_numbers = count()


class Delivery(NamedTuple):
    """One record of an event to be."""

    kind: str
    number: int
    at: int
    revised: str | None
    later: int
    """Milliseconds from the delivery before to this one."""
    rekeyed: bool


deliveries = some.builds(
    Delivery,
    some.sampled_from(tuple(VIEWS)),
    some.integers(1, 2),
    some.sampled_from([0, 0, 1, HOUR, 30 * DAY]).map(lambda after: START + after),
    some.sampled_from(REVISIONS),
    some.sampled_from([0, 1, DAY]),
    some.booleans(),
)


def recorded(sent: Sequence[Delivery], customer: str, first: int) -> Iterator[tuple[Delivery, Record]]:
    """The deliveries as a broker holds them, in the order of their arrival."""
    now = START + 40 * DAY
    for place, each in enumerate(sent):
        now += each.later
        body = {
            "type": each.kind,
            "schema_version": 1,
            "event_id": f"e{each.number}",
            "customer_id": customer,
            "occurred_at": iso(each.at),
            "revised_at": each.revised,
            **NEEDED.get(each.kind, {}),
        }
        offset = place if each.kind == "profile" else first + place
        topic = topics.EVENT_TYPES[each.kind].topic
        yield each, Record(topic, 0, offset, now, customer.encode(), orjson.dumps(body))


def by_rule(decoded: Sequence[Decoded]) -> Counts:
    """Which delivery counts, as the decision says it."""
    best: Counts = {}
    for each in decoded:
        event = each.event
        assert event is not None
        said = (each.at, revision_of(event.revised_at), each.arrival)
        if event.kind == "profile":
            key = event.kind, str(event.customer_id)
            best[key] = max(best.get(key, said), said)
        else:
            key = event.kind, event.event_id
            best[key] = max(best.get(key, said), said, key=lambda known: known[1:])
    return best


def in_core(decoded: Sequence[Decoded], customer: str) -> Counts:
    partition = Partition()
    partition.one_by_one(decoded)
    state = partition.state(customer)
    names = {
        identity_of(kind, name): (kind, name) for kind in VIEWS for name in ("e1", "e2") if kind != "profile"
    }
    found = {names[fact.identity]: (fact.at, fact.revision, fact.arrival) for fact in state.facts}
    if state.profile_at > 0:
        found["profile", customer] = (state.profile_at, state.profile_revision, state.profile_arrival)
    return found


def in_sink(store: ClickHouse, customer: str) -> Counts:
    found = {}
    for kind, view in VIEWS.items():
        rows = store.query(
            f"SELECT event_id, occurred_at, revised_at, ingested_at, source_offset FROM {view} WHERE customer_id = {{c:String}}",
            {"c": customer},
        )
        for name, at, revised, ingested, offset in rows:
            arrival = arrival_of(ms_of(ingested), offset)
            key = kind, customer if kind == "profile" else name
            assert key not in found
            found[key] = (ms_of(at), revision_of(revised), arrival)
    return found


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(some.lists(deliveries, min_size=1, max_size=30), some.sampled_from(OFFSETS), some.data())
def test_the_same_delivery_counts_in_core_and_sink(
    store: ClickHouse, sent: list[Delivery], first: int, data: some.DataObject
) -> None:
    customer = f"c{next(_numbers)}"
    records = list(recorded(sent, customer, first))
    plain = [decode(record) for _, record in records]
    rekeyed = [
        decode_rekeyed(Record("repartition", 1, place, START + 90 * DAY, record.key, wrap(record)))
        if each.rekeyed
        else decode(record)
        for place, (each, record) in enumerate(records)
    ]
    places = range(len(records))
    again = data.draw(some.lists(some.sampled_from(places), max_size=6))
    expected = by_rule(plain)
    assert (
        in_core([rekeyed[place] for place in data.draw(some.permutations([*places, *again]))], customer)
        == expected
    )
    order = data.draw(some.permutations([*places, *again]))
    half = len(order) // 2
    for part in (order[:half], order[half:]):
        sink = ClickHouseSink(store)
        for place in part:
            sink.add(*row_of_event(plain[place].event, plain[place].record))
        sink.flush()
    assert in_sink(store, customer) == expected
