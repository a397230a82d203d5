"""Facts: what a customer's state keeps of an event. Owns their 28-byte layout, and how a set of them stays the same
whatever the order of arrival.

Identity is (event type, event id). Of two versions of the same identity the greater (event time, content) wins. Facts
older than the horizon fall out, and only the newest `keep` by (event time, identity) stay: all three rules give the same
set for any order, with any duplicates.
"""

from bisect import insort
from functools import lru_cache
from hashlib import blake2b
from itertools import repeat
from struct import Struct
from typing import Final, NamedTuple
from zlib import crc32

from schemas.call import Channel
from schemas.cancellation import CancellationReason, CancellationStage
from schemas.outcome import Disposition
from schemas.parts import numbered
from schemas.topics import EVENT_TYPES

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

# The words of the schemas that facts keep as numbers. Append only: what is stored holds the numbers.
STAGES: Final[tuple[CancellationStage, ...]] = numbered(
    CancellationStage, ("inquiry", "requested", "withdrawn", "confirmed")
)
INQUIRY, REQUESTED, WITHDRAWN, CONFIRMED = 1, 2, 3, 4
REASONS: Final[tuple[CancellationReason, ...]] = numbered(
    CancellationReason,
    ("unknown", "competitor_offer", "price", "quality", "service", "moved", "deceased", "other"),
)
DECEASED: Final = REASONS.index("deceased")
CHANNELS: Final[tuple[Channel, ...]] = numbered(
    Channel, ("phone", "chat", "email", "web", "app", "store", "social", "other")
)
DISPOSITIONS: Final[tuple[Disposition, ...]] = numbered(
    Disposition,
    (
        *("ANSWERED_HUMAN", "NO_ANSWER", "BUSY", "MACHINE", "INVALID_NUMBER", "ABANDONED", "DO_NOT_CALL"),
        "CALLBACK_LATER",
    ),
)
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


def unpacked(data: bytes) -> list[Fact]:
    """Return the facts of their bytes."""
    # For speed (docs/performance.md): a named tuple's own constructors are functions of Python's.
    return list(map(tuple.__new__, repeat(Fact), FACT.iter_unpack(data)))


_BEGUN: Final = {kind: blake2b(f"{kind}:".encode(), digest_size=8) for kind in EVENT_TYPES}
"""Digests of what each identity begins with, to be copied."""


def identity_of(event_type: str, event_id: str) -> int:
    """Return 64 bits that stand for (type, id): two of one customer's few hundred facts meet with probability below 1e-14."""
    digest = _BEGUN[event_type].copy()
    digest.update(event_id.encode())
    return int.from_bytes(digest.digest(), "little")


@lru_cache(maxsize=4096)
def code_of(reason: str) -> int:
    """Return 32 bits that stand for a business code, letter case aside.

    >>> code_of("Billing") == code_of("billing") != code_of("outage")
    True
    """
    return crc32(reason.lower().encode())


def add(facts: list[Fact], fact: Fact, keep: int) -> bool:
    """Add `fact` to `facts`, sorted by (time, identity), in place; False when that changes nothing.

    Of one identity the greater (time, content) stays; of more than `keep` facts the oldest goes.

    >>> first, corrected, later = (Fact(at, 7, CALL, 0, 0, 0, flags, 0, 0) for at, flags in ((10, 0), (10, RESOLVED), (20, 0)))
    >>> facts = []
    >>> add(facts, corrected, keep=5), add(facts, first, keep=5), add(facts, later, keep=5), [fact.at for fact in facts]
    (True, False, True, [20])
    """
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
    """Let the facts at or before `horizon_start` (ms) fall out, in place; how many did.

    >>> facts = [Fact(at, at, CALL, 0, 0, 0, 0, 0, 0) for at in (10, 20, 30)]
    >>> drop_before(facts, 20), [fact.at for fact in facts]
    (2, [30])
    """
    count = 0
    for fact in facts:
        if fact.at > horizon_start:
            break
        count += 1
    if count:
        del facts[:count]
    return count
