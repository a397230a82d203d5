"""What is left out never shows: with every event judged, as without shortcuts, the same is decided at the same instants."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as some

from streams.core.facts import FACT, Fact
from streams.core.history import History, View
from streams.core.outlook.arrival import Arrival
from streams.core.outlook.rises import RISES, rise_of
from streams.core.policy import Policy
from streams.core.signals import SIGNALS
from streams.core.state import State
from tests.builders import DAY, Partition, fact_of
from tests.property.core.histories import (
    CUSTOMERS,
    POLICIES,
    TALKS,
    Sketch,
    corrected,
    decoded,
    histories,
    in_order,
    talked_with,
)

END = 400 * DAY


def judging_everything(policy: Policy) -> Policy:
    """The plain reference: no event is folded without a judgement, and time is looked at edge by edge."""
    plain = Policy.model_validate(policy.model_dump())
    plain.outlook.shortcuts = False
    return plain


PAIRS = [(policy, judging_everything(policy)) for policy in POLICIES]


@given(histories(most=80) | histories(most=80).map(in_order) | corrected(most=80), some.sampled_from(PAIRS))
def test_shortcuts_never_show(history: list[Sketch], pair: tuple[Policy, Policy]) -> None:
    _decides_the_same(history, pair)


@given(talked_with(), some.sampled_from([pair for pair in PAIRS if pair[0] in (TALKS, POLICIES[0])]))
def test_what_fades_after_a_talk_is_never_missed(history: list[Sketch], pair: tuple[Policy, Policy]) -> None:
    """A talk that settled the matter lowers the score, which rises again as that fades, though nothing arrives."""
    assert pair[0].outlook.shortcuts
    _decides_the_same(history, pair)


def _decides_the_same(history: list[Sketch], pair: tuple[Policy, Policy]) -> None:
    quick, plain = map(Partition, pair)
    events = decoded(history)
    end = max(sketch.at for sketch in history) + END
    for partition in (quick, plain):
        partition.feed(*events, advance_to=end)
    assert quick.outputs == plain.outputs
    assert quick.counts == plain.counts
    assert quick.states.keys() == plain.states.keys()
    for customer in quick.states:
        ledgers = [
            replace(partition.state(customer), due=0, slack=0.0, saturated=0, spare=0, judged_at=0)
            for partition in (quick, plain)
        ]
        assert ledgers[0] == ledgers[1]


def facts_of(history: list[Sketch]) -> list[Fact]:
    """One customer's facts at different times, oldest first."""
    found: dict[int, Fact] = {}
    for each in decoded(in_order(history)):
        fact = fact_of(each)
        if fact is not None and each.event is not None and each.event.customer_id == CUSTOMERS[0]:
            found[fact.at] = fact
    return list(found.values())


@given(histories(most=60), some.sampled_from(POLICIES), some.integers(0, 100 * DAY))
def test_a_signal_keeps_to_what_it_declares(history: list[Sketch], policy: Policy, later: int) -> None:
    facts = facts_of(history)
    if not facts:
        return
    *before, new = facts
    now, shape = new.at + later, policy.parameters
    packed = b"".join(FACT.pack(*fact) for fact in before)
    for each in SIGNALS.values():
        without = float(each.measure(View(State(facts=before), now, shape)))
        reading = float(each.measure(View(State(facts=facts), now, shape)))
        rise = 0.0
        if each.concerns(new.kind, new.flags):
            rise = rise_of(each.name).most(Arrival(new, packed, 0, len(packed), shape))
        assert reading <= without + rise + 1e-9, each.name
        assert reading <= rise_of(each.name).top
        assert rise_of(each.name).may_lower or reading >= without, each.name
        newer = float(each.measure(View(State(facts=facts[1:]), now, shape)))
        assert newer <= reading, each.name  # the oldest fact that falls out lowers, if anything
        if not each.rising:
            assert float(each.measure(View(State(facts=facts), now + DAY, shape))) <= reading, each.name


@given(histories(most=60), some.sampled_from(POLICIES), some.integers(0, 100 * DAY))
def test_what_was_found_at_one_time_holds_later(history: list[Sketch], policy: Policy, later: int) -> None:
    facts = facts_of(history)
    if not facts:
        return
    now, shape = facts[-1].at, policy.parameters
    found = History(facts, now, shape)
    for each in SIGNALS.values():
        each.measure(View(State(facts=facts), now, shape, found))
        kept = each.measure(View(State(facts=facts), now + later, shape, found))
        assert kept == each.measure(View(State(facts=facts), now + later, shape)), each.name


def test_each_signal_of_facts_has_a_bound_or_every_event_is_judged() -> None:
    """A signal without a row in `RISES` is right, but slow: give it one (CONTRIBUTING.md, "A signal")."""
    assert [each.name for each in SIGNALS.values() if each.kinds and each.name not in RISES] == []
    assert set(RISES) <= set(SIGNALS)
