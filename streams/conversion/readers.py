"""The records of files, one after the other, by a mapping's dialect: CSV, JSON, Parquet, XLSX.

Owns formats and what is wrong with a file as such: that is an InputError with its line, since what follows cannot be trusted. A
record that is wrong by itself comes out as a `RecordError` in its place.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator
from difflib import get_close_matches
from typing import IO, Any, Final, Literal

import jmespath
from jmespath.exceptions import JMESPathError
from pydantic_core import from_json, to_json

from streams.conversion.refusals import RecordError
from streams.files.json_values import values
from streams.files.ndjson import BROKEN, FOREIGN, STDIN, InputError, open_input, raw_records
from streams.mappings.language import Mapping, Records

Get = Callable[[Any], Any]
"""Finds a value in a record; None where there is none."""
Numbered = tuple[int, Any]
"""A record with its line or row, counted from 1; a `RecordError` for one that is none."""

MAX_DOCUMENT_BYTES: Final = 268_435_456
"""A JSON document in which records lie is held in memory; a longer one must be split."""
_EXTRA: Final = "needs a reader that is not installed: `pip install 'behoudlijn[tables]'`"
_DOTTED: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*")
_CSV_SENTENCES: Final = {
    "unexpected end of data": "a quote is opened here and never closed",
    "field larger than field limit": "a cell of more than 131,072 characters: is a quote never closed?",
}


class Shape:
    """How values are found in records: in a table's by column, in objects by path, in the joined ones of a session by name."""

    def __init__(self, columns: Iterable[str] | None, place: str = "", *, texts: bool = False) -> None:
        """`columns`: of a table, whose records are lists, of texts only or of anything; None for objects."""
        self._columns = None if columns is None else list(columns)
        self._place, self._texts = place, texts

    def has(self, path: str) -> bool:
        """Return whether there is such a column; of objects that is never known beforehand."""
        return self._columns is None or path in self._columns

    def cell(self, path: str) -> int | None:
        """Return the place of a column in a table of texts; None where records are another thing, or have no such column."""
        return (
            self._columns.index(path)
            if self._texts and self._columns is not None and path in self._columns
            else None
        )

    def get(self, path: str) -> Get:
        """Return what finds a path's value. Raises InputError for a column that the table has not."""
        if self._columns is None:
            return _in_object(path)
        if path not in self._columns:
            raise InputError(f"{self._place}: {missing(path, self._columns)}")
        index = self._columns.index(path)

        def cell(record: list[Any]) -> Any:
            return record[index]

        return cell


class Joined(Shape):
    """Of what a session makes of several records: values by name."""

    def __init__(self) -> None:
        super().__init__(None)

    def get(self, path: str) -> Get:
        """Return what finds a field's value."""

        def named(record: dict[str, Any]) -> Any:
            return record[path]

        return named


def missing(column: str, columns: Iterable[str]) -> str:
    """Return what to say of a column that is not there."""
    found = [name for name in columns if name]
    near = get_close_matches(column, found, 1, 0.6)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"no column {column!r}; {hint}found: {', '.join(map(repr, found)) or 'none'}"


class File:
    """A file's records, how to look into them, and the text of the one that was read last."""

    def __init__(self, path: str, mapping: Mapping) -> None:
        """Open a file; `-` is standard input. Raises InputError when it cannot be read, or is not what the mapping says."""
        self.name = "stdin" if path == STDIN else path
        self._mapping = mapping
        self._lines: _Lines | None = None
        self._last: Any = None
        dialect = mapping.records
        if dialect.format == "json":
            self.shape = Shape(None)
            self._records = self._objects(path, dialect)
        else:
            rows = {"csv": self._csv, "xlsx": self._xlsx, "parquet": self._parquet}[dialect.format](
                path, dialect
            )
            self.shape, self._records = self._table(rows, dialect)

    def __iter__(self) -> Iterator[Numbered]:
        return self._records

    def close(self) -> None:
        """Close the file before its end."""
        self._records.close()  # type: ignore[attr-defined]  # a generator

    def text(self) -> str:
        """Return the text of the record that was read last: as it stands in the file where that is text."""
        if self._lines is not None:
            return self._lines.text()
        if isinstance(self._last, bytes):
            return self._last.decode("utf-8", "replace")
        return to_json(self._last, serialize_unknown=True).decode()

    def _csv(self, path: str, dialect: Records) -> Iterator[Numbered]:
        encoding = "utf-8-sig" if dialect.encoding.lower() in ("utf-8", "utf8") else dialect.encoding
        begin = 1
        with open_input(path) as stream:
            _refuse_foreign(self.name, stream, encoding)
            text = io.TextIOWrapper(stream, encoding, errors="surrogateescape", newline="")
            self._lines = lines = _Lines(text)
            for _ in range(dialect.skip_rows):
                next(lines, None)
            skipped = begin = dialect.skip_rows + 1
            quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE
            reader = csv.reader(
                lines,
                delimiter=dialect.delimiter,
                quotechar=dialect.quote or None,
                quoting=quoting,
                strict=True,
            )
            try:
                lines.kept.clear()
                for row in reader:
                    if any(row):
                        yield begin, row
                    lines.kept.clear()
                    begin = skipped + reader.line_num
            except csv.Error as error:
                said = next(
                    (s for what, s in _CSV_SENTENCES.items() if str(error).startswith(what)), str(error)
                )
                raise InputError(f"{self.name}:{begin}: {said}") from None
            except UnicodeError as error:
                raise InputError(f"{self.name}:{begin}: no {dialect.encoding}: {error}") from None
            except BROKEN as error:
                raise InputError(f"{self.name}: broken after line {begin - 1}: {error}") from error

    def _xlsx(self, path: str, dialect: Records) -> Iterator[Numbered]:
        try:
            from openpyxl import load_workbook  # of an extra
            from openpyxl.utils.exceptions import InvalidFileException
        except ImportError:
            raise InputError(f"{self.name}: XLSX {_EXTRA}") from None
        with open_input(path) as stream:
            try:
                book = load_workbook(_seekable(stream), read_only=True, data_only=True)
            except (InvalidFileException, KeyError, OSError, ValueError) as error:
                raise InputError(f"{self.name}: no XLSX file: {error}") from None
            if dialect.sheet is not None and dialect.sheet not in book.sheetnames:
                raise InputError(
                    f"{self.name}: no sheet {dialect.sheet!r}; found: {', '.join(book.sheetnames)}"
                )
            sheet = book[dialect.sheet or book.sheetnames[0]]
            for number, row in enumerate(sheet.iter_rows(values_only=True), 1):
                if number > dialect.skip_rows and any(cell is not None for cell in row):
                    self._last = row
                    yield number, list(row)

    def _parquet(self, path: str, _: Records) -> Iterator[Numbered]:
        try:
            from pyarrow import ArrowException  # of an extra
            from pyarrow.parquet import ParquetFile
        except ImportError:
            raise InputError(f"{self.name}: Parquet {_EXTRA}") from None
        with open_input(path) as stream:
            try:
                table = ParquetFile(_seekable(stream))
                yield 0, table.schema_arrow.names
                number = 0
                for batch in table.iter_batches(batch_size=4_096):
                    for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                        number += 1
                        self._last = row
                        yield number, list(row)
            except (ArrowException, OSError, ValueError) as error:
                raise InputError(f"{self.name}: no Parquet file that can be read: {error}") from None

    def _table(self, rows: Iterator[Numbered], dialect: Records) -> tuple[Shape, Iterator[Numbered]]:
        """Take the header, if there is one, and hold every row against it."""
        used = self._mapping.record_paths()
        first = next(rows, None)
        if first is None:
            return Shape(dialect.columns or used), iter(())
        number, cells = first
        names = [" ".join(str("" if cell is None else cell).split()) for cell in cells]
        header = dialect.format == "parquet" or dialect.header_expected
        if dialect.header == "auto":
            header = any(name in names for name in used)
        columns: list[str] = list(dialect.columns)
        if header and (not columns or dialect.header == "auto"):
            columns = names
        elif header and len(columns) != len(names):
            raise InputError(
                f"{self.name}:{number}: {len(names)} columns, {len(columns)} are named by the mapping"
            )
        twice = next((name for name in columns if name and columns.count(name) > 1), None)
        if twice is not None:
            raise InputError(
                f"{self.name}:{number}: two columns are called {twice!r}; give names by records.columns"
            )
        shape = Shape(columns, f"{self.name}:{number}", texts=dialect.format == "csv")
        return shape, _rows_of(None if header else first, rows, columns, dialect)

    def _objects(self, path: str, dialect: Records) -> Iterator[Numbered]:
        with open_input(path) as stream:
            if dialect.path is None:
                number = 0
                try:
                    for number, data in raw_records(self.name, stream):
                        self._last = data
                        yield number, _object(data)
                except BROKEN as error:
                    raise InputError(f"{self.name}: broken after line {number}: {error}") from error
                return
            search = jmespath.compile(dialect.path).search
            count = 0
            for number, document in _documents(self.name, stream):
                if isinstance(document, RecordError):
                    yield number, document
                    continue
                try:
                    found = search(document)
                except JMESPathError as error:
                    raise InputError(f"{self.name}: records.path: {' '.join(str(error).split())}") from None
                for item in found if isinstance(found, list) else [found]:
                    count += 1
                    self._last = item
                    wrong = RecordError("malformed_record", f"no object at {dialect.path}")
                    yield count, item if isinstance(item, dict) else wrong


class _Lines:
    """Lines of text, and those of the record that is being read."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self.kept: list[str] = []

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = next(self._text)
        self.kept.append(line)
        return line

    def text(self) -> str:
        return "".join(self.kept).rstrip("\r\n").encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _rows_of(
    first: Numbered | None, rows: Iterator[Numbered], columns: list[str], dialect: Records
) -> Iterator[Numbered]:
    width = len(columns)
    least = width if dialect.ragged is False else int(dialect.ragged)
    if first is not None:
        yield first[0], _fitted(first[1], width, least)
    for number, row in rows:
        yield number, row if len(row) == width else _fitted(row, width, least)


def _fitted(row: list[Any], width: int, least: int) -> Any:
    if least <= len(row) < width:
        return row + [""] * (width - len(row))
    if len(row) > width and not any(row[width:]):
        return row[:width]  # a spreadsheet's empty columns
    if len(row) != width:
        expected = width if least >= width else f"{least} to {width}"
        return RecordError("malformed_record", f"{len(row)} cells, {expected} are expected")
    return row


def _object(data: bytes) -> Any:
    try:
        found = from_json(data)
    except ValueError as error:
        return RecordError("malformed_record", f"no JSON: {error}")
    return found if isinstance(found, dict) else RecordError("malformed_record", "no JSON object")


def _documents(name: str, stream: IO[bytes]) -> Iterator[Numbered]:
    """Yield whole documents: one, as a rule, or several one after the other."""
    try:
        data = stream.read(MAX_DOCUMENT_BYTES + 1)
    except BROKEN as error:
        raise InputError(f"{name}: broken: {error}") from error
    if len(data) > MAX_DOCUMENT_BYTES:
        raise InputError(
            f"{name}: more than {MAX_DOCUMENT_BYTES >> 20} MiB with records inside: split it, or unpack them"
        )
    try:
        yield 1, from_json(data.removeprefix(b"\xef\xbb\xbf"))
        return
    except ValueError:
        pass
    for number, each in values(io.BytesIO(data), MAX_DOCUMENT_BYTES):
        try:
            yield number, from_json(each)
        except ValueError as error:
            yield number, RecordError("malformed_record", f"no JSON: {error}")


def _in_object(path: str) -> Get:
    if _DOTTED.fullmatch(path) is None:
        return _searched(path)
    steps = path.split(".")

    def nested(record: Any) -> Any:
        for step in steps:
            if not isinstance(record, dict):
                return None
            record = record.get(step)
        return record

    def of_object(record: dict[str, Any]) -> Any:
        return record.get(path)

    return nested if len(steps) > 1 else of_object


def _searched(path: str) -> Get:
    search = jmespath.compile(path).search

    def found(record: Any) -> Any:
        try:
            return search(record)
        except JMESPathError as error:
            said = " ".join(str(error).split())[:200]
            raise RecordError(
                "malformed_record", f"{path}: not of the shape that the path expects: {said}"
            ) from None

    return found


def _refuse_foreign(name: str, stream: IO[bytes], encoding: str) -> None:
    head: bytes = stream.peek(4)  # type: ignore[attr-defined]  # of all that `open_input` gives
    for start, what in FOREIGN.items():
        if head.startswith(start) and not ("UTF-16" in what and "16" in encoding):
            raise InputError(f"{name}: {what}")


def _seekable(stream: IO[bytes]) -> IO[bytes]:
    return stream if stream.seekable() else io.BytesIO(stream.read())
