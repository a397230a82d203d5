"""Episodes: when to call, once. Decides openings, upgrades, retractions, completions and expiry, and builds the records.

At most one episode is open a customer. What closes it: an answered callback, an objection, a confirmed cancellation, a
death, a withdrawal, a score that has cooled down, or time. Decisions are taken at event time and never undone.
"""

from base64 import b32encode
from hashlib import sha256
from typing import Any, Final, cast

from schemas.instants import from_text, to_datetime
from schemas.trigger import Purpose
from streams.core import facts as f
from streams.core.barred import barred_by, newest_request, still_asked
from streams.core.history import DAY, Parameters, View
from streams.core.outlook.bounds import look_ahead
from streams.core.plan import Plan
from streams.core.policy import Policy
from streams.core.policy_parts import Rule
from streams.core.published import Cause, Output, signals_output, trigger_output
from streams.core.purposes import (
    BY_SCORE,
    ENDINGS,
    GROUNDS,
    OBLIGATIONS,
    PURPOSES,
    STAGE,
    before_talk,
    newest_ground,
    serve,
    served,
)
from streams.core.purposes import Cause as EndingCause
from streams.core.signals import evidence, measure
from streams.core.state import NEVER, State
from streams.core.windows import windows
from streams.core.wording import CODES, Wording
from streams.core.zones import candidate_zones

HOUR: Final = 3_600_000
NO_REASON: Final = ""


class Assessment:
    """The customer's picture at one instant, and how it is told."""

    __slots__ = ("_parameters", "_wording", "contributions", "readings", "rule", "score")

    def __init__(
        self,
        readings: dict[str, float],
        contributions: dict[str, float],
        score: float,
        rule: Rule | None,
        parameters: Parameters,
        wording: Wording,
    ) -> None:
        self.readings = readings
        self.contributions = contributions
        self.score = score
        self.rule = rule
        self._parameters = parameters
        self._wording = wording

    def language(self, asked: str | None) -> str:
        """Return the language in which evidence is told to who asks for that one."""
        return self._wording.language(asked)

    def drivers(self, language: str) -> list[dict[str, Any]]:
        """Return the three signals that speak most for a call; a rule's own signal first."""
        return [
            {
                "signal": name,
                "value": self.readings[name],
                "contribution": self.contributions.get(name, 0.0),
                "evidence": self.evidence(name, language),
            }
            for name in self._ranked()[:3]
        ]

    def evidence(self, name: str, language: str | None = None) -> str:
        """Return what an agent reads of a signal that is not zero; in the default language when none is given."""
        told_in = language or self._wording.language(None)
        return evidence(name, self.readings[name], self._parameters, self._wording, told_in)

    def _ranked(self) -> list[str]:
        names = [
            name
            for _, name in sorted([(-part, name) for name, part in self.contributions.items() if part > 0])
        ]
        if self.rule is None:
            return names
        first = self.rule.signal
        return [first, *(name for name in names if name != first)]


def assess(state: State, policy: Policy, now: int, wording: Wording = CODES) -> Assessment:
    """Measure, score and check the rules at `now` (ms)."""
    return _assess(View(state, now, policy.parameters), policy.plan, wording)


def _assess(view: View, plan: Plan, wording: Wording) -> Assessment:
    readings = measure(view, plan.used)
    contributions = plan.contributions(readings)
    met: Rule | None = None
    for rule in plan.rules:
        if readings.get(rule.signal, 0.0) >= rule.at_least:
            met = rule
            break
    score = plan.score_of(contributions)
    return Assessment(readings, contributions, score, met, plan.parameters, wording)


def decide(state: State, policy: Policy, now: int, cause: Cause, wording: Wording = CODES) -> list[Output]:
    """Bring the ledger up to `now` (ms), in place, and return what must be published, in order; evidence is told in `wording`."""
    plan = policy.plan  # whose fields are nearer than a model's
    view = View(state, now, plan.parameters)
    seen = _assess(view, plan, wording)
    suppressed = barred_by(state)
    closing = _closing(state, policy, now, cause, seen, suppressed) if state.episode else None
    expired = state.open_trigger()["purpose"] if closing == "time_over" else None
    outputs = _episode(state, policy, now, cause, seen, suppressed, closing)
    band = plan.band_of(seen.score, state.band)
    if outputs or band != state.band:
        outputs.append(_signals(state, policy, now, cause, seen, band))
        state.band = band
    look_ahead(
        view,
        policy.outlook,
        seen.readings,
        plan.risk_of(seen.contributions),
        suppressed=suppressed is not None,
        reason=seen.rule is not None or seen.score >= plan.opens_at,
    )
    if expired is not None and policy.again_after.get("expired", False):
        count_again(state, policy, cast("Purpose", expired), now)
    return outputs


def _episode(
    state: State,
    policy: Policy,
    now: int,
    cause: Cause,
    seen: Assessment,
    suppressed: EndingCause | None,
    closing: EndingCause | None,
) -> list[Output]:
    outputs: list[Output] = []
    if closing is not None:
        outputs.append(close(state, cause, now, closing))
    if cause.answered:
        _rest(state, cause.at, policy)
    if suppressed is not None:
        return outputs
    while (candidate := _candidate(state, policy.plan, now, seen)) is not None:
        purpose, reason = candidate
        # A ground that is known too late is recorded as expired under an id of its own: it neither takes over an open
        # episode nor hides a weaker ground that is still worth a call.
        late = _expiry(state, policy, purpose, now) <= now
        current = state.open_trigger() if state.episode and not late else None
        if current is not None and PURPOSES[purpose].strength <= PURPOSES[current["purpose"]].strength:
            break
        _serve(state, purpose, now, policy)
        trigger = _trigger(state, policy, now, cause, seen, purpose, reason, current)
        output = trigger_output(cause, trigger)
        if not late:
            state.episode = output.value
        outputs.append(output)
    return outputs


def _closing(
    state: State, policy: Policy, now: int, cause: Cause, seen: Assessment, suppressed: EndingCause | None
) -> EndingCause | None:
    """Return what ends the open episode now; none when it goes on."""
    if suppressed is not None:
        return suppressed
    current = state.open_trigger()
    if cause.answered and cause.at >= from_text(current["created_at"]):
        return "answered"
    if now >= from_text(current["expires_at"]):
        return "time_over"
    for end in PURPOSES[current["purpose"]].ends:
        if _holds(end, state, policy, seen):
            return end
    return None


def _holds(end: EndingCause, state: State, policy: Policy, seen: Assessment) -> bool:
    """Return whether one of the causes holds that end the episodes of some purposes only. Raises ValueError for any other."""
    if end == "request_given":
        return not state.request_open and state.given_at >= state.served_request_at
    if end == "request_withdrawn":
        return not state.request_open and state.given_at < state.served_request_at
    if end == "contract_ended":
        return not still_asked(state) and any(
            step.contract == state.served_contract and step.stage == f.CONFIRMED for step in state.contracts
        )
    if end == "stage_left":
        return not still_asked(state)
    if end == "cooled_down":
        return seen.rule is None and policy.score is not None and seen.score < policy.score.close_below
    raise ValueError(f"{end} ends every episode, or is asked elsewhere")


def _candidate(state: State, plan: Plan, now: int, seen: Assessment) -> tuple[Purpose, str] | None:
    """Return the strongest purpose for which there is a ground that has not been served yet."""
    if plan.act_on_requests:
        for purpose, reason, waits in OBLIGATIONS:
            if waits(state):
                return purpose, reason
    if now < state.cooldown_until or newest_ground(state) <= state.scored_at:
        return None
    reason = _score_reason(plan, seen)
    return (BY_SCORE, reason) if reason else None


def _score_reason(plan: Plan, seen: Assessment) -> str:
    if seen.rule is not None:
        return seen.rule.name
    if seen.score >= plan.opens_at:
        return max(seen.contributions, key=lambda name: (seen.contributions[name], name), default="score")
    return NO_REASON


def _serve(state: State, purpose: Purpose, now: int, policy: Policy) -> None:
    ground = PURPOSES[purpose].ground
    serve(state, ground, ground.newest(state))
    if ground is STAGE and (request := newest_request(state)) is not None:
        state.served_contract = request.contract
    if ground.scored:
        state.cooldown_until = now + int(policy.cooldown_days * DAY)


def _rest(state: State, at: int, policy: Policy) -> None:
    """Take what was asked before a conversation as served by it, and give the customer a rest from calls of ours. What the
    conversation left open may open an episode of its own after the rest."""
    for ground in GROUNDS:
        until = before_talk(state, at) if ground.scored else at
        serve(state, ground, max(served(state, ground), min(ground.newest(state), until)))
    state.cooldown_until = max(state.cooldown_until, at + int(policy.cooldown_days * DAY))


def count_again(state: State, policy: Policy, purpose: Purpose, now: int) -> None:
    """Let the ground of an episode that ended without a talk count again, in place: served up to the last talk, and with its rest only.

    It is judged with the customer's next event or timer. A ground whose time is over by `now` (ms) stays served, since nobody could be
    called for it; so does one that another episode has taken up.
    """
    ground = PURPOSES[purpose].ground
    if state.episode and PURPOSES[state.open_trigger()["purpose"]].ground is ground:
        return
    if not ground.scored and _expiry(state, policy, purpose, now) <= now:
        return
    talk = state.given_at
    if ground.scored:
        serve(state, ground, talk if talk == NEVER else before_talk(state, talk))
        rest = talk if talk == NEVER else talk + int(policy.cooldown_days * DAY)
        state.cooldown_until = min(state.cooldown_until, rest)
    else:
        serve(state, ground, talk)
    state.judged_by = 0  # what was found of the next event held while nothing could open


def trigger_id(customer_id: str, purpose: str, identity: str) -> str:
    """Return 26 base32 characters of SHA-256 over customer, purpose at opening and the opening event's identity.

    >>> trigger_id("c1", "save", "cancellation:e1:0")
    'uh3zycjcnlxmvqwp74oclcjhr6'
    """
    digest = sha256(f"{customer_id}\0{purpose}\0{identity}".encode()).digest()
    return b32encode(digest[:20])[:26].decode().lower()  # 5 bits a character


def _ground(state: State, purpose: Purpose, now: int) -> int:
    """Return when (ms) the ground for this purpose was given."""
    ground = PURPOSES[purpose].ground
    return now if ground.scored else ground.newest(state)


def _expiry(state: State, policy: Policy, purpose: Purpose, now: int) -> int:
    """Return until when (ms) a call for this purpose makes sense."""
    ground, cap = _ground(state, purpose, now), PURPOSES[purpose].cap
    expires = ground + int(policy.purposes[purpose].valid_hours * HOUR)
    latest = NEVER if cap is None else cap(state)
    return expires if latest == NEVER else min(expires, max(latest, ground))


def _trigger(
    state: State,
    policy: Policy,
    now: int,
    cause: Cause,
    seen: Assessment,
    purpose: Purpose,
    reason: str,
    current: dict[str, Any] | None,
) -> dict[str, Any]:
    handling, profile = policy.purposes[purpose], state.profile()
    ground = _ground(state, purpose, now)
    expires = _expiry(state, policy, purpose, now)
    country, time_zone = profile.get("country_code"), profile.get("time_zone")
    phone = profile.get("phone_e164")
    opened = windows(now, expires, country, purpose, candidate_zones(time_zone, phone, country), policy)
    late = expires <= now
    language = seen.language(profile.get("language"))
    return {
        "type": "callback_trigger",
        "schema_version": 1,
        "trigger_id": current["trigger_id"]
        if current
        else trigger_id(cause.customer_id, purpose, cause.identity),
        "sequence": current["sequence"] + 1 if current else 1,
        "status": "expired" if late else "open",
        "status_reason": "validity_over" if late else reason,
        "customer_id": cause.customer_id,
        "phone_e164": phone,
        "country_code": country,
        "time_zone": time_zone,
        "language": profile.get("language"),
        "created_at": current["created_at"] if current else to_datetime(ground),
        "updated_at": to_datetime(now),
        "not_before": to_datetime(opened[0][0] if opened else expires),
        "callable": [[to_datetime(opens), to_datetime(closes)] for opens, closes in opened],
        "due_at": to_datetime(ground + int(handling.due_hours * HOUR)),
        "expires_at": to_datetime(expires),
        "priority": min(100, handling.priority + min(9, int(seen.score * 10))),
        "purpose": purpose,
        "offer_allowed": handling.offer_allowed,
        "skill": handling.skill,
        "reason_code": reason,
        "cause_event_id": current.get("cause_event_id") if current else cause.event_id,
        "score": seen.score,
        "drivers": seen.drivers(language),
        "evidence_language": language,
        "max_attempts": handling.max_attempts,
        "retry_delay_seconds": handling.retry_delay_seconds,
        "consent": {
            "basis": PURPOSES[purpose].basis,
            "do_not_call": profile.get("do_not_call"),
            "as_of": None if state.profile_at == NEVER else to_datetime(state.profile_at),
        },
        "policy": policy.label,
    }


def close(state: State, cause: Cause, now: int, end: EndingCause, **replaced: None) -> Output:
    """End the open episode at `now` (ms): its record as it was last published, with the new status and what is `replaced`."""
    status, reason, _ = ENDINGS[end]
    ended = state.open_trigger()
    ended["sequence"] += 1
    ended["status"] = status
    ended["status_reason"] = reason
    ended["updated_at"] = to_datetime(now)
    state.episode = b""
    return trigger_output(cause, ended | replaced)


def _signals(state: State, policy: Policy, now: int, cause: Cause, seen: Assessment, band: int) -> Output:
    state.signals_sequence += 1
    return signals_output(
        cause,
        {
            "type": "customer_signals",
            "schema_version": 1,
            "customer_id": cause.customer_id,
            "sequence": state.signals_sequence,
            "as_of": to_datetime(now),
            "score": seen.score,
            "band": policy.bands[band].name,
            "previous_band": policy.bands[min(state.band, len(policy.bands) - 1)].name,
            "signals": seen.readings,
            "drivers": seen.drivers(seen.language(None)),  # read beside other customers', not to this one
            "policy": policy.label,
        },
    )
