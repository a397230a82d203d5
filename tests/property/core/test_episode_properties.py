"""What holds for the decisions of every history: one episode at a time, honest sequences, rest, silence."""

from collections import defaultdict
from itertools import pairwise
from math import log
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as some

from schemas.cancellation import CancellationEvent
from schemas.dispositions import REACHED
from schemas.outcome import OutcomeEvent
from streams.core import state as st
from streams.core.episodes import assess
from streams.core.policy import Policy
from streams.core.purposes import PURPOSES
from streams.core.signals import SIGNALS
from tests.builders import DAY, Partition, default_policy, ms
from tests.property.core.histories import (
    CUSTOMERS,
    Sketch,
    corrected,
    decoded,
    histories,
    in_order,
    policies,
    uncorrected,
)

ENDED = {"retracted", "expired", "completed"}


def run(history: list[Sketch], policy: Policy) -> Partition:
    partition = Partition(policy)
    partition.feed(*decoded(history), advance_to=max(sketch.at for sketch in history) + 200 * DAY)
    return partition


@given(histories(most=60) | corrected(most=60), policies)
def test_sequences_are_gapless_and_one_episode_is_open_at_a_time(
    history: list[Sketch], policy: Policy
) -> None:
    partition = run(history, policy)
    for customer in CUSTOMERS:
        sequences: dict[str, int] = defaultdict(int)
        last: dict[str, dict[str, Any]] = {}
        open_now = ""
        for trigger in partition.triggers(customer):
            identity = trigger["trigger_id"]
            sequences[identity] += 1
            assert trigger["sequence"] == sequences[identity]
            before = last.get(identity)
            assert before is None or before["status"] == "open"
            if trigger["status"] == "open":
                assert open_now in ("", identity)
                assert ms(trigger["expires_at"]) > ms(trigger["updated_at"])
                if before is not None:
                    assert PURPOSES[trigger["purpose"]].strength > PURPOSES[before["purpose"]].strength
                    assert trigger["created_at"] == before["created_at"]
                open_now = identity
            elif before is not None:
                assert open_now == identity
                open_now = ""
            else:
                assert trigger["status"] == "expired"  # known too late; an open episode goes on
            last[identity] = trigger
        assert open_now == ""  # after 200 silent days


@given(histories(most=60) | corrected(most=60), policies)
def test_the_stored_episode_is_the_one_last_published(history: list[Sketch], policy: Policy) -> None:
    partition = Partition(policy)
    for each in decoded(history):
        partition.feed(each)
    for customer, data in partition.states.items():
        state = st.decode(data)
        newest: dict[str, bytes] = {}
        for trigger, output in zip(
            partition.triggers(customer),
            [o for o in partition.outputs if o.kind == "trigger" and o.customer_id == customer],
            strict=True,
        ):
            newest[trigger["trigger_id"]] = output.value if trigger["status"] == "open" else b""
        assert [value for value in newest.values() if value] == ([state.episode] if state.episode else [])


@given(histories(most=60), policies)
def test_the_score_opens_nothing_within_the_cooldown(history: list[Sketch], policy: Policy) -> None:
    partition = run(history, policy)
    rest = int(policy.cooldown_days * DAY)
    for customer in CUSTOMERS:
        opened = [
            ms(trigger["created_at"])
            for trigger in partition.triggers(customer)
            if trigger["purpose"] == "service_recovery" and trigger["sequence"] == 1
        ]
        for first, second in pairwise(opened):
            assert second - first >= rest
        if history != in_order(history):
            continue  # an answer that arrives late bars nothing before its arrival
        for sketch in history:
            if sketch.customer == customer and dict(sketch.fields).get("disposition") in REACHED:
                assert not [at for at in opened if sketch.at < at < sketch.at + rest]


@given(histories(most=60).map(uncorrected), policies)
def test_nobody_is_called_after_a_final_word(history: list[Sketch], policy: Policy) -> None:
    """A death is one, an objection that no profile lifts, and the end of the relation of somebody of whom no return is known."""
    partition = Partition(policy)
    final: set[str] = set()
    back = {sketch.customer for sketch in history if ("stage", "reinstated") in sketch.fields}
    back |= {sketch.customer for sketch in history if dict(sketch.fields).get("customer_since")}
    agreed = {sketch.customer for sketch in history if dict(sketch.fields).get("consented_at")}
    for each in decoded(history):
        result = partition.feed(each)
        event = each.event
        assert event is not None
        for output in result.outputs:
            assert output.customer_id not in final or output.status != "open"
        used = (event.type, "beyond_horizon") not in result.counts  # type: ignore[attr-defined]
        confirmed = isinstance(event, CancellationEvent) and (
            event.reason == "deceased"
            or (event.stage == "confirmed" and event.whole_relation and event.customer_id not in back)
        )
        objected = (
            isinstance(event, OutcomeEvent)
            and event.disposition == "DO_NOT_CALL"
            and event.customer_id not in agreed
        )
        if used and (confirmed or objected):
            final.add(str(event.customer_id))
            assert not partition.state(str(event.customer_id)).episode
            assert not [o for o in result.outputs if o.kind == "trigger" and o.status == "open"
                        and o.customer_id == event.customer_id and o.ingested_at >= 0]  # fmt: skip


@given(histories(most=60))
def test_intercept_and_contributions_are_the_logit_of_the_score(history: list[Sketch]) -> None:
    partition = Partition()
    partition.feed(*decoded(history))
    policy = default_policy()
    assert policy.score is not None
    for data in partition.states.values():
        seen = assess(st.decode(data), policy, partition.clock.now)
        logit = policy.score.intercept.value + sum(seen.contributions.values())
        assume(abs(logit) < 12)  # beyond, 1 - score has too few digits left to take its logarithm
        assert abs(logit - log(seen.score / (1 - seen.score))) < 1e-9


_READINGS = some.dictionaries(some.sampled_from(sorted(SIGNALS)), some.floats(0, 50))


@given(_READINGS, some.sampled_from(sorted(SIGNALS)), some.floats(0, 50), policies)
def test_the_score_is_monotone_in_the_declared_sign(
    readings: dict[str, float], name: str, more: float, policy: Policy
) -> None:
    raised = readings | {name: readings.get(name, 0.0) + more}
    low = policy.plan.score_of(policy.plan.contributions(readings))
    high = policy.plan.score_of(policy.plan.contributions(raised))
    weight = policy.score.weights.get(name) if policy.score else None
    if weight is None:
        assert low == high
    elif weight.effect == "raises":
        assert high >= low - 1e-12
    else:
        assert high <= low + 1e-12
