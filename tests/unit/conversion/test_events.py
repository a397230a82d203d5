"""Which events a record gives, their ids and revisions, and what becomes of those that the workers would refuse."""

from __future__ import annotations

from pathlib import Path

from tests.converted import Outcome, outcome

CALLS = """
name: calls-of-mine
customer: who
at: at
when: {kind: {not: internal}}
events:
  - type: call
    id: nr
    fields: {queue: queue}
  - type: survey
    when: {grade: {present: true}}
    id: {from: nr, prefix: survey-}
    at: {either: [graded, at]}
    fields: {contact_id: nr, csat: grade}
"""
HEAD = "nr,who,at,kind,queue,grade,graded\n"
AT = "2026-04-01T10:00:00Z"


def told(tmp_path: Path, *rows: str, mapping: str = CALLS) -> Outcome:
    return outcome(mapping, tmp_path, HEAD + "".join(f"{row}\n" for row in rows))


def ids(found: Outcome) -> list[str]:
    return [event["event_id"] for event in found.events]


def test_a_record_gives_none_one_or_several_events(tmp_path: Path) -> None:
    found = told(
        tmp_path,
        f"1,c1,{AT},call,q,,",
        f"2,c1,{AT},call,q,4,2026-04-02T10:00:00Z",
        f"3,c1,{AT},INTERNAL,q,4,",
    )
    assert [(event["type"], event["event_id"]) for event in found.events] == [
        ("call", "1"),
        ("call", "2"),
        ("survey", "survey-2"),
    ]
    assert found.events[2]["occurred_at"] == "2026-04-02T10:00:00Z"
    assert found.events[2]["contact_id"] == "2"
    assert (found.counts.records, found.counts.events, found.counts.passed_over) == (3, 3, 1)


def test_a_record_is_used_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    found = told(tmp_path, f"1,c1,{AT},call,q,40,")
    assert found.messages == ["invalid_field: csat: a whole number from 1 to 5 is expected"]
    assert found.refused[0].raw == f"1,c1,{AT},call,q,40,"
    assert not found.events
    assert (found.counts.records, found.counts.rejections.total, found.counts.rejected_share) == (1, 1, 1.0)


def test_events_come_in_the_order_of_time_whatever_the_files(tmp_path: Path) -> None:
    files = [HEAD + f"{number},c1,2026-04-0{number}T10:00:00Z,x,q,,\n" for number in (3, 1, 2)]
    assert ids(outcome(CALLS, tmp_path, *files)) == ["1", "2", "3"]


def test_an_id_of_fields_is_the_same_when_it_is_sent_again(tmp_path: Path) -> None:
    again = told(tmp_path, f"1,c1,{AT},call,q,,", f"1,c1,{AT},call,other,,")
    assert ids(again) == ["1", "1"]


def test_an_id_that_cannot_be_one_becomes_its_hash(tmp_path: Path) -> None:
    for nr in ("a b", "é", "x" * 129):
        [event_id] = ids(told(tmp_path, f"{nr},c1,{AT},call,q,,"))
        assert len(event_id) == 32
        assert [event_id] == ids(told(tmp_path, f"{nr},c1,{AT},call,q,,"))
    assert told(tmp_path, f",c1,{AT},call,q,,").messages == ["invalid_value: id: it is blank"]


def test_a_blank_part_of_an_id_keeps_its_place(tmp_path: Path) -> None:
    mapping = CALLS.replace("    id: nr\n", "    id: [nr, queue, grade]\n", 1)
    assert ids(told(tmp_path, f"1,c1,{AT},call,2,,", mapping=mapping)) == ["1-2-"]
    assert ids(told(tmp_path, f"1,c1,{AT},call,,2,", mapping=mapping))[0] == "1--2"


def test_without_an_id_a_record_is_known_by_all_of_it(tmp_path: Path) -> None:
    mapping = CALLS.replace("    id: nr\n", "", 1).replace("    id: {from: nr, prefix: survey-}\n", "")
    one, two, same = (
        ids(told(tmp_path, row, mapping=mapping))[0]
        for row in (f"1,c1,{AT},call,q,,", f"1,c1,{AT},call,r,,", f"1,c1,{AT},call,q,,")
    )
    assert one.startswith("calls-of-mine-")
    assert one == same != two
    twice = mapping + "  - {type: call}\n"
    assert len({*ids(told(tmp_path, f"1,c1,{AT},call,q,,", mapping=twice))}) == 2


def test_a_revision_orders_two_deliveries(tmp_path: Path) -> None:
    found = told(
        tmp_path, f"1,c1,{AT},call,q,,2026-05-01T10:00:00+02:00", mapping=CALLS + "revision: graded\n"
    )
    assert found.events[0]["revised_at"] == "2026-05-01T08:00:00Z"
    found = told(tmp_path, f"1,c1,{AT},call,q,,", mapping=CALLS + "revision: graded\n")
    assert "revised_at" not in found.events[0]


def test_the_same_text_in_a_column_is_read_once_and_means_the_same(tmp_path: Path) -> None:
    found = told(tmp_path, *(f"{nr},c{nr % 7},{AT},call,{'q' * (nr % 80)},," for nr in range(1, 400)))
    queues = {event["event_id"]: event.get("queue", "") for event in found.events}
    assert queues == {str(nr): "q" * (nr % 80) for nr in range(1, 400) if nr % 80 <= 64}
    assert found.counts.rejections.total == 399 - len(queues)


def test_a_customer_of_an_event_of_its_own(tmp_path: Path) -> None:
    mapping = CALLS.replace(
        "  - type: survey\n", "  - type: survey\n    customer: {from: kind, prefix: k-}\n"
    )
    found = told(tmp_path, f"1,c1,{AT},call,q,4,", mapping=mapping)
    assert [event["customer_id"] for event in found.events] == ["c1", "k-call"]
