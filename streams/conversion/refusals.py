"""Why a record gives no event. A record that is refused costs no other one."""

from typing import Final, Literal, NamedTuple

Code = Literal[
    "malformed_record",
    "ambiguous_time",
    "invalid_time",
    "unknown_word",
    "invalid_value",
    "invalid_customer_id",
    "unfinished",
    "timed_out",
    "too_many_open",
]
"""Reasons beside those of the workers' decoder (`schemas.dead_letter.RejectCode`)."""

UNFINISHED: Final[Code] = "unfinished"
"""The records end before a contact does: more may come."""
TIMED_OUT: Final[Code] = "timed_out"
"""A contact that has no end, and is silent for so long that none will come."""
TOO_MANY_OPEN: Final[Code] = "too_many_open"
"""A contact without an end that had to make room for others."""
NOT_TOLD_TO_THE_END: Final = frozenset({UNFINISHED, TIMED_OUT, TOO_MANY_OPEN})
"""These are counted apart: nothing is wrong with the records."""


class RecordError(Exception):
    """A record, or an event of it, cannot be used. The message quotes no value, since it may hold personal data."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


class Refusal(NamedTuple):
    """A record that was refused: where it stands, why, and what it was."""

    file: str
    number: int
    code: str
    message: str
    raw: str
