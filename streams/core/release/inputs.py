"""What a desk reads: candidates, of which the signals workers write, and commands. Decoded and checked already; times in ms.

Each has `at`, the brokers' time of its record, and `live`: False while a new owner of the desk reads what was there before it.
"""

from typing import Any, NamedTuple

from streams.core.release.life import Windows
from streams.core.state import NEVER


class Decided(NamedTuple):
    """A decision to call, new or upgraded. `trigger`: the fields of its record, without status, sequence and times of change."""

    trigger_id: str
    sequence: int
    customer_id: str
    partition: int
    skill: str
    purpose: str
    due_at: int
    expires_at: int
    windows: Windows
    score: float
    worth: float
    most_attempts: int
    retry_delay: int
    trigger: dict[str, Any]
    rest_until: int = NEVER
    contact: str = ""
    """A contact of the customer that is in progress."""
    adopted_sequence: int = 0
    """The last sequence of an episode that a release of before published itself; 0 for any other."""


class Withdrawn(NamedTuple):
    """The decision does not hold any more, and why."""

    trigger_id: str
    sequence: int
    reason: str


class Reported(NamedTuple):
    """An outcome that names the trigger."""

    trigger_id: str
    attempt: int
    disposition: str
    placed_at: int = NEVER
    """When the call was placed, where that is known."""
    wanted_at: int = NEVER
    """When the customer wants to be called."""
    customer_id: str = ""
    """Whom the outcome is about; empty where that is not told."""


class Contact(NamedTuple):
    """A contact that the customer began is in progress, or over."""

    trigger_id: str
    contact_id: str
    over: bool
    served: bool = False


class Erased(NamedTuple):
    """The customer is to be forgotten: in one trigger, or in all there are of `customer_id`."""

    trigger_id: str = ""
    customer_id: str = ""


class Progress(NamedTuple):
    """Up to when a partition of the signals workers has read everything, by the brokers' time."""

    partition: int
    read_to: int


class Claim(NamedTuple):
    """Wants a trigger, or the next one of a skill."""

    claimant: str
    command_id: str
    trigger_id: str = ""
    skill: str = ""


class Renew(NamedTuple):
    """Wants a lease to go on."""

    claimant: str
    command_id: str
    trigger_id: str


class GiveBack(NamedTuple):
    """Does not call after all."""

    claimant: str
    command_id: str
    trigger_id: str


class Done(NamedTuple):
    """Has done with it; what came of it is told by its outcome. `answer`: to a request to stop."""

    claimant: str
    command_id: str
    trigger_id: str
    answer: str = ""
    """`stopped` or `too_late`; empty: handed over to a dialer that says no more until the call is over."""


class Capacity(NamedTuple):
    """So many agents are free until then."""

    claimant: str
    command_id: str
    skill: str
    free: int
    until: int


class SetMode(NamedTuple):
    """An operator's word on a skill: `live`, `limited` to so many a day, or `shadow`, which stops it."""

    claimant: str
    command_id: str
    skill: str
    mode: str
    most_a_day: int = 0


class Tick(NamedTuple):
    """The time; nothing else moves it."""

    now: int = NEVER
    """NEVER: the brokers' time of its record."""


Candidate = Decided | Withdrawn | Reported | Contact | Erased | Progress
Command = Claim | Renew | GiveBack | Done | Capacity | SetMode
Body = Candidate | Command | Tick


class Input(NamedTuple):
    """One record."""

    at: int
    body: Body
    live: bool = True
