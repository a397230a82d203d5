"""`behoudlijn check`: what a worker would make of files, before anything is sent."""

from pathlib import Path
from typing import Any

import orjson
from typer.testing import CliRunner

from streams.cli import build

RUNNER = CliRunner(env={"COLUMNS": "200"})


def event(number: int, **fields: Any) -> bytes:
    body = {"type": "call", "schema_version": 1, "event_id": f"e{number}", "customer_id": f"c{number % 7}"}
    body["occurred_at"] = f"2026-0{1 + number % 3}-1{number % 10}T10:00:00Z"
    return orjson.dumps(body | fields)


def checked(tmp_path: Path, *lines: bytes) -> tuple[int, dict[str, Any]]:
    file = tmp_path / "events.ndjson"
    file.write_bytes(b"\n".join(lines) + b"\n")
    result = RUNNER.invoke(build(), ["check", str(file), "--json"])
    return result.exit_code, orjson.loads(result.stdout)


def shown(tmp_path: Path, *lines: bytes) -> str:
    file = tmp_path / "events.ndjson"
    file.write_bytes(b"\n".join(lines) + b"\n")
    return RUNNER.invoke(build(), ["check", str(file)]).stdout


def test_good_events_are_counted_and_pass(tmp_path: Path) -> None:
    code, found = checked(tmp_path, *(event(number) for number in range(300)))
    assert code == 0
    assert (found["lines"], found["events"], found["types"], found["rejected"]) == (
        300,
        300,
        {"call": 300},
        0,
    )
    assert (found["customers"], found["nobody"], found["duplicates"], found["reasons"]) == (7, 0, 0, {})
    assert found["first"].startswith("2026-01-10T10:00:00")


def test_what_would_be_refused_is_told_with_its_lines_and_ends_with_3(tmp_path: Path) -> None:
    bad = [event(0, wait_seconds="12"), b"{broken", event(1, type="vist"), event(2, customer_id="a b")]
    code, found = checked(tmp_path, *bad, *(event(number) for number in range(10, 30)))
    assert code == 3
    assert (found["lines"], found["rejected"], found["events"]) == (24, 4, 20)
    assert found["reasons"] == {
        "invalid_field": 1,
        "not_json": 1,
        "unknown_type": 1,
        "invalid_customer_id": 1,
    }
    [first] = found["examples"]["invalid_field"]
    assert first["place"].endswith("events.ndjson:1")
    assert first["message"].startswith("wait_seconds: ")
    assert "a b" not in orjson.dumps(found).decode(), "what was refused is not quoted"


def test_one_per_cent_may_be_refused(tmp_path: Path) -> None:
    code, _ = checked(tmp_path, b"{", *(event(number) for number in range(99)))
    assert code == 0
    code, _ = checked(tmp_path, b"{", b"{", *(event(number) for number in range(99)))
    assert code == 3


def test_a_misspelt_field_is_told_with_the_nearest_name(tmp_path: Path) -> None:
    _, found = checked(tmp_path, *(event(number, wait_second=5, colour="red") for number in range(20)))
    assert found["unknown_fields"] == {"call.wait_second": 20, "call.colour": 20}
    assert found["near"] == {"call.wait_second": "wait_seconds"}
    text = shown(tmp_path, *(event(number, wait_second=5) for number in range(20)))
    assert "'wait_second' in 20 events; is wait_seconds meant?" in text


def test_the_future_nobody_repeats_gaps_and_an_id_for_many_are_told(tmp_path: Path) -> None:
    lines = [
        event(1, occurred_at="2999-01-01T00:00:00Z"),
        *(event(number, customer_id=None, occurred_at="2026-01-10T10:00:00Z") for number in range(100, 110)),
        *(
            event(number, customer_id="4711", occurred_at="2026-01-10T10:00:00Z")
            for number in range(200, 400)
        ),
        *(event(number, occurred_at="2026-01-20T10:00:00Z") for number in range(400, 500)),
        event(401, occurred_at="2026-01-20T10:00:00Z"),
    ]
    code, found = checked(tmp_path, *lines)
    assert code == 0
    assert (found["future"], found["nobody"], found["duplicates"]) == (1, 10, 1)
    assert {"first": "2026-01-11", "last": "2026-01-19"} in found["gaps"]
    [lone] = found["lone"]
    assert 0.6 < lone["share"] < 0.7
    assert "4711" not in shown(tmp_path, *lines)
    assert "one customer id has 66% of all events" in shown(tmp_path, *lines)


def test_a_file_of_another_kind_is_told_to_be_one(tmp_path: Path) -> None:
    code, found = checked(tmp_path, b"customer;date;reason", b"1;2026-01-01;billing")
    assert (code, found["events"]) == (3, 0)
    assert "no line is an event: NDJSON is expected" in shown(tmp_path, b"customer;date;reason")


def test_a_file_that_is_not_there_is_the_users_mistake(tmp_path: Path) -> None:
    result = RUNNER.invoke(build(), ["check", str(tmp_path / "absent")])
    assert result.exit_code == 2
    assert "cannot be read" in result.output


def test_what_comes_a_horizon_too_late_is_told(tmp_path: Path) -> None:
    late = event(1, occurred_at="2025-01-01T10:00:00Z")
    code, found = checked(
        tmp_path, event(2), late, event(3, type="profile", occurred_at="2025-01-01T10:00:00Z")
    )
    assert (code, found["too_old"]) == (0, 1)
    assert "1 event stands behind others" in shown(tmp_path, event(2), late)
    assert checked(tmp_path, late, event(2))[1]["too_old"] == 0


def test_an_id_with_fifty_events_on_one_day_is_told(tmp_path: Path) -> None:
    def lines(customers: int) -> list[bytes]:
        return [
            event(n, customer_id=f"c{n % customers}", occurred_at="2026-01-01T10:00:00Z") for n in range(100)
        ]

    assert checked(tmp_path, *lines(2))[1]["busy"] == 2
    assert checked(tmp_path, *lines(3))[1]["busy"] == 0


def test_duplicates_are_the_same_bytes_and_corrections_other_ones_in_any_order(tmp_path: Path) -> None:
    first, other, third = (event(1, wait_seconds=seconds) for seconds in (1, 2, 3))
    for lines in ((first, first, other, first, third), (other, first, third, first, first)):
        _, found = checked(tmp_path, *lines, event(2))
        assert (found["duplicates"], found["corrections"]) == (2, 2)
    text = shown(tmp_path, first, first, other)
    assert "duplicates: the same once more │ 1" in text
    assert "corrections: other content     │ 1" in text


def test_names_from_files_are_shown_as_they_are(tmp_path: Path) -> None:
    assert "'[/bold]' in 20 events" in shown(
        tmp_path, *(event(number, **{"[/bold]": 1}) for number in range(20))
    )


MAPPING = (
    "name: t\ncustomer: who\nat: {from: at, format: epoch_ms}\nevents: [{type: call, id: at, fields: {}}]\n"
)


def of_mapping(tmp_path: Path, text: str) -> str:
    mapping, file = tmp_path / "m.yaml", tmp_path / "calls.csv"
    mapping.write_text(MAPPING)
    file.write_text(text)
    return RUNNER.invoke(build(), ["check", "--mapping", str(mapping), str(file)]).stdout


def test_a_table_that_gives_no_event_is_not_told_to_be_ndjson(tmp_path: Path) -> None:
    said = of_mapping(tmp_path, "who,at\nc1,yesterday\n")
    assert "no record gives an event" in said
    assert "NDJSON" not in said


def test_seconds_that_are_read_as_milliseconds_are_noticed(tmp_path: Path) -> None:
    assert "the first event is of 1970" in of_mapping(tmp_path, "who,at\nc1,1767261600\n")
    assert "the first event is of" not in of_mapping(tmp_path, "who,at\nc1,1767261600000\n")
