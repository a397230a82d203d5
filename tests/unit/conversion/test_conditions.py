"""Which records give an event."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.converted import outcome


def holds(tmp_path: Path, when: str, cell: str, *, decimal: str = ".") -> bool:
    mapping = f"""
name: t
records: {{delimiter: "|"}}
decimal: "{decimal}"
customer: at
at: at
when: {when}
events: [{{type: call}}]
"""
    found = outcome(mapping, tmp_path, f"at|x|y\n2026-04-01T10:00:00Z|{cell}|7\n")
    assert not found.refused
    assert len(found.events) + found.counts.passed_over == found.counts.records == 1
    return bool(found.events)


@pytest.mark.parametrize(
    ("when", "cells", "others"),
    [
        ("{x: '1'}", ["1", "1.0", " 1.00"], ["", "10", "01", "yes"]),
        ("{x: 'Done'}", ["DONE", "done "], ["don", ""]),
        ("{x: {equals: '-1'}}", ["-1", "-1.0"], ["1"]),
        ("{x: [a, 'B']}", ["A", "b"], ["c", ""]),
        ("{x: {not: a}}", ["b", ""], ["A"]),
        ("{x: {not: [a, b]}}", ["c", ""], ["A", "b"]),
        ("{x: {present: true}}", ["a", "0", "no"], ["", "-", "N/A"]),
        ("{x: 'null'}", ["", "null"], ["a"]),
        ("{x: {present: false}}", ["", "null"], ["a"]),
        ("{x: {at_least: 5}}", ["5", "5.5", "1,000"], ["4.9", "", "five"]),
        ("{x: {at_least: 5, at_most: 6}}", ["5", "6.0"], ["7", "4"]),
        ("{x: {matches: '^Q[0-9]'}}", ["Q1", "Q2x"], ["q1", "aQ1", ""]),
        ("{x: a, y: '7'}", ["a"], ["b"]),
        ("{x: a, y: '8'}", [], ["a"]),
        ("[{x: a}, {y: '8'}]", ["a"], ["b"]),
        ("[{x: a}, {y: '7'}]", ["a", "b"], []),
    ],
)
def test_a_condition_holds_for_these_and_not_for_others(
    tmp_path: Path, when: str, cells: list[str], others: list[str]
) -> None:
    assert [cell for cell in [*cells, *others] if holds(tmp_path, when, cell)] == cells


def test_numbers_have_the_decimal_mark_of_the_mapping(tmp_path: Path) -> None:
    assert holds(tmp_path, "{x: {at_least: 5.2}}", "5,5", decimal=",")
    assert holds(tmp_path, "{x: {at_least: 1000}}", "1.234", decimal=",")


def test_a_condition_that_cannot_be_told_refuses_the_record(tmp_path: Path) -> None:
    mapping = """
name: t
records: {format: json}
customer: who
at: at
when: {"length(tags)": {at_least: 1}}
events: [{type: call}]
"""
    good = '{"at": "2026-04-01T10:00:00Z", "who": "c", "tags": ["x"]}'
    found = outcome(
        mapping, tmp_path, good.replace('["x"]', "5") + "\n" + good + "\n" + good.replace('"x"', "")
    )
    assert found.messages == ["malformed_record: length(tags): not of the shape that the path expects"]
    assert (found.counts.records, found.counts.events, found.counts.passed_over) == (3, 1, 1)


def test_no_pattern_is_tried_on_an_endless_text(tmp_path: Path) -> None:
    mapping = "{name: t, customer: x, at: at, when: {x: {matches: '^(a|a)*$'}}, events: [{type: call}]}"
    found = outcome(mapping, tmp_path, f"at,x\n2026-04-01T10:00:00Z,{'a' * 5_000}b\n")
    assert found.messages == [
        "invalid_value: a text of more than 4,000 characters: no pattern is tried on it"
    ]
