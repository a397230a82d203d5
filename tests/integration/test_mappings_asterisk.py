"""The two mappings of Asterisk on their samples: the golden results, and what must hold of them, in words."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from streams.cli import build
from streams.conversion.refusals import Refusal
from streams.files.ndjson import Line, check_line
from streams.mappings import mapping_path
from tests.converted import converted, converted_with_counts

EXPORTS = Path(__file__).parents[2] / "docs" / "examples" / "exports"
QUEUE_LOG = [str(EXPORTS / "asterisk-queue-log" / name) for name in ("queue_log.1", "queue_log")]
CDR = [str(EXPORTS / "asterisk-cdr" / name) for name in ("Master.csv", "cdr.csv")]
SAMPLES = [("asterisk-queue-log", QUEUE_LOG), ("asterisk-cdr", CDR)]
CUT = "1774747679.180"
"""The contact that is answered in one file and ends in the next."""


def by_id(lines: list[bytes]) -> dict[str, dict[str, Any]]:
    """Return events by their ids, which must differ."""
    events = [json.loads(line) for line in lines]
    found = {event["event_id"]: event for event in events}
    assert len(found) == len(events)
    return found


@pytest.fixture
def convert(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run `behoudlijn convert` in this process."""
    monkeypatch.setenv("COLUMNS", "200")
    return lambda *arguments: CliRunner().invoke(build(), ["convert", *map(str, arguments)])


@pytest.mark.parametrize(("mapping", "files"), SAMPLES)
def test_the_samples_give_the_golden_events(mapping: str, files: list[str]) -> None:
    golden = (EXPORTS / mapping / "events.ndjson").read_bytes()
    assert [line.rstrip(b"\n") for line in converted(mapping, *files)] == golden.splitlines()


@pytest.mark.parametrize(("mapping", "files"), SAMPLES)
def test_sent_again_in_any_order_of_files_it_is_the_same(mapping: str, files: list[str]) -> None:
    assert converted(mapping, *files) == converted(mapping, *reversed(files))


@pytest.mark.parametrize(("mapping", "files"), SAMPLES)
def test_the_workers_decoder_accepts_every_event(mapping: str, files: list[str]) -> None:
    lines = converted(mapping, *files)
    checked = [check_line(Line(mapping, number, line)).event for number, line in enumerate(lines, 1)]
    assert [event.event_id for event in checked] == [json.loads(line)["event_id"] for line in lines]
    assert not any(event.__pydantic_extra__ for event in checked)


@pytest.mark.parametrize(("mapping", "files"), SAMPLES)
def test_every_record_is_used_passed_over_refused_or_unfinished(mapping: str, files: list[str]) -> None:
    refused: list[Refusal] = []
    lines, counts = converted_with_counts(mapping, *files, refuse=refused.append)
    assert counts.records == sum(len(Path(file).read_text().splitlines()) for file in files) - files.count(
        CDR[1]  # has a header
    )
    assert counts.rejections.total + counts.unfinished == len(refused)
    assert counts.events == len(by_id(lines))


def test_each_call_id_with_a_beginning_and_an_end_is_one_contact() -> None:
    calls = {
        line.split("|")[1]
        for file in QUEUE_LOG
        for line in Path(file).read_text().splitlines()
        if "|ENTERQUEUE|" in line
    }
    still_waiting = "1774751399.201"
    assert set(by_id(converted("asterisk-queue-log", *QUEUE_LOG))) == calls - {still_waiting}


def test_the_queue_log_tells_where_and_how_long_and_whether_they_gave_up() -> None:
    events = by_id(converted("asterisk-queue-log", *QUEUE_LOG))

    def told(call: str) -> tuple[Any, ...]:
        event = events[call]
        return tuple(
            event.get(name) for name in ("queue", "wait_seconds", "talk_seconds", "transfers", "abandoned")
        )

    assert told("1774739199.107") == ("support", 95, None, 0, True)
    assert told("1774739499.120") == ("sales", 10 + 40, 120 + 240, 1, False)
    assert told("1774740399.131") == ("overflow", 300 + 12, 90, 0, False)
    assert told("1774741199.140") == ("sales", 3, None, 0, True)
    assert told("1774741299.142") == ("support", 64, None, 0, False)
    assert told("1774748999.190") == ("overflow", 300 + 180, None, 0, True)
    assert told("1774750199.195") == ("sales", 4, 60, 1, False)


def test_callers_are_numbers_and_extensions_and_hidden_ones_are_nobody() -> None:
    events = by_id(converted("asterisk-queue-log", *QUEUE_LOG))
    assert (
        events["1774739199.107"]["customer_id"] == events["1774745909.170"]["customer_id"] == "+31612345602"
    )
    assert events["1774742299.158"]["customer_id"] == "+4915112345607"
    assert events["1774739318.112"]["customer_id"] is events["1774742099.155"]["customer_id"] is None


def test_the_clock_that_is_put_forward_moves_no_contact() -> None:
    event = by_id(converted("asterisk-queue-log", *QUEUE_LOG))["1774745909.170"]
    assert event["occurred_at"] == "2026-03-29T01:02:55Z"


def test_the_contact_that_rotation_cuts_is_one_in_whatever_way_the_files_come(
    tmp_path: Path, convert: Callable[..., Result]
) -> None:
    together = by_id(converted("asterisk-queue-log", *QUEUE_LOG))
    first, later, second = tmp_path / "1.ndjson", tmp_path / "later", tmp_path / "2.ndjson"
    lot = ["--unfinished", later]
    assert convert("asterisk-queue-log", QUEUE_LOG[0], "--out", first, *lot).exit_code == 0
    assert [line.split("|")[4] for line in later.read_text().splitlines() if CUT in line] == [
        "ENTERQUEUE",
        "CONNECT",
    ]
    kept = tmp_path / "kept"
    later.rename(kept)
    assert convert("asterisk-queue-log", kept, QUEUE_LOG[1], "--out", second, *lot).exit_code == 0

    in_turn = [by_id(file.read_bytes().splitlines()) for file in (first, second)]
    assert CUT not in in_turn[0]
    assert in_turn[1][CUT] == together[CUT]
    assert in_turn[0] | in_turn[1] == together


def test_half_a_contact_alone_is_no_contact() -> None:
    assert all(CUT not in by_id(converted("asterisk-queue-log", file)) for file in QUEUE_LOG)


def test_a_contact_told_anew_from_more_lines_has_the_later_revision(tmp_path: Path) -> None:
    """A call timed out of a queue at the end of the file, and is answered by another queue in the next one."""
    lines = Path(QUEUE_LOG[0]).read_text().splitlines(keepends=True)
    until = next(number for number, line in enumerate(lines, 1) if "EXITWITHTIMEOUT" in line)
    head = tmp_path / "queue_log.1"
    head.write_text("".join(lines[:until]))
    early = by_id(converted("asterisk-queue-log", str(head)))["1774740399.131"]
    late = by_id(converted("asterisk-queue-log", *QUEUE_LOG))["1774740399.131"]
    assert (early["abandoned"], late["abandoned"]) == (True, False)
    assert early["revised_at"] < late["revised_at"]


def test_the_rejects_name_the_line_that_was_cut_off() -> None:
    refused: list[Refusal] = []
    cut_off = str(EXPORTS / "asterisk-queue-log" / "broken.queue_log")
    converted("asterisk-queue-log", *QUEUE_LOG, cut_off, refuse=refused.append)
    [broken] = [each for each in refused if each.code != "unfinished"]
    assert (broken.file, broken.number, broken.code) == (cut_off, 1, "malformed_record")
    assert broken.raw == "1774746600|1774746595.174|supp"


def test_the_legs_of_a_call_are_one_contact_with_the_customers_talk_alone() -> None:
    events = by_id(converted("asterisk-cdr", *CDR))
    passed_on, consulted = events["1792827600.10"], events["1792828800.20"]
    assert (passed_on["wait_seconds"], passed_on["talk_seconds"], passed_on["transfers"]) == (10, 180, 1)
    assert (consulted["wait_seconds"], consulted["talk_seconds"], consulted["transfers"]) == (10, 180, 1)
    assert events["1793606400.101"]["talk_seconds"] == 200
    assert events["1793608800.140"]["queue"] == "610"


def test_calls_that_reached_nobody_are_abandoned_also_with_a_message_left() -> None:
    events = by_id(converted("asterisk-cdr", *CDR))
    abandoned = {key for key, event in events.items() if event.get("abandoned")}
    assert abandoned == {"1792825800.3", "1792826400.5", "1792827000.7", "1793607000.110"}


def test_an_outgoing_call_is_one_of_the_number_that_was_dialled() -> None:
    events = by_id(converted("asterisk-cdr", *CDR))
    outgoing = {
        key: event["customer_id"] for key, event in events.items() if event.get("direction") == "outbound"
    }
    assert outgoing == {"1792831200.50": "+31612345607", "1793608200.130": "+31612345603"}


def test_calls_of_the_house_and_failures_of_the_technique_are_no_events() -> None:
    events = by_id(converted("asterisk-cdr", *CDR))
    assert not {"1792830600.40", "1792831800.52", "1792832400.60", "1793607600.120"} & events.keys()
    assert "out-1792835400.76" not in events


def test_our_own_callbacks_are_outcomes_and_no_contacts() -> None:
    events = by_id(converted("asterisk-cdr", *CDR))
    outcomes = {
        key: (event["attempt"], event["disposition"], event["customer_id"])
        for key, event in events.items()
        if event["type"] == "outcome"
    }
    assert outcomes == {
        "out-1792833000.70": (2, "ANSWERED_HUMAN", "+31612345602"),
        "out-1792833600.72": (1, "NO_ANSWER", "+31201234503"),
        "out-1792834800.74": (2, "BUSY", "+31201234503"),
        "out-1792836000.78": (4, "ABANDONED", "+31201234503"),
        "out-1792836600.79": (5, "ABANDONED", "+31201234503"),
        "out-1793610000.150": (1, "ANSWERED_HUMAN", "+31612345602"),
    }
    assert not {key.removeprefix("out-") for key in outcomes} & events.keys()


def test_the_hour_that_comes_twice_is_refused_and_named() -> None:
    refused: list[Refusal] = []
    converted("asterisk-cdr", *CDR, refuse=refused.append)
    assert [(each.file, each.number, each.code) for each in refused] == [(CDR[0], 26, "ambiguous_time")]


def test_a_call_of_both_sources_has_one_id(tmp_path: Path) -> None:
    """Asterisk's unique id of the caller's channel, so that a call counts once even where somebody gives both."""
    record = Path(CDR[0]).read_text().splitlines()[0].replace("1792825205.1", CUT)
    (tmp_path / "Master.csv").write_text(record + "\n")
    assert list(by_id(converted("asterisk-cdr", str(tmp_path / "Master.csv")))) == [CUT]
    assert CUT in by_id(converted("asterisk-queue-log", *QUEUE_LOG))


@pytest.mark.parametrize(("cells", "alone"), [(17, 1), (18, 1), (21, 0)])
def test_without_the_newer_columns_the_channel_joins_what_it_can(
    tmp_path: Path, cells: int, alone: int
) -> None:
    """`newcdrcolumns` has `linkedid`: the record of a colleague who was asked belongs to the call by it alone."""
    rows = list(csv.reader(Path(CDR[0]).read_text().splitlines()))
    asked = [row for row in rows if "1792828800.20" in row]
    with (tmp_path / "Master.csv").open("w", newline="") as file:
        csv.writer(file).writerows(row[:cells] for row in asked)
    lines, counts = converted_with_counts("asterisk-cdr", str(tmp_path / "Master.csv"))
    assert (counts.events, counts.passed_over) == (1, alone)
    assert json.loads(lines[0])["talk_seconds"] == 180


def test_records_without_a_unique_id_are_refused_and_told(tmp_path: Path) -> None:
    rows = list(csv.reader(Path(CDR[0]).read_text().splitlines()))
    with (tmp_path / "Master.csv").open("w", newline="") as file:
        csv.writer(file).writerows(row[:16] for row in rows[:20])
    refused: list[Refusal] = []
    assert not converted("asterisk-cdr", str(tmp_path / "Master.csv"), refuse=refused.append)
    assert {each.message for each in refused} == {"session.key: it is blank"}


def test_a_conversation_that_other_parts_failed_around_is_still_an_answer(tmp_path: Path) -> None:
    """The customer picked up, one agent was connected, and the next telephone failed."""
    [spoken] = [line for line in Path(CDR[0]).read_text().splitlines() if "1792833000.70" in line]
    failed = spoken.replace('"ANSWERED"', '"FAILED"').replace("11:10:00", "11:15:09")
    (tmp_path / "Master.csv").write_text(f"{failed}\n{spoken}\n")
    [outcome] = by_id(converted("asterisk-cdr", str(tmp_path / "Master.csv"))).values()
    assert (outcome["disposition"], outcome["raw_disposition"]) == ("ANSWERED_HUMAN", "FAILED")


def test_a_key_that_means_call_me_back_is_a_request_with_the_lines_that_stand_there_as_a_comment(
    tmp_path: Path,
) -> None:
    text = mapping_path("asterisk-queue-log").read_text()
    head, _, comment = text.partition("becomes one:\n")
    text = f"{head}becomes one:\n{comment.replace('  # ', '  ')}"
    (tmp_path / "mine.yaml").write_text(text)
    events = by_id(converted(str(tmp_path / "mine.yaml"), *QUEUE_LOG))
    [request] = [event for event in events.values() if event["type"] == "survey"]
    assert (request["contact_id"], request["callback_requested"]) == ("1774741299.142", True)
    assert request["customer_id"] == events["1774741299.142"]["customer_id"]
