"""The bounds that a judgement leaves: until when (the due time), and up to which rise of logit(score) (the slack), judging the
customer again would decide nothing.
"""

from math import inf
from typing import Final

from schemas.instants import from_text
from streams.core.history import DAY, History, View
from streams.core.outlook.edges import Edges
from streams.core.outlook.tables import Outlook
from streams.core.plan import EPSILON, Plan, Weighed
from streams.core.purposes import PURPOSES, newest_ground, owed
from streams.core.state import FOREVER, State

_PROBES: Final = tuple(int(days * DAY) for days in (0.25, 0.5, 1, 2, 3, 5, 7, 10, 14, 21, 28))
_SPARES: Final = (32, 8, 2)
"""So many of the oldest facts are left out of account when nearly `keep` are there, so that they may fall out: the first
of these numbers without which the first probe holds."""
_JUDGE: Final = -1.0
"""No slack: the next event is judged, whatever it is."""


def look_ahead(
    view: View, outlook: Outlook, readings: dict[str, float], risk: float, *, suppressed: bool, reason: bool
) -> None:
    """Set due time and slack of the state after a judgement, in place.

    `risk` is logit(score); `reason`: the score or a rule speaks for a call now.
    """
    plan, edges = outlook.plan, outlook.edges
    state, now, due = view.state, view.now, view.state.number_objected_until
    end = FOREVER
    """When it may leave the store."""
    cooling = False
    """The open episode ends when the score has cooled down."""
    if state.episode:
        current = state.open_trigger()
        due = min(due, from_text(current["expires_at"]))
        cooling = "cooled_down" in PURPOSES[current["purpose"]].ends
    if state.facts or not state.standing:
        end = max(state.ends_at(plan.parameters.horizon), now + 1)
    state.spare = 0
    state.ending = 0
    state.judged_at = now
    state.judged_by = plan.fingerprint
    state.saturated = outlook.gains.saturated(readings)
    state.slack = _slack(
        state, outlook, now, risk, readings, cooling=cooling, suppressed=suppressed, reason=reason
    )
    if state.slack > 0:
        history = view.history
        if any(each.found_in(history) for each in edges.rising):
            due = min(due, edges.next_after(state.facts, now, True))
        if reason and not suppressed and not state.episode:
            due = min(due, state.cooldown_until)
        state.ending = int(state.calm and end < due)
        due = min(due, end)
        state.due = due if state.calm else _safe_until(view, outlook, readings, due, cooling=cooling)
        return
    due = min(due, end, edges.next_after(state.facts, now, state.calm))
    waiting = now < state.cooldown_until < due and not suppressed
    if waiting and reason and newest_ground(state) > state.scored_at:
        due = state.cooldown_until
    state.due = due


def _slack(
    state: State,
    outlook: Outlook,
    now: int,
    risk: float,
    readings: dict[str, float],
    *,
    cooling: bool,
    suppressed: bool,
    reason: bool,
) -> float:
    """Return how much logit(score) may rise by new facts before anything can be decided.

    What lowers it and fades counts as gone: so neither time nor the fall of the oldest facts can raise it beyond that.
    """
    plan = outlook.plan
    if not outlook.shortcuts or _owed(state, plan) or state.number_objected_until != FOREVER:
        return _JUDGE  # the end of an objection, which the state does not hold, must not be put off
    limit = plan.rise_at[state.band]
    if state.episode:
        if cooling and risk < plan.close_below + EPSILON:
            return _JUDGE  # a rule holds it open: only a judgement tells for how long
    elif not suppressed:
        if not reason:
            limit = min(limit, plan.open_at)
        elif now >= state.cooldown_until:
            return _JUDGE  # the next ground opens an episode
    return limit - risk + _fading(outlook, readings) - EPSILON if limit < inf else inf


def _fading(outlook: Outlook, readings: dict[str, float]) -> float:
    """Return what logit(score) is lowered by that will fade; below or equal to 0."""
    lowered = 0.0
    for name, each in outlook.fading.items():
        value = readings.get(name)
        if value is not None:
            lowered += each.weight * min(value, each.cap)
    return lowered


def _owed(state: State, plan: Plan) -> bool:
    """Return whether a weaker obligation waits behind the open episode, which ends when it is next judged after its time."""
    return bool(state.episode) and plan.act_on_requests and owed(state)


def _safe_until(view: View, outlook: Outlook, readings: dict[str, float], due: int, *, cooling: bool) -> int:
    """Return a time up to `due` (ms), and later than now, before which the passing of time alone ends nothing."""
    plan, state, now = outlook.plan, view.state, view.now
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
        if not each.signal.kinds or each.weight < 0:
            # What a register says stays. What lowers the score fades: as if it stayed, the score is never thought too high.
            limit -= each.weight * min(value, each.cap)
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
    times = _edges(state, outlook.edges, probes[held - 1] if held else now, probes[held])
    return max(times[_held(seen, falling, times[:-1], limit)], now + 1)


def _held(view: View, falling: list[Weighed], probes: list[int], limit: float) -> int:
    """Return how many of the probes, which rise, the sum of what is `falling` survives if nothing happens until then.

    No weight among them is negative, so a sum that has reached the limit is not finished.
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


def _edges(state: State, edges: Edges, after: int, until: int) -> list[int]:
    """Return the times (ms) later than `after` and up to `until` at which a fact's age changes a signal, the last one included."""
    found = {until}
    oldest = after - edges.last
    for fact in reversed(state.facts):
        at = fact.at
        if at <= oldest:
            break
        for edge in edges.of(fact.kind, fact.flags, False):
            if after - at < edge < until - at:
                found.add(at + edge)
    return sorted(found)
