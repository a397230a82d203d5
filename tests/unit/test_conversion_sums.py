"""Words of a mapping about what lies inside a cell, and in several: `extract`, `add` and `subtract`, and rows that may be short."""

import json
from pathlib import Path

import pytest

from streams.conversion.refusals import Refusal
from streams.documents import DocumentError
from tests.converted import converted

MAPPING = """
name: own
records: {columns: [at, who, held, gave_up, said], ragged: 3}
customer: {from: who, extract: "tel:([^;]+)"}
at: {from: at, extract: "[0-9.]+$", format: epoch_s}
events:
  - type: call
    id: {from: who, extract: "[0-9]+"}
    fields:
      wait_seconds: {from: held, add: gave_up}
      talk_seconds: {from: said, subtract: [held, gave_up], plus: 1}
"""


def events_of(
    tmp_path: Path, *rows: str, mapping: str = MAPPING
) -> tuple[list[dict[str, object]], list[Refusal]]:
    (tmp_path / "own.yaml").write_text(mapping)
    (tmp_path / "t.csv").write_text("".join(f"{row}\n" for row in rows))
    refused: list[Refusal] = []
    lines = converted(str(tmp_path / "own.yaml"), str(tmp_path / "t.csv"), refuse=refused.append)
    return [json.loads(line) for line in lines], refused


def test_numbers_are_added_and_taken_off_and_a_blank_one_is_nothing(tmp_path: Path) -> None:
    events, refused = events_of(
        tmp_path, "pbx-1774741200,tel:c1;x,5,7,20", "1774741201,tel:c2,,7,20", "1774741202,tel:c3,,,"
    )
    assert not refused
    waits = [(event.get("wait_seconds"), event.get("talk_seconds")) for event in events]
    assert waits == [(12, 9), (7, 14), (None, None)]
    assert [(event["customer_id"], event["event_id"]) for event in events] == [
        ("c1", "1"),
        ("c2", "2"),
        ("c3", "3"),
    ]


def test_what_is_not_found_in_a_cell_is_blank(tmp_path: Path) -> None:
    events, _ = events_of(tmp_path, "1774741200,9,5")
    assert events[0]["customer_id"] is None


def test_a_row_may_be_short_but_not_shorter_than_the_mapping_says(tmp_path: Path) -> None:
    events, refused = events_of(tmp_path, "1774741200,tel:c1", "1774741200,tel:c1,5")
    assert len(events) == 1
    assert [(each.number, each.message) for each in refused] == [(1, "2 cells, 3 to 5 are expected")]


def test_only_numbers_are_added_up(tmp_path: Path) -> None:
    with pytest.raises(
        DocumentError, match=r"own\.yaml:12: .*queue\.add: it says nothing of queue, which takes a text"
    ):
        events_of(tmp_path, "1774741200,tel:c1,5", mapping=MAPPING + "      queue: {from: said, add: held}\n")


def test_fractions_of_a_second_stay_what_they_are(tmp_path: Path) -> None:
    events, _ = events_of(tmp_path, "1774748477.250011,tel:c1,5")
    assert events[0]["occurred_at"] == "2026-03-29T01:41:17.250011Z"
