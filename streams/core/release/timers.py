"""Time that passes: what comes of a lease, a hand-over, a request to stop, a validity or a promise when its time is over.

Owns which cause it is. It must not decide what that makes of a trigger (`places`).
"""

from streams.core.release.life import Life
from streams.core.release.work import Work
from streams.core.state import NEVER


def judge(work: Work, trigger_id: str) -> None:
    """Judge the timer of a trigger that is due."""
    life, now = work.life(trigger_id), work.desk.now
    if life.place == "ended":
        work.let_go(trigger_id)
        work.count("forgotten", life.end)
        return
    if work.out_of_mode(life):
        work.cause("shadow_over" if life.shadow else "skill_stopped", trigger_id, life, "skill_stopped")
        return
    if life.place == "claimed":
        _judge_lease(work, trigger_id, life)
    elif life.place == "handed_over":
        _judge_hand_over(work, trigger_id, life)
    elif life.place == "retract_requested":
        _judge_request(work, trigger_id, life)
    elif life.expires_at <= now:
        work.cause("time_over", trigger_id, life, "validity_over")
    elif life.place != "open" and NEVER < life.held_until <= now:
        life.held_until = NEVER
        work.cause("contact_over", trigger_id, life, life.reason)
    elif life.place == "open" and life.shadow and life.until <= now:
        work.cause("time_over", trigger_id, life, "shadow")
    elif life.place == "waiting_retry" and life.next_at <= now:
        work.cause("retry_due", trigger_id, life, "retry")
    elif life.place == "open" and not life.shadow and work.closes(life) <= now:
        work.cause("window_closed", trigger_id, life, "window_closed")
    elif work.escalates(life) and life.due_at <= now:
        life.escalated = True
        work.count("escalated", life.skill)
        work.cause("escalated", trigger_id, life, "promise_late")
    else:
        work.keep(trigger_id, life)  # time went past more than one of its windows


def _seen(work: Work, life: Life) -> bool:
    """Whether all has been read that was reported until its lease, or its hand-over, was over; a while later it counts as read."""
    read_to = work.desk.progress.get(life.partition, NEVER)
    return read_to >= life.until + work.rules.grace or work.desk.now >= life.until + work.rules.hand_over


def _judge_request(work: Work, trigger_id: str, life: Life) -> None:
    if _seen(work, life):
        work.cause("unaccounted", trigger_id, life, "no_answer_to_request")
    else:
        _put_off(work, trigger_id, life)


def _judge_lease(work: Work, trigger_id: str, life: Life) -> None:
    now, until = work.desk.now, life.until
    if not work.desk.live or now >= until + work.rules.hand_over:
        life.until = now + work.rules.hand_over
        work.cause("lease_unseen", trigger_id, life, "lease_over")
    elif not _seen(work, life):
        _put_off(work, trigger_id, life)
    elif life.expires_at <= now:
        work.cause("time_over", trigger_id, life, "validity_over")
    else:
        work.count("lapsed", life.skill)
        work.cause("lapsed", trigger_id, life, "lease_over")


def _put_off(work: Work, trigger_id: str, life: Life) -> None:
    """Look at a lease again with the next tick; that is no change of what is known."""
    work.desk.put(trigger_id, life, work.desk.now + 1)


def _judge_hand_over(work: Work, trigger_id: str, life: Life) -> None:
    work.count("unreconciled", life.skill)
    if life.expires_at <= work.desk.now:
        work.cause("time_over", trigger_id, life, "validity_over")
        return
    life.attempts += 1
    if life.attempts >= life.most_attempts:
        work.cause("unaccounted_last", trigger_id, life, "nothing_came_back")
    else:
        life.next_at = work.desk.now + life.retry_delay
        work.cause("unaccounted", trigger_id, life, "nothing_came_back")
