"""The life of one trigger, and its versioned bytes, which are the value of its id in the changelog of the release stage.

Owns what is remembered of it. Of an ended one only the id, its sequences, its end and which attempts were reported stay: no number, no
evidence. Times are ms since the epoch, UTC; `NEVER` where something has not happened, `FOREVER` where nothing is due.
"""

from dataclasses import dataclass, field
from struct import Struct
from typing import Any, Final

import orjson

from streams.core.release.places import PLACES
from streams.core.state import FOREVER, NEVER, BrokenStateError, UnknownVersionError

VERSION: Final = 1
_HEAD: Final = Struct("<BB5xq")
"""Version, place, spare; the due time, where a signals state has it too."""
Windows = list[list[int]]
"""When the customer may be called: from, until (ms), sorted, apart from one another."""


@dataclass(slots=True)
class Life:
    """One trigger after it was decided."""

    place: str = "unknown"
    due: int = FOREVER
    """When it must be looked at again though nothing is said of it."""
    customer_id: str = ""
    partition: int = 0
    """Of the customer, in the trigger's topic and among the signals workers'."""
    skill: str = ""
    purpose: str = ""
    decision_sequence: int = 0
    sequence: int = 0
    """Of its last record; 0 while there is none."""
    due_at: int = FOREVER
    """When the customer should have been called at the latest."""
    expires_at: int = FOREVER
    rest_until: int = NEVER
    """The customer is left alone until then, since a conversation or a cap says so."""
    windows: Windows = field(default_factory=list)
    score: float = 0.0
    worth: float = 0.0
    most_attempts: int = 1
    retry_delay: int = 0
    """Milliseconds from an attempt in vain to the next one, where the table of dispositions names none."""
    trigger: dict[str, Any] = field(default_factory=dict)
    """The fields of the record as they were decided; empty once it ended."""

    attempts: int = 0
    """How many counted."""
    heard: list[int] = field(default_factory=list)
    """The attempts of which an outcome came, which count once."""
    attempt: int = 0
    """The number of the present or last one; 0 before the first release."""
    next_at: int = NEVER
    """It is not released before."""
    quarter: int = -1
    """The quarter of an hour (since the epoch) in which the present attempt was counted."""
    shadow: bool = False
    """It was released in shadow: nobody calls, and nothing comes back."""
    claimant: str = ""
    until: int = NEVER
    """When the lease, the hand-over or the request to stop is over."""
    held_until: int = NEVER
    """A contact of the customer is in progress, at most until then."""
    contact: str = ""
    escalated: bool = False
    then: str = ""
    """What comes after a request to stop: `queued`, or an end."""
    end: str = ""
    reason: str = ""
    """Why it has its place: the `status_reason` of its record."""
    ended_at: int = NEVER
    erased: bool = False
    adopted: bool = False
    """A release of before published it, and it has not been released here since."""

    def forget(self) -> None:
        """Drop what an ended one needs no more, in place; of an erased customer the name too."""
        if self.erased:
            self.customer_id = ""
        self.trigger = {}
        self.windows = []
        self.contact = ""
        self.claimant = ""


_FIELDS: Final = (
    "customer_id", "partition", "skill", "purpose", "decision_sequence", "sequence", "due_at", "expires_at", "rest_until",
    "windows", "score", "worth", "most_attempts", "retry_delay", "trigger", "attempts", "heard", "attempt", "next_at",
    "quarter", "shadow", "claimant", "until", "held_until", "contact", "escalated", "then", "end", "reason", "ended_at", "erased",
    "adopted",
)  # fmt: skip
"""In the order in which they are written; a later version appends, and one that is absent has its default."""


def encode(life: Life) -> bytes:
    """Return the bytes of a life: a fixed head, then its fields as a JSON array."""
    head = _HEAD.pack(VERSION, PLACES.index(life.place), life.due)
    return head + orjson.dumps([getattr(life, name) for name in _FIELDS])


def decode(data: bytes) -> Life:
    """Return the life of these bytes. Raises `UnknownVersionError` and `BrokenStateError`.

    >>> decode(encode(Life("open", due=5, customer_id="c1"))).customer_id
    'c1'
    """
    if len(data) < _HEAD.size or not data[0]:
        raise BrokenStateError("a trigger's life without a head")
    version, place, due = _HEAD.unpack_from(data)
    if version > VERSION:
        raise UnknownVersionError(
            f"a trigger's life of version {version}, where this release reads up to {VERSION}: run the release that wrote it, or newer"
        )
    try:
        values = orjson.loads(data[_HEAD.size :])
    except orjson.JSONDecodeError:
        raise BrokenStateError("a trigger's life is no JSON behind its head") from None
    if not isinstance(values, list) or len(values) > len(_FIELDS) or place >= len(PLACES):
        raise BrokenStateError("a trigger's life has other fields than its version")
    life = Life(PLACES[place], due)
    for name, value in zip(_FIELDS, values, strict=False):
        setattr(life, name, value)
    return life


def place_of(data: bytes) -> str:
    """Return where the trigger of an encoded life is, without decoding the rest.

    >>> place_of(encode(Life("open")))
    'open'
    """
    return PLACES[data[1]]


def opens_at(windows: Windows, at: int) -> int:
    """Return the first instant from `at` (ms) in a window; FOREVER when there is none.

    >>> opens_at([[10, 20], [30, 40]], 15), opens_at([[10, 20], [30, 40]], 20), opens_at([], 5) == FOREVER
    (15, 30, True)
    """
    for begin, end in windows:
        if at < end:
            return max(at, begin)
    return FOREVER
