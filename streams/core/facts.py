"""Facts: what a customer's state keeps of an event. Owns their 28-byte layout, and how a set of them stays the same
whatever the order of arrival.

Identity is (event type, event id). Of two versions of the same identity the greater (event time, content) wins. Facts
older than the horizon fall out, and only the newest `keep` by (event time, identity) stay: all three rules give the same
set for any order, with any duplicates.
"""

from bisect import insort
from collections.abc import Callable
from functools import lru_cache, partial
from hashlib import blake2b
from itertools import repeat
from struct import Struct
from typing import Any, Final, NamedTuple
from zlib import crc32

from schemas.base import Event
from schemas.call import CallEvent, Channel
from schemas.cancellation import CancellationEvent, CancellationReason, CancellationStage
from schemas.outcome import Disposition, OutcomeEvent
from schemas.survey import SurveyEvent

CALL: Final = 1
SURVEY: Final = 2
CANCELLATION: Final = 3
OUTCOME: Final = 4

INBOUND: Final = 1
ABANDONED: Final = 2
RESOLVED: Final = 4
UNRESOLVED: Final = 8
CANCEL_INTENT: Final = 16
TRIED_ONLINE: Final = 32
ANSWERED: Final = 64
NOT_ANSWERED: Final = 128
CALLBACK_REQUESTED: Final = 256

STAGES: Final[tuple[CancellationStage, ...]] = ("inquiry", "requested", "withdrawn", "confirmed")
INQUIRY, REQUESTED, WITHDRAWN, CONFIRMED = 1, 2, 3, 4
REASONS: Final[tuple[CancellationReason, ...]] = (
    "unknown",
    "competitor_offer",
    "price",
    "quality",
    "service",
    "moved",
    "deceased",
    "other",
)
DECEASED: Final = REASONS.index("deceased")
CHANNELS: Final[tuple[Channel, ...]] = ("phone", "chat", "email", "web", "app", "store", "social", "other")
DISPOSITIONS: Final[tuple[Disposition, ...]] = (
    "ANSWERED_HUMAN",
    "NO_ANSWER",
    "BUSY",
    "MACHINE",
    "INVALID_NUMBER",
    "ABANDONED",
    "DO_NOT_CALL",
    "CALLBACK_LATER",
)
_CHANNEL: Final[dict[str, int]] = {channel: index for index, channel in enumerate(CHANNELS)}
FACT: Final = Struct("<qQBBBBHHI")
FACT_TIME: Final = Struct("<q")


class Fact(NamedTuple):
    """One fact; times in ms since the epoch, UTC. What `a`, `b`, `c` and `amount` hold depends on the kind:

    call: channel, IVR steps, transfers, wait in seconds · survey: csat, nps + 1, ces (0 is none) · cancellation: stage,
    reason · outcome: disposition. Counts are capped at what the field holds. `topic` is `code_of` the contact's reason.
    """

    at: int
    identity: int
    kind: int
    a: int
    b: int
    c: int
    flags: int
    amount: int
    topic: int


made: Final[Callable[[tuple[int, ...]], Fact]] = partial(tuple.__new__, Fact)
"""The fact of its nine numbers: `Fact._make` without a check."""
_new: Final[Callable[[type[Fact], tuple[int, ...]], Fact]] = tuple.__new__


def unpacked(data: bytes) -> list[Fact]:
    """The facts of their bytes."""
    return list(map(_new, repeat(Fact), FACT.iter_unpack(data)))


_BEGUN: Final = {
    kind: blake2b(f"{kind}:".encode(), digest_size=8)
    for kind in ("call", "survey", "cancellation", "outcome")
}
"""Digests of what each identity begins with, to be copied."""


def identity_of(event_type: str, event_id: str) -> int:
    """64 bits that stand for (type, id): two of one customer's few hundred facts meet with probability below 1e-14."""
    digest = _BEGUN[event_type].copy()
    digest.update(event_id.encode())
    return int.from_bytes(digest.digest(), "little")


@lru_cache(maxsize=4096)
def code_of(reason: str) -> int:
    """32 bits that stand for a business code, letter case aside."""
    return crc32(reason.lower().encode())


def fact_of(event: Event, at: int) -> Fact | None:
    """The fact of an event; none for a profile, which is a register (see `state`)."""
    if type(event) is CallEvent:
        return _call(event, at)
    build = _BUILDERS.get(type(event))
    return None if build is None else build(event, at)


def _call(event: CallEvent, at: int) -> Fact:
    given = event.__dict__  # cheaper than ten look-ups on the model, for the events that come in millions
    flags = 0
    if given["direction"] == "inbound":
        flags = INBOUND
    if given["abandoned"]:
        flags |= ABANDONED
    resolved = given["resolved"]
    steps: int = given["ivr_steps"]
    transfers: int = given["transfers"]
    wait: int = given["wait_seconds"]
    if resolved is True:
        flags |= RESOLVED
    elif resolved is False:
        flags |= UNRESOLVED
    if given["cancel_intent"]:
        flags |= CANCEL_INTENT
    if given["tried_online_first"]:
        flags |= TRIED_ONLINE
    return _new(
        Fact,
        (
            at,
            identity_of("call", given["event_id"]),
            CALL,
            _CHANNEL[given["channel"]],
            min(steps, 255),
            min(transfers, 255),
            flags,
            min(wait, 65_535),
            code_of(given["reason"]),
        ),
    )


def _survey(event: SurveyEvent, at: int) -> Fact:
    flags = CALLBACK_REQUESTED if event.callback_requested else 0
    if event.answered is not None:
        flags |= ANSWERED if event.answered else NOT_ANSWERED
    nps = 0 if event.nps is None else event.nps + 1
    return Fact(
        at, identity_of("survey", event.event_id), SURVEY, event.csat or 0, nps, event.ces or 0, flags, 0, 0
    )


def _cancellation(event: CancellationEvent, at: int) -> Fact:
    stage, reason = STAGES.index(event.stage) + 1, REASONS.index(event.reason)
    return Fact(at, identity_of("cancellation", event.event_id), CANCELLATION, stage, reason, 0, 0, 0, 0)


def _outcome(event: OutcomeEvent, at: int) -> Fact:
    disposition = DISPOSITIONS.index(event.disposition)
    return Fact(at, identity_of("outcome", event.event_id), OUTCOME, disposition, 0, 0, 0, 0, 0)


_BUILDERS: Final[dict[type[Event], Callable[[Any, int], Fact]]] = {
    CallEvent: _call,
    SurveyEvent: _survey,
    CancellationEvent: _cancellation,
    OutcomeEvent: _outcome,
}


def add(facts: list[Fact], fact: Fact, keep: int) -> bool:
    """Add `fact` to `facts`, sorted by (time, identity), in place; False when that changes nothing."""
    identity = fact.identity
    for index, known in enumerate(facts):
        if known.identity == identity:
            if fact <= known:
                return False
            del facts[index]
            break
    if not facts or fact > facts[-1]:
        facts.append(fact)
    else:
        insort(facts, fact)
    if len(facts) > keep:
        dropped = facts.pop(0)
        return dropped is not fact
    return True


def drop_before(facts: list[Fact], horizon_start: int) -> int:
    """Let the facts at or before `horizon_start` (ms) fall out, in place; how many did."""
    count = 0
    for fact in facts:
        if fact.at > horizon_start:
            break
        count += 1
    if count:
        del facts[:count]
    return count
