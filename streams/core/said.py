"""What was said of a partition's customers: the triggers and pictures that were published, as the topics hold them.

Owns reading them, and what they tell of the ledger: which episode is open, what was served and since when somebody rests. Pure. It must
not change a state (`rebuilding`).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from pydantic import ValidationError

from schemas.instants import ms_of
from schemas.signals import CustomerSignals
from schemas.trigger import CallbackTrigger, Purpose
from streams.core.erasure import ERASED
from streams.core.history import DAY, HOUR
from streams.core.policy import Policy
from streams.core.purposes import PURPOSES, Ground

WordId = tuple[str, int]
"""Trigger and sequence."""
_OPEN: Final = "open"


class Word(NamedTuple):
    """One record of a trigger. Times in ms."""

    trigger_id: str
    sequence: int
    purpose: Purpose
    status: str
    reason: str
    created_at: int
    at: int
    """Partition time when it was decided."""
    due_at: int
    policy: str
    value: bytes
    """The record as it was published."""

    @property
    def name(self) -> WordId:
        """What tells it from every other one."""
        return self.trigger_id, self.sequence

    def ground_at(self, policy: Policy) -> int:
        """Return up to when (ms) it served its ground; where that cannot be told, when it was decided."""
        if self.sequence == 1:
            return self.created_at
        handling = policy.purposes.get(self.purpose)
        if handling is None or self.policy != policy.label:
            return self.at
        return self.due_at - int(handling.due_hours * HOUR)


class Picture(NamedTuple):
    """The last record of a customer's signals. `as_of` in ms."""

    as_of: int
    sequence: int
    band: str


class Served(NamedTuple):
    """A ground that an episode served. `until`: up to when (ms) it was given; `at`: when it was decided; `name`: by which record."""

    ground: Ground
    until: int
    at: int
    name: WordId


@dataclass(slots=True)
class Said:
    """Of one customer."""

    words: dict[WordId, Word] = field(default_factory=dict)
    picture: Picture | None = None

    def open_word(self) -> Word | None:
        """Return the last record of the episode that is open; none when none is."""
        last: dict[str, Word] = {}
        for word in self.words.values():
            known = last.get(word.trigger_id)
            if known is None or word.sequence > known.sequence:
                last[word.trigger_id] = word
        opened = [word for word in last.values() if word.status == _OPEN]
        return max(opened, key=lambda word: (word.at, word.sequence), default=None)

    def served(self, policy: Policy) -> Iterable[Served]:
        """Yield each ground that an episode took up, by its first record or by an upgrade; but for what an erasure took back."""
        forgotten = {word.trigger_id for word in self.words.values() if word.reason == ERASED}
        for (trigger_id, sequence), word in self.words.items():
            if trigger_id in forgotten:
                continue
            before = self.words.get((trigger_id, sequence - 1))
            if sequence > 1 and (
                word.status != _OPEN or (before is not None and before.purpose == word.purpose)
            ):
                continue
            yield Served(PURPOSES[word.purpose].ground, word.ground_at(policy), word.at, word.name)

    def after(self, until: int) -> "Said":
        """Return what was said without what was decided up to `until` (ms): of a customer who is erased up to then."""
        kept = {name: word for name, word in self.words.items() if word.at > until}
        picture = self.picture if self.picture is not None and self.picture.as_of > until else None
        return Said(kept, picture)


class Told:
    """What was said of all customers of a partition. `unreadable`: records that are none of ours."""

    def __init__(self) -> None:
        self.customers: dict[str, Said] = {}
        self.unreadable = 0

    def trigger(self, value: bytes | None) -> int | None:
        """Take a record of a trigger topic; return when (ms) it was decided, None when it cannot be read."""
        try:
            read = CallbackTrigger.model_validate_json(value or b"")
        except ValidationError:
            self.unreadable += 1
            return None
        at = ms_of(read.updated_at)
        said = self.customers.setdefault(read.customer_id, Said())
        word = Word(
            read.trigger_id,
            read.sequence,
            read.purpose,
            read.status,
            read.status_reason,
            ms_of(read.created_at),
            at,
            ms_of(read.due_at),
            read.policy,
            value or b"",
        )
        said.words.setdefault(word.name, word)
        return at

    def signals(self, customer_id: str, value: bytes | None) -> None:
        """Take a record of `customer.signals`; one without a value takes the picture away."""
        if value is None:
            if customer_id in self.customers:
                self.customers[customer_id].picture = None
            return
        try:
            read = CustomerSignals.model_validate_json(value)
        except ValidationError:
            self.unreadable += 1
            return
        said = self.customers.setdefault(read.customer_id, Said())
        picture = Picture(ms_of(read.as_of), read.sequence, read.band)
        # A repeat of an earlier one may stand last.
        if said.picture is None or picture[:2] > said.picture[:2]:
            said.picture = picture

    def latest(self, bound: int) -> int | None:
        """Return the last time (ms) up to `bound` at which something was decided; None when nothing was said. An erasure moves no clock."""
        words = (word for said in self.customers.values() for word in said.words.values())
        times = [word.at for word in words if word.reason != ERASED]
        times += [said.picture.as_of for said in self.customers.values() if said.picture is not None]
        return max((at for at in times if at <= bound), default=None)


def longest_rest_ms(policy: Policy) -> int:
    """Return for how long (ms) what was said decides what may be said: the rest from calls, and the longest validity of a trigger."""
    valid = [int(handling.valid_hours * HOUR) for handling in policy.purposes.values()]
    return max(int(policy.cooldown_days * DAY), *valid)
