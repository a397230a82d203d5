"""Corrections: whatever the order in which versions of events are processed, and however often, those that count make the state."""

from hypothesis import given
from hypothesis import strategies as some

from schemas.outcome import OutcomeEvent
from streams.core.facts import GONE, Fact, ghost_of, supersedes
from streams.core.history import View
from streams.core.policy import Policy
from streams.core.purposes import newest_ground
from streams.core.records import Decoded
from streams.core.signals import SIGNALS
from streams.core.state import NEVER, State
from tests.builders import DAY, Partition, default_policy, fact_of, with_shape
from tests.property.core.histories import (
    CUSTOMERS,
    POLICIES,
    SMALL,
    Sketch,
    corrected,
    decoded,
    histories,
)
from tests.property.core.test_engine_properties import REGISTERS
from tests.property.core.test_outlook_properties import facts_of

SPAN = 19 * DAY
"""Within every policy's horizon: what a correction moves beyond it is another matter."""
roomy = some.sampled_from((*POLICIES[:3], with_shape(default_policy(), horizon_days=20, max_facts=100)))
"""Policies that keep every event of a history."""


def winners(events: list[Decoded]) -> list[Decoded]:
    """Of each identity the version that counts, and every profile: of these the latest stands, of whatever id."""
    best: dict[tuple[object, ...], tuple[Fact, Decoded]] = {}
    for each in events:
        assert each.event is not None
        fact = fact_of(each)
        key = (each.event.customer_id, fact.identity) if fact else (each.record.offset,)
        if fact is None:
            best[key] = (Fact(0, 0, GONE, 0, 0, 0, 0, 0, 0), each)
        elif key not in best or supersedes(fact, best[key][0]):
            best[key] = (fact, each)
    return sorted((each for _, each in best.values()), key=lambda each: each.at)


def objections(events: list[Decoded]) -> dict[str, int]:
    """When each customer last objected to calls, in any version of an event."""
    found = dict.fromkeys(CUSTOMERS, NEVER)
    for each in events:
        if isinstance(each.event, OutcomeEvent) and each.event.disposition == "DO_NOT_CALL":
            customer = str(each.event.customer_id)
            found[customer] = max(found[customer], each.at)
    return found


def known(partition: Partition) -> dict[str, list[object]]:
    """Facts and registers of each customer."""
    return {
        customer: [state.facts, *(getattr(state, name) for name in REGISTERS if name != "objected_at")]
        for customer in partition.states
        for state in [partition.state(customer)]
    }


@given(corrected(span=SPAN, most=60), roomy, some.data())
def test_any_order_with_any_repetition_ends_in_the_versions_that_count(
    history: list[Sketch], policy: Policy, data: some.DataObject
) -> None:
    events = decoded(history)
    again = data.draw(some.lists(some.sampled_from(events), max_size=10))
    partition, model = Partition(policy), Partition(policy)
    partition.feed(*data.draw(some.permutations(events + again)))
    model.feed(*winners(events))
    assert known(partition) == known(model)
    objected = objections(events)
    assert {c: partition.state(c).objected_at for c in partition.states} == {
        c: objected[c] for c in partition.states
    }


@given(corrected(), some.sampled_from((*POLICIES, SMALL)))
def test_what_was_processed_last_is_a_duplicate_at_once(history: list[Sketch], policy: Policy) -> None:
    partition = Partition(policy)
    for each in decoded(history):
        partition.feed(each)
        before = dict(partition.states)
        again = partition.feed(each)
        assert again.outputs == []
        assert partition.states == before
        assert {result for _, result in again.counts} <= {"duplicate", "beyond_horizon"}


@given(corrected(span=SPAN), roomy, some.data())
def test_once_all_is_known_nothing_that_is_read_again_decides(
    history: list[Sketch], policy: Policy, data: some.DataObject
) -> None:
    events = decoded(history)
    partition = Partition(policy)
    partition.feed(*events)
    before = dict(partition.states)
    assert partition.feed(*data.draw(some.permutations(events))).outputs == []
    assert partition.states == before


@given(histories(most=60), some.sampled_from(POLICIES), some.data())
def test_a_ghost_counts_for_nothing(history: list[Sketch], policy: Policy, data: some.DataObject) -> None:
    facts = facts_of(history)
    if not facts:
        return
    gone = data.draw(some.sets(some.sampled_from(facts)))
    haunted = State(facts=[ghost_of(fact, fact) if fact in gone else fact for fact in facts])
    plain = State(facts=[fact for fact in facts if fact not in gone])
    now = facts[-1].at + data.draw(some.integers(0, 40 * DAY))
    assert newest_ground(haunted) == newest_ground(plain)
    for each in SIGNALS.values():
        readings = [each.measure(View(state, now, policy.parameters)) for state in (haunted, plain)]
        assert readings[0] == readings[1], each.name
