"""What is answered to commands: claims, renewals and the like of those who dial, capacity and modes.

Each command is answered once, and the same command again in the same way. Owns who may do what.
"""

from heapq import heappush
from typing import Literal

from schemas.reply import Refusal, Result
from streams.core.published import reply_identity
from streams.core.release import answers as a
from streams.core.release.answers import Answer
from streams.core.release.candidates import answer_request
from streams.core.release.inputs import Capacity, Claim, Command, Done, GiveBack, Renew, SetMode
from streams.core.release.life import Life, opens_at
from streams.core.release.work import Output, Work
from streams.core.state import NEVER


def command(work: Work, body: Command, at: int) -> None:
    """Answer a command, in the same way each time it comes."""
    key = a.key_of(body.claimant, body.command_id)
    data = work.load(key)
    if data is not None:
        _reply(work, body.claimant, body.command_id, a.decode(data))
        work.count("command", "repeated")
        return
    answer = _answer(work, body, at)
    kept = work.rules.answers_kept if answer.changed else work.rules.refusals_kept
    due = work.desk.now + kept
    work.touched[key] = a.encode(answer, due)
    heappush(work.answers, (due, key))
    work.count("command", answer.reason or answer.result)
    _reply(work, body.claimant, body.command_id, answer)


def _reply(work: Work, claimant: str, command_id: str, answer: Answer) -> None:
    trigger = None
    if answer.result in ("granted", "renewed"):
        life = work.life(answer.trigger_id)
        if life.trigger and not life.erased and life.claimant == claimant:
            trigger = work.fields(answer.trigger_id, life)
    value = a.record(claimant, command_id, answer, trigger)
    identity = reply_identity(claimant, command_id)
    work.put_out(Output("reply", claimant, -1, value, shadow=False, identity=identity))


def _refused(work: Work, reason: Refusal, trigger_id: str = "") -> Answer:
    return Answer(work.desk.now, "refused", reason, trigger_id)


def _answer(work: Work, body: Command, at: int) -> Answer:
    if isinstance(body, (SetMode, Capacity)):
        return _set_skill(work, body)
    if isinstance(body, Claim):
        if work.desk.now - at > work.rules.command_ttl:
            return _refused(work, "too_old", body.trigger_id)
        if not work.desk.live:
            return _refused(work, "starting", body.trigger_id)
        return _claim_next(work, body) if body.skill else _claim(work, body, body.trigger_id)
    return _of_holder(work, body)


def _set_skill(work: Work, body: SetMode | Capacity) -> Answer:
    skill, now = work.skill(body.skill), work.desk.now
    if skill is None:
        return _refused(work, "unknown_skill")
    work.skills_changed.add(body.skill)
    if isinstance(body, Capacity):
        if not skill.tell(body.claimant, body.free, body.until, now):
            return _refused(work, "too_many_claimants")
        return Answer(now, "recorded")
    skill.mode, skill.most_a_day = body.mode, body.most_a_day
    work.sweep(work.desk.out_with(body.skill))
    return Answer(now, "recorded")


def _claim_next(work: Work, body: Claim) -> Answer:
    if body.skill not in work.rules.skills:
        return _refused(work, "unknown_skill")
    for trigger_id in work.desk.open_of(body.skill):
        if not _forbids(work, work.life(trigger_id)):
            return _claim(work, body, trigger_id)
    return _refused(work, "none_open")


def _forbids(work: Work, life: Life) -> Refusal | Literal[""]:
    """Return why one that is open is not granted now; empty when it is."""
    if life.shadow:
        return "shadow"
    if opens_at(life.windows, work.desk.now) != work.desk.now:
        return "not_callable_now"
    return "stale" if work.desk.stale(life.partition) else ""


def _claim(work: Work, body: Claim, trigger_id: str) -> Answer:
    life, now = work.life(trigger_id), work.desk.now
    if life.place in ("unknown", "ended"):
        return _refused(work, "unknown_trigger" if life.place == "unknown" else "over", trigger_id)
    if life.place == "claimed":
        return _refused(
            work, "already_yours" if life.claimant == body.claimant else "already_claimed", trigger_id
        )
    if life.place != "open":
        return _refused(work, "not_open", trigger_id)
    why = _forbids(work, life)
    if why:
        return _refused(work, why, trigger_id)
    life.claimant, life.until = body.claimant, now + work.rules.lease
    work.cause("granted", trigger_id, life, "claimed")
    return Answer(now, "granted", "", trigger_id, life.sequence, life.until)


def _of_holder(work: Work, body: Renew | GiveBack | Done) -> Answer:
    trigger_id = body.trigger_id
    life, now = work.life(trigger_id), work.desk.now
    if life.place in ("unknown", "ended"):
        return _refused(work, "unknown_trigger" if life.place == "unknown" else "over", trigger_id)
    if life.claimant != body.claimant:
        return _refused(work, "not_yours", trigger_id)
    result: Result = "recorded"
    done = False
    if isinstance(body, Renew):
        if life.place != "claimed":
            return _refused(work, "stop_requested" if life.then else "not_claimed", trigger_id)
        life.until = now + work.rules.lease
        result, done = "renewed", work.cause("renewed", trigger_id, life, "renewed")
    elif isinstance(body, GiveBack):
        result, done = "released", work.cause("given_back", trigger_id, life, "given_back")
    elif body.answer:
        done = answer_request(work, body.answer, trigger_id, life)
    else:
        done = work.applies("handed_over", life)
        if done:
            life.until = now + work.rules.hand_over
            work.cause("handed_over", trigger_id, life, "handed_over")
    if not done:
        return _refused(work, "not_now", trigger_id)
    until = life.until if result == "renewed" else NEVER
    return Answer(now, result, "", trigger_id, life.sequence, until)
