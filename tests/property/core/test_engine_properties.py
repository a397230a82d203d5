"""What holds for every history: order, repetition, batches, restarts and partitions never show."""

from collections import defaultdict

from hypothesis import assume, given
from hypothesis import strategies as some

from streams.core import state as st
from streams.core.engine import Batch
from streams.core.episodes import decide
from streams.core.facts import Fact, supersedes
from streams.core.policy import Policy
from streams.core.published import Cause, Output
from streams.core.records import Decoded
from streams.core.state import FOREVER, State
from streams.core.steps import Step
from tests.builders import DAY, Partition, fact_of
from tests.property.core.histories import (
    CUSTOMERS,
    SMALL,
    Sketch,
    corrected,
    decoded,
    erasures,
    histories,
    in_order,
    policies,
    removals,
    uncorrected,
)

END = 400 * DAY
REGISTERS = (
    "requested_at", "requested_id", "given_at", "stage", "stage_reason", "stage_at", "effective_at",
    "ended_at", "ended_reason", "returned_at", "contracts",
    "deceased", "objected_at", "profile_at", "profile_json", "profile_revision", "profile_arrival",
)  # fmt: skip


def facts_by_brute_force(events: list[Decoded], now: int, policy: Policy) -> dict[str, list[Fact]]:
    """The version of each identity that counts, those in view at `now`, the newest K of them. No correction goes back in time."""
    best: dict[tuple[str, int], Fact] = {}
    for each in events:
        assert each.event is not None
        fact = fact_of(each)
        if fact is not None:
            key = (str(each.event.customer_id), fact.identity)
            if key not in best or supersedes(fact, best[key]):
                best[key] = fact
    shape = policy.parameters
    found: dict[str, list[Fact]] = {customer: [] for customer in CUSTOMERS}
    for (customer, _), fact in sorted(best.items(), key=lambda item: item[1]):
        if fact.at > now - shape.horizon:
            found[customer].append(fact)
    return {customer: facts[-shape.keep :] for customer, facts in found.items()}


def in_view(partition: Partition) -> dict[str, list[Fact]]:
    start = partition.clock.now - partition.policy.parameters.horizon
    return {
        c: [f for f in partition.state(c).facts if f.at > start] if c in partition.states else []
        for c in CUSTOMERS
    }


def of_customer(outputs: list[Output]) -> dict[str, list[bytes]]:
    found: dict[str, list[bytes]] = defaultdict(list)
    for each in outputs:
        found[each.customer_id].append(each.value)
    return found


@given(histories(), policies, some.data())
def test_any_order_with_any_duplicates_ends_in_the_brute_force_facts(
    history: list[Sketch], policy: Policy, data: some.DataObject
) -> None:
    events = decoded(history)
    again = data.draw(some.lists(some.sampled_from(events), max_size=8))
    partition = Partition(policy)
    partition.feed(*data.draw(some.permutations(events + again)))
    assert in_view(partition) == facts_by_brute_force(events, partition.clock.now, policy)


@given(histories(span=19 * DAY).map(uncorrected), policies, some.data())
def test_within_the_horizon_registers_do_not_depend_on_order(
    history: list[Sketch], policy: Policy, data: some.DataObject
) -> None:
    """However few facts are kept; with corrections it takes those that they correct (`test_correction_properties`)."""
    events = decoded(history)
    first, second = Partition(policy), Partition(policy)
    first.feed(*events)
    second.feed(*data.draw(some.permutations(events)))
    second.feed(*events)
    assert first.states.keys() == second.states.keys()
    for customer in first.states:
        one, other = first.state(customer), second.state(customer)
        assert [getattr(one, name) for name in REGISTERS] == [getattr(other, name) for name in REGISTERS]


@given(histories() | corrected(), policies, some.data())
def test_batches_restarts_and_pauses_never_show(
    history: list[Sketch], policy: Policy, data: some.DataObject
) -> None:
    events = decoded(history)
    end = max(sketch.at for sketch in history) + END
    whole, split = Partition(policy), Partition(policy)
    whole.feed(*events, advance_to=end)
    rest = events
    while rest:
        size = data.draw(some.integers(1, len(rest)))
        split.feed(*rest[:size], advance_to=split.clock.now)
        rest = rest[size:]
        if data.draw(some.booleans()):
            split.restart()
    now = split.clock.now
    for pause in sorted(data.draw(some.lists(some.integers(now, end), max_size=5))):
        split.advance(pause)
        split.restart()
    split.advance(end)
    assert split.outputs == whole.outputs
    assert split.states == whole.states
    assert split.counts == whole.counts


@given(histories() | corrected(), policies, some.lists(erasures() | removals(), max_size=4), some.data())
def test_timers_that_are_put_off_never_show_in_what_is_decided_about_a_customer(
    history: list[Sketch], policy: Policy, orders: list[Decoded], data: some.DataObject
) -> None:
    rest = data.draw(some.permutations([*decoded(history), *orders]))
    end = max(sketch.at for sketch in history) + END
    prompt, late = Partition(policy), Partition(policy)
    prompt.feed(*rest, advance_to=end)
    few = some.integers(0, 2)
    while rest:
        size = data.draw(some.integers(1, len(rest)))
        late.feed(*rest[:size], most_timers=data.draw(few))
        rest = rest[size:]
        if data.draw(some.booleans()):
            late.restart()
    late.feed(advance_to=end, most_timers=data.draw(few))
    while late.clock.overdue:
        late.feed(most_timers=1)
    assert of_customer(late.outputs) == of_customer(prompt.outputs)
    assert late.states == prompt.states
    assert late.counts == prompt.counts
    assert late.clock.markers == prompt.clock.markers


@given(histories() | corrected(), policies, some.lists(erasures() | removals(), max_size=4), some.data())
def test_the_steps_of_a_batch_never_show_in_what_is_decided_about_a_customer(
    history: list[Sketch], policy: Policy, orders: list[Decoded], data: some.DataObject
) -> None:
    rest = data.draw(some.permutations([*decoded(history), *orders]))
    end = max(sketch.at for sketch in history) + END
    whole, stepped = Partition(policy), Partition(policy)
    whole.feed(*rest, advance_to=end)
    few = some.integers(0, 2)
    batch = Batch(stepped.states, policy, stepped.clock, stepped.erasure)
    while rest:
        size = data.draw(some.integers(1, len(rest)))
        batch.take(rest[:size], data.draw(few))
        rest = rest[size:]
        batch.judge_overdue(data.draw(few))
    batch.advance(end, 0)
    while stepped.clock.overdue:
        batch.judge_overdue(1)
    result = batch.result()
    assert {key: data for key, data in result.states.items() if data is not None} == whole.states
    assert of_customer(result.outputs) == of_customer(whole.outputs)
    assert result.counts == whole.counts
    assert stepped.clock.markers == whole.clock.markers


@given(histories() | corrected(), policies)
def test_a_customer_in_order_is_decided_the_same_in_any_partition(
    history: list[Sketch], policy: Policy
) -> None:
    ordered = in_order(history)
    end = ordered[-1].at + END
    events = decoded(ordered)
    together = Partition(policy)
    together.feed(*events, advance_to=end)
    for customer in CUSTOMERS:
        alone = Partition(policy)
        mine = [each for each in events if each.event is not None and each.event.customer_id == customer]
        alone.feed(*mine, advance_to=end)
        assert of_customer(alone.outputs)[customer] == of_customer(together.outputs)[customer]
        assert alone.states.get(customer) == together.states.get(customer)


@given(histories(most=60) | corrected(most=60), policies)
def test_the_facts_stay_within_both_bounds(history: list[Sketch], policy: Policy) -> None:
    partition = Partition(policy)
    for each in decoded(history):
        assert each.event is not None
        result = partition.feed(each)
        for data in result.states.values():
            if data is not None:
                facts = st.decode(data).facts
                assert len(facts) <= policy.parameters.keep
                assert facts == sorted(facts)
        touched = result.states.get(str(each.event.customer_id))
        if touched is not None:
            oldest = partition.clock.now - policy.parameters.horizon
            assert all(fact.at > oldest for fact in st.decode(touched).facts)


def _says_nothing_too_late(history: list[Sketch], policy: Policy) -> bool:
    """The time of a profile that says nothing is behind the horizon at the end. It is remembered only where there is a profile to
    take away, and not of whoever left the store; so a still older one that is read again is taken, until a replay puts them in order."""
    end = max(each.at for each in history) - policy.parameters.horizon
    return any(
        each.kind == "profile" and each.at <= end and all(value is None for _, value in each.fields)
        for each in history
    )


@given(histories(most=60), policies)
def test_replaying_everything_at_the_end_says_nothing_new(history: list[Sketch], policy: Policy) -> None:
    assume(not _says_nothing_too_late(history, policy))
    partition = Partition(policy)
    events = decoded(history)
    partition.one_by_one(events)
    said = {(o.kind, o.value) for o in partition.outputs}
    before = dict(partition.states)
    assert partition.feed(*events).outputs == []
    assert partition.states == before
    assert {(o.kind, o.value) for o in partition.outputs} == said


@given(histories() | corrected(), policies, some.floats(0, 1, exclude_min=True, exclude_max=True))
def test_nothing_changes_before_the_due_time(history: list[Sketch], policy: Policy, share: float) -> None:
    partition = Partition(policy)
    events = decoded(history)
    for each in events:
        partition.feed(each)
        for customer, data in partition.states.items():
            state = st.decode(data)
            now = partition.clock.now
            until = min(state.due, now + 100 * DAY)
            assert state.due > now
            between = now + int((until - now) * share)
            if now < between < state.due:
                assert decide(state, policy, between, Cause(customer, between, "timer", -1)) == []


@given(histories() | corrected())
def test_whoever_is_silent_leaves_unless_something_is_owed(history: list[Sketch]) -> None:
    partition = Partition(SMALL)
    partition.feed(*decoded(history), advance_to=max(sketch.at for sketch in history) + END)
    for customer in partition.states:
        state = partition.state(customer)
        assert state.facts == []
        assert state.standing
        assert state.due == FOREVER
        assert not state.episode


_TIMES = some.integers(-(2**62), 2**62)


@given(
    some.builds(
        State,
        due=_TIMES,
        newest=_TIMES,
        facts=some.lists(
            some.builds(
                Fact,
                at=_TIMES,
                identity=some.integers(0, 2**64 - 1),
                kind=some.integers(0, 4),
                a=some.integers(0, 255),
                b=some.integers(0, 255),
                c=some.integers(0, 255),
                flags=some.integers(0, 65_535),
                amount=some.integers(0, 65_535),
                topic=some.integers(0, 2**32 - 1),
                revision=_TIMES,
                arrival=_TIMES,
            ),
            max_size=20,
        ),
        requested_at=_TIMES,
        requested_id=some.integers(0, 2**64 - 1),
        given_at=_TIMES,
        stage=some.integers(0, 5),
        ended_at=_TIMES,
        ended_reason=some.integers(0, 7),
        returned_at=_TIMES,
        contracts=some.lists(
            some.builds(
                Step,
                _TIMES,
                some.integers(0, 5),
                some.integers(0, 7),
                some.integers(0, 2**62),
                some.integers(0, 2**24 - 1),
            ),
            max_size=8,
        ).map(tuple),
        served_contract=some.integers(0, 2**24 - 1),
        stage_reason=some.integers(0, 7),
        stage_at=_TIMES,
        effective_at=_TIMES,
        deceased=some.integers(0, 1),
        objected_at=_TIMES,
        profile_at=_TIMES,
        profile_json=some.binary(max_size=300),
        profile_revision=_TIMES,
        profile_arrival=_TIMES,
        band=some.integers(0, 255),
        signals_sequence=some.integers(0, 2**32 - 1),
        scored_at=_TIMES,
        cooldown_until=_TIMES,
        served_request_at=_TIMES,
        served_stage_at=_TIMES,
        episode=some.binary(max_size=2_000),
        slack=some.floats(allow_nan=False),
        saturated=some.integers(0, 2**64 - 1),
        spare=some.integers(0, 255),
        judged_at=_TIMES,
        judged_by=some.integers(0, 2**32 - 1),
    )
)
def test_a_state_survives_its_bytes(state: State) -> None:
    data = st.encode(state)
    assert st.decode(data) == state
    assert st.due_of(data) == state.due
