"""Tables to events: the built-in sources give the counts known of them, and mistakes are told by place."""

import json
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from streams.files.convert import convert
from streams.files.mapping import built_in_mappings, load_mapping
from streams.files.ndjson import InputError, Line, check_line, open_input

DATA = Path(__file__).parents[1] / "data"
SOURCES = {"telco-churn": "churn.all.gz", "iranian-churn": "customer_churn.csv.gz"}
OWN = """
name: own
source: here
licence: none
header: true
reference_day: 2026-04-01
customer: {column: id}
contacts: {column: calls}
churn: {column: left, values: ["y"], others: ["n"]}
"""


def lines_of(name: str) -> list[bytes]:
    path = str(DATA / SOURCES[name])
    with open_input(path) as stream:
        return list(convert(load_mapping(name), stream, file=path))


def events_of(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines_of(name)]


def at(event: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(event["occurred_at"])


def test_the_sources_are_built_in() -> None:
    assert set(built_in_mappings()) == set(SOURCES)


def test_four_unresolved_calls_flag_399_customers_of_whom_201_left() -> None:
    calls: dict[str, list[datetime]] = defaultdict(list)
    left: dict[str, datetime] = {}
    customers = set()
    for event in events_of("telco-churn"):
        customers.add(event["customer_id"])
        if event["type"] == "call":
            assert event["resolved"] is False
            calls[event["customer_id"]].append(at(event))
        elif event["type"] == "cancellation":
            left[event["customer_id"]] = at(event)
    flagged = {
        customer: fourth
        for customer, times in calls.items()
        for first, fourth in list(zip(times, times[3:], strict=False))[:1]
        if fourth - first < timedelta(days=90)
    }
    assert len(customers) == 5000
    assert len(left) == 707
    assert len(flagged) == 399
    assert sum(fourth < left[customer] for customer, fourth in flagged.items() if customer in left) == 201


def test_contacts_lie_strictly_within_the_window_and_cancellations_after_it() -> None:
    reference = datetime(2026, 4, 1, tzinfo=UTC)
    for event in events_of("telco-churn"):
        if event["type"] == "call":
            assert reference - timedelta(days=90) < at(event) < reference
        elif event["type"] == "cancellation":
            assert reference <= at(event) < reference + timedelta(days=30)


def test_complaints_of_the_iranian_set() -> None:
    kinds = Counter(event["type"] for event in events_of("iranian-churn"))
    assert kinds == {"profile": 3150, "call": 241, "survey": 241, "cancellation": 495}


@pytest.mark.parametrize("name", SOURCES)
def test_events_are_valid_unique_ordered_and_the_same_on_every_run(name: str) -> None:
    lines = lines_of(name)
    checked = [check_line(Line(name, number, line)).event for number, line in enumerate(lines, 1)]
    keys = [(event.occurred_at, event.event_id) for event in checked]
    assert keys == sorted(keys)
    assert len({event.event_id for event in checked}) == len(checked)
    assert lines == lines_of(name)


def test_a_mapping_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(OWN)
    events = [json.loads(line) for line in convert(load_mapping(str(path)), [b"id,calls,left\n", b"a,2,y\n"])]
    assert [event["type"] for event in events] == ["profile", "call", "call", "cancellation"]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (["id,calls,left", "a,two,n"], "t.csv:2, column calls: a whole number"),
        (["id,calls,left", "a,1,n", "a,1,n"], "t.csv:3, column id: the customer is in line 2 too"),
        (["id,calls,left", "", "a,1,perhaps"], "t.csv:3, column left: one of y, n"),
        (["id,calls,left", "a b,1,n"], "t.csv:2, column id: a customer id"),
        (["id,calls,left", "a,1"], "t.csv:2: 2 columns, 3 are expected"),
        (["id,calls", "a,1"], "t.csv:1: no column left"),
        (["id,calls,left"], "t.csv: no customer"),
    ],
)
def test_mistakes_name_line_and_column(tmp_path: Path, table: list[str], message: str) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(OWN)
    with pytest.raises(InputError) as caught:
        list(convert(load_mapping(str(path)), [f"{row}\n".encode() for row in table], file="t.csv"))
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: [", "m.yaml:1"),
        (OWN + "wrong: 1\n", "wrong: Extra"),
        (OWN.replace("header: true", "header: false"), "is used, but not listed"),
    ],
)
def test_mistakes_in_a_mapping(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "m.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        load_mapping(str(path))


def test_an_unknown_mapping_names_those_there_are() -> None:
    with pytest.raises(InputError, match="iranian-churn, telco-churn"):
        load_mapping("no-such-mapping")
