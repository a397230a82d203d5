"""The records of files, one after the other, by a mapping's dialect: CSV, JSON, Parquet, XLSX.

Owns formats and what is wrong with a file as such: that is an InputError with its line, since what follows cannot be trusted. A
record that is wrong by itself comes out as a `RecordError` in its place.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import warnings
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from functools import partial
from itertools import islice, takewhile
from typing import IO, Any, Final, Literal
from zipfile import BadZipFile

import jmespath
from pydantic_core import from_json

from streams.conversion.refusals import RecordError
from streams.conversion.shapes import NOT_FOUND, Shape
from streams.files.json_values import values
from streams.files.ndjson import BROKEN, FOREIGN, STDIN, InputError, open_input, raw_records
from streams.mappings.language import Mapping, Records
from streams.telemetry.amounts import amount

Numbered = tuple[int, Any]
"""A record with its line or row, counted from 1; a `RecordError` for one that is none."""

MAX_DOCUMENT_BYTES: Final = 268_435_456
"""A JSON document in which records lie is held in memory; a longer one must be split."""
_MOST_LINE: Final = 16_777_216
"""Characters of a line of CSV; a longer one is refused before it fills the memory."""
_BLOCK: Final = 512
"""Lines that are read at once."""
_NO_WORKBOOK: Final = (
    *(
        BadZipFile,
        KeyError,
        ValueError,
        TypeError,
        AttributeError,
        IndexError,
        SyntaxError,
        NotImplementedError,
    ),
    *BROKEN,
)
"""What openpyxl raises for files that are no XLSX, or damaged (SyntaxError: of XML)."""
_EXTRA: Final = "needs a reader that is not installed: `pip install 'behoudlijn[tables]'`"
_MARKS: Final = (
    (codecs.BOM_UTF16_LE, "utf-16-le", "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "utf-16"),
    (codecs.BOM_UTF32_LE, "utf-32-le", "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32-be", "utf-32"),
)
_UNSEEN: Final = "\ufeff\u200b\u200c\u200d\u200e\u200f\u2060 "
"""Characters without width: in no name of a column are they meant."""
_CSV_SENTENCES: Final = {
    "unexpected end of data": "a quote is opened here and never closed",
    "'": "text follows the quote that ends a cell: within one a quote is written twice; records.quote: none, where cells are never quoted",
    "field larger than field limit": "a cell of more than 131,072 characters: is a quote never closed?",
}


def json_of(value: Any) -> str:
    """Return what is nested, or a whole record, as JSON; of what JSON does not know, its text."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


class File:
    """A file's records, how to look into them, and the text of the one that was read last."""

    def __init__(self, path: str, mapping: Mapping) -> None:
        """Open a file; `-` is standard input. Raises InputError when it cannot be read, or is not what the mapping says."""
        self.name = "stdin" if path == STDIN else path
        self._mapping = mapping
        self._text: Callable[[], str] | None = None
        self._last: Any = None
        dialect = mapping.records
        if dialect.format == "json":
            self.shape = Shape(None)
            self._records: Generator[Numbered] = self._objects(path, dialect)
        else:
            rows = {"csv": self._csv, "xlsx": self._xlsx, "parquet": self._parquet}[dialect.format](
                path, dialect
            )
            self.shape, self._records = self._table(rows, dialect)

    def __iter__(self) -> Iterator[Numbered]:
        return self._records

    def close(self) -> None:
        """Close the file before its end."""
        self._records.close()

    def text(self) -> str:
        """Return the text of the record that was read last: as it stands in the file where that is text."""
        if self._text is not None:
            return self._text()
        if isinstance(self._last, bytes):
            return self._last.decode("utf-8", "surrogateescape")
        return json_of(self._last)

    def _csv(self, path: str, dialect: Records) -> Generator[Numbered]:
        codec = codecs.lookup(dialect.encoding).name
        begin = 1
        with open_input(path) as stream:
            try:
                _refuse_foreign(self.name, stream, codec)
                encoding = _with_mark(stream, codec)
                text = io.TextIOWrapper(stream, encoding, errors="surrogateescape", newline="")
                for _ in range(dialect.skip_rows):
                    text.readline(_MOST_LINE)
                skipped = begin = dialect.skip_rows + 1
                lines = _Lines(text, begin)
                quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE
                reader = csv.reader(
                    iter(lines),
                    delimiter=dialect.delimiter,
                    quotechar=dialect.quote or None,
                    quoting=quoting,
                    strict=True,
                )
                self._text = lambda: lines.text(skipped + reader.line_num)
                for row in reader:
                    if any(row):
                        yield begin, row
                    lines.begin = begin = skipped + reader.line_num
            except csv.Error as error:
                said = next(
                    (s for what, s in _CSV_SENTENCES.items() if str(error).startswith(what)), str(error)
                )
                raise InputError(f"{self.name}:{begin}: {said}") from None
            except UnicodeError as error:
                raise InputError(
                    f"{self.name}:{begin}: no {dialect.encoding}: {error}; set records.encoding"
                ) from None
            except BROKEN as error:
                raise InputError(f"{self.name}: broken after line {begin - 1}: {error}") from error

    def _xlsx(self, path: str, dialect: Records) -> Generator[Numbered]:
        try:
            from openpyxl import load_workbook  # of an extra
        except ImportError:
            raise InputError(f"{self.name}: XLSX {_EXTRA}") from None
        number = 0
        with open_input(path) as stream, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles, rules and links
            try:
                book = load_workbook(_seekable(stream), read_only=True, data_only=True)
                sheets = {sheet.title: sheet for sheet in book.worksheets}
                sheet = sheets.get(dialect.sheet or next(iter(sheets), ""))
                if sheet is None:
                    wanted = "at all" if dialect.sheet is None else repr(dialect.sheet)
                    raise InputError(f"{self.name}: no sheet {wanted}; found: {', '.join(sheets) or 'none'}")
                sheet.reset_dimensions()  # some programs write others than there are
                for number, row in enumerate(sheet.iter_rows(values_only=True), 1):
                    if number > dialect.skip_rows and any(cell is not None for cell in row):
                        self._last = row
                        yield number, list(row)
            except InputError:
                raise
            except _NO_WORKBOOK as error:
                where = f"broken after row {number}" if number else "no XLSX file"
                raise InputError(f"{self.name}: {where}: {error}") from None

    def _parquet(self, path: str, _: Records) -> Generator[Numbered]:
        try:
            from pyarrow import ArrowException, Table  # of an extra
            from pyarrow.parquet import ParquetFile
        except ImportError:
            raise InputError(f"{self.name}: Parquet {_EXTRA}") from None
        number = 0
        with open_input(path) as stream:
            try:
                file = ParquetFile(_seekable(stream))
                yield 0, _flat(file.schema_arrow.empty_table()).column_names
                for batch in file.iter_batches(batch_size=4_096):
                    columns = _flat(Table.from_batches([batch])).columns
                    for row in zip(*(column.to_pylist() for column in columns), strict=True):
                        number += 1
                        self._last = row
                        yield number, list(row)
            except (ArrowException, ValueError, *BROKEN) as error:
                where = f"broken after row {number}" if number else "no Parquet file that can be read"
                raise InputError(f"{self.name}: {where}: {error}") from None

    def _table(self, rows: Generator[Numbered], dialect: Records) -> tuple[Shape, Generator[Numbered]]:
        """Take the header, if there is one, and hold every row against it."""
        used = self._mapping.record_paths()
        first = next(rows, None)
        if first is None:
            return Shape(dialect.columns or used), rows
        number, cells = first
        names = [" ".join(str("" if cell is None else cell).split()).strip(_UNSEEN) for cell in cells]
        header = dialect.format == "parquet" or dialect.header_expected
        if dialect.header == "auto":
            header = sum(name in names for name in used) >= min(2, len(used))
        columns: list[str] = list(dialect.columns)
        if header and (not columns or dialect.header == "auto"):
            columns = names
        elif header and len(columns) != len(names):
            raise InputError(
                f"{self.name}:{number}: {amount(len(names), 'column')}, {len(columns)} are named by the mapping"
            )
        if not header and _names_itself(names, columns, used):
            raise InputError(
                f"{self.name}:{number}: the first row names the columns: set records.header to true, or to auto"
            )
        twice = next((name for name, count in Counter(columns).items() if name and count > 1), None)
        if twice is not None:
            raise InputError(
                f"{self.name}:{number}: two columns are called {twice!r}; give names by records.columns"
            )
        if header and set(names) == set(columns) and names != columns:
            raise InputError(
                f"{self.name}:{number}: the header has the columns in another order than records.columns: leave those out"
            )
        shape = Shape(columns, f"{self.name}:{number}", texts=dialect.format == "csv")
        return shape, _rows_of(None if header else first, rows, columns, dialect)

    def _objects(self, path: str, dialect: Records) -> Generator[Numbered]:
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
            for data, document in _documents(self.name, stream):
                for record in _found(search, document, dialect.path):
                    count += 1
                    self._last = record if isinstance(record, dict) else data
                    yield count, record


class _Lines:
    """Lines of text from line `begin` on, which is where the record begins that is being read."""

    def __init__(self, text: io.TextIOWrapper, begin: int) -> None:
        self._read = partial(text.readline, _MOST_LINE)
        self._held: list[str] = []
        self._next = self.begin = begin
        """The line after those that are held, and the first that is still wanted."""

    def __iter__(self) -> Iterator[str]:
        broken: Exception | None = None
        while broken is None:
            block: list[str] = []
            try:
                block.extend(islice(iter(self._read, ""), _BLOCK))
            except (*BROKEN, UnicodeError) as error:
                broken = error  # what was read before it counts
            if not block:
                break
            del self._held[: self.begin - self._next + len(self._held)]
            self._held += block
            self._next += len(block)
            if max(map(len, block)) < _MOST_LINE:
                yield from block
                continue
            yield from takewhile(lambda line: len(line) < _MOST_LINE, block)
            raise csv.Error(f"a line of more than {_MOST_LINE:,} characters: is this a text file?")
        if broken is not None:
            raise broken

    def text(self, end: int) -> str:
        """Return the lines of the record, which ends before line `end`."""
        first = self._next - len(self._held)
        return "".join(self._held[self.begin - first : end - first]).rstrip("\r\n")


def _rows_of(
    first: Numbered | None, rows: Generator[Numbered], columns: list[str], dialect: Records
) -> Generator[Numbered]:
    width = named = len(columns)
    while named and not columns[named - 1]:
        named -= 1  # a header may end in a delimiter, and its rows not
    least = named if dialect.ragged is False else int(dialect.ragged)
    if dialect.format == "xlsx":
        least = 0  # empty cells at a row's end are not kept
    if first is not None:
        yield first[0], _fitted(first[1], width, least)
    for number, row in rows:
        yield number, row if len(row) == width else _fitted(row, width, least)


def _fitted(row: list[Any], width: int, least: int) -> Any:
    if least <= len(row) < width:
        return row + [""] * (width - len(row))
    if len(row) > width and all(cell is None or cell == "" for cell in row[width:]):
        return row[:width]  # a spreadsheet's empty columns
    if len(row) != width:
        expected = width if least >= width else f"{least} to {width}"
        return RecordError("malformed_record", f"{amount(len(row), 'cell')}, {expected} are expected")
    return row


def _object(data: bytes) -> Any:
    try:
        found = from_json(data)
    except ValueError as error:
        return RecordError("malformed_record", f"no JSON: {error}")
    return found if isinstance(found, dict) else RecordError("malformed_record", "no JSON object")


def _documents(name: str, stream: IO[bytes]) -> Iterator[tuple[bytes, Any]]:
    """Yield whole documents, as bytes and as what they are: one, as a rule, or several one after the other."""
    try:
        data = stream.read(MAX_DOCUMENT_BYTES + 1)
    except BROKEN as error:
        raise InputError(f"{name}: broken: {error}") from error
    if len(data) > MAX_DOCUMENT_BYTES:
        raise InputError(
            f"{name}: more than {MAX_DOCUMENT_BYTES >> 20} MiB with records inside: split it, or unpack them"
        )
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        yield data, from_json(data)
        return
    except ValueError:
        pass
    one_a_line = _is_json(data.lstrip().partition(b"\n")[0])
    for number, each in _by_line(data) if one_a_line else _one_by_one(data):
        try:
            yield each, from_json(each)
        except ValueError as error:
            if not one_a_line:  # where the next one begins, nobody knows
                raise InputError(f"{name}:{number}: no JSON, or cut off: {error}") from None
            yield each, RecordError("malformed_record", f"no JSON: {error}")


def _is_json(data: bytes) -> bool:
    try:
        from_json(data)
    except ValueError:
        return False
    return True


def _by_line(data: bytes) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(data.splitlines(), 1):
        if line.strip():
            several = b"}{" in line and not _is_json(line)
            yield from ((number, each) for _, each in _one_by_one(line)) if several else [(number, line)]


def _one_by_one(data: bytes) -> Iterator[tuple[int, bytes]]:
    return values(io.BytesIO(data), MAX_DOCUMENT_BYTES, MAX_DOCUMENT_BYTES)


def _found(search: Callable[[Any], Any], document: Any, path: str) -> list[Any]:
    """Return the records in a document; a `RecordError` for what is none."""
    if isinstance(document, RecordError):
        return [document]
    try:
        found = search(document)
    except NOT_FOUND:
        return [RecordError("malformed_record", f"not of the shape that records.path ({path}) expects")]
    wrong = RecordError("malformed_record", f"no object at {path}")
    items = found if isinstance(found, list) else [found]
    return [item if isinstance(item, dict) else wrong for item in items]


def _refuse_foreign(name: str, stream: IO[bytes], codec: str) -> None:
    head: bytes = stream.peek(8)  # type: ignore[attr-defined]  # of all that `open_input` gives
    for start, what in FOREIGN.items():
        if head.startswith(start):
            wide = next((each for each in ("utf-16", "utf-32") if what.startswith(each.upper())), None)
            if wide is None:
                raise InputError(f"{name}: {what}")
            if codec.startswith(wide):
                break
            raise InputError(f"{name}: {what}, or set records.encoding to {wide}")
    if head.startswith(codecs.BOM_UTF8) and not codec.startswith("utf-8"):
        raise InputError(f"{name}: it begins with the mark of UTF-8: set records.encoding to utf-8")


def _with_mark(stream: IO[bytes], codec: str) -> str:
    """Return the encoding that passes over the byte order mark, if the file begins with one."""
    head: bytes = stream.peek(4)  # type: ignore[attr-defined]  # as above
    for mark, of, passing in _MARKS:
        if codec == of and head.startswith(mark):
            return passing
    return "utf-8-sig" if codec == "utf-8" else codec


def _names_itself(names: list[str], columns: list[str], used: list[str]) -> bool:
    """Return whether a first row that should be a record says the names of the columns that the mapping uses."""
    said = [cell == name for cell, name in zip(names, columns, strict=False) if name in used]
    return bool(said) and all(said)


def _flat(table: Any) -> Any:
    """Return a table of Arrow with a column `a.b` for each field b of a nested column a, and times that Python can tell."""
    from pyarrow import duration, time64, timestamp, types  # of an extra, which is there

    while any(types.is_struct(each.type) for each in table.schema):
        table = table.flatten()
    for index, each in enumerate(table.schema):
        kind = each.type
        if getattr(kind, "unit", None) == "ns":
            span = duration("us") if types.is_duration(kind) else time64("us")
            told = timestamp("us", kind.tz) if types.is_timestamp(kind) else span
            table = table.set_column(index, each.name, table.column(index).cast(told, safe=False))
    return table


def _seekable(stream: IO[bytes]) -> IO[bytes]:
    """Return a stream in which one can go back cheaply: what is packed, or a pipe, is read as a whole."""
    return (
        stream if isinstance(stream, io.BufferedReader) and stream.seekable() else io.BytesIO(stream.read())
    )
