"""What goes out: at a tick, of each skill as many as there is room for, the most urgent first.

Owns what a release needs beside its turn: a window, a signals partition that has read enough, no other trigger of the customer out.
"""

from streams.core.release.life import Life, opens_at
from streams.core.release.plan import QUARTER
from streams.core.release.work import Work
from streams.core.state import NEVER


def pace(work: Work) -> bool:
    """Release of each skill what there is room for, the most urgent first; False when some of it is left for another batch."""
    for name in sorted(work.rules.skills):
        if not work.desk.waiting.get(name):
            continue
        while _room(work, name) > 0:
            if work.room <= 0:
                return False
            trigger_id = work.desk.first_ready(name)
            if trigger_id is None:
                break
            _release(work, trigger_id, name)
    return True


def _room(work: Work, name: str) -> int:
    skill = work.skill(name)
    assert skill is not None
    return skill.room(work.rules.skills[name], work.desk.now, work.desk.outstanding.get(name, 0))


def _release(work: Work, trigger_id: str, name: str) -> None:
    """Release one that is ready, or let it wait for what it lacks."""
    life, desk, now = work.life(trigger_id), work.desk, work.desk.now
    opens = opens_at(life.windows, now)
    # What it waits for without a time comes first, so that when it was looked at before does not show.
    if desk.stale(life.partition):
        desk.wait_for_partition(trigger_id)
        work.count("held_stale", name)
    elif life.customer_id in desk.out_of:
        desk.wait_for_customer(trigger_id)
    elif opens >= life.expires_at:
        work.cause("suppressed", trigger_id, life, "never_callable")
    elif opens > now:
        desk.wait_until(trigger_id, opens)
    else:
        _let_out(work, trigger_id, life)


def _let_out(work: Work, trigger_id: str, life: Life) -> None:
    skill, now = work.skill(life.skill), work.desk.now
    assert skill is not None
    attempt, quarter = max(life.attempts + 1, life.attempt + (life.attempt in life.heard)), now // QUARTER
    again = life.quarter == quarter and life.attempt == attempt
    skill.count(work.rules.skills[life.skill], now, again=again, again_out=again and not life.shadow)
    work.skills_changed.add(life.skill)
    life.attempt, life.quarter = attempt, quarter
    life.adopted = False
    life.shadow = skill.mode == "shadow"
    life.until = now + work.rules.lease if life.shadow else NEVER
    work.count("released", life.skill)
    work.cause("released", trigger_id, life, str(life.trigger.get("reason_code", "")))
