"""Whatever comes, in whatever order and however it is cut: the promises of a desk hold, and a restart changes nothing."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.dispositions import DISPOSITION_RULES
from schemas.instants import from_text
from streams.core.release.inputs import (
    Body,
    Capacity,
    Claim,
    Contact,
    Done,
    Erased,
    GiveBack,
    Input,
    Progress,
    Renew,
    Reported,
    SetMode,
    Tick,
    Withdrawn,
)
from streams.core.release.places import ENDS, OUT
from streams.core.release.plan import QUARTER, SkillRules, Staffed
from streams.core.release.process import process_release, restore
from streams.core.release.work import DeskState, Output
from streams.core.state import NEVER
from tests.builders import DAY, HOUR
from tests.desks import AMSTERDAM, MINUTE, MONDAY, SECOND, decided, rules

CEILING = {"service": 2, "callback": 1}
SKILLS = {
    name: SkillRules("live", (Staffed(frozenset(range(7)), 0, 24 * 60, most),), AMSTERDAM, 4)
    for name, most in CEILING.items()
}
RULES = rules(skills=SKILLS, ended_kept=2 * DAY)
IDS = [f"t{n}" for n in range(6)]
CUSTOMER = {trigger_id: f"customer-{n // 2}" for n, trigger_id in enumerate(IDS)}
PHONE = "+31201234567"
WINDOWS = [[MONDAY, MONDAY + 2 * HOUR], [MONDAY + 3 * HOUR, MONDAY + 20 * HOUR]]

ids = st.sampled_from(IDS)
claimants = st.sampled_from(["ann", "bob", "cor"])
skill_names = st.sampled_from([*CEILING, "unknown"])
numbers = st.integers(1, 12).map(lambda n: f"k{n}")


@st.composite
def decisions(draw: st.DrawFn) -> Body:
    trigger_id = draw(ids)
    skill = draw(st.sampled_from([*CEILING]))
    return decided(
        trigger_id,
        draw(st.integers(1, 5)),
        customer_id=CUSTOMER[trigger_id],
        partition=draw(st.just(IDS.index(trigger_id) // 2 % 2)),
        skill=skill,
        purpose="requested_callback" if skill == "callback" else "service_recovery",
        windows=draw(st.sampled_from([WINDOWS, WINDOWS, WINDOWS[:1], []])),
        expires_at=MONDAY + draw(st.sampled_from([1, 5, 30])) * HOUR,
        due_at=MONDAY + draw(st.sampled_from([1, 4])) * HOUR,
        worth=float(draw(st.integers(0, 2))),
        most_attempts=2,
        retry_delay=10 * MINUTE,
        trigger={"phone_e164": PHONE},
        contact=draw(st.sampled_from(["", "", "x1"])),
        adopted_sequence=draw(st.sampled_from([0, 0, 0, 3])),
    )


bodies: st.SearchStrategy[Body] = st.one_of(
    decisions(),
    decisions(),
    st.builds(Withdrawn, ids, st.integers(2, 6), st.just("cooled_down")),
    st.builds(Reported, ids, st.integers(1, 3), st.sampled_from([*DISPOSITION_RULES, "NEW_CODE"])),
    st.builds(Contact, ids, st.sampled_from(["x1", "x2"]), st.booleans(), st.booleans()),
    st.builds(Erased, ids),
    st.builds(Claim, claimants, numbers, ids, st.just("")),
    st.builds(Claim, claimants, numbers, st.just(""), skill_names),
    st.builds(Claim, claimants, numbers, st.just(""), skill_names),
    st.builds(Renew, claimants, numbers, ids),
    st.builds(GiveBack, claimants, numbers, ids),
    st.builds(Done, claimants, numbers, ids, st.sampled_from(["", "stopped", "too_late"])),
    st.builds(
        Capacity,
        claimants,
        numbers,
        skill_names,
        st.integers(0, 3),
        st.integers(0, 30).map(lambda m: MONDAY + m * MINUTE * 10),
    ),
    st.builds(
        SetMode,
        st.just("op"),
        numbers,
        skill_names,
        st.sampled_from(["live", "limited", "shadow"]),
        st.integers(0, 3),
    ),
)
steps = st.lists(
    st.tuples(
        st.lists(bodies, max_size=4),
        st.sampled_from([SECOND, SECOND, SECOND, MINUTE, 6 * MINUTE, QUARTER, HOUR, 5 * HOUR]),
        st.sampled_from([(True, True), (True, True), (True, False), (False, False)]),
        st.sampled_from([True, True, True, True, False]),
    ),
    min_size=1,
    max_size=25,
)


def inputs_of(drawn: list[tuple[list[Body], int, tuple[bool, bool], bool]]) -> list[Input]:
    """The records of a desk: at each step some happen, then time passes. A step that is not live belongs to a new owner's reading."""
    at, found = (
        MONDAY,
        [Input(MONDAY, Tick(MONDAY)), Input(MONDAY, Progress(0, MONDAY)), Input(MONDAY, Progress(1, MONDAY))],
    )
    for happens, passes, read, live in drawn:
        found += [Input(at, body, live) for body in happens]
        at += passes
        found += [Input(at, Progress(partition, at), live) for partition in (0, 1) if read[partition]]
        found.append(Input(at, Tick(at), live))
    return found


class Run:
    """A desk over all records, cut as `cuts` says: records at a time, bytes at a time, whether it is restarted between."""

    def __init__(self, records: list[Input], cuts: list[tuple[int, int, bool]]) -> None:
        self.states: dict[str, bytes] = {}
        self.outputs: list[Output] = []
        partition: DeskState = restore(RULES, NEVER, self.states)
        turn = 0
        while records or partition.desk.overdue or partition.desk.paced_at < partition.desk.now:
            most, room, again = cuts[turn % len(cuts)]
            turn += 1
            result = process_release(records[:most], partition, room=room)
            records = records[result.taken :]
            for key, data in result.states.items():
                if data is None:
                    del self.states[key]
                else:
                    self.states[key] = data
            self.outputs += result.outputs
            if again:
                partition = restore(RULES, partition.desk.now, self.states)

    def triggers(self) -> dict[str, list[dict[str, Any]]]:
        found: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for output in self.outputs:
            if output.kind == "trigger":
                record = orjson.loads(output.value)
                found[record["trigger_id"]].append(record | {"now": from_text(record["updated_at"])})
        return found


WHOLE = [(10_000, 1 << 62, False)]
cuts = st.lists(
    st.tuples(st.integers(1, 5), st.sampled_from([1, 1_000, 7_000, 20_000]), st.booleans()),
    min_size=1,
    max_size=7,
)


@given(steps, cuts)
@settings(max_examples=100)
def test_how_records_are_cut_and_restarts_never_show(drawn: Any, cut: list[tuple[int, int, bool]]) -> None:
    records = inputs_of(drawn)
    whole, parts = Run(records, WHOLE), Run(records, cut)
    assert parts.outputs == whole.outputs
    assert parts.states == whole.states


@given(steps)
@settings(max_examples=100)
def test_the_ceiling_of_a_quarter_is_never_exceeded(drawn: Any) -> None:
    released: dict[tuple[str, int], set[tuple[str, int]]] = defaultdict(set)
    for trigger_id, records in Run(inputs_of(drawn), WHOLE).triggers().items():
        before = ""
        for record in records:
            if record["status"] == "open" and (before == "queued" or record["sequence"] == 1):
                released[record_skill(record), record["now"] // QUARTER].add((trigger_id, record["attempt"]))
            before = record["status"]
    for (skill, _), attempts in released.items():
        assert len(attempts) <= CEILING[skill]


def record_skill(record: dict[str, Any]) -> str:
    return str(record["skill"])


@given(steps)
@settings(max_examples=100)
def test_no_trigger_has_two_holders_and_no_customer_two_triggers_out(drawn: Any) -> None:
    out: dict[str, set[str]] = defaultdict(set)
    holder: dict[str, str] = {}
    for output in Run(inputs_of(drawn), WHOLE).outputs:
        if output.kind != "trigger":
            continue
        record = orjson.loads(output.value)
        trigger_id, status = record["trigger_id"], record["status"]
        if status == "claimed":
            assert holder.get(trigger_id, record["claimant"]) == record["claimant"]
            holder[trigger_id] = record["claimant"]
        elif status in ("open", "queued", "waiting_retry", *ENDS):
            holder.pop(trigger_id, None)
        if status in OUT:
            out[output.key].add(trigger_id)
        else:
            out[output.key].discard(trigger_id)
        if status == "open" and record["status_reason"] == "unresolved_30d":
            assert out[output.key] == {trigger_id}, "it was released beside another one"


@given(steps)
@settings(max_examples=100)
def test_each_command_is_answered_and_never_in_two_ways(drawn: Any) -> None:
    records = inputs_of(drawn)
    answers: dict[tuple[str, str], set[str]] = defaultdict(set)
    replies = 0
    for output in Run(records, WHOLE).outputs:
        if output.kind == "reply":
            replies += 1
            reply = orjson.loads(output.value)
            reply.pop("trigger")
            answers[reply["claimant"], reply["command_id"]].add(orjson.dumps(reply).decode())
    commands = [r.body for r in records if hasattr(r.body, "command_id")]
    assert replies == len(commands)
    kept_for_a_day = {
        key: {each for each in said if '"result":"refused"' not in each} for key, said in answers.items()
    }
    assert all(len(said) <= 1 for said in kept_for_a_day.values())


@given(steps)
@settings(max_examples=100)
def test_sequences_have_no_gap_and_nothing_follows_an_end(drawn: Any) -> None:
    for records in Run(inputs_of(drawn), WHOLE).triggers().values():
        first = records[0]["sequence"]
        assert [record["sequence"] for record in records] == list(range(first, first + len(records)))
        ended = [number for number, record in enumerate(records) if record["status"] in ENDS]
        if ended:
            assert all(record["status"] == records[ended[0]]["status"] for record in records[ended[0] :])


@given(steps)
@settings(max_examples=100)
def test_nothing_personal_is_kept_or_said_of_an_erased_customer(drawn: Any) -> None:
    run = Run(inputs_of(drawn), WHOLE)
    for trigger_id, records in run.triggers().items():
        erased = [number for number, record in enumerate(records) if record["status_reason"] == "erased"]
        if erased:
            assert all(record["phone_e164"] is None for record in records[erased[0] :])
            assert PHONE.encode() not in run.states.get(trigger_id, b"")


@given(steps)
@settings(max_examples=100)
def test_what_goes_out_or_is_granted_may_be_called_then(drawn: Any) -> None:
    for records in Run(inputs_of(drawn), WHOLE).triggers().values():
        before = ""
        for record in records:
            first = before == "" and record["sequence"] == 1  # what was adopted was out already
            goes_out = record["status"] == "open" and (first or before == "queued")
            if goes_out or (record["status"] == "claimed" and before == "open"):
                now = record["updated_at"]
                assert any(begin <= now < end for begin, end in record["callable"])
            before = record["status"]
