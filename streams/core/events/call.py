"""A contact between customer and company: a fact, and nothing that stands."""

from typing import Final

from schemas.call import CallEvent
from streams.core.events.rules import Codes, EventRules
from streams.core.facts import (
    ABANDONED,
    CALL,
    CANCEL_INTENT,
    CHANNELS,
    INBOUND,
    RESOLVED,
    TRIED_ONLINE,
    UNRESOLVED,
    Fact,
    code_of,
    identity_of,
)

_CHANNEL: Final[dict[str, int]] = {channel: index for index, channel in enumerate(CHANNELS)}
_FLAGS: Final = (
    (ABANDONED, "abandoned"),
    (RESOLVED, "resolved"),
    (UNRESOLVED, "unresolved"),
    (CANCEL_INTENT, "spoke of leaving"),
    (TRIED_ONLINE, "tried online first"),
)
_NO_REASON: Final = code_of("")


def _fact(event: CallEvent, at: int, revision: int, arrival: int) -> Fact:
    flags = 0
    if event.direction == "inbound":
        flags = INBOUND
    if event.abandoned:
        flags |= ABANDONED
    if event.resolved is True:
        flags |= RESOLVED
    elif event.resolved is False:
        flags |= UNRESOLVED
    if event.cancel_intent:
        flags |= CANCEL_INTENT
    if event.tried_online_first:
        flags |= TRIED_ONLINE
    return Fact(
        at,
        identity_of("call", event.event_id),
        CALL,
        _CHANNEL[event.channel],
        min(event.ivr_steps, 255),
        min(event.transfers, 255),
        flags,
        min(event.wait_seconds, 65_535),
        code_of(event.reason),
        revision,
        arrival,
    )


def _words(fact: Fact, codes: Codes) -> list[str]:
    words = ["inbound" if fact.flags & INBOUND else "outbound", CHANNELS[fact.a]]
    if fact.topic != _NO_REASON:
        words.append(f"about {codes.get(fact.topic, f'reason #{fact.topic:08x}')}")
    if fact.amount:
        words.append(f"waited {fact.amount} s")
    words += [
        f"{number} {one}{'s' * (number != 1)}"
        for number, one in ((fact.b, "IVR step"), (fact.c, "transfer"))
        if number
    ]
    return words + [text for flag, text in _FLAGS if fact.flags & flag]


RULES: Final[EventRules] = EventRules(kind=CALL, fact=_fact, noun="contact", words=_words)
