"""Which instant a text is, and what is refused rather than guessed."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.conversion.times import reader
from tests.converted import Outcome, outcome

AUTUMN = "2026-10-25 02:30:00"
"""The clocks of Amsterdam show it twice."""


def told(tmp_path: Path, *cells: str, at: str = "at", zone: str = "Europe/Amsterdam") -> Outcome:
    mapping = f"""
name: t
records: {{delimiter: "|", columns: [at, more], ragged: true}}
{f"time_zone: {zone}" if zone else ""}
customer: {{either: [nobody, more]}}
at: {at}
events: [{{type: call}}]
"""
    return outcome(mapping, tmp_path, "".join(f"{cell}\n" for cell in cells))


def instants(found: Outcome) -> list[str]:
    assert not found.refused
    return [event["occurred_at"] for event in found.events]


@pytest.mark.parametrize(
    ("cell", "form", "instant"),
    [
        ("2026-04-01T10:00:00Z", "iso", "2026-04-01T10:00:00Z"),
        ("2026-04-01T10:00:00.5 +02:00", "iso", "2026-04-01T08:00:00.500000Z"),
        ("2026-04-01T10:00:00 -0230", "iso", "2026-04-01T12:30:00Z"),
        ("2026-04-01 10:00:00 Z", "iso", "2026-04-01T10:00:00Z"),
        ("2026-04-01 10:00:00", "iso", "2026-04-01T08:00:00Z"),
        ("2026-04-01 10:00", "iso", "2026-04-01T08:00:00Z"),
        ("2026-04-01", "iso", "2026-03-31T22:00:00Z"),
        ("1775030400", "epoch_s", "2026-04-01T08:00:00Z"),
        ("1775030400.0625", "epoch_s", "2026-04-01T08:00:00.062500Z"),
        ("1775030400999", "epoch_ms", "2026-04-01T08:00:00.999000Z"),
        ("1775030400000001", "epoch_us", "2026-04-01T08:00:00.000001Z"),
        ("46113.4166666667", "excel", "2026-04-01T08:00:00Z"),
        ("01-04-2026 10:00:00", "%d-%m-%Y %H:%M:%S", "2026-04-01T08:00:00Z"),
        ("1/4/26  9:05", "%d/%m/%y %H:%M", "2026-04-01T07:05:00Z"),
        ("4/1/2026 12:05:00 a.m.", "%m/%d/%Y %I:%M:%S %p", "2026-03-31T22:05:00Z"),
        ("1 mrt. 2026 10:00", "%d %b %Y %H:%M", "2026-03-01T09:00:00Z"),
        ("01 October 2026 10:00", "%d %B %Y %H:%M", "2026-10-01T08:00:00Z"),
        ("20260401100000", "%Y%m%d%H%M%S", "2026-04-01T08:00:00Z"),
        ("01.04.2026 10:00 +05:30", "%d.%m.%Y %H:%M %z", "2026-04-01T04:30:00Z"),
    ],
)
def test_a_time_in_any_format(tmp_path: Path, cell: str, form: str, instant: str) -> None:
    assert instants(told(tmp_path, cell, cell, at=f"{{from: at, format: '{form}'}}")) == [instant, instant]


@pytest.mark.parametrize(
    ("cell", "form"),
    [
        *(("1775030400000", "iso"), ("04/01/2026", "iso"), ("2026-04-01T24:00:00", "iso"), ("2026-02-30", "iso"), ("nu", "iso")),
        *(("-5", "epoch_s"), ("1e9", "epoch_s"), ("9" * 17, "epoch_s"), ("2026-04-01", "epoch_ms"), ("٣", "epoch_s")),
        *(("60", "excel"), ("3000000", "excel"), ("2026-04-01", "excel"), ("0001-01-01", "iso"), ("9999-12-31 23:30:00", "iso")),
        *(("13/13/2026", "%d/%m/%Y"), ("2026111", "%Y%m%d"), ("1 foo 2026", "%d %b %Y"), ("13:00 pm 1/1/2026", "%I:%M %p %d/%m/%Y")),
    ],
)  # fmt: skip
def test_a_time_of_another_format_is_refused(tmp_path: Path, cell: str, form: str) -> None:
    found = told(tmp_path, cell, at=f"{{from: at, format: '{form}'}}")
    assert found.messages in (
        [f"invalid_time: at: no time of format {form}"],
        ["invalid_time: a time between the years 1970 and 9000 is expected"],
    )


def test_seconds_are_never_taken_for_milliseconds(tmp_path: Path) -> None:
    assert instants(told(tmp_path, "1775030400", at="{from: at, format: epoch_ms}")) == [
        "1970-01-21T13:03:50.400000Z"
    ]


def test_date_and_time_in_two_columns(tmp_path: Path) -> None:
    at = "{from: [at, more], format: '%d-%m-%Y %H:%M'}"
    assert instants(told(tmp_path, "01-04-2026|10:00", at=at)) == ["2026-04-01T08:00:00Z"]
    [said] = told(tmp_path, "2026-04-01|", at="{from: [at, more]}").messages  # midnight would be a guess
    assert said == "invalid_time: at: no time of format iso"
    assert told(tmp_path, "|x", at="{either: [at]}").messages == ["invalid_time: at: there is none"]


def test_a_zone_that_nobody_said_is_not_guessed(tmp_path: Path) -> None:
    assert told(tmp_path, "2026-04-01 10:00:00", zone="").messages == [
        "invalid_time: at: it says no zone; set time_zone in the mapping"
    ]
    assert instants(told(tmp_path, "2026-04-01 10:00:00", zone="", at="{from: at, zone: Asia/Kolkata}")) == [
        "2026-04-01T04:30:00Z"
    ]


def test_the_hour_that_the_clock_skips_is_refused(tmp_path: Path) -> None:
    for doubled in ("refuse", "order", "{from: more, summer: S, winter: W}"):
        found = told(tmp_path, "2026-03-29 02:30:00|S", at=f"{{from: at, doubled: {doubled}}}")
        assert found.messages == ["invalid_time: at: the clock was put forward over this time"]


def test_the_doubled_hour_is_refused_without_a_hint(tmp_path: Path) -> None:
    found = told(tmp_path, "2026-10-25 01:59:59", AUTUMN, "2026-10-25 03:00:00")
    [said] = found.messages
    assert said.startswith("ambiguous_time: at: the clock showed this time twice")
    assert [event["occurred_at"] for event in found.events] == [
        "2026-10-24T23:59:59Z",
        "2026-10-25T02:00:00Z",
    ]


def test_the_doubled_hour_by_a_column(tmp_path: Path) -> None:
    at = "{from: at, doubled: {from: more, summer: [CEST, S], winter: CET}}"
    assert instants(told(tmp_path, f"{AUTUMN}|cest", f"{AUTUMN}|CET", f"{AUTUMN}|S", at=at)) == [
        "2026-10-25T00:30:00Z",
        "2026-10-25T00:30:00Z",
        "2026-10-25T01:30:00Z",
    ]
    assert told(tmp_path, f"{AUTUMN}|?", at=at).messages[0].startswith("ambiguous_time")


def test_the_doubled_hour_by_the_records_order(tmp_path: Path) -> None:
    clock = [
        "2026-10-25 01:50:00",
        AUTUMN,
        "2026-10-25 02:50:00",
        "2026-10-25 02:10:00",
        AUTUMN,
        "2026-10-25 03:10:00",
    ]
    assert [text[11:16] for text in instants(told(tmp_path, *clock, at="{from: at, doubled: order}"))] == [
        *("23:50", "00:30", "00:50", "01:10", "01:30", "02:10"),
    ]


def test_writers_that_are_not_quite_in_step_are_of_one_pass(tmp_path: Path) -> None:
    clock = ["2026-10-25 01:50:00", AUTUMN, "2026-10-25 02:29:58", "2026-10-25 02:31:00"]
    found = instants(told(tmp_path, *clock, at="{from: at, doubled: order}"))
    assert [text[11:16] for text in found] == ["23:50", "00:29", "00:30", "00:31"]


def test_an_order_that_begins_in_the_doubled_hour_tells_nothing_yet(tmp_path: Path) -> None:
    clock = [AUTUMN, "2026-10-25 02:50:00", "2026-10-25 02:10:00", AUTUMN]
    found = told(tmp_path, *clock, at="{from: at, doubled: order}")
    assert [(each.number, each.code) for each in found.refused] == [
        (1, "ambiguous_time"),
        (2, "ambiguous_time"),
    ]
    assert [event["occurred_at"][11:16] for event in found.events] == ["01:10", "01:30"]


def test_the_next_autumn_begins_with_its_first_pass(tmp_path: Path) -> None:
    clock = [
        "2026-10-25 01:50:00",
        AUTUMN,
        "2026-10-25 02:10:00",
        "2027-10-31 01:59:59",
        "2027-10-31 02:00:01",
    ]
    assert instants(told(tmp_path, *clock, at="{from: at, doubled: order}"))[-1] == "2027-10-31T00:00:01Z"


@pytest.mark.parametrize("blank", [" ", "\u202f", "\u00a0"])
def test_blanks_of_browsers_before_am_and_pm(blank: str) -> None:
    at = reader("%m/%d/%Y %I:%M:%S %p")(f"3/14/2026 9:05:07{blank}PM")
    assert at.isoformat() == "2026-03-14T21:05:07"


def test_a_serial_number_of_a_spreadsheet_with_a_decimal_comma() -> None:
    assert reader("excel")("46100,5").isoformat() == "2026-03-19T12:00:00"
    assert reader("epoch_s")("1767261600,5").isoformat() == "2026-01-01T10:00:00.500000+00:00"
