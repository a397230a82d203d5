"""The bases that every message shares: identifiers, aware times, strict frozen models.

Messages on the way in (`Event`) tolerate fields that we do not know, since producers add fields first; the pipeline counts
them. Messages on the way out (`Message`) refuse them.
"""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, StringConstraints
from pydantic_core import CoreSchema, core_schema

from schemas.ids import ID_PATTERN, ID_WORDS, InboundCustomerId, InboundId, names_nobody
from schemas.values import INSTANT_PATTERN, Instant

Identifier = Annotated[str, StringConstraints(pattern=ID_PATTERN)]
"""1-128 printable characters of ASCII without spaces."""

_CODE_PATTERN: Final = r"^[^\x00-\x1f\x7f-\x9f]{0,64}$"
Code = Annotated[str, StringConstraints(pattern=_CODE_PATTERN)]
"""A word of the user's own vocabulary (queue, reason, department) as it is: at most 64 characters of any script, none of control."""


class _InUtc:
    """Has the parser itself refuse other zones: a validator in Python would be called for each of a trigger's six times."""

    @staticmethod
    def __get_pydantic_core_schema__(source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.datetime_schema(tz_constraint=0)


UtcDatetime = Annotated[datetime, _InUtc]
"""An instant in UTC; another zone, or none, is refused."""

CountryCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
"""ISO 3166-1 alpha-2."""

PhoneE164 = Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{6,14}$")]
"""E.164 with the plus sign."""

_IN_WORDS: Final = {
    _CODE_PATTERN: "at most 64 characters are expected, no line end, tab or other control character among them",
    ID_PATTERN: f"{ID_WORDS} are expected",
    INSTANT_PATTERN: "a time of ISO 8601 is expected, with date, time and zone: 2026-04-01T10:15:00Z",
}


def in_words(message: str) -> str:
    """Return what a pattern means, of a message that quotes one; any other message as it is."""
    quoted = message.removeprefix("String should match pattern '").removesuffix("'")
    return _IN_WORDS.get(quoted, message)


TimeZoneName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_+\-/]{1,64}$")]
"""A name of a time zone, as a profile once gave it."""

LANGUAGE_PATTERN: Final = r"^[A-Za-z0-9\-]{2,16}$"
LanguageTag = Annotated[str, StringConstraints(pattern=LANGUAGE_PATTERN)]
"""BCP 47."""


class Message(BaseModel):
    """A message that we write: strict, frozen, no unknown field."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        strict=True, frozen=True, extra="forbid", hide_input_in_errors=True
    )


class Tolerant(BaseModel):
    """A message between parts of ours, or from who dials: strict and frozen; unknown fields are kept aside and counted, since a part that is
    upgraded first adds them first."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        strict=True, frozen=True, extra="allow", hide_input_in_errors=True
    )

    schema_version: Literal[1] = 1

    @property
    def kind(self) -> str:
        """Its field `type`, which each kind declares for itself."""
        name: str = self.__dict__["type"]
        return name


class Event(BaseModel):
    """A message that we read: strict and frozen; unknown fields are kept aside and counted, not refused."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        strict=True, frozen=True, extra="allow", hide_input_in_errors=True
    )

    schema_version: Literal[1]
    event_id: InboundId
    customer_id: InboundCustomerId | None
    occurred_at: Instant
    """When it happened: event time. Any zone is accepted; it is used as an instant."""
    revised_at: Instant | None = None
    """When the producer last changed what it says of this event: of two deliveries of one type and id the later revision counts, then
    the later arrival."""

    @property
    def kind(self) -> str:
        """Its field `type`, which each kind of event declares for itself."""
        name: str = self.__dict__["type"]
        return name

    @property
    def anonymous(self) -> bool:
        """True when no customer can be named: counted and reported, never kept as state."""
        return names_nobody(self.customer_id)
