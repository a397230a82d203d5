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
    made,
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


def _fact(event: CallEvent, at: int) -> Fact:
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
    return made(
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


def _words(fact: Fact, codes: Codes) -> list[str]:
    words = ["inbound" if fact.flags & INBOUND else "outbound", CHANNELS[fact.a]]
    if fact.topic != _NO_REASON:
        words.append(f"about {codes.get(fact.topic, f'reason #{fact.topic:08x}')}")
    if fact.amount:
        words.append(f"waited {fact.amount} s")
    words += [f"{number} {text}" for number, text in ((fact.b, "IVR steps"), (fact.c, "transfers")) if number]
    return words + [text for flag, text in _FLAGS if fact.flags & flag]


RULES: Final[EventRules] = EventRules(kind=CALL, fact=_fact, noun="contact", words=_words)
