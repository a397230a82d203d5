"""The steps of a customer who leaves, or comes back: of the whole relation, or of one contract of several.

Owns how a fact holds a step, and which steps of contracts a state keeps. What they mean for callbacks, `barred` knows.
"""

from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b
from struct import Struct
from typing import Final, NamedTuple

from streams.core.facts import OF_CONTRACT, Fact

WHOLE: Final = 0
"""In place of a contract: the step is one of the whole relation."""
MOST_CONTRACTS: Final = 8
"""So many contracts of a customer are remembered: those with the newest steps."""
STEP: Final = Struct("<qBBqI")
_HIGH: Final = 16
_TOPIC_BITS: Final = 32
_MINUTE: Final = 60_000


class Step(NamedTuple):
    """One step, in the order in which the latest of a contract counts. Times in ms."""

    at: int
    stage: int
    """`facts.INQUIRY` …"""
    reason: int
    effective: int
    """When the contract ends; 0 where that is not known."""
    contract: int
    """24 bits that stand for it, or `WHOLE`."""


class Packed(NamedTuple):
    """The fields of a fact in which it holds the contract and the end of it."""

    c: int
    flags: int
    amount: int
    topic: int


@lru_cache(maxsize=4096)
def contract_of(contract_id: str | None) -> int:
    """Return what stands for a contract; one that is not named is a contract too. Two of one customer's eight are taken for one with
    probability below 2e-6.

    >>> contract_of("C-1") == contract_of("C-1") != contract_of(None)
    True
    """
    digest = blake2b((contract_id or "").encode(), digest_size=3).digest()
    return int.from_bytes(digest, "little") or 1


def packed(contract: int, effective: int) -> Packed:
    """Return the fields that say this of a step. Beside a contract its end (ms; 0: not known) is cut off to the minute.

    >>> packed(WHOLE, 90_000), packed(0x30201, 90_000)
    (Packed(c=0, flags=0, amount=0, topic=90000), Packed(c=3, flags=512, amount=513, topic=1))
    """
    if contract == WHOLE:
        # 48 bits of ms, which last beyond every calendar.
        amount, topic = divmod(effective, 1 << _TOPIC_BITS)
        return Packed(0, 0, amount, topic)
    c, amount = divmod(contract, 1 << _HIGH)
    return Packed(c, OF_CONTRACT, amount, max(effective // _MINUTE, 1) if effective else 0)


def step_of(fact: Fact) -> Step:
    """Return the step that a fact of a cancellation holds."""
    if fact.flags & OF_CONTRACT:
        return Step(fact.at, fact.a, fact.b, fact.topic * _MINUTE, fact.c << _HIGH | fact.amount)
    return Step(fact.at, fact.a, fact.b, fact.amount << _TOPIC_BITS | fact.topic, WHOLE)


def newest(steps: Iterable[Step]) -> tuple[Step, ...]:
    """Return the latest step of each contract, of no more than `MOST_CONTRACTS`, the newest last.

    Neither the order in which steps become known nor their repetition matters: what is left out is older than all that is kept.
    """
    latest = {step.contract: step for step in sorted(steps)}
    return tuple(sorted(latest.values())[-MOST_CONTRACTS:])


def unpacked(data: bytes) -> tuple[Step, ...]:
    """Return the steps of their bytes, as `STEP` packs them."""
    return tuple(map(Step._make, STEP.iter_unpack(data)))
