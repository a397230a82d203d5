"""An event, or a timer, that can decide nothing is taken into a state's bytes without decoding or judging them."""

from collections.abc import Callable
from struct import Struct
from typing import Final

from streams.core.facts import FACT, FACT_TIME, Fact
from streams.core.outlook.arrival import Arrival
from streams.core.outlook.tables import Outlook
from streams.core.state import FACTS_AT, OUTLOOK, VERSION, cooldown_until

_AGE: Final = FACT_TIME.unpack_from
_SIZE: Final = FACT.size
_outlook_of: Final[Callable[[bytes], tuple[int, int, int, int, int, int, int, int, int, float, int, int]]] = (
    OUTLOOK.unpack_from
)
_MOVING: Final = Struct("<BBHBBBqqqd")
"""The fields of `OUTLOOK` up to the slack: those after it stay until the next judgement."""


def shortcut(data: bytes, fact: Fact, horizon_start: int, outlook: Outlook) -> tuple[bytes, int] | None:
    """Return the state's bytes with one fact more and its due time (ms), if the fact can decide nothing; None when the
    customer must be judged.

    Takes what changes nothing but the facts: no event that registers anything. `horizon_start` (ms): facts at or
    before it fall out.
    """
    version, band, count, calm, spare, ending, due, newest, judged_at, slack, saturated, judged_by = (
        _outlook_of(data)
    )
    plan = outlook.plan
    if version != VERSION or judged_by != plan.fingerprint or fact.at <= max(newest, judged_at):
        return None
    end = FACTS_AT + count * _SIZE
    gain = outlook.gains.of(Arrival(fact, data, FACTS_AT, end, plan.parameters), saturated)
    if not slack > gain:
        return None
    packed = FACT.pack(*fact)
    if data.find(packed[8:16], FACTS_AT, end) >= 0:
        return None  # known already, or nearly so: the plain road tells
    start = _first_within(data, end, horizon_start)
    if start > FACTS_AT:
        gone = (start - FACTS_AT) // _SIZE
        count, spare = count - gone, max(0, spare - gone)
    if count < plan.parameters.keep:
        count += 1
    else:
        if not calm and not spare:
            return None  # without the oldest fact the score may fall before the due time
        start += _SIZE
        spare -= spare > 0
    if start == end and fact.at + plan.parameters.horizon < due:
        due = fact.at + plan.parameters.horizon  # whoever has facts is looked at when the last falls out
        ending = 1
    head = _MOVING.pack(version, band, count, calm, spare, ending, due, fact.at, judged_at, slack - gain)
    return b"".join((head, data[_MOVING.size : FACTS_AT], data[start:end], packed, data[end:])), due


def postpone(data: bytes, outlook: Outlook) -> tuple[bytes, int] | None:
    """At the due time: the state's bytes with a later one (ms), when only the end of the facts was expected and newer ones
    came since; None when the customer must be judged.
    """
    version, band, count, calm, spare, ending, due, newest, judged_at, slack, _, judged_by = _outlook_of(data)
    plan = outlook.plan
    if version != VERSION or judged_by != plan.fingerprint or not (ending and calm and slack > 0):
        return None
    later = max(newest + plan.parameters.horizon, cooldown_until(data))
    if later <= due:
        return None
    start = _first_within(data, FACTS_AT + count * _SIZE, due - plan.parameters.horizon)
    count -= (start - FACTS_AT) // _SIZE
    head = _MOVING.pack(version, band, count, calm, spare, ending, later, newest, judged_at, slack)
    return b"".join((head, data[_MOVING.size : FACTS_AT], data[start:])), later


def _first_within(data: bytes, end: int, horizon_start: int) -> int:
    """Return where the facts begin that happened after `horizon_start` (ms), up to `end`."""
    start = FACTS_AT
    while start < end and _AGE(data, start)[0] <= horizon_start:
        start += _SIZE
    return start
