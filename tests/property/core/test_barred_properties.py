"""Who is barred, by whatever order and repetition it becomes known: the same as from all events at once, told apart by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import example, given
from hypothesis import strategies as some

from schemas.cancellation import CancellationEvent
from schemas.instants import ms_of
from schemas.outcome import OutcomeEvent
from schemas.profile import ProfileEvent
from streams.core.barred import barred_by, newest_request
from streams.core.steps import MOST_CONTRACTS, WHOLE, Step, contract_of, newest, packed, step_of
from tests.builders import DAY, HOUR, START, Partition, event, fact_of, iso
from tests.property.core.test_correction_properties import winners
from tests.property.core.test_engine_properties import REGISTERS

if TYPE_CHECKING:
    from streams.core.records import Decoded

_HOURS = some.integers(0, 12)
_CONTRACTS = some.sampled_from([None, None, None, *(f"K{number}" for number in range(MOST_CONTRACTS + 3))])


def _time(hours: int) -> int:
    return START + hours * HOUR


@some.composite
def steps(draw: some.DrawFn) -> Decoded:
    """A step, of the whole relation or of one contract, in some version of one of a few events."""
    fields: dict[str, Any] = {
        "stage": draw(some.sampled_from(["inquiry", "requested", "withdrawn", "confirmed", "reinstated"])),
        "reason": draw(some.sampled_from(["price"] * 9 + ["deceased"])),
    }
    contract = draw(_CONTRACTS)
    if contract is not None:
        fields |= {"contract_id": contract, "whole_relation": False}
    if draw(some.booleans()):
        fields["effective_at"] = iso(START + draw(_HOURS) * DAY)
    if draw(some.booleans()):
        fields["revised_at"] = iso(START + draw(_HOURS) * DAY)
    return event("cancellation", _time(draw(_HOURS)), event_id=f"s{draw(some.integers(1, 15))}", **fields)


@some.composite
def profiles(draw: some.DrawFn) -> Decoded:
    """A profile that may lift something, or bar."""
    fields: dict[str, Any] = {}
    for name in ("customer_since", "consented_at"):
        if draw(some.booleans()):
            fields[name] = iso(_time(draw(_HOURS)))
    if draw(some.integers(0, 3)) == 0:
        fields["do_not_call"] = True
    return event("profile", _time(draw(_HOURS)), **fields)


@some.composite
def objections(draw: some.DrawFn) -> Decoded:
    """An outcome, of which some object."""
    disposition = draw(some.sampled_from(["DO_NOT_CALL", "NO_ANSWER"]))
    return event(
        "outcome",
        _time(draw(_HOURS)),
        event_id=f"o{draw(some.integers(1, 5))}",
        disposition=disposition,
        trigger_id="t",
        attempt=1,
    )


histories = some.lists(steps() | steps() | profiles() | objections(), min_size=1, max_size=40)


def barred_by_hand(events: list[Decoded]) -> str | None:
    """The table, from the events themselves: of each the version that counts, but of objections every version."""
    counting = winners(events)
    told = [(each.at, each.event) for each in counting]
    cancelled = [(at, one) for at, one in told if isinstance(one, CancellationEvent)]
    if any(one.reason == "deceased" for _, one in cancelled):
        return "deceased"
    stands = [each for each in counting if isinstance(each.event, ProfileEvent)]
    said, since, consented, objects = -1, -1, -1, False
    if stands:
        latest = max(stands, key=lambda each: (each.at, each.arrival))
        assert isinstance(latest.event, ProfileEvent)
        said, objects = latest.at, latest.event.do_not_call is True
        if latest.event.customer_since is not None:
            since = min(said, ms_of(latest.event.customer_since))
        if latest.event.consented_at is not None:
            consented = min(said, ms_of(latest.event.consented_at))
    objected = [
        each.at
        for each in events
        if isinstance(each.event, OutcomeEvent) and each.event.disposition == "DO_NOT_CALL"
    ]
    if objects or (objected and max(objected) >= consented):
        return "do_not_call"
    ends = [at for at, one in cancelled if one.stage == "confirmed" and one.whole_relation]
    returns = [at for at, one in cancelled if one.stage == "reinstated"]
    if ends and max(ends) >= max([since, *returns]):
        return "cancellation_confirmed"
    return None


def known(partition: Partition) -> list[object]:
    """All that is known of the customer, with who is barred and what stands."""
    if "c1" not in partition.states:
        return []
    state = partition.state()
    return [
        state.facts,
        *(getattr(state, name) for name in REGISTERS),
        barred_by(state),
        newest_request(state),
    ]


@given(histories, some.data())
def test_any_order_with_any_repetition_bars_alike(history: list[Decoded], data: some.DataObject) -> None:
    again = data.draw(some.lists(some.sampled_from(history), max_size=10))
    orders = [history, data.draw(some.permutations(history + again)), sorted(history, key=lambda e: e.at)]
    found = []
    for order in orders:
        partition = Partition()
        partition.feed(*order)
        found.append(known(partition))
    assert found[0] == found[1] == found[2]
    if found[0]:
        assert found[0][-2] == barred_by_hand(history)


@given(histories, some.data())
def test_batches_and_restarts_do_not_show(history: list[Decoded], data: some.DataObject) -> None:
    whole, cut = Partition(), Partition()
    whole.feed(*history)
    rest = list(history)
    while rest:
        size = data.draw(some.integers(1, len(rest)))
        cut.feed(*rest[:size])
        cut.restart()
        rest = rest[size:]
    assert cut.states == whole.states
    assert cut.outputs == whole.outputs


@given(histories)
def test_nothing_is_open_of_who_is_barred_and_no_id_is_said_twice(history: list[Decoded]) -> None:
    partition = Partition()
    for each in history:
        partition.feed(each)
        for data in partition.states:
            state = partition.state(data)
            if barred_by(state) is not None:
                assert not state.episode
    names = [(each["trigger_id"], each["sequence"]) for each in partition.triggers()]
    assert len(names) == len(set(names))
    first = [name for name in names if name[1] == 1]
    assert len(first) == len({name for name, _ in names})


_STEPS = some.builds(
    Step,
    some.integers(0, 20),
    some.integers(2, 5),
    some.integers(0, 3),
    some.integers(0, 3),
    some.integers(1, 12),
)


@given(some.lists(_STEPS, max_size=60), some.data())
def test_which_contracts_are_kept_depends_on_no_order(found: list[Step], data: some.DataObject) -> None:
    kept: tuple[Step, ...] = ()
    for step in data.draw(some.permutations(found)):
        kept = newest((*kept, step))
    assert kept == newest(found) == newest((*kept, *found))
    assert len({step.contract for step in kept}) == len(kept) <= MOST_CONTRACTS


@given(some.integers(1, 2**24 - 1), some.integers(0, 253_402_300_799_999))
@example(2**24 - 1, 253_402_300_799_999)
def test_a_fact_tells_the_contract_and_its_end(contract: int, effective: int) -> None:
    fact = fact_of(event("cancellation", START, stage="requested"))
    assert fact is not None
    for of in (contract, WHOLE):
        c, flags, amount, topic = packed(of, effective)
        step = step_of(fact._replace(c=c, flags=flags, amount=amount, topic=topic))
        exact = of == WHOLE or effective < 60_000
        assert step.contract == of
        assert step.effective == (
            effective if of == WHOLE else effective // 60_000 * 60_000 or 60_000 * bool(effective)
        )
        assert exact or 0 <= effective - step.effective < 60_000


def test_the_names_of_contracts_are_told_apart() -> None:
    names = [f"K-{number}" for number in range(2_000)]
    assert len({contract_of(name) for name in names}) >= len(names) - 2
    assert WHOLE not in {contract_of(name) for name in [None, "", *names]}
