"""What a cell means for a field: numbers, durations, words, yes and no, as sources write them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from streams.conversion.numbers import number_of, seconds_of
from tests.converted import Outcome, outcome


def told(tmp_path: Path, cell: str, field: str, *, kind: str = "call", decimal: str = ".") -> Outcome:
    mapping = f"""
name: t
records: {{delimiter: "|"}}
decimal: "{decimal}"
customer: {{either: [who]}}
at: at
events: [{{type: {kind}, fields: {{{field}}}}}]
"""
    return outcome(mapping, tmp_path, f"at|who|x\n2026-04-01T10:00:00Z|c1|{cell}\n")


def value(found: Outcome, name: str) -> Any:
    assert not found.refused
    return found.events[0].get(name)


@pytest.mark.parametrize(
    ("cell", "decimal", "number"),
    [
        ("12", ".", 12),
        (" 12.50 ", ".", 12.5),
        ("1.0", ".", 1),
        ("1,234.5", ".", 1234.5),
        ("1.234,5", ",", 1234.5),
        ("1'234.5", ".", 1234.5),
        ("1\u00a0234,5", ",", 1234.5),
        ("12,5", ",", 12.5),
        ("1e2", ".", 100),
        (".5", ".", 0.5),
        ("-", ".", None),
        ("N/A", ".", None),
        ("", ".", None),
    ],
)
def test_numbers_as_they_are_written(tmp_path: Path, cell: str, decimal: str, number: object) -> None:
    found = told(tmp_path, cell, "monthly_value: x", kind="profile", decimal=decimal)
    assert value(found, "monthly_value") == number


@pytest.mark.parametrize(
    "text",
    [
        "1_0.5",
        "1,5",
        "1.2.3",
        "12 345 6",
        "0x1f",
        "1e400",
        "-1e400",
        "inf",
        "nan",
        "٣",
        "1" * 41,
        "12,34",
        "5%",
        "€5",
    ],
)
def test_what_is_no_number_is_refused_and_not_quoted(tmp_path: Path, text: str) -> None:
    assert number_of(text, ".") is None or text == "12,34"
    found = told(tmp_path, text, "monthly_value: {from: x, blanks: []}", kind="profile")
    assert found.messages == ["invalid_value: monthly_value: no number (the decimal mark is '.')"]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("1:30", 90), ("00:01:30", 90), ("100:00:00", 360_000), ("0:00:01.5", 1.5), ("PT1M30S", 90), ("pt1h", 3_600),
     ("P1M", None), ("PT", None), ("1:60", None), ("1:2", None), ("1:75:00", None), ("PT" + "9" * 5_000 + "H", None)],
)  # fmt: skip
def test_durations_as_they_are_written(text: str, seconds: object) -> None:
    assert seconds_of(text, ".", 1.0) == seconds


@pytest.mark.parametrize(("unit", "seconds"), [("ms", 1.5), ("s", 1_500), ("min", 90_000), ("h", 5_400_000)])
def test_durations_are_counted_in_a_unit(unit: str, seconds: float) -> None:
    assert seconds_of("1500", ".", {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3_600.0}[unit]) == seconds


def test_a_number_is_scaled_and_shifted(tmp_path: Path) -> None:
    for cell, field, kind, name, expected in (
        ("10", "csat: {from: x, times: 0.5}", "survey", "csat", 5),
        ("9", "csat: {from: x, times: 0.5}", "survey", "csat", 5),  # half up
        ("0", "nps: {from: x, times: 2, plus: 1}", "survey", "nps", 1),
        ("2", "tenure_months: {from: x, times: 12}", "profile", "tenure_months", 24),
        ("1.5", "tenure_months: {from: x, times: 12}", "profile", "tenure_months", 18),
    ):
        assert value(told(tmp_path, cell, field, kind=kind), name) == expected


def test_numbers_out_of_all_bounds_are_refused(tmp_path: Path) -> None:
    assert told(tmp_path, "9" * 30, "ivr_steps: {from: x, times: 1000}").messages == [
        "invalid_value: ivr_steps: a smaller number is expected"
    ]
    [said] = told(tmp_path, "1001", "ivr_steps: x").messages
    assert said == "invalid_field: ivr_steps: a whole number from 0 to 1000 is expected"
    [said] = told(tmp_path, "4.5", "csat: x", kind="survey").messages
    assert said.startswith("invalid_field: csat")


@pytest.mark.parametrize(
    ("cell", "truth"),
    [("1", True), ("1.0", True), ("Yes", True), ("TRUE", True), (" ja ", True), ("x", True), ("0", False), ("no", False),
     ("Nee", False), ("", None), ("NULL", None)],
)  # fmt: skip
def test_yes_and_no(tmp_path: Path, cell: str, truth: bool | None) -> None:
    assert value(told(tmp_path, cell, "abandoned: x"), "abandoned") is truth


def test_an_unknown_word_is_refused_and_never_no(tmp_path: Path) -> None:
    [said] = told(tmp_path, "oui", "abandoned: x").messages
    assert said.startswith("unknown_word: abandoned: another word than those that it takes: yes, no, ")
    [said] = told(tmp_path, "Fax", "channel: x").messages
    assert said.startswith("unknown_word: channel: another word than those that it takes: phone, chat, ")


@pytest.mark.parametrize(
    ("cell", "channel"),
    [("Tel", "phone"), (" tel ", "phone"), ("1", "chat"), ("1.0", "chat"), ("1.00", "chat"), ("", "web"), ("n/a", "web"), ("?", None)],
)  # fmt: skip
def test_a_table_of_words(tmp_path: Path, cell: str, channel: str | None) -> None:
    field = "channel: {from: x, words: {TEL: phone, 1: chat, '?': 'null'}, default: web}"
    assert value(told(tmp_path, cell, field), "channel") == channel


def test_a_word_beside_the_table(tmp_path: Path) -> None:
    field = "channel: {from: x, words: {tel: phone}"
    [said] = told(tmp_path, "secret", f"{field}}}").messages
    assert said.startswith("unknown_word: channel: another word than those of `words`: 'tel'; add it, or ")
    assert value(told(tmp_path, "secret", f"{field}, otherwise: other}}"), "channel") == "other"
    assert value(told(tmp_path, "secret", f"{field}, otherwise: 'null'}}"), "channel") is None
    assert value(told(tmp_path, "", f"{field}, otherwise: other}}"), "channel") is None


def test_words_of_the_source_stay_as_they_are(tmp_path: Path) -> None:
    assert value(told(tmp_path, "Rechnung & Vertrag (Ä)", "reason: x"), "reason") == "Rechnung & Vertrag (Ä)"


def test_blanks_of_a_field_replace_the_usual_ones(tmp_path: Path) -> None:
    assert value(told(tmp_path, "NONE", "queue: {from: x, blanks: [leeg]}"), "queue") == "NONE"
    assert value(told(tmp_path, "Leeg", "queue: {from: x, blanks: [leeg]}"), "queue") is None


def test_a_part_of_a_text(tmp_path: Path) -> None:
    assert (
        value(told(tmp_path, "q-12-x", "wait_seconds: {from: x, extract: '([0-9]+)'}"), "wait_seconds") == 12
    )
    assert (
        value(told(tmp_path, "none here", "wait_seconds: {from: x, extract: '[0-9]+'}"), "wait_seconds")
        is None
    )


def test_no_pattern_is_tried_on_an_endless_text(tmp_path: Path) -> None:
    found = told(tmp_path, "a" * 5_000, "queue: {from: x, extract: '(a|a)*b'}")
    assert found.messages == [
        "invalid_value: a text of more than 4,000 characters: no pattern is tried on it"
    ]


def test_the_first_that_is_not_blank_and_those_that_are_joined(tmp_path: Path) -> None:
    assert value(told(tmp_path, "q", "queue: {either: [nowhere, x, who]}"), "queue") == "q"
    assert value(told(tmp_path, "", "queue: {either: [x, who]}"), "queue") == "c1"
    assert value(told(tmp_path, "q", "queue: {from: [x, who], join: /}"), "queue") == "q/c1"
    assert value(told(tmp_path, "", "queue: {from: [x, who], join: /}"), "queue") == "c1"


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    mapping = "{name: t, customer: who, at: at, events: [{type: call, fields: {queue: who}}]}"
    found = outcome(mapping, tmp_path, b"at,who\n2026-04-01T10:00:00Z,\xff\n")
    assert [each.code for each in found.refused] == ["invalid_customer_id"]


JSON = """
name: t
records: {format: json}
decimal: ","
customer: who.id
at: {from: at, format: epoch_ms}
events:
  - type: call
    fields: {queue: "tags[0].name", wait_seconds: wait, abandoned: gone, reason: "answers[?id=='q'].text | [0]", talk_seconds: "sum(parts)"}
"""


def test_values_of_objects_keep_their_types(tmp_path: Path) -> None:
    record = (
        '{"at": 1775030400000, "who": {"id": 12}, "wait": 1.125, "gone": false, "tags": [{"name": "x"}], '
        '"answers": [{"id": "p", "text": "a"}, {"id": "q", "text": "b"}], "parts": [1, 2.5]}'
    )
    found = outcome(JSON, tmp_path, record)
    [event] = found.events
    assert event["occurred_at"] == "2026-04-01T08:00:00Z"
    assert (event["customer_id"], event["queue"], event["reason"]) == ("12", "x", "b")
    assert (event["wait_seconds"], event["talk_seconds"]) == (1.125, 3.5)  # the decimal comma is of texts
    assert event["abandoned"] is False


def test_a_path_that_fails_on_a_record_costs_this_one_and_quotes_nothing(tmp_path: Path) -> None:
    good = '{"at": 1775030400000, "parts": []}'
    found = outcome(JSON, tmp_path, f'{{"at": 1775030400000, "parts": ["secret"]}}\n{good}')
    assert found.messages == ["malformed_record: sum(parts): not of the shape that the path expects"]
    assert len(found.events) == 1


NESTED = """
name: t
records: {format: json}
customer: who
at: at
events:
  - type: survey
    when: {"answers[0]": {present: true}}
    fields: {nps: "answers[?q=='nps'].v", comment: "answers[?q=='why'].v"}
"""


def survey(tmp_path: Path, *answers: object, who: object = "c1") -> Outcome:
    record = {"at": "2026-04-01T10:00:00Z", "who": who, "answers": answers}
    return outcome(NESTED, tmp_path, json.dumps(record))


def test_a_filter_that_finds_one_value_gives_it_and_one_that_finds_none_a_blank(tmp_path: Path) -> None:
    found = survey(tmp_path, {"q": "nps", "v": 9})
    assert (value(found, "nps"), value(found, "comment")) == (9, None)
    found = survey(tmp_path, {"q": "nps", "v": 9}, {"q": "why", "v": "Rechnung & Vertrag"})
    assert value(found, "comment") == "Rechnung & Vertrag"


def test_several_values_where_one_is_expected_are_refused_with_what_to_do(tmp_path: Path) -> None:
    [said] = survey(tmp_path, {"q": "nps", "v": 9}, {"q": "nps", "v": 8}).messages
    assert said == (
        "invalid_value: nps: a list or an object is there, and one value is expected: a path such as `… | [0]` takes one"
    )


@pytest.mark.parametrize(("who", "customer"), [(["c1"], "c1"), ([], None), ({}, None)])
def test_a_list_names_a_customer_only_by_its_one_value(tmp_path: Path, who: object, customer: object) -> None:
    assert value(survey(tmp_path, {"q": "nps", "v": 9}, who=who), "customer_id") == customer


@pytest.mark.parametrize("who", [["c1", "c2"], {"id": "c1"}])
def test_a_nested_value_is_no_customer(tmp_path: Path, who: object) -> None:
    [said] = survey(tmp_path, {"q": "nps", "v": 9}, who=who).messages
    assert said.startswith("invalid_customer_id: customer: one value is expected")


def test_a_difference_of_times_in_milliseconds_is_exact(tmp_path: Path) -> None:
    mapping = """
name: t
customer: who
at: at
events: [{type: call, fields: {wait_seconds: {from: taken, subtract: begun, unit: ms}}}]
"""
    row = "at,who,begun,taken\n2026-04-01T10:00:00Z,c1,1772359200123,1772359220000\n"
    assert value(outcome(mapping, tmp_path, row), "wait_seconds") == 19.877


def test_a_scaled_number_is_rounded_half_up_without_the_noise_of_fractions(tmp_path: Path) -> None:
    found = told(tmp_path, "100", "ivr_steps: {from: x, times: 0.145}")  # 14.499999999999998 to a computer
    assert value(found, "ivr_steps") == 15


@pytest.mark.parametrize("number", ["88121", "Zaak 12 / é"])
def test_a_contact_id_with_the_prefix_of_the_calls_names_the_call(tmp_path: Path, number: str) -> None:
    mapping = """
name: t
customer: who
at: at
events:
  - {type: call, id: {from: nr, prefix: ticket-}, fields: {}}
  - {type: survey, id: {from: nr, prefix: s-}, fields: {contact_id: {from: nr, prefix: ticket-}, csat: {value: "3"}}}
"""
    found = outcome(mapping, tmp_path, f"at,who,nr\n2026-04-01T10:00:00Z,c1,{number}\n")
    call, survey = sorted(found.events, key=lambda event: event["type"])
    assert survey["contact_id"] == call["event_id"]
    assert survey["contact_id"].startswith("ticket-")
