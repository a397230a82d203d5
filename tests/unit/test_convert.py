"""Tables without times, to events: the built-in sources give the counts known of them, and mistakes are told by place."""

import json
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from streams.documents import DocumentError
from streams.files.ndjson import InputError, Line, check_line
from streams.mappings import built_in_mappings, load_mapping
from tests.converted import converted, converted_with_counts

DATA = Path(__file__).parents[1] / "data"
SOURCES = {"telco-churn": "churn.all.gz", "iranian-churn": "customer_churn.csv.gz"}
OWN = """
name: own
snapshot:
  reference_day: 2026-04-01
  customer: {column: id}
  contacts: {column: calls}
  churn: {column: left, values: ["y"], others: ["n"]}
"""


def lines_of(name: str) -> list[bytes]:
    return converted(name, str(DATA / SOURCES[name]))


def events_of(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines_of(name)]


def at(event: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(event["occurred_at"])


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


def own(tmp_path: Path, *rows: str) -> tuple[str, str]:
    mapping, table = tmp_path / "own.yaml", tmp_path / "t.csv"
    mapping.write_text(OWN)
    table.write_text("".join(f"{row}\n" for row in rows))
    return str(mapping), str(table)


def test_a_mapping_of_ones_own(tmp_path: Path) -> None:
    events = [json.loads(line) for line in converted(*own(tmp_path, "id,calls,left", "a,2,y"))]
    assert [event["type"] for event in events] == ["profile", "call", "call", "cancellation"]


@pytest.mark.parametrize(
    ("rows", "place", "message"),
    [
        (["id,calls,left", "a,two,n"], ":2", "calls: a whole number"),
        (["id,calls,left", "a,1,n", "a,1,n"], ":3", "id: the customer stands in an earlier row too"),
        (["id,calls,left", "", "a,1,perhaps"], ":3", "left: one of y, n"),
        (["id,calls,left", "a b,1,n"], ":2", "id: 1-128 printable"),
        (["id,calls,left", "a,1"], ":2", "2 cells, 3 are expected"),
    ],
)
def test_a_row_that_is_wrong_is_refused_with_its_line(
    tmp_path: Path, rows: list[str], place: str, message: str
) -> None:
    _, counts = converted_with_counts(*own(tmp_path, *rows))
    [(_, [example])] = counts.rejections.examples.items()
    assert example.place.endswith(f"t.csv{place}")
    assert example.message.startswith(message)


def test_a_column_that_is_missing_is_named_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"t\.csv:1: no column 'left'; found: 'id', 'calls'"):
        converted(*own(tmp_path, "id,calls", "a,1"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: [", r"m\.yaml:1: not YAML"),
        (OWN + "wrong: 1\n", r"m\.yaml:8: wrong: no such key"),
        (
            OWN.replace("snapshot:", "records: {header: false}\nsnapshot:"),
            r"m\.yaml:3: records: header: without one",
        ),
    ],
)
def test_mistakes_in_a_mapping_are_told_with_their_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "m.yaml"
    path.write_text(text)
    with pytest.raises(DocumentError, match=message):
        load_mapping(str(path))


def test_an_unknown_mapping_names_those_there_are() -> None:
    with pytest.raises(DocumentError, match=", ".join(built_in_mappings())):
        load_mapping("no-such-mapping")
