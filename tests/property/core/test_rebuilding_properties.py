"""Rebuilding a partition from its events and from what was said: what must come out, whatever the history."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from hypothesis import given
from hypothesis import strategies as some

from streams.core.erasure import Erasure
from streams.core.policy import Policy
from streams.core.published import Output
from streams.core.rebuilding import differ, rebuilt
from streams.core.records import Decoded
from streams.core.replay import Replay
from streams.core.said import Told
from streams.core.state import NEVER
from tests.builders import DAY, KEEP, Partition
from tests.property.core.histories import (
    Sketch,
    corrected,
    decoded,
    erasures,
    histories,
    in_order,
    policies,
    uncorrected,
)

BOUND = 2**52
_KEPT = ("profile", "outcome", "cancellation")
ERASURE = Erasure(b"the key of every timeline", KEEP)


def lived(events: list[Decoded], policy: Policy) -> Partition:
    partition = Partition(policy)
    partition.one_by_one(events)
    return partition


def left_of(events: list[Decoded], data: some.DataObject) -> list[Decoded]:
    """What is left when retention has removed a beginning: profiles are compacted, and what is about words that were said is as young."""
    start = data.draw(some.integers(0, len(events)))
    return [
        each
        for number, each in enumerate(events)
        if number >= start or (each.event is not None and each.event.kind in _KEPT)
    ]


def told_of(partition: Partition) -> Told:
    return told_by(partition.outputs)


def told_by(outputs: Iterable[Output]) -> Told:
    told = Told()
    for output in outputs:
        if output.kind == "trigger":
            told.trigger(output.value)
        else:
            told.signals(output.customer_id, output.value or None)
    return told


def words_of(outputs: Iterable[Output]) -> set[bytes]:
    return {output.value for output in outputs if output.kind == "trigger"}


def again(
    events: list[Decoded],
    policy: Policy,
    told: Told,
    old: dict[str, bytes] | None = None,
    now: int = NEVER,
    whole: bool = True,
    pending: bool = False,
    unsent: Collection[str] = (),
) -> Partition:
    """A partition as a repair leaves it."""
    replay = Replay(policy, ERASURE)
    replay.feed(events, advance_to=now if now > NEVER else None)
    partition = Partition(policy)
    partition.states = rebuilt(
        replay,
        told,
        old or {},
        policy,
        bound=BOUND,
        told_since=NEVER,
        whole=whole,
        pending=pending,
        unsent=unsent,
    )
    partition.clock.now = replay.clock.now
    partition.restart()
    return partition


@given(corrected(), some.lists(erasures(), max_size=2), policies, some.data())
def test_a_history_that_is_whole_gives_the_same_bytes(
    history: list[Sketch], erased: list[Decoded], policy: Policy, data: some.DataObject
) -> None:
    events = data.draw(some.permutations(decoded(history) + erased))
    before = lived(events, policy)
    assert again(events, policy, told_of(before)).states == before.states
    assert again(events, policy, told_of(before), old=before.states).states == before.states


@given(corrected(), policies, some.data())
def test_what_was_said_behind_the_commit_is_said_again_in_the_same_words(
    history: list[Sketch], policy: Policy, data: some.DataObject
) -> None:
    """A worker was killed between publishing and committing, and its changelog is gone."""
    events = decoded(history)
    before = lived(events, policy)
    committed = data.draw(some.integers(0, len(events)))
    after = again(events[:committed], policy, told_of(before), pending=committed < len(events))
    after.one_by_one(events[committed:])
    assert {o.value for o in after.outputs} <= {o.value for o in before.outputs}
    assert after.states == before.states


@given(histories(), policies, some.data())
def test_what_was_durable_and_not_published_is_published_after_all(
    history: list[Sketch], policy: Policy, data: some.DataObject
) -> None:
    """A worker was killed before it had published a batch, of an event or of time that passed, and its changelog is repaired.

    Nobody dies here: a state does not say when, so a repair that finds it in a state of later than the commit retracts at once.
    """
    living = [each for each in history if ("reason", "deceased") not in each.fields]
    events = decoded(uncorrected(in_order(living)))
    committed = data.draw(some.integers(0, len(events)))
    written = data.draw(some.integers(committed, len(events)))
    whole = lived(events[:written], policy)
    published = len(whole.outputs)
    if written < len(events) and data.draw(some.booleans()):
        latest = events[written].at
        whole.feed(events[written])
        written += 1
    else:
        latest = events[written].at if written < len(events) else whole.clock.now + 60 * DAY
        if latest > whole.clock.now > NEVER:
            whole.advance(data.draw(some.integers(whole.clock.now, latest)))
    batch = whole.outputs[published:]
    sent = [output for output in batch if data.draw(some.booleans())]
    told, old = told_by([*whole.outputs[:published], *sent]), dict(whole.states)
    unsent = {output.customer_id for output in batch}

    pending = committed < len(events) or bool(unsent)
    now = NEVER if pending else whole.clock.now
    after = again(events[:committed], policy, told, old=old, now=now, pending=pending, unsent=unsent)
    whole.one_by_one(events[written:])
    after.one_by_one(events[committed:])
    end = max(whole.clock.now, latest) + DAY
    if whole.clock.now > NEVER:
        whole.advance(end)
        after.advance(end)
    assert words_of([*whole.outputs[:published], *sent, *after.outputs]) == words_of(whole.outputs)
    for customer in whole.states:
        assert after.state(customer).episode == whole.state(customer).episode


@given(histories(), policies)
def test_nobody_is_called_again_when_the_order_of_arrival_was_another(
    history: list[Sketch], policy: Policy
) -> None:
    """Live, events come as they come; a repair reads them by their times."""
    events = decoded(uncorrected(history))
    before = lived(events, policy)
    now = before.clock.now
    after = again(sorted(events, key=lambda each: each.at), policy, told_of(before), now=now)
    assert after.states.keys() >= {c for c in before.states if before.state(c).facts}
    for customer in before.states.keys() & after.states.keys():
        whole, state = before.state(customer), after.state(customer)
        assert state.episode == whole.episode
        start = now - policy.parameters.horizon
        assert [each for each in state.facts if each.at > start] == [
            each for each in whole.facts if each.at > start
        ]
        assert state.cooldown_until >= now or whole.cooldown_until <= now
        assert state.signals_sequence >= whole.signals_sequence
    after.advance(now + 1)
    assert [each for each in after.outputs if b'"sequence":1,"status":"open"' in each.value] == []


@given(histories(), policies, some.data())
def test_nobody_is_called_again_when_the_beginning_is_lost(
    history: list[Sketch], policy: Policy, data: some.DataObject
) -> None:
    events = decoded(uncorrected(in_order(history)))
    before = lived(events, policy)
    kept = left_of(events, data)
    now = before.clock.now
    after = again(kept, policy, told_of(before), now=now, whole=False)
    for customer, state in before.states.items():
        whole = before.state(customer)
        if customer not in after.states:
            assert not whole.episode
            assert whole.cooldown_until <= now
            continue
        state = after.state(customer)
        assert state.episode == whole.episode
        assert state.cooldown_until >= min(whole.cooldown_until, now)
        assert state.signals_sequence >= whole.signals_sequence
    after.advance(now + 1)
    assert [each for each in after.outputs if b'"sequence":1,"status":"open"' in each.value] == []


@given(histories(span=19 * DAY), policies, some.data())
def test_what_the_old_states_still_know_is_kept(
    history: list[Sketch], policy: Policy, data: some.DataObject
) -> None:
    events = decoded(uncorrected(in_order(history)))
    before = lived(events, policy)
    kept = left_of(events, data)
    after = again(kept, policy, told_of(before), old=before.states, now=before.clock.now, whole=False)
    ledger = {"due", "slack", "saturated", "spare", "ending", "judged_by", "judged_at"}
    ledger |= {"scored_at", "served_request_at", "served_stage_at", "signals_sequence"}
    assert after.states.keys() == before.states.keys()
    for customer, state in before.states.items():
        assert set(differ(state, after.states[customer])) <= ledger
