"""Records that make one contact: whole, cut by the end of a file, or never told to its end."""

from __future__ import annotations

from pathlib import Path

from streams.conversion.refusals import UNFINISHED
from tests.converted import Outcome, outcome

LOG = """
name: log
records: {delimiter: "|", quote: none, columns: [at, call, event, data], ragged: true}
customer: who
at: {from: begun, format: epoch_s}
session:
  key: call
  at: {from: at, format: epoch_s}
  opens: {event: ENTER}
  closes: {event: [DONE, GONE]}
  linger: 10 s
  timeout: 100 s
  most_open: 3
  fields:
    begun: {from: at, take: first}
    call: {from: call, take: first}
    who: {from: data, take: first, when: {event: ENTER}}
    wait: {from: data, take: sum, when: {event: [DONE, RING]}}
    longest: {from: data, take: greatest, when: {event: RING}}
    least: {from: data, take: least, when: {event: RING}}
    rings: {take: count, when: {event: RING}}
    end: {from: event, take: last}
events:
  - type: call
    id: call
    fields:
      wait_seconds: wait
      talk_seconds: longest
      transfers: least
      ivr_steps: rings
      abandoned: {from: end, words: {GONE: yes}, otherwise: no}
"""
CALL = ["100|a|ENTER|c1", "101|a|RING|2.5", "102|a|RING|1", "103|a|DONE|3"]


def log(tmp_path: Path, *files: list[str], mapping: str = LOG) -> Outcome:
    return outcome(mapping, tmp_path, *("".join(f"{line}\n" for line in lines) for lines in files))


def adds_up(found: Outcome) -> bool:
    counts = found.counts
    told = counts.passed_over + counts.rejections.total + counts.unfinished
    return told <= counts.records and len(found.refused) == counts.rejections.total + counts.unfinished


def test_records_of_one_key_make_one_event(tmp_path: Path) -> None:
    found = log(tmp_path, CALL)
    [event] = found.events
    assert (event["event_id"], event["customer_id"], event["occurred_at"]) == (
        "a",
        "c1",
        "1970-01-01T00:01:40Z",
    )
    assert (event["wait_seconds"], event["talk_seconds"], event["transfers"], event["ivr_steps"]) == (
        6.5,
        2.5,
        1,
        2,
    )
    assert event["abandoned"] is False
    assert found.counts.records == 4
    assert not found.refused


def test_records_are_put_in_order_by_their_time(tmp_path: Path) -> None:
    assert log(tmp_path, [CALL[1], CALL[0], CALL[3], CALL[2]]).events == log(tmp_path, CALL).events


def test_a_contact_that_goes_on_after_its_end_is_one(tmp_path: Path) -> None:
    again = ["110|a|ENTER|c2", "111|a|GONE|"]
    [event] = log(tmp_path, CALL + again).events
    assert event["abandoned"] is True
    assert event["customer_id"] == "c1"


def test_after_its_silence_the_key_begins_another_one(tmp_path: Path) -> None:
    assert len(log(tmp_path, [*CALL, "114|b|ENTER|c2", "115|a|ENTER|c2", "116|a|GONE|"]).events) == 2


def test_files_in_any_order_are_read_in_the_order_of_time(tmp_path: Path) -> None:
    whole = log(tmp_path, CALL)
    assert log(tmp_path, CALL[2:], CALL[:2]).events == whole.events
    assert log(tmp_path, CALL[2:], [], ["x"], CALL[:2]).events == whole.events


def test_a_contact_without_its_end_is_unfinished_and_kept(tmp_path: Path) -> None:
    found = log(tmp_path, CALL[:3])
    assert not found.events
    assert [(each.number, each.raw) for each in found.refused] == list(enumerate(CALL[:3], 1))
    assert {each.code for each in found.refused} == {UNFINISHED}
    assert (found.counts.unfinished, found.counts.unfinished_contacts, found.counts.rejections.total) == (
        3,
        1,
        0,
    )


def test_what_is_unfinished_is_completed_with_the_same_id(tmp_path: Path) -> None:
    for mapping in (LOG, LOG.replace("    id: call\n", "")):
        cut = log(tmp_path, CALL[:2], mapping=mapping)
        kept = [each.raw for each in cut.refused]
        assert (
            log(tmp_path, kept, CALL[2:], mapping=mapping).events
            == log(tmp_path, CALL, mapping=mapping).events
        )


def test_an_end_that_comes_later_changes_no_id(tmp_path: Path) -> None:
    mapping = LOG.replace("    id: call\n", "")
    [first], [second] = (
        log(tmp_path, lines, mapping=mapping).events for lines in (CALL, [*CALL, "104|a|GONE|"])
    )
    assert first["event_id"] == second["event_id"]


def test_a_contact_without_its_beginning_is_told(tmp_path: Path) -> None:
    found = log(tmp_path, CALL[1:])
    assert (
        found.messages[0] == "unfinished: its beginning is not in these files: give the file before them too"
    )


def test_silence_ends_a_contact_that_is_not_whole(tmp_path: Path) -> None:
    found = log(tmp_path, [*CALL[:2], "202|b|ENTER|c2", "203|b|DONE|1"])
    assert found.messages[0] == "timed_out: it is silent for longer than session.timeout"
    assert [event["event_id"] for event in found.events] == ["b"]


def test_no_more_contacts_are_held_than_the_mapping_says(tmp_path: Path) -> None:
    found = log(tmp_path, [f"{at}|{key}|ENTER|c" for at, key in enumerate("abcde", 100)])
    assert found.messages[0] == "too_many_open: more than 3 contacts are open (session.most_open)"
    assert (found.counts.records, found.counts.unfinished_contacts) == (5, 5)


def test_a_key_that_all_records_share_is_no_contact(tmp_path: Path) -> None:
    found = log(tmp_path, [f"{at}|same|RING|1" for at in range(100, 100 + 10_050)])
    assert found.messages[0] == (
        "malformed_record: more than 10,000 records have one session.key: is it that of a contact?"
    )
    assert found.counts.rejections.total + found.counts.unfinished == 10_050


def test_a_bad_record_costs_itself_only(tmp_path: Path) -> None:
    found = log(tmp_path, [CALL[0], "never|a|RING|9", "102||RING|9", "x|y|z|1|2", *CALL[1:]])
    assert [each.code for each in found.refused] == ["invalid_time", "malformed_record", "malformed_record"]
    assert found.events == log(tmp_path, CALL).events
    assert adds_up(found)


def test_what_is_wrong_with_a_contact_is_said_of_each_of_its_records(tmp_path: Path) -> None:
    found = log(tmp_path, [CALL[0], "101|a|RING|some", *CALL[2:]])
    assert found.messages == ["invalid_value: session: a number is expected"] * 4
    assert found.counts.rejections.total == found.counts.records == 4


def test_a_contact_that_gives_no_event_is_passed_over(tmp_path: Path) -> None:
    found = log(tmp_path, CALL, mapping=LOG.replace("    id: call", "    when: {end: GONE}\n    id: call"))
    assert (found.counts.events, found.counts.passed_over) == (0, 4)


CHAIN = """
name: chain
records: {format: json}
customer: who
at: {from: at, format: epoch_s}
session:
  key: {either: [first, id]}
  at: {from: at, format: epoch_s}
  chain: {id: id, next: next}
  timeout: 1 d
  fields:
    at: {from: at, take: first}
    who: {from: who, take: last}
    parts: {take: count}
    talk: {from: talk, take: sum}
events: [{type: call, fields: {transfers: parts, talk_seconds: talk}}]
"""
PARTS = [
    '{"id": "1", "next": "2", "at": 100, "who": "c1", "talk": 0.5}',
    '{"id": "2", "first": "1", "next": "3", "at": 110, "talk": 1.25}',
    '{"id": "3", "first": "1", "at": 120, "who": "c2", "talk": 1}',
]


def test_a_chain_is_whole_from_its_first_to_its_last(tmp_path: Path) -> None:
    for order in (PARTS, PARTS[::-1], [PARTS[1], PARTS[0], PARTS[2]]):
        [event] = log(tmp_path, order, mapping=CHAIN).events
        assert (event["customer_id"], event["transfers"], event["talk_seconds"]) == ("c2", 3, 2.75)


def test_of_a_chains_record_the_latest_counts(tmp_path: Path) -> None:
    late = PARTS[2].replace("120", "130").replace("c2", "c3")
    [event] = log(tmp_path, [*PARTS, late], mapping=CHAIN).events
    assert (event["customer_id"], event["transfers"]) == ("c3", 3)


def test_a_chain_with_a_gap_or_a_circle_is_unfinished(tmp_path: Path) -> None:
    for parts in (PARTS[:2], [PARTS[0], PARTS[2]], [PARTS[0], PARTS[1].replace('"3"', '"1"')]):
        found = log(tmp_path, parts, mapping=CHAIN)
        assert {*found.messages} == {"unfinished: parts of it are not in these files: give them together"}
        assert found.counts.unfinished == 2


def test_a_record_of_another_year_ends_no_contact_of_others(tmp_path: Path) -> None:
    calls = [f"{100 + n}|{key}|{event}|c1" for n, key in enumerate("abcdefgh") for event in ("ENTER", "GONE")]
    ahead = "99999999|x|ENTER|c9"
    for place in (0, 1, 2, 5, len(calls)):
        found = log(tmp_path, [*calls[:place], ahead, *calls[place:]])
        assert [event["event_id"] for event in found.events] == list("abcdefgh"), place
        assert [each.raw for each in found.refused] == [ahead], place


def test_silence_after_which_one_record_comes_ends_a_contact_too(tmp_path: Path) -> None:
    found = log(tmp_path, [*CALL[:2], "202|b|ENTER|c2"])
    assert found.messages[:2] == ["timed_out: it is silent for longer than session.timeout"] * 2


def test_an_end_that_is_written_before_its_beginning_is_an_end(tmp_path: Path) -> None:
    assert log(tmp_path, [CALL[3], *CALL[:3]]).events == log(tmp_path, CALL).events


def test_a_contact_that_begins_again_after_its_linger_is_another(tmp_path: Path) -> None:
    found = log(tmp_path, [*CALL, "500|a|ENTER|c2", "501|a|GONE|"])
    assert [(event["event_id"], event["customer_id"]) for event in found.events] == [("a", "c1"), ("a", "c2")]


def test_whole_contacts_that_linger_cost_no_open_one(tmp_path: Path) -> None:
    calls = [f"{100 + n}|{key}|{event}|c1" for n, key in enumerate("abcdefgh") for event in ("ENTER", "GONE")]
    found = log(tmp_path, calls)
    assert [event["event_id"] for event in found.events] == list("abcdefgh")
    assert not found.refused
