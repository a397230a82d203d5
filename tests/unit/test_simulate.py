"""The simulated quarter: repeatable, valid, in order, shaped like a real contact centre, and blind."""

import json
import subprocess
import sys
from collections import Counter
from functools import cache

import pytest

from schemas import topics
from streams.files.ndjson import Line, check_line
from streams.simulate import Quarter, SimulatedRecord, SimulationSettings, simulate
from streams.simulate.causes import HABITS
from streams.simulate.poison import KINDS
from streams.simulate.settings import DAY_MS


@cache
def quarter(poison: float = 0.0, seed: int = 1) -> Quarter:
    return simulate(SimulationSettings(customers=3_000, poison=poison, seed=seed))


@cache
def calls() -> list[tuple[SimulatedRecord, dict[str, object]]]:
    return [(each, json.loads(each.value)) for each in quarter().records if each.topic == topics.CALLS]


def test_the_same_seed_gives_the_same_bytes_in_another_process() -> None:
    script = (
        "import hashlib\nfrom streams.simulate import *\n"
        "q = simulate(SimulationSettings(customers=300, poison=0.01, seed=7))\n"
        "d = hashlib.sha256()\n"
        "for r in q.records: d.update(repr(r).encode())\n"
        "for t in q.truth_lines(): d.update(t)\n"
        "print(d.hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": str(number), "PYTHONPATH": "."},
        ).stdout
        for number in (1, 2)
    }
    assert len(digests) == 1


def test_another_seed_gives_another_quarter() -> None:
    assert quarter().records != quarter(seed=2).records


def test_more_customers_leave_the_lives_of_the_others_as_they_are() -> None:
    few = simulate(SimulationSettings(customers=50)).truths
    assert few == quarter().truths[:50]


def test_every_event_is_valid_and_carries_its_own_topic_key_and_time() -> None:
    for number, record in enumerate(quarter().records, 1):
        checked = check_line(Line("simulated", number, record.value))
        assert checked.topic == record.topic
        assert checked.event.event_id == record.event_id
        assert round(checked.event.occurred_at.timestamp() * 1000) == record.at
        assert checked.routing == record.routing
        assert (checked.key is None) == (record.customer_id is None)
        assert not checked.event.__pydantic_extra__


def test_events_are_unique_within_the_period_and_in_order() -> None:
    settings = SimulationSettings()
    keys = [(record.at, record.event_id) for record in quarter().records]
    assert keys == sorted(set(keys))
    assert settings.start_ms <= keys[0][0]
    assert keys[-1][0] < settings.end_ms == settings.start_ms + 90 * DAY_MS


def test_the_default_is_large_enough_and_every_customer_is_heard_of() -> None:
    assert len(quarter().records) * (20_000 / 3_000) > 200_000
    assert len({record.customer_id for record in quarter().records} - {None}) == 3_000


def test_one_in_a_hundred_makes_a_third_of_the_calls() -> None:
    by_customer = Counter(record.customer_id for record, _ in calls() if record.customer_id)
    top = sorted(by_customer.values(), reverse=True)
    assert 0.25 < sum(top[:30]) / sum(top) < 0.42


def test_some_callers_are_not_recognised() -> None:
    nobody = [event["customer_id"] for record, event in calls() if record.customer_id is None]
    assert 0.13 < len(nobody) / len(calls()) < 0.17
    assert set(nobody) == {"0", "unknown", None, ""}


def test_giving_up_grows_with_waiting() -> None:
    calendar = quarter().calendar
    lost: dict[bool, list[bool]] = {True: [], False: []}
    for record, event in calls():
        if event["channel"] == "phone":
            lost[calendar.mean_wait(record.at) > 30].append(bool(event.get("abandoned")))
    calm, busy = (sum(lost[key]) / len(lost[key]) for key in (False, True))
    assert 0.01 < calm < 0.08
    assert busy > 2 * calm


def test_every_cause_makes_customers_leave_and_nobody_leaves_without_one() -> None:
    left = [truth for truth in quarter().truths if truth.left_in_period]
    assert {truth.cause for truth in left} == set(HABITS)
    assert 0.03 < len(left) / len(quarter().truths) < 0.09
    assert any(truth.contacts == 0 for truth in left), "some leave without a word"


def test_the_truth_agrees_with_the_confirmed_cancellations() -> None:
    confirmed = {
        record.customer_id: record.at
        for record in quarter().records
        if record.topic == topics.CANCELLATIONS and json.loads(record.value)["stage"] == "confirmed"
    }
    assert confirmed == {truth.customer_id: truth.left for truth in quarter().truths if truth.left_in_period}
    last = {record.customer_id: record.at for record in quarter().records if record.customer_id}
    assert all(last[customer] == at for customer, at in confirmed.items()), "silence after leaving"


def test_unresolved_contacts_tell_something_but_not_all() -> None:
    left = {truth.customer_id: truth.left for truth in quarter().truths if truth.left_in_period}
    unresolved = Counter(
        record.customer_id
        for record, event in calls()
        if record.customer_id
        and event.get("resolved") is False
        and record.at < (left.get(record.customer_id) or 2**62)
    )
    flagged = {customer for customer, count in unresolved.items() if count >= 3}
    precision = len(flagged & set(left)) / len(flagged)
    assert 2 < precision / (len(left) / 3_000) < 12
    assert precision < 0.7


def test_no_event_names_a_cause() -> None:
    words = [kind.encode() for kind in HABITS if kind not in ("competitor_offer", "moving")]
    assert not any(word in record.value for record in quarter().records for word in words)


def test_poison_is_of_all_kinds_and_leaves_the_good_records_as_they_are() -> None:
    mixed = quarter(poison=0.002).records
    assert [record for record in mixed if not record.poison] == quarter().records
    assert {record.poison for record in mixed} == {"", *KINDS}
    assert sum(1 for record in mixed if record.poison) == round(len(quarter().records) * 0.002)


def test_telephone_numbers_belong_to_nobody() -> None:
    profiles = [json.loads(each.value) for each in quarter().records if each.topic == topics.PROFILES]
    numbers = [profile["phone_e164"] for profile in profiles if profile["phone_e164"]]
    assert all(number[3:5] == "00" for number in numbers)


def test_the_simulator_does_not_load_the_core() -> None:
    script = "import sys, streams.simulate; print([m for m in sys.modules if m.startswith('streams.core')])"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env={"PYTHONPATH": "."}
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "wrong", [{"customers": 0}, {"days": 0}, {"seed": -1}, {"anonymous": 1.0}, {"poison": -0.1}]
)
def test_choices_out_of_range_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        SimulationSettings(**wrong)  # type: ignore[arg-type]
