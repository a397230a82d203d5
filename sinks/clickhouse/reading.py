"""How a declared table reads a message: all fields at once, in the order of the columns, then what must become something else.

Owns the way from a declaration to what is done with every record; compiled with `rows`. It must not know a table of ours.
"""

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

from pydantic import BaseModel

from sinks.clickhouse.conversions import empty
from sinks.clickhouse.declarations.table import Column, Convert

Take = Callable[[dict[str, Any]], tuple[Any, ...]]
"""Takes values, in the order of columns, out of a validated model's fields."""

Steps = list[tuple[Convert, list[int]]]
"""What is then to be converted, and at which positions."""


def reading(columns: Sequence[Column], model: type[BaseModel]) -> tuple[Take, Steps]:
    """Return how columns (two or more) are read in a message of that model. A field that it does not have is empty."""
    paths = [column.path for column in columns]
    missing = [at for at, path in enumerate(paths) if path[0] not in model.model_fields]
    present = next(path[0] for path in paths if path[0] in model.model_fields)
    take: Take = itemgetter(*[present if at in missing else path[0] for at, path in enumerate(paths)])
    steps: Steps = [(empty, missing)] if missing else []
    for nested in sorted({path[:-1] for path in paths if len(path) > 1}):
        parts = [(at, path[-1]) for at, path in enumerate(paths) if len(path) > 1 and path[:-1] == nested]
        steps.append(((_of_each if nested[-1] == "*" else _of_one)(parts), [at for at, _ in parts]))
    by_conversion: dict[Convert, list[int]] = {}
    for at, column in enumerate(columns):
        if column.convert is not None:
            by_conversion.setdefault(column.convert, []).append(at)
    return take, steps + list(by_conversion.items())


def _of_one(parts: list[tuple[int, str]]) -> Convert:
    """Put fields of a nested message where it stands; `parts`: at which position which field."""

    def read(row: list[Any], positions: list[int]) -> None:
        fields: dict[str, Any] = row[positions[0]].__dict__
        for at, name in parts:
            row[at] = fields[name]

    return read


def _of_each(parts: list[tuple[int, str]]) -> Convert:
    """Put lists of fields of nested messages where these stand."""

    def read(row: list[Any], positions: list[int]) -> None:
        messages: list[dict[str, Any]] = [message.__dict__ for message in row[positions[0]]]
        for at, name in parts:
            row[at] = [fields[name] for fields in messages]

    return read
