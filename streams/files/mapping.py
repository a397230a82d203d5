"""What a mapping file says: how the columns of a table become events.

Owns its shape and loading; `convert` applies it.
"""

from __future__ import annotations

from datetime import date
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Final, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from schemas.base import Code, CountryCode, Identifier
from schemas.cancellation import CancellationReason
from schemas.values import KnownTimeZone
from streams.files.ndjson import InputError

_Column = Annotated[str, Field(min_length=1, max_length=200)]
_FOLDER: Final = "mappings"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class CustomerPart(_Part):
    """Who: a column, or (without one) the row's number; `prefix` is put before it."""

    column: _Column | None = None
    prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:\-]{0,32}$")] = ""


class ContactsPart(_Part):
    """A column with a number N: N unresolved inbound calls spread over the window."""

    column: _Column
    reason: Code = "service"
    queue: Code = "service"
    most: Annotated[int, Field(ge=1, le=1_000)] = 100
    """A larger number is taken for a mistake in the file."""


class ComplaintPart(_Part):
    """A column that says "complained": a call that was not resolved and a bad survey about it."""

    column: _Column
    values: Annotated[tuple[str, ...], Field(min_length=1)]
    reason: Code = "complaint"
    csat: Annotated[int, Field(ge=1, le=5)] = 1


class ChurnPart(_Part):
    """A column that says "left": a confirmed cancellation within `days` days after the reference day."""

    column: _Column
    values: Annotated[tuple[str, ...], Field(min_length=1)]
    others: Annotated[tuple[str, ...], Field(min_length=1)]
    """What the column says of those who stayed; anything else is a mistake in the file."""
    reason: CancellationReason = "unknown"
    days: Annotated[int, Field(ge=1, le=365)] = 30


class ProfilePart(_Part):
    """Columns and constants of the profile; each customer gets one, so that the silent ones count too."""

    tenure_months: _Column | None = None
    monthly_value: _Column | None = None
    country_code: CountryCode | None = None
    time_zone: KnownTimeZone | None = None


class Mapping(_Part):
    """One source. Times are invented by rule: the sources have none."""

    name: Identifier
    source: str
    licence: str
    header: bool
    """True: the first line names the columns; else `columns` does."""
    columns: tuple[_Column, ...] = ()
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    reference_day: date
    """Contacts lie before it, cancellations from it on."""
    window_days: Annotated[int, Field(ge=3, le=365)] = 90
    customer: CustomerPart
    profile: ProfilePart = ProfilePart()
    contacts: ContactsPart | None = None
    complaint: ComplaintPart | None = None
    churn: ChurnPart | None = None

    @property
    def used_columns(self) -> tuple[str, ...]:
        parts = (self.customer, self.contacts, self.complaint, self.churn)
        named = [part.column for part in parts if part is not None]
        return tuple(
            name for name in (*named, self.profile.tenure_months, self.profile.monthly_value) if name
        )

    @model_validator(mode="after")
    def _columns_known(self) -> Self:
        if self.header:
            return self
        if len(set(self.columns)) != len(self.columns):
            raise ValueError("columns: a name is given twice")
        unknown = [name for name in self.used_columns if name not in self.columns]
        if unknown:
            raise ValueError(f"columns: {', '.join(unknown)} is used, but not listed under columns")
        return self


def built_in_mappings() -> tuple[str, ...]:
    """Return the names of the mappings that come with the program."""
    folder = resources.files("streams") / _FOLDER
    return tuple(
        sorted(each.name.removesuffix(".yaml") for each in folder.iterdir() if each.name.endswith(".yaml"))
    )


def load_mapping(name_or_path: str) -> Mapping:
    """Return a built-in mapping by name, or the file at a path. Raises InputError with what is wrong in it."""
    if name_or_path in built_in_mappings():
        text = (resources.files("streams") / _FOLDER / f"{name_or_path}.yaml").read_text(encoding="utf-8")
    else:
        try:
            text = Path(name_or_path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            known = ", ".join(built_in_mappings())
            raise InputError(
                f"{name_or_path} is neither a built-in mapping ({known}) nor a file that can be read"
            ) from error
    try:
        content: Any = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f":{mark.line + 1}" if mark is not None else ""
        problem = getattr(error, "problem", None) or "no YAML"
        raise InputError(f"{name_or_path}{place}: {problem}") from error
    try:
        return Mapping.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "mapping"
        raise InputError(f"{name_or_path}: {where}: {first['msg']}") from error
