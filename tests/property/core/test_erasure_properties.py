"""Erasures in any history: nothing comes back, neither order nor repetition nor batches show."""

from hypothesis import given
from hypothesis import strategies as some

from streams.core.erasure import ERASED, is_marker
from streams.core.records import Decoded
from tests.builders import DAY, KEEP, START, Partition, default_policy, erasure, with_shape
from tests.property.core.histories import SMALL, Sketch, decoded, erasures, histories
from tests.property.core.test_engine_properties import REGISTERS, facts_by_brute_force, in_view

ROOMY = with_shape(default_policy(), horizon_days=20, max_facts=200)
SPAN = 19 * DAY
"""Within every policy's horizon, so that registers do not depend on what fell out of it."""


def later(events: list[Decoded], orders: list[Decoded]) -> list[Decoded]:
    """The events that no erasure covers."""
    return [
        each
        for each in events
        if all(each.event.customer_id != o.event.customer_id or each.at > o.at for o in orders)  # type: ignore[union-attr]
    ]


def registers(partition: Partition) -> dict[str, list[object]]:
    return {
        customer: [getattr(partition.state(customer), name) for name in REGISTERS]
        for customer in partition.states
        if not is_marker(customer)
    }


@given(histories(span=SPAN), some.data())
def test_a_replay_after_the_erasure_brings_nothing_back(history: list[Sketch], data: some.DataObject) -> None:
    events = decoded(history)
    order = erasure(START + SPAN + 7_200_000, customer="c1")
    partition = Partition(SMALL)
    partition.feed(*events, order)
    said = len(partition.triggers())
    while data.draw(some.booleans()):
        partition.feed(*data.draw(some.permutations([*events, order])))
        partition.restart()
    partition.feed(*events)
    assert "c1" not in partition.states
    assert len(partition.triggers()) == said
    assert not any(output.kind == "signals" and output.value for output in partition.feed(*events).outputs)
    mine = sum(sketch.customer == "c1" for sketch in history)
    assert sum(n for (_, result), n in partition.feed(*events).counts.items() if result == ERASED) == mine


@given(histories(span=SPAN), some.lists(erasures(span=SPAN), min_size=1, max_size=4), some.data())
def test_any_order_of_events_and_erasures_ends_in_the_facts_that_are_left(
    history: list[Sketch], orders: list[Decoded], data: some.DataObject
) -> None:
    events = decoded(history)
    partition = Partition(SMALL)
    again = data.draw(some.lists(some.sampled_from(events), max_size=5))
    partition.feed(*data.draw(some.permutations([*events, *orders, *again])))
    # An erasure may come after K newer versions or facts pushed out what it leaves: what is read again fills the gap.
    partition.feed(*events)
    left = later(events, orders)
    assert in_view(partition) == facts_by_brute_force(left, partition.clock.now, partition.policy)


@given(histories(span=SPAN), some.lists(erasures(span=SPAN), min_size=1, max_size=4), some.data())
def test_once_all_was_read_again_the_registers_are_those_of_what_is_left(
    history: list[Sketch], orders: list[Decoded], data: some.DataObject
) -> None:
    events = decoded(history)
    # Registers know of corrections for as long as their facts are kept (decision 18): none is pushed out here.
    partition, plain = Partition(ROOMY), Partition(ROOMY)
    partition.feed(*data.draw(some.permutations([*events, *orders])))
    partition.feed(*events)
    plain.feed(*later(events, orders))
    plain.feed(*later(events, orders))
    assert registers(partition) == registers(plain)


@given(histories(), some.lists(erasures(), min_size=1, max_size=4), some.data())
def test_batches_and_restarts_never_show(
    history: list[Sketch], orders: list[Decoded], data: some.DataObject
) -> None:
    records = data.draw(some.permutations([*decoded(history), *orders]))
    end = START + 60 * DAY + KEEP + 400 * DAY
    whole, split = Partition(SMALL), Partition(SMALL)
    whole.feed(*records, advance_to=end)
    while records:
        size = data.draw(some.integers(1, len(records)))
        split.feed(*records[:size])
        records = records[size:]
        if data.draw(some.booleans()):
            split.restart()
    split.advance(end)
    assert split.outputs == whole.outputs
    assert split.states == whole.states
    assert split.counts == whole.counts
    assert not any(is_marker(key) for key in whole.states)
    assert whole.clock.markers == split.clock.markers == 0
