"""What the signals workers say of a trigger: decided, withdrawn, an outcome, a contact in progress, an erasure.

Owns which cause each of them is, and what is remembered of it.
"""

from collections.abc import Mapping
from typing import Final

from schemas.dispositions import DISPOSITION_RULES, DispositionRules
from streams.core.release.inputs import Contact, Decided, Erased, Reported, Withdrawn
from streams.core.release.life import Life, opens_at
from streams.core.release.places import ENDED_BEFORE, OUT
from streams.core.release.work import Work
from streams.core.state import NEVER

_RULES: Final[Mapping[str, DispositionRules]] = {
    str(name): rules for name, rules in DISPOSITION_RULES.items()
}


def decided(work: Work, body: Decided) -> None:
    trigger_id = body.trigger_id
    life = work.life(trigger_id)
    if body.sequence <= life.decision_sequence:
        work.count("ignored", "decided_before")
        return
    life.decision_sequence = body.sequence
    if life.erased:
        work.count("ignored", "erased")
        work.keep(trigger_id, life)
        return
    first = life.place == "unknown"
    life.customer_id, life.partition = body.customer_id, body.partition
    life.trigger, life.windows = body.trigger, body.windows
    if life.place != "ended":
        if life.skill != body.skill:
            life.quarter = -1  # it was counted for the other one
        life.skill, life.purpose = body.skill, body.purpose
        life.due_at, life.expires_at = body.due_at, body.expires_at
        life.score, life.worth = body.score, body.worth
        life.most_attempts, life.retry_delay = body.most_attempts, body.retry_delay
        life.rest_until = body.rest_until
        if life.place == "waiting_retry":
            life.next_at = NEVER
    if body.contact and life.place not in OUT:
        life.contact, life.held_until = body.contact, work.desk.now + work.rules.contact
    if body.adopted_sequence and first:
        life.sequence, life.adopted = body.adopted_sequence, True
        life.until = work.desk.now + work.rules.hand_over
        work.cause("adopted", trigger_id, life, "adopted")
        return
    if life.place == "ended":
        work.cause("decided", trigger_id, life, ENDED_BEFORE)
        return
    why = _hindrance(work, life) if life.place in ("unknown", "new") else ""
    if why:
        life.place = "new"
        work.count("suppressed", body.purpose)
        work.cause("suppressed", trigger_id, life, why)
        return
    work.cause("decided", trigger_id, life, life.reason or str(body.trigger.get("reason_code", "")))


def _hindrance(work: Work, life: Life) -> str:
    """Return why one that was never out can never be called; empty when it can."""
    if work.rules.needs_number and not life.trigger.get("phone_e164"):
        return "no_number"
    return "never_callable" if opens_at(life.windows, work.desk.now) >= life.expires_at else ""


def withdrawn(work: Work, body: Withdrawn) -> None:
    life = work.life(body.trigger_id)
    if body.sequence <= life.decision_sequence:
        work.count("ignored", "decided_before")
        return
    if life.place != "unknown":
        life.decision_sequence = body.sequence
        if not work.cause("withdrawn", body.trigger_id, life, body.reason):
            work.keep(body.trigger_id, life)
    else:
        work.count("ignored", "unknown_trigger")


def reported(work: Work, body: Reported) -> None:
    """Take an outcome: it counts once for its attempt, whether that is the present one or an earlier one."""
    trigger_id, life = body.trigger_id, work.life(body.trigger_id)
    if life.place == "unknown":
        work.count("ignored", "unknown_trigger")
        return
    if body.customer_id and life.customer_id not in ("", body.customer_id):  # one that was erased has none
        work.count("ignored", "other_customer")
        return
    rule = _RULES.get(body.disposition)
    if rule is None:
        work.count("ignored", "unknown_disposition")
        return
    known = body.attempt in life.heard
    if (
        known and not rule.reached
    ):  # who was reached is not called again, whatever was said of the attempt before
        work.count("ignored", "reported_before")
        return
    if rule.next != "awaited":  # else its own outcome is still to come
        life.heard = sorted({*life.heard, body.attempt})
    if life.place == "ended":
        if life.end == "retracted" and body.placed_at > life.ended_at:
            work.count("stale_call", life.skill)
        work.count("ignored", "erased" if life.erased else "over")
        work.keep(trigger_id, life)
        return
    earlier = known or body.attempt < life.attempt
    if rule.attempt and not earlier:
        life.attempts += 1
    _outcome(work, rule.next, trigger_id, life, body, earlier=earlier)


def _outcome(work: Work, what: str, trigger_id: str, life: Life, body: Reported, *, earlier: bool) -> None:
    reason, done = body.disposition.lower(), False
    if what == "completed":
        done = work.cause("reached_before" if earlier else "reached", trigger_id, life, "customer_reached")
    elif what in ("failed", "barred"):
        done = work.cause("used_up", trigger_id, life, reason)
    elif what in ("returned", "awaited"):
        done = answer_request(work, "stopped" if what == "returned" else "too_late", trigger_id, life)
    elif not earlier:
        life.next_at = work.desk.now + work.rules.retry_after.get(body.disposition, life.retry_delay)
        if what == "later":
            life.next_at = max(body.wanted_at, work.desk.now)
        if life.attempts >= life.most_attempts and what != "later":
            done = work.cause("used_up", trigger_id, life, "attempts_used_up")
        else:
            done = work.cause("later" if what == "later" else "again", trigger_id, life, reason)
    if not done:
        work.keep(trigger_id, life)


def answer_request(work: Work, what: str, trigger_id: str, life: Life) -> bool:
    if what == "stopped":
        return work.cause("stopped", trigger_id, life, "stopped")
    if work.applies("too_late", life):
        life.until = work.desk.now + work.rules.hand_over
    return work.cause("too_late", trigger_id, life, "too_late")


def contact(work: Work, body: Contact) -> None:
    trigger_id, life = body.trigger_id, work.life(body.trigger_id)
    if life.place in ("unknown", "ended"):
        work.count("ignored", "unknown_trigger" if life.place == "unknown" else "over")
        return
    if body.over:
        if life.contact not in ("", body.contact_id):
            work.count("ignored", "other_contact")
            return
        life.contact, life.held_until = body.contact_id, NEVER
        if body.served:
            work.cause("contact_served", trigger_id, life, "served_by_contact")
        elif not work.cause("contact_over", trigger_id, life, life.reason):
            work.keep(trigger_id, life)
        return
    if life.contact == body.contact_id:
        work.count("ignored", "same_contact")
        return
    life.contact, life.held_until = body.contact_id, work.desk.now + work.rules.contact
    work.cause("contact_started", trigger_id, life, "contact_in_progress")


def erased(work: Work, body: Erased) -> None:
    """Forget a customer's trigger at once, or all of a customer's; each stays as an id that is over."""
    if body.customer_id:
        for trigger_id in work.desk.of(body.customer_id):
            _forget(work, trigger_id)
    else:
        _forget(work, body.trigger_id)


def _forget(work: Work, trigger_id: str) -> None:
    life = work.life(trigger_id)
    life.erased = True
    if life.place == "unknown":
        work.count("ignored", "unknown_trigger")
    elif not work.cause("erased", trigger_id, life, "erased"):
        life.forget()
        work.keep(trigger_id, life)
