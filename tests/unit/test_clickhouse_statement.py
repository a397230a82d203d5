"""The scanner that tells SQL from inline data, and one statement from several."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.embedded.clickhouse.errors import EngineError
from deploy.embedded.clickhouse.statement import parse


@pytest.mark.parametrize(
    ("sql", "kind", "named_format"),
    [
        ("SELECT 1", "SELECT", None),
        ("  /* SELECT; */ -- INSERT\n (select 1)", "SELECT", None),
        ("SELECT 1 FORMAT Native", "SELECT", "Native"),
        ("SELECT 1\n format JSONEachRow;", "SELECT", "JSONEachRow"),
        ("SELECT 1 FORMAT CSV SETTINGS max_threads = 1", "SELECT", "CSV"),
        ("SELECT 'FORMAT CSV'", "SELECT", None),
        ("SELECT format('{}', 'a') FROM (SELECT 1 FORMAT CSV)", "SELECT", None),
        ("SELECT 1 -- FORMAT CSV", "SELECT", None),
        ("WITH 1 AS x SELECT x", "WITH", None),
        ("WITH 1 AS x INSERT INTO t SELECT x", "INSERT", None),
        ("SHOW TABLES FORMAT TSV", "SHOW", "TSV"),
        ("CREATE TABLE t (a Int8) ENGINE = Memory", "CREATE", None),
        ("INSERT INTO t SELECT 'VALUES' FROM x", "INSERT", None),
        ("SELECT $tag$ ; FORMAT CSV $tag$", "SELECT", None),
        ("SELECT 'it''s; \\' here'", "SELECT", None),
    ],
)
def test_kind_and_format(sql: str, kind: str, named_format: str | None) -> None:
    found = parse(sql.encode())
    assert (found.kind, found.format, found.takes_data) == (kind, named_format, False)
    assert found.sql == sql.encode()


@pytest.mark.parametrize(
    ("text", "sql", "named_format", "data"),
    [
        (b"INSERT INTO t FORMAT Native\n\x01\x02;'", b"INSERT INTO t", "Native", b"\x01\x02;'"),
        (
            b"insert into t (a, `FORMAT b`) format CSV \r\n1;2\n",
            b"insert into t (a, `FORMAT b`)",
            "CSV",
            b"1;2\n",
        ),
        (b"INSERT INTO t FORMAT CSV 1,2", b"INSERT INTO t", "CSV", b"1,2"),
        (b"INSERT INTO t FORMAT CSV\n\n1", b"INSERT INTO t", "CSV", b"\n1"),
        (b"INSERT INTO t (v) SETTINGS a = 1 FORMAT TSV\nx", b"INSERT INTO t (v) SETTINGS a = 1", "TSV", b"x"),
        (b"INSERT INTO t VALUES (1, ';'); ", b"INSERT INTO t", "Values", b" (1, ';'); "),
        (b"INSERT INTO values (format) VALUES (1)", b"INSERT INTO values (format)", "Values", b" (1)"),
        (b"INSERT INTO t;", b"INSERT INTO t", None, b""),
    ],
)
def test_inserts_with_data(text: bytes, sql: bytes, named_format: str | None, data: bytes) -> None:
    found = parse(text)
    assert (found.kind, found.takes_data) == ("INSERT", True)
    assert (found.sql, found.format, found.data) == (sql, named_format, data)


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("", 62),
        (" ;; ", 62),
        ("-- only a comment", 62),
        ("SELECT 1; SELECT 2", 62),
        ("SELECT ';'; DROP TABLE t", 62),
        ("SELECT 1 INTO OUTFILE 'x'", 36),
        ("INSERT INTO t FROM INFILE 'x' FORMAT CSV", 36),
        ("INSERT INTO t SELECT x FROM input('x UInt8') FORMAT CSV\n1", 48),
        ("INSERT INTO t SELECT x FROM `input` ('x UInt8') FORMAT CSV\n1", 48),
    ],
)
def test_what_is_refused_before_the_engine(sql: str, code: int) -> None:
    with pytest.raises(EngineError) as caught:
        parse(sql.encode())
    assert caught.value.code == code


@given(st.binary(max_size=200))
def test_any_bytes_are_scanned_or_refused(text: bytes) -> None:
    try:
        found = parse(text)
    except EngineError:
        return
    assert found.kind


@given(st.binary(max_size=200))
def test_the_data_of_an_insert_is_never_touched(data: bytes) -> None:
    assert parse(b"INSERT INTO t FORMAT Native\n" + data).data == data
    assert parse(b"INSERT INTO t (a) FORMAT RowBinary\r\n" + data).data == data


@given(st.text(max_size=60))
def test_a_quoted_string_hides_everything(text: str) -> None:
    literal = "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
    found = parse(f"SELECT {literal}".encode(errors="surrogatepass"))
    assert (found.kind, found.format) == ("SELECT", None)
