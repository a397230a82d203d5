"""How values are found in a record: in a table's by column, in objects by path, in the joined ones of a session by name.

Owns what a path or a column's name leads to, and what to say where it leads nowhere. It reads no file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Any, Final

import jmespath
from jmespath.exceptions import JMESPathError

from streams.conversion.refusals import RecordError
from streams.files.ndjson import InputError

Get = Callable[[Any], Any]
"""Finds a value in a record; None where there is none."""
_MOST_NAMED: Final = 100
"""So many columns are named at most in a message."""
_DELIMITERS: Final = {",": "','", ";": "';'", "\t": "tab", "|": "'|'"}
NOT_FOUND: Final = (JMESPathError, ValueError, TypeError, ArithmeticError, RecursionError)
"""What a JMESPath raises for a record of another shape, such as a sum of texts."""
_DOTTED: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*")


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
    small = {name.lower(): name for name in found[:1_000]}
    near = get_close_matches(column.lower(), small, 1, 0.6)
    hint = f"did you mean {small[near[0]]!r}? " if near else ""
    if len(found) == 1:
        others = [said for mark, said in _DELIMITERS.items() if mark in found[0]]
        hint = f"is the delimiter {' or '.join(others)}? " if others else hint
    if found and found[0].startswith("sep="):
        hint = "the first line says the delimiter: set records.skip_rows to 1; "
    if any("\0" in name for name in found):
        hint = "is it UTF-16? set records.encoding to utf-16-le; "
    more = f" and {len(found) - _MOST_NAMED:,} more" if len(found) > _MOST_NAMED else ""
    return f"no column {column!r}; {hint}found: {', '.join(map(repr, found[:_MOST_NAMED])) or 'none'}{more}"


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
        except NOT_FOUND:  # it quotes the value
            raise RecordError("malformed_record", f"{path}: not of the shape that the path expects") from None

    return found
