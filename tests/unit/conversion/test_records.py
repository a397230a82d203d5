"""How records lie in files: every dialect gives its records, and a file that is not what the mapping says is told by its line."""

# ruff: noqa: DTZ001 - cells of a spreadsheet know no zone
from __future__ import annotations

import gzip
import io
import json
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from backports import zstd
from openpyxl import Workbook
from pyarrow import parquet

from streams.files.ndjson import InputError
from tests.converted import Outcome, outcome

ROW = "2026-04-01T10:00:00Z,c1,x"
TABLE = "at,who,queue\n"


def packed(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)  # the same each time, for the names of tests


def mapping(records: str = "{}") -> str:
    return f"""
name: t
records: {records}
customer: who
at: at
events: [{{type: call, fields: {{queue: queue}}}}]
"""


def queues(found: Outcome) -> list[str]:
    assert not found.refused
    return [event.get("queue", "") for event in found.events]


def made(tmp_path: Path, content: str | bytes, records: str = "{}") -> Outcome:
    return outcome(mapping(records), tmp_path, content)


@pytest.mark.parametrize(
    ("content", "records"),
    [
        (TABLE + ROW, "{}"),
        (f"{TABLE}{ROW}\n".replace("\n", "\r\n"), "{}"),
        (f"{TABLE}{ROW}\n".replace("\n", "\r"), "{}"),
        ("\ufeff" + TABLE + ROW, "{}"),
        ("\ufeff" + TABLE + ROW, "{encoding: UTF_8}"),
        (TABLE + '"2026-04-01T10:00:00Z","c1","x"', "{}"),
        ((TABLE + ROW).replace(",", ";"), "{delimiter: ;}"),
        ((TABLE + ROW).replace(",", "\t"), "{delimiter: tab}"),
        ((TABLE + ROW).replace(",", "|"), "{delimiter: '|', quote: none}"),
        ("'at','who','queue'\n" + "'2026-04-01T10:00:00Z','c1','x'", '{quote: "\'"}'),
        (f"Report of\nyesterday\n{TABLE}{ROW}", "{skip_rows: 2}"),
        (ROW, "{columns: [at, who, queue]}"),
        (f"Zeit,Wer,Was\n{ROW}", "{header: true, columns: [at, who, queue]}"),
        (ROW, "{header: auto, columns: [at, who, queue]}"),
        (TABLE + ROW, "{header: auto, columns: [at, who, queue]}"),
        ("who,more,at,queue\nc1,?,2026-04-01T10:00:00Z,x", "{header: auto, columns: [at, who, queue]}"),
        (f" at , who,queue,,\n{ROW},,", "{}"),
        (f"\n{TABLE}\n\n{ROW}\n\n", "{}"),
        ((TABLE + ROW).encode("utf-16"), "{encoding: utf-16}"),
        (packed((TABLE + ROW).encode()), "{}"),
        (zstd.compress((TABLE + ROW).encode()), "{}"),
    ],
)
def test_a_table_in_any_dialect(tmp_path: Path, content: str | bytes, records: str) -> None:
    assert queues(made(tmp_path, content, records)) == ["x"]


def test_letters_of_an_older_encoding(tmp_path: Path) -> None:
    content = (TABLE + ROW.replace("x", "Kündigung – €")).encode("windows-1252")
    assert queues(made(tmp_path, content, "{encoding: windows-1252}")) == ["Kündigung – €"]
    [refused] = made(tmp_path, content).refused
    assert (refused.code, refused.number) == ("malformed_record", 2)
    assert "records.encoding" in refused.message


def test_a_cell_of_several_lines_and_quotes(tmp_path: Path) -> None:
    rows = (
        TABLE
        + '2026-04-01T10:00:00Z,c1,"says ""x"", loud"\n'
        + ROW
        + "\n"
        + '2026-04-01T10:00:00Z,c1,"a\nb"\nbad,c,x\n'
    )
    found = made(tmp_path, rows)
    assert [event["queue"] for event in found.events] == ["x", 'says "x", loud']
    assert [(each.number, each.raw) for each in found.refused] == [
        (4, '2026-04-01T10:00:00Z,c1,"a\nb"'),  # a queue's name has no line end
        (6, "bad,c,x"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "records", "said"),
    [
        (f'{TABLE}{ROW}\n2026-04-01T10:00:00Z,"c1,x\n{ROW}\n', "{}", ":3: a quote is opened here and never closed"),
        (f'{TABLE}2026-04-01T10:00:00Z,"c"1,x\n', "{}", ":2: text follows the quote that ends a cell"),
        (f"at,who,queue,who\n{ROW},y", "{}", ":1: two columns are called 'who'"),
        ("at,whom,queue\n", "{}", ":1: no column 'who'; did you mean 'whom'? found: 'at', 'whom', 'queue'"),
        (f"{TABLE}{ROW}".replace(",", ";"), "{}", ":1: no column 'who'; is the delimiter ';'? found: 'at;who;queue'"),
        (f"Zeit,Wer\n{ROW}", "{header: true, columns: [at, who, queue]}", ":1: 2 columns, 3 are named by the mapping"),
        (TABLE + ROW, "{columns: [at, who, queue]}", ":1: the first row names the columns: set records.header to true"),
        (f"{TABLE}{ROW}".encode("utf-16"), "{}", ": UTF-16"),
        ((f"{TABLE}{ROW}" + "\n").encode("utf-16")[:-1], "{encoding: utf-16}", ":2: no utf-16: "),
        ("\ufeff" + TABLE + ROW, "{encoding: windows-1252}", ": it begins with the mark of UTF-8: set records.encoding"),
        (b"PK\x03\x04", "{}", ": a zip archive"),
        (packed((TABLE + ROW).encode())[:-9], "{}", ": broken after line "),
        (packed((TABLE + ROW).encode())[:5], "{}", ": broken after line 0: "),
        (packed((TABLE + ROW).encode()) + b"garbage", "{}", ": broken after line "),
        (b"\x28\xb5\x2f\xfd\x00", "{}", ": broken after line 0: "),
        (TABLE + "2026-04-01T10:00:00Z,c1," + "x" * 140_000, "{}", ":2: a cell of more than 131,072 characters"),
        (b"x" * 17_000_000, "{}", ":1: a line of more than 16,777,216 characters"),
    ],
)  # fmt: skip
def test_a_table_that_is_something_else_is_told_by_its_line(
    tmp_path: Path, content: str | bytes, records: str, said: str
) -> None:
    with pytest.raises(InputError) as caught:
        made(tmp_path, content, records)
    assert str(caught.value).startswith(f"{tmp_path / 'f1'}{said}")


@pytest.mark.parametrize("row", ["2026-04-01T10:00:00Z,c1", f"{ROW},y"])
def test_a_row_of_another_width_is_refused_alone(tmp_path: Path, row: str) -> None:
    found = made(tmp_path, f"{TABLE}{row}\n{ROW}\n")
    assert found.messages == [f"malformed_record: {row.count(',') + 1} cells, 3 are expected"]
    assert len(found.events) == 1


def test_rows_that_are_ragged_on_purpose(tmp_path: Path) -> None:
    assert queues(made(tmp_path, f"{TABLE}2026-04-01T10:00:00Z,c1\n{ROW}", "{ragged: true}")) == ["", "x"]


def test_a_cell_that_equals_a_column_is_no_header(tmp_path: Path) -> None:
    row = "2026-04-01T10:00:00Z,c1,queue"
    assert queues(made(tmp_path, row, "{header: auto, columns: [at, who, queue]}")) == ["queue"]


def test_many_columns_take_no_time_and_no_page(tmp_path: Path) -> None:
    names = ",".join(f"c{number}" for number in range(100_000))
    with pytest.raises(InputError, match=r"and 99,900 more$"):
        made(tmp_path, f"{names}\n{ROW}")


def test_files_have_columns_of_their_own_order(tmp_path: Path) -> None:
    assert queues(outcome(mapping(), tmp_path, TABLE + ROW, "queue,who,at\ny,c1,2026-04-02T10:00:00Z")) == [
        "x",
        "y",
    ]


def test_an_empty_file_has_no_records(tmp_path: Path) -> None:
    assert made(tmp_path, "").counts.records == 0
    assert made(tmp_path, TABLE).counts.records == 0


OBJECT = '{"at": "2026-04-01T10:00:00Z", "who": "c1", "queue": "x"}'


@pytest.mark.parametrize(
    ("content", "path"),
    [
        (OBJECT, ""),
        (f"\ufeff{OBJECT}\r\n", ""),
        (f"[{OBJECT}]", ""),
        (f"[\n  {OBJECT}\n]\n", ""),
        (OBJECT.replace(",", ",\n"), ""),
        (packed(OBJECT.encode()), ""),
        (f'{{"R": [{OBJECT}]}}', "R[*]"),
        (f'\ufeff{{"R": [{OBJECT}]}}', "R[*]"),
        (f'{{"R": []}}\n{{"R": [{OBJECT}]}}', "R[*]"),
        (f'{{"R": []}}{{"R": {OBJECT}}}', "R"),
        (f"[{OBJECT}]", "[*]"),
    ],
)
def test_objects_in_any_layout(tmp_path: Path, content: str | bytes, path: str) -> None:
    assert queues(
        made(tmp_path, content, f"{{format: json, path: '{path}'}}" if path else "{format: json}")
    ) == ["x"]


def test_objects_one_after_another(tmp_path: Path) -> None:
    assert queues(made(tmp_path, OBJECT + OBJECT + "\n" + OBJECT, "{format: json}")) == ["x", "x", "x"]


@pytest.mark.parametrize(
    "bad", ['{"at":', "[1]", "7", '{"a": ' + "1" * 5_000 + "}", '{"a": "\\ud800"}', "[" * 9_000]
)
def test_what_is_no_object_is_refused_with_its_line_and_text(tmp_path: Path, bad: str) -> None:
    found = made(tmp_path, f"{OBJECT}\n{bad}\n{OBJECT}\n", "{format: json}")
    assert [(each.number, each.code, each.raw) for each in found.refused] == [(2, "malformed_record", bad)]
    assert len(found.events) == 2


def test_documents_without_records_at_the_path_are_kept_as_they_are(tmp_path: Path) -> None:
    found = made(tmp_path, f'{{"S": 1}}\n{{"R": [1, {OBJECT}]}}\n{{"R"', "{format: json, path: 'R[*]'}")
    assert len(found.events) == 1
    assert [(each.number, each.raw) for each in found.refused] == [
        (1, '{"S": 1}'),
        (2, f'{{"R": [1, {OBJECT}]}}'),
        (4, '{"R"'),
    ]
    assert found.messages[0] == "malformed_record: no object at R[*]"


@pytest.mark.parametrize("indent", [None, 1])
def test_a_document_that_is_cut_off_is_told_and_takes_no_time(tmp_path: Path, indent: int | None) -> None:
    text = json.dumps({"R": [json.loads(OBJECT)] * 50_000}, indent=indent)[:-100]
    with pytest.raises(InputError, match="f1:1: no JSON, or cut off: "):
        made(tmp_path, text, "{format: json, path: 'R[*]'}")


def test_a_path_that_fails_on_a_document_costs_this_one(tmp_path: Path) -> None:
    found = made(
        tmp_path,
        f'{{"R": "secret"}}\n{{"R": {OBJECT}}}',
        "{format: json, path: '[keys(R), R][1]'}",
    )
    assert found.counts.records == 2
    assert "secret" not in found.messages[0]


def test_a_json_that_is_broken_as_a_file(tmp_path: Path) -> None:
    for content, said in (
        (packed(OBJECT.encode())[:-9], "f1: broken"),
        (OBJECT.encode("utf-16"), "f1: UTF-16"),
        (b'{}\n{"a": "' + b"x" * 1_100_000, "f1:2: the line is longer"),
    ):
        with pytest.raises(InputError, match=said):
            made(tmp_path, content, "{format: json}")


def workbook(*rows: list[Any], sheet: str | None = None) -> bytes:
    book = Workbook()
    if sheet is not None:
        book.create_sheet(sheet)
    target = book[sheet] if sheet is not None else book.active
    for row in rows:
        target.append(row)
    kept = io.BytesIO()
    book.save(kept)
    return kept.getvalue()


XLSX = """
name: t
time_zone: Europe/Amsterdam
decimal: ","
records: {format: xlsx}
customer: who
at: {from: [day, time], format: "%d-%m-%Y %H:%M:%S"}
events: [{type: call, fields: {queue: queue, wait_seconds: wait, talk_seconds: talk, abandoned: gone}}]
"""
HEAD = ["day", "time", "who", "queue", "wait", "talk", "gone"]


def test_a_workbook_with_values_of_all_types(tmp_path: Path) -> None:
    found = outcome(
        XLSX,
        tmp_path,
        workbook(
            HEAD,
            [datetime(2026, 4, 1), time(10, 0), 5, "x", timedelta(minutes=1, seconds=30), 1.125, True],
            [],
            ["01-04-2026", "11:00:00", "c5", 7, "1,5", 90.0, "nee"],
        ),
    )
    assert not found.refused
    one, two = found.events
    assert one["occurred_at"] == "2026-04-01T08:00:00Z"
    assert (one["customer_id"], one["wait_seconds"], one["talk_seconds"], one["abandoned"]) == (
        "5",
        90,
        1.125,
        True,
    )
    assert two["occurred_at"] == "2026-04-01T09:00:00Z"
    assert (two["queue"], two["wait_seconds"], two["talk_seconds"], two["abandoned"]) == ("7", 1.5, 90, False)


def test_cells_that_are_merged_or_missing_are_blank(tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(HEAD)
    sheet.append([datetime(2026, 4, 1, 10), None, "c1", "x", 5])  # shorter than the header
    sheet.append([datetime(2026, 4, 1, 11), None, "c1", "y", 5, 6, "ja", None, None])
    sheet.merge_cells("D2:D3")
    kept = io.BytesIO()
    book.save(kept)
    found = outcome(XLSX.replace("[day, time]", "day"), tmp_path, kept.getvalue())
    assert not found.refused
    assert [event.get("queue") for event in found.events] == ["x", None]


def test_sheets_are_found_by_name(tmp_path: Path) -> None:
    content = workbook(HEAD, ["01-04-2026", "11:00:00", "c5", "x", 1, 1, 1], sheet="Calls")
    mapping = XLSX.replace("format: xlsx", "format: xlsx, sheet: Calls")
    assert len(outcome(mapping, tmp_path, content).events) == 1
    assert len(outcome(mapping, tmp_path, packed(content)).events) == 1
    with pytest.raises(InputError, match="no sheet 'Other'; found: Sheet, Calls"):
        outcome(XLSX.replace("format: xlsx", "format: xlsx, sheet: Other"), tmp_path, content)


def test_what_is_no_workbook_is_told(tmp_path: Path) -> None:
    content = workbook(HEAD, ["01-04-2026", "11:00:00", "c5", "x", 1, 1, 1])
    for bad in (
        b"",
        b"id;who",
        content[:200],
        content[:-30],
        content.replace(b"sheet1", b"sheet9"),
        packed(content)[:90],
    ):
        with pytest.raises(InputError, match="f1: "):
            outcome(XLSX, tmp_path, bad)


PARQUET = """
name: t
records: {format: parquet}
decimal: ","
customer: caller.id
at: at
events: [{type: call, id: id, fields: {queue: queue, wait_seconds: wait, talk_seconds: talk, department: raw, reason: tags}}]
"""


def parquet_of(table: Any) -> bytes:
    kept = io.BytesIO()
    parquet.write_table(table, kept)
    return kept.getvalue()


def parquet_rows(**more: Any) -> bytes:
    columns = {
        "id": pa.array([Decimal(12345678901234567890123456789012345678)] * 2, pa.decimal128(38, 0)),
        "at": pa.array([1_775_030_400_000_000_001, 1_775_030_401_000_000_000], pa.timestamp("ns", "UTC")),
        "caller": pa.array([{"id": 7}, None], pa.struct([("id", pa.int64())])),
        "queue": pa.array(["x", "y"]).dictionary_encode(),
        "wait": pa.array([Decimal("1.125"), None], pa.decimal128(8, 3)),
        "talk": pa.array([90_000_000_001, 1], pa.duration("ns")),
        "raw": pa.array([b"Verkauf", b"\xff"], pa.binary()),
        "tags": pa.array([["a", "b"], []]),
    }
    return parquet_of(pa.table(columns | more))


def test_parquet_with_columns_of_all_types(tmp_path: Path) -> None:
    found = outcome(PARQUET, tmp_path, parquet_rows())
    [event] = found.events
    assert event["event_id"] == "12345678901234567890123456789012345678"
    assert (event["customer_id"], event["queue"], event["wait_seconds"], event["talk_seconds"]) == (
        "7",
        "x",
        1.125,
        90,
    )
    assert (event["department"], event["reason"]) == ("Verkauf", '["a","b"]')
    assert event["occurred_at"] == "2026-04-01T08:00:00Z"
    [refused] = found.refused  # its department is no text
    assert (refused.number, refused.code) == (2, "malformed_record")


def test_parquet_days_are_days(tmp_path: Path) -> None:
    days = pa.array([date(2026, 4, 1)] * 2)
    found = outcome(PARQUET + "time_zone: UTC\n", tmp_path, parquet_rows(at=days))
    assert found.events[0]["occurred_at"] == "2026-04-01T00:00:00Z"


def test_a_parquet_column_that_is_missing_is_named_with_the_nested_ones(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no column 'caller.id'; did you mean 'caller.nr'\?"):
        outcome(PARQUET, tmp_path, parquet_rows(caller=pa.array([{"nr": 1}] * 2)))


def test_what_is_no_parquet_is_told(tmp_path: Path) -> None:
    content = parquet_rows()
    for bad in (b"", b"id;who", content[:200], content[:-5], packed(content)[:90]):
        with pytest.raises(InputError, match="f1: "):
            outcome(PARQUET, tmp_path, bad)
    assert outcome(PARQUET, tmp_path, packed(content)).events


ROWS = "at,who,queue\n2026-04-01T10:00:00Z,c1,x\n"


@pytest.mark.parametrize(
    ("content", "records", "said"),
    [
        (ROWS.upper(), "{}", ":1: no column 'who'; did you mean 'WHO'?"),
        (f"sep=;\n{ROWS}", '{delimiter: ";"}', ":1: no column 'who'; the first line says the delimiter: set records.skip_rows to 1"),
        (ROWS.encode("utf-16-le"), "{}", ":1: no column 'who'; is it UTF-16? set records.encoding to utf-16-le"),
        (ROWS.encode("utf-16"), "{}", ": UTF-16: save it as UTF-8 first, or set records.encoding to utf-16"),
        (ROWS.encode("utf-32"), "{encoding: utf-16}", ": UTF-32: save it as UTF-8 first, or set records.encoding to utf-32"),
        (packed(packed(ROWS.encode())), "{}", ": packed twice"),
        (b"BZh91AY&SY", "{}", ": packed by bzip2"),
        (b"PAR1\x15\x04", "{}", ": a Parquet file"),
        (b"%PDF-1.4\n", "{}", ": a PDF document"),
        (f'{ROWS}2026-04-01T10:00:00Z,c2,"a \\"b\\" c"\n', "{}", ":3: text follows the quote that ends a cell"),
        ("at,queue,who\n2026-04-01T10:00:00Z,x,c1\n", "{header: true, columns: [at, who, queue]}", ":1: the header has the columns in another order"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_file_is_told_with_what_to_do(
    tmp_path: Path, content: str | bytes, records: str, said: str
) -> None:
    with pytest.raises(InputError) as caught:
        outcome(mapping(records), tmp_path, content)
    assert str(caught.value).removeprefix(str(tmp_path / "f1")).startswith(said)


@pytest.mark.parametrize(
    ("content", "records"),
    [
        (ROWS.encode("utf-32"), "{encoding: utf-32}"),
        (("\ufeff" + ROWS).encode("utf-16-le"), "{encoding: utf-16-le}"),
        ("\ufeff\ufeff" + ROWS, "{}"),
        (ROWS.replace("queue", "\u00a0queue\u200b"), "{}"),
        (ROWS.replace("queue", "queue,"), "{}"),
    ],
)
def test_marks_and_unseen_characters_of_a_header_do_no_harm(
    tmp_path: Path, content: str | bytes, records: str
) -> None:
    assert queues(outcome(mapping(records), tmp_path, content)) == ["x"]


def test_an_array_without_its_end_is_told(tmp_path: Path) -> None:
    record = '{"at": "2026-04-01T10:00:00Z", "who": "c1", "queue": "x"}'
    whole = outcome(mapping("{format: json}"), tmp_path, f"[{record},\n{record}\n]\n")
    assert queues(whole) == ["x", "x"]
    cut = outcome(mapping("{format: json}"), tmp_path, f"[{record},\n{record},\n")
    assert len(cut.events) == 2
    assert cut.messages == ["malformed_record: no JSON: EOF while parsing a list at line 1 column 1"]


def test_a_line_end_in_a_queue_is_told_in_words(tmp_path: Path) -> None:
    [said] = outcome(mapping(), tmp_path, f'{TABLE}2026-04-01T10:00:00Z,c1,"a\nb"\n').messages
    assert said.startswith("invalid_field: queue: at most 64 characters are expected, no line end")
