"""The outlook: until when, and up to how much that happens, nothing can be decided about a customer.

Most events change no decision. So each judgement leaves two bounds with the state: its *due time*, before which time
alone changes nothing, and its *slack*, the rise of logit(score) that new facts may add up to before anything could
open or a band change. `shortcut` folds an event within both bounds into the state's bytes, without decoding or judging
them. Owns the bounds; what they must never do is show: a judgement at any time within them would say nothing.
"""

from bisect import bisect_right
from collections.abc import Callable
from math import inf
from struct import Struct
from typing import Final

from schemas.instants import from_text
from streams.core import facts as f
from streams.core.facts import FACT, Fact
from streams.core.history import DAY, Arrival, History, View
from streams.core.plan import EPSILON, Plan, Weighed
from streams.core.purposes import PURPOSES, newest_ground, owed
from streams.core.state import FACTS_AT, FOREVER, OUTLOOK, VERSION, State, cooldown_until

_PROBES: Final = tuple(int(days * DAY) for days in (0.25, 0.5, 1, 2, 3, 5, 7, 10, 14, 21, 28))
_SPARES: Final = (32, 8, 2)
"""So many of the oldest facts are left out of account when nearly `keep` are there, so that they may fall out: the first
of these numbers without which the first probe holds."""
_JUDGE: Final = -1.0
"""No slack: the next event is judged, whatever it is."""
_AGE: Final = f.FACT_TIME.unpack_from
_SIZE: Final = FACT.size
_outlook_of: Final[Callable[[bytes], tuple[int, int, int, int, int, int, int, int, int, float, int, int]]] = (
    OUTLOOK.unpack_from
)
_MOVING: Final = Struct("<BBHBBBqqqd")
"""The fields of `OUTLOOK` up to the slack: those after it stay until the next judgement."""


def shortcut(data: bytes, fact: Fact, horizon_start: int, plan: Plan) -> tuple[bytes, int] | None:
    """The state's bytes with one fact more and its due time (ms), if the fact can decide nothing; None when the
    customer must be judged.

    Takes what changes nothing but the facts: no event that registers anything. `horizon_start` (ms): facts at or
    before it fall out.
    """
    version, band, count, calm, spare, ending, due, newest, judged_at, slack, saturated, judged_by = (
        _outlook_of(data)
    )
    if version != VERSION or judged_by != plan.fingerprint or fact.at <= max(newest, judged_at):
        return None
    end = FACTS_AT + count * _SIZE
    gain = plan.gain(Arrival(fact, data, FACTS_AT, end, plan.parameters), saturated)
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


def postpone(data: bytes, plan: Plan) -> tuple[bytes, int] | None:
    """At the due time: the state's bytes with a later one (ms), when only the end of the facts was expected and newer ones
    came since; None when the customer must be judged.
    """
    version, band, count, calm, spare, ending, due, newest, judged_at, slack, _, judged_by = _outlook_of(data)
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
    """Where the facts begin that happened after `horizon_start` (ms), up to `end`."""
    start = FACTS_AT
    while start < end and _AGE(data, start)[0] <= horizon_start:
        start += _SIZE
    return start


def look_ahead(
    view: View, plan: Plan, readings: dict[str, float], risk: float, *, barred: bool, reason: bool
) -> None:
    """Set due time and slack of the state after a judgement, in place.

    `risk` is logit(score); `reason`: the score or a rule speaks for a call now.
    """
    state, now, due = view.state, view.now, FOREVER
    end = FOREVER
    """When it may leave the store."""
    cooling = False
    """The open episode ends when the score has cooled down."""
    if state.episode:
        current = state.open_trigger()
        due = from_text(current["expires_at"])
        cooling = "cooled_down" in PURPOSES[current["purpose"]].ends
    if state.facts or not state.standing:
        end = max(state.ends_at(plan.parameters.horizon), now + 1)
    state.spare = 0
    state.ending = 0
    state.judged_at = now
    state.judged_by = plan.fingerprint
    state.saturated = plan.saturated(readings)
    state.slack = _slack(state, plan, now, risk, cooling=cooling, barred=barred, reason=reason)
    if state.slack > 0:
        history = view.history
        if any(each.found_in(history) for each in plan.rising):
            due = min(due, _next_edge(state, plan, now, calm=True))
        if reason and not barred and not state.episode:
            due = min(due, state.cooldown_until)
        state.ending = int(state.calm and end < due)
        due = min(due, end)
        state.due = due if state.calm else _safe_until(view, plan, readings, due, cooling=cooling)
        return
    due = min(due, end, _next_edge(state, plan, now, calm=state.calm))
    waiting = now < state.cooldown_until < due and not barred
    if waiting and reason and newest_ground(state) > state.scored_at:
        due = state.cooldown_until
    state.due = due


def _slack(
    state: State, plan: Plan, now: int, risk: float, *, cooling: bool, barred: bool, reason: bool
) -> float:
    """How much logit(score) may rise by new facts before anything can be decided."""
    if not plan.shortcuts or _owed(state, plan):
        return _JUDGE
    limit = plan.rise_at[state.band]
    if state.episode:
        if cooling and risk < plan.close_below + EPSILON:
            return _JUDGE  # a rule holds it open: only a judgement tells for how long
    elif not barred:
        if not reason:
            limit = min(limit, plan.open_at)
        elif now >= state.cooldown_until:
            return _JUDGE  # the next ground opens an episode
    return limit - risk - EPSILON if limit < inf else inf


def _owed(state: State, plan: Plan) -> bool:
    """A weaker obligation waits behind the open episode; it ends with the next look at it after its time."""
    return bool(state.episode) and plan.act_on_requests and owed(state)


def _safe_until(view: View, plan: Plan, readings: dict[str, float], due: int, *, cooling: bool) -> int:
    """A time up to `due` (ms), and later than now, before which the passing of time alone ends nothing."""
    state, now = view.state, view.now
    limit = plan.fall_at[state.band]
    if cooling:
        limit = max(limit, plan.close_below)
    if limit == -inf:
        return due
    limit += EPSILON - plan.intercept
    falling: list[Weighed] = []
    for name, value in readings.items():
        each = plan.weighed.get(name)
        if each is None:
            continue
        if not each.signal.kinds:
            limit -= each.weight * min(value, each.cap)  # what a register says stays
        else:
            falling.append(each)
    probes = [*(now + probe for probe in _PROBES if now + probe < due), due - 1]
    held, seen = 0, view
    if len(state.facts) + _SPARES[0] > plan.parameters.keep:
        for spare in _SPARES:
            state.spare = min(spare, len(state.facts) // 2)
            seen = View(
                state, now, plan.parameters, History(state.facts[state.spare :], now, plan.parameters)
            )
            held = _held(seen, falling, probes, limit)
            if held:
                break
    if not held:
        state.spare, seen = 0, view
        held = _held(view, falling, probes, limit)
    if held == len(probes):
        return due
    edges = _edges(state, plan, probes[held - 1] if held else now, probes[held])
    return max(edges[_held(seen, falling, edges[:-1], limit)], now + 1)


def _held(view: View, falling: list[Weighed], probes: list[int], limit: float) -> int:
    """How many of the probes, which rise, the sum of what is `falling` survives if nothing happens until then.

    No weight is negative, so a sum that has reached the limit is not finished.
    """
    low, high = 0, len(probes)
    middle = high - 1  # whoever is saturated lasts until the due time
    while low < high:
        view.now = probes[middle]
        left = 0.0
        for each in falling:
            if left >= limit:
                break
            left += each.weight * min(each.signal.measure(view), each.cap)
        if left >= limit:
            low = middle + 1
        else:
            high = middle
        middle = (low + high) // 2
    return low


def _edges(state: State, plan: Plan, after: int, until: int) -> list[int]:
    """The times (ms) later than `after` and up to `until` at which a fact's age changes a signal, the last one included."""
    found = {until}
    oldest = after - plan.last_edge
    for fact in reversed(state.facts):
        at = fact.at
        if at <= oldest:
            break
        for edge in plan.edges(fact.kind, fact.flags, False):
            if after - at < edge < until - at:
                found.add(at + edge)
    return sorted(found)


def _next_edge(state: State, plan: Plan, after: int, *, calm: bool) -> int:
    """The first time (ms) later than `after` at which a fact's age changes a signal; when calm, raises one."""
    due = FOREVER
    oldest = after - (plan.last_rise if calm else plan.last_edge)
    for fact in reversed(state.facts):
        at = fact.at
        if at <= oldest:
            break  # all its edges are over, and those of the facts before it
        edges = plan.edges(fact.kind, fact.flags, calm)
        if edges:
            following = bisect_right(edges, after - at)
            if following < len(edges) and at + edges[following] < due:
                due = at + edges[following]
    return due
