"""Facts: what a customer's state keeps of an event. Owns their 44-byte layout, and how a set of them stays the same
whatever the order of processing.

Identity is (event type, event id). Of two versions of the same identity the greater (revision, arrival, content) counts. Facts
older than the horizon fall out, and only the newest `keep` by (event time, identity) stay. Decision 18 says what of this holds for any
order, with any repetition: all but a correction that moves an event back beyond the horizon, or beyond what is kept.
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
from schemas.outcome import CallbackResult, Disposition
from schemas.parts import numbered
from schemas.revisions import NO_REVISION
from schemas.topics import EVENT_TYPES

GONE: Final = 0
"""A ghost: its event is known to have happened too long ago. It counts for nothing, but that an older version stays away."""
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
OF_CONTRACT: Final = 512

# The words of the schemas that facts keep as numbers. Append only: what is stored holds the numbers.
STAGES: Final[tuple[CancellationStage, ...]] = numbered(
    CancellationStage, ("inquiry", "requested", "withdrawn", "confirmed", "reinstated")
)
INQUIRY, REQUESTED, WITHDRAWN, CONFIRMED, REINSTATED = 1, 2, 3, 4, 5
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
        *(
            "CALLBACK_LATER",
            "WRONG_PARTY",
            "LEFT_MESSAGE",
            "REFUSED",
            "TECHNICAL_FAILURE",
            "STOPPED",
            "TOO_LATE",
        ),
    ),
)
RESULTS: Final[tuple[CallbackResult, ...]] = numbered(
    CallbackResult, ("unknown", "satisfied", "unresolved", "will_leave", "competitor", "other")
)
"""`unknown` is 0, which facts of states up to version 4 hold."""
_CONTENT: Final = Struct("<qQBBBBHHI")
FACT: Final = Struct(_CONTENT.format + "qq")
FACT_TIME: Final = Struct("<q")
TOPIC_AT: Final = _CONTENT.size - 4
"""Where a fact's topic lies in its bytes."""
_CONTENT_FIELDS: Final = 9


class Fact(NamedTuple):
    """One fact; times in ms since the epoch, UTC. What `a`, `b`, `c` and `amount` hold depends on the kind:

    call: channel, IVR steps, transfers, wait in seconds · survey: csat, nps + 1, ces (0 is none; `amount` and `topic`: the contact that
    it is about, `references`) · cancellation: stage, reason (`c`, `amount` and `topic`: of which contract, and when it ends, `steps`) ·
    outcome: disposition, result (`talks`). Counts are capped at what the field holds. `topic` of a call is `code_of` its reason. The last two
    fields are its version
    (`schemas.revisions`) and say nothing of the customer.
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
    revision: int = NO_REVISION
    arrival: int = 0


def unpacked(data: bytes) -> list[Fact]:
    """Return the facts of their bytes."""
    # For speed (docs/performance.md): a named tuple's own constructors are functions of Python's.
    return list(map(tuple.__new__, repeat(Fact), FACT.iter_unpack(data)))


def unpacked_2(data: bytes) -> list[Fact]:
    """Return the facts of their bytes as states up to version 2 hold them, 28 each: any other delivery replaces them."""
    return [Fact(*content) for content in _CONTENT.iter_unpack(data)]


def ghost_of(known: Fact, winner: Fact) -> Fact:
    """Return what keeps `known` away, which stands among the facts, when its event happened too long ago by the `winner`."""
    return Fact(known.at, known.identity, GONE, 0, 0, 0, 0, 0, 0, winner.revision, winner.arrival)


def supersedes(fact: Fact, known: Fact) -> bool:
    """Return whether of two deliveries of one event `fact` counts: the later revision, the later arrival, the greater content.

    >>> known = Fact(10, 7, CALL, 0, 0, 0, 0, 0, 0, revision=5, arrival=8)
    >>> [supersedes(known._replace(revision=revision, arrival=arrival), known) for revision, arrival in ((0, 9), (5, 9), (5, 8))]
    [False, True, False]
    """
    return (fact.revision, fact.arrival, fact) > (known.revision, known.arrival, known)


def same_content(fact: Fact, known: Fact) -> bool:
    """Return whether two versions of an event say the same."""
    return fact[:_CONTENT_FIELDS] == known[:_CONTENT_FIELDS]


def find(facts: list[Fact], identity: int) -> Fact | None:
    """Return the fact of an identity; none when it is not among them."""
    for fact in facts:
        if fact.identity == identity:
            return fact
    return None


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


def add(facts: list[Fact], fact: Fact, keep: int, known: Fact | None = None) -> bool:
    """Add `fact` to `facts`, sorted by (time, identity), in place of `known`, which gives way; False when that changes nothing.

    Of more than `keep` facts the oldest goes.

    >>> first, corrected, older = (Fact(at, id, CALL, 0, 0, 0, 0, 0, 0) for at, id in ((10, 7), (20, 7), (5, 8)))
    >>> facts = []
    >>> add(facts, first, 1), add(facts, corrected, 1, known=first), add(facts, older, 1), [fact.at for fact in facts]
    (True, True, False, [20])
    """
    if known is not None:
        facts.remove(known)
    if not facts or fact > facts[-1]:
        facts.append(fact)
    else:
        insort(facts, fact)
    if len(facts) > keep:
        dropped = facts.pop(0)
        return dropped is not fact or known is not None
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
