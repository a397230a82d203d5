"""Corrections as timelines: which version counts, what goes with the one that gave way, and what stays."""

from dataclasses import replace
from pathlib import Path

from streams.commands.explain import _rows
from streams.core import state as st
from streams.core.facts import GONE
from streams.core.policy import Policy
from streams.core.records import Record
from streams.core.repartition import decode_rekeyed, wrap
from streams.core.state import NEVER
from streams.files.ndjson import read_lines
from streams.operations.explanation import from_files
from tests.builders import (
    DAY,
    HOUR,
    START,
    Partition,
    call,
    cancellation,
    default_policy,
    erasure,
    iso,
    outcome,
    profile,
    survey,
    with_shape,
)

T = START
REQUEST = {"callback_requested": True}


def test_resolved_after_all_at_the_same_time_ends_the_call() -> None:
    partition = Partition()
    mine = {"event_id": "k", "reason": "complaint"}
    partition.feed(survey(T, csat=1, answered=False), call(T, resolved=False, **mine))
    assert partition.story() == [("service_recovery", "open", 1)]
    partition.feed(call(T, resolved=True, revised_at=iso(T + HOUR), **mine))
    assert partition.story()[1:] == [("service_recovery", "retracted", 2)]


def test_the_later_revision_counts_whichever_comes_first() -> None:
    first = call(T, event_id="k", resolved=False)
    revised = call(T, event_id="k", resolved=True, revised_at=iso(T + DAY), ingested=T + DAY)
    sent_again = call(T, event_id="k", resolved=False, ingested=T + 2 * DAY)
    for order in ((first, revised, sent_again), (sent_again, revised, first), (revised, first, sent_again)):
        partition = Partition()
        partition.one_by_one(order)
        assert [fact.flags & 12 for fact in partition.state().facts] == [4]
    assert partition.counts == {("call", "accepted"): 1, ("call", "duplicate"): 2}


def test_without_revisions_the_later_arrival_counts_in_whichever_batch() -> None:
    first, second = (
        call(T, event_id="k", resolved=True),
        call(T, event_id="k", resolved=False, ingested=T + 1),
    )
    ahead, behind = Partition(), Partition()
    ahead.one_by_one([first, second])
    behind.one_by_one([second, first])
    assert ahead.state().facts == behind.state().facts
    assert ahead.reading("unresolved_30d", T) == 1


def test_the_same_once_more_keeps_the_later_version_and_decides_nothing() -> None:
    partition = Partition()
    again = call(T, event_id="k", ingested=T + HOUR)
    partition.feed(call(T, event_id="k"))
    before = partition.state()
    result = partition.feed(again)
    assert result.counts == {("call", "duplicate"): 1}
    assert partition.state().facts == [before.facts[0]._replace(arrival=again.arrival)]
    assert partition.feed(again).states == {}


def test_the_same_once_more_does_not_hide_what_the_newest_facts_push_out() -> None:
    """Of the facts that are held against a fall, those that left the horizon are no spare ones any more."""
    quick = with_shape(default_policy(), horizon_days=20, max_facts=10)
    plain = Policy.model_validate(quick.model_dump())
    plain.outlook.shortcuts = False
    mine = {"event_id": "k", "resolved": False}
    quiet = {"direction": "outbound", "resolved": True}
    bad = T + 18 * DAY
    history = [
        *(call(T + minute, **quiet) for minute in range(4)),
        survey(bad, csat=1, ces=1, answered=False),
        *(call(bad + HOUR, resolved=False), call(bad + 2 * HOUR, **mine)),
        call(T + 20 * DAY + HOUR, customer="c2"),
        call(bad + 2 * HOUR, ingested=T + 20 * DAY + 2 * HOUR, **mine),
        *(call(T + 20 * DAY + hour * HOUR, **quiet) for hour in range(3, 15)),
    ]
    stories = []
    for policy in (quick, plain):
        partition = Partition(policy)
        partition.one_by_one(history)
        stories.append([(each["status"], each["updated_at"]) for each in partition.triggers()])
    assert [status for status, _ in stories[0]] == ["open", "retracted"]
    assert stories[0] == stories[1]


def test_a_request_that_is_taken_back_is_not_called_about() -> None:
    partition = Partition()
    partition.feed(survey(T, event_id="s", csat=3, **REQUEST))
    partition.feed(survey(T, event_id="s", csat=3, revised_at=iso(T + HOUR)))
    assert partition.story() == [("requested_callback", "open", 1), ("requested_callback", "retracted", 2)]
    assert partition.triggers()[1]["status_reason"] == "request_withdrawn"
    assert not partition.state().request_open
    partition.feed(survey(T, event_id="s", csat=3, revised_at=iso(T + 2 * HOUR), **REQUEST))
    assert partition.state().request_open
    assert len(partition.story()) == 2, "what was decided at this time is not decided again"


def test_a_request_behind_the_one_that_is_taken_back_stands_again() -> None:
    partition = Partition()
    partition.feed(survey(T, **REQUEST), survey(T + DAY, event_id="s", **REQUEST))
    partition.feed(survey(T + DAY, event_id="s", csat=3, revised_at=iso(T + DAY)))
    assert partition.state().requested_at == T
    assert [status for _, status, _ in partition.story()] == ["open"]


def test_cancelled_by_mistake() -> None:
    partition = Partition()
    partition.feed(survey(T, **REQUEST), cancellation(T + HOUR, "confirmed", event_id="x"))
    assert [status for _, status, _ in partition.story()] == ["open", "retracted"]
    partition.feed(cancellation(T + HOUR, "inquiry", event_id="x", revised_at=iso(T + DAY)))
    state = partition.state()
    assert (state.stage, state.stage_at, state.effective_at) == (0, NEVER, NEVER)
    partition.feed(survey(T + 2 * DAY, **REQUEST))
    assert partition.story()[-1][:2] == ("requested_callback", "open")


def test_the_stage_behind_a_correction_has_its_end_of_contract() -> None:
    partition = Partition()
    partition.feed(
        cancellation(T, effective_at=iso(T + 30 * DAY + 7)), cancellation(T + HOUR, "withdrawn", event_id="x")
    )
    partition.feed(cancellation(T + HOUR, "inquiry", event_id="x", revised_at=iso(T + DAY)))
    assert partition.state().effective_at == T + 30 * DAY + 7


def test_whoever_was_reported_dead_by_mistake_lives() -> None:
    partition = Partition()
    partition.feed(cancellation(T, "inquiry", event_id="x", reason="deceased"))
    assert partition.state().deceased
    partition.feed(cancellation(T, "inquiry", event_id="x", reason="price", revised_at=iso(T)))
    assert not partition.state().deceased


def test_an_answer_that_was_none_leaves_the_request_open_and_calls_nobody_twice() -> None:
    partition = Partition()
    partition.feed(survey(T, **REQUEST), outcome(T + HOUR, event_id="o"))
    partition.feed(outcome(T + HOUR, "NO_ANSWER", event_id="o", revised_at=iso(T + DAY)))
    assert partition.state().request_open
    assert [status for _, status, _ in partition.story()] == ["open", "completed"]


def test_a_request_older_than_the_facts_does_not_open_again() -> None:
    partition = Partition()
    partition.feed(survey(T, **REQUEST), outcome(T + HOUR), outcome(T + 100 * DAY, event_id="o"))
    partition.feed(outcome(T + 100 * DAY, "NO_ANSWER", event_id="o", revised_at=iso(T + 100 * DAY)))
    assert not partition.state().request_open


def test_an_objection_holds_whatever_is_corrected_and_in_whichever_order() -> None:
    objection = outcome(T, "DO_NOT_CALL", event_id="o")
    corrected = outcome(T, "NO_ANSWER", event_id="o", revised_at=iso(T + DAY))
    for order in ((objection, corrected), (corrected, objection)):
        partition = Partition()
        partition.one_by_one(order)
        assert partition.state().objected_at == T
        partition.feed(survey(T + DAY, **REQUEST))
        assert partition.story() == []


def test_an_event_that_was_much_earlier_goes_and_stays_away() -> None:
    partition = Partition()
    first = survey(T, event_id="s", **REQUEST)
    moved = survey(T - 100 * DAY, event_id="s", revised_at=iso(T + DAY), **REQUEST)
    partition.feed(first, call(T))
    assert partition.feed(moved).counts == {("survey", "accepted"): 1}
    assert partition.story()[1:] == [("requested_callback", "retracted", 2)]
    assert sorted(fact.kind for fact in partition.state().facts) == [GONE, 1]
    before = dict(partition.states)
    partition.feed(moved, first, survey(T, event_id="s", ingested=T + 5 * DAY, **REQUEST))
    assert partition.states == before
    assert partition.counts == {
        ("survey", "accepted"): 2,
        ("call", "accepted"): 1,
        ("survey", "beyond_horizon"): 1,
        ("survey", "duplicate"): 2,
    }
    partition.feed(survey(T, event_id="s", revised_at=iso(T + 2 * DAY), **REQUEST))
    assert partition.state().request_open
    partition.advance(T + 91 * DAY)
    assert partition.state().facts == []


def test_nobody_is_told_of_a_ghost(tmp_path: Path) -> None:
    file = tmp_path / "events.ndjson"
    lines = (call(T, event_id="k"), call(T), call(T - 100 * DAY, event_id="k", revised_at=iso(T)))
    # The merge puts the older time first: what was known before is only known where deliveries come one after the other.
    partition = Partition()
    partition.one_by_one(lines)
    file.write_bytes(lines[1].record.value or b"")
    found = replace(from_files(read_lines([str(file)]), default_policy(), "c1"), state=partition.state())
    assert [row[3] for row in _rows(found)].count("contact") == 1
    assert "unknown kind" not in str(list(_rows(found)))


def test_an_event_that_was_earlier_than_an_erasure_goes_with_it() -> None:
    partition = Partition()
    partition.feed(call(T + HOUR, event_id="k"), call(T + HOUR), erasure(T))
    result = partition.feed(call(T - HOUR, event_id="k", revised_at=iso(T + DAY), ingested=T + DAY))
    assert result.counts == {("call", "accepted"): 1}
    assert sorted(fact.kind for fact in partition.state().facts) == [GONE, 1]


def test_of_two_profiles_of_one_time_the_later_revision_counts_then_the_later_arrival() -> None:
    first = profile(T, tenure_months=60)
    revised = profile(T, tenure_months=12, revised_at=iso(T))
    later = profile(T, tenure_months=24, ingested=T + DAY)
    for order in ((first, revised, later), (later, revised, first)):
        partition = Partition()
        partition.one_by_one(order)
        assert partition.state().profile() == {"tenure_months": 12}


def test_a_corrected_event_that_opens_anew_at_its_time_has_an_id_of_its_own() -> None:
    partition = Partition()
    bad = {"event_id": "s", "csat": 1, "ces": 1, "answered": False}
    partition.feed(call(T, resolved=False), survey(T, **bad))
    partition.feed(survey(T, event_id="s", csat=5, revised_at=iso(T + DAY)))
    assert [status for _, status, _ in partition.story()] == ["open", "retracted"]
    partition.feed(
        *(call(T + 15 * DAY, resolved=False, reason=reason) for reason in ("move", "bill", "card"))
    )
    for day in (16, 17):
        partition.feed(survey(T, **bad, revised_at=iso(T + day * DAY)))
    statuses = [status for _, status, _ in partition.story()]
    assert statuses == ["open", "retracted", "open"]
    assert len({trigger["trigger_id"] for trigger in partition.triggers()}) == 2


def test_a_re_keyed_event_keeps_the_arrival_of_its_first_record() -> None:
    first = call(T, event_id="k", ingested=T + 5)
    record = first.record
    moved = Record("behoudlijn.signals.repartition", 3, 9_000, T + DAY, b"c1", wrap(record))
    again = decode_rekeyed(moved)
    assert again.arrival == first.arrival
    assert again.record.offset == 9_000


def test_a_state_of_before_yields_to_any_delivery() -> None:
    partition = Partition()
    partition.feed(call(T, event_id="k", resolved=False))
    state = partition.state()
    state.facts = [fact._replace(revision=0, arrival=0) for fact in state.facts]
    state._packed = None
    partition.states["c1"] = st.encode(state)
    partition.feed(call(T, event_id="k", resolved=True))
    assert partition.reading("unresolved_30d", T) == 0


def test_of_a_file_the_later_line_counts(tmp_path: Path) -> None:
    lines = [call(T, event_id="k", resolved=resolved).record.value for resolved in (True, False)]
    for order in (lines, lines[::-1]):
        file = tmp_path / "events.ndjson"
        file.write_bytes(b"\n".join(line or b"" for line in order))
        found = from_files(read_lines([str(file)]), default_policy(), "c1")
        assert bool(found.seen.readings.get("unresolved_30d")) == (order is lines)
        assert len(list(read_lines([str(file)]))) == 2
