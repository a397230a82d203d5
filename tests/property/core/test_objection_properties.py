"""Objections by number in any history: nobody who objected is to be called, and neither order, batches nor restarts show."""

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as some

from schemas.instants import from_text
from streams.core.objections import is_objection
from streams.core.records import Decoded
from streams.core.state import NEVER, State
from tests.builders import DAY, HOUR, KEEP, START, Partition, iso, objection, profile
from tests.property.core.histories import CUSTOMERS, SMALL, Sketch, decoded, histories

NUMBERS = ("+31201234567", "+31301234567")
SPAN = 19 * DAY
_TIMES = some.integers(0, 80).map(lambda quarter: START + quarter * 6 * HOUR)


@some.composite
def words(draw: some.DrawFn) -> Decoded:
    """A word about one of two numbers."""
    at, phone = draw(_TIMES), draw(some.sampled_from(NUMBERS))
    if draw(some.booleans()):
        return objection(at, phone_e164=phone, lifted=True)
    days = draw(some.sampled_from([None, None, 1, 5, 30]))
    return objection(at, phone_e164=phone, until=None if days is None else iso(at + days * DAY))


@some.composite
def profiles(draw: some.DrawFn) -> Decoded:
    """A profile that names one of the two numbers, or none."""
    at, customer = draw(_TIMES), draw(some.sampled_from(CUSTOMERS))
    phone = draw(some.sampled_from([*NUMBERS, *NUMBERS, None]))
    consented = draw(some.sampled_from([None, None, None, iso(at - DAY), iso(at)]))
    return profile(at, customer=customer, phone_e164=phone, consented_at=consented)


@some.composite
def records(draw: some.DrawFn) -> list[Decoded]:
    """A history with numbers and words about them, in any order of arrival."""
    beside = draw(some.lists(words(), min_size=1, max_size=6)) + draw(
        some.lists(profiles(), min_size=1, max_size=6)
    )
    kept = [each for each in draw(histories(span=SPAN, most=20)) if each.kind != "profile"]
    return draw(some.permutations([*decoded(kept), *beside]))


def barred_by_brute_force(state: State, seen: Iterable[Decoded], now: int) -> bool:
    """Whether the greatest word about the customer's number, of all that were seen, holds now and no later consent lifts it."""
    fields = state.profile()
    mine = [
        each.event for each in seen if getattr(each.event, "phone_e164", None) == fields.get("phone_e164")
    ]
    said = [each for each in mine if each is not None and each.kind == "objection"]
    if not said:
        return False
    last = max(
        said,
        key=lambda each: (
            each.occurred_at,
            not each.lifted,
            each.until is None,
            each.until or each.occurred_at,
        ),
    )  # type: ignore[attr-defined]
    at, until = int(last.occurred_at.timestamp() * 1000), last.until  # type: ignore[attr-defined]
    if last.lifted or (until is not None and int(until.timestamp() * 1000) <= now):  # type: ignore[attr-defined]
        return False
    text = fields.get("consented_at")
    return not (text and min(from_text(text), state.profile_at) > at)


@given(records())
def test_nobody_who_objected_is_to_be_called_at_any_time(history: list[Decoded]) -> None:
    partition, seen = Partition(SMALL), list[Decoded]()
    for each in history:
        partition.feed(each)
        seen.append(each)
        for customer in CUSTOMERS:
            if customer in partition.states:
                state = partition.state(customer)
                if barred_by_brute_force(state, seen, partition.clock.now):
                    assert not state.episode


@given(records(), some.data())
def test_order_and_repetition_of_words_and_profiles_do_not_show_in_who_is_barred(
    history: list[Decoded], data: some.DataObject
) -> None:
    one, other = Partition(SMALL), Partition(SMALL)
    again = data.draw(some.lists(some.sampled_from(history), max_size=5))
    one.feed(*history, advance_to=START + 40 * DAY)
    other.feed(*data.draw(some.permutations([*history, *again])), advance_to=START + 40 * DAY)

    def known(partition: Partition) -> dict[str, bytes]:
        return {key: data for key, data in partition.states.items() if is_objection(key)}

    def barred(partition: Partition) -> dict[str, bool]:
        there = [
            each for each in CUSTOMERS if each in partition.states and partition.state(each).profile_json
        ]
        return {each: partition.state(each).number_objected_at != NEVER for each in there}

    assert known(one) == known(other)
    assert barred(one) == barred(other)


@given(records(), some.data())
def test_batches_restarts_and_timers_put_off_never_show(
    history: list[Decoded], data: some.DataObject
) -> None:
    end = START + 60 * DAY + KEEP + 400 * DAY
    whole, split = Partition(SMALL), Partition(SMALL)
    whole.feed(*history, advance_to=end)
    rest, few = history, some.integers(0, 2)
    while rest:
        size = data.draw(some.integers(1, len(rest)))
        split.feed(*rest[:size], most_timers=data.draw(few))
        rest = rest[size:]
        if data.draw(some.booleans()):
            split.restart()
    split.feed(advance_to=end, most_timers=data.draw(few))
    while split.clock.overdue:
        split.feed(most_timers=1)
    for customer in CUSTOMERS:
        assert split.triggers(customer) == whole.triggers(customer)
    assert split.states == whole.states
    assert split.counts == whole.counts
    assert split.clock.objections == whole.clock.objections


@given(histories(span=SPAN), some.lists(words(), max_size=4))
def test_a_number_that_nobody_has_changes_nothing(history: list[Sketch], said: list[Decoded]) -> None:
    events = decoded(history)  # whose profiles name no number
    plain, beside = Partition(SMALL), Partition(SMALL)
    plain.feed(*events, advance_to=START + 40 * DAY)
    beside.feed(*said, *events, advance_to=START + 40 * DAY)
    assert beside.outputs == plain.outputs
    assert {key: data for key, data in beside.states.items() if not is_objection(key)} == plain.states
