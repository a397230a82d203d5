"""The road of one record through a desk: time and its timers first, then what the record says, then what may go out.

`process_release` is the one function that workers, `backtest` and the tests' oracle call. How records are cut into batches never shows
in what comes out: time moves with ticks only, all that is due by a tick is judged before releases, and both before the next record. It
does no I/O and reads no clock.
"""

from collections.abc import Mapping, Sequence
from heapq import heapify, heappop
from typing import Final, NamedTuple

import orjson

from streams.core.release import answers as a
from streams.core.release import life as lives
from streams.core.release import skills as s
from streams.core.release.candidates import contact, decided, erased, reported, withdrawn
from streams.core.release.commands import command
from streams.core.release.desk import Desk
from streams.core.release.inputs import Contact, Decided, Erased, Input, Progress, Reported, Tick, Withdrawn
from streams.core.release.pace import pace
from streams.core.release.places import OUT
from streams.core.release.plan import ReleaseRules
from streams.core.release.timers import judge
from streams.core.release.work import DESK, JUDGED, DeskState, Output, Work, is_skill
from streams.core.state import NEVER, RESERVED, BrokenStateError

ALL: Final = 1 << 62
"""Nothing is put off."""


class Result(NamedTuple):
    """What a batch changed and says."""

    taken: int
    """How many of the records it took; the others come with the next batch."""
    states: dict[str, bytes | None]
    outputs: list[Output]
    counts: dict[tuple[str, str], int]
    """What happened, by (what, which)."""


def restore(rules: ReleaseRules, now: int, states: Mapping[str, bytes]) -> DeskState:
    """Return a partition whose states were recovered; `now`: its time (ms). Raises BrokenStateError and UnknownVersionError."""
    desk = Desk(rules, now, paced_at=now)
    answers: list[tuple[int, str]] = []
    out: list[tuple[str, str, str, bool]] = []
    for key in sorted(states):
        data = states[key]
        if key[:1] != RESERVED:
            life = lives.decode(data)
            desk.put(key, life)
            if life.place in OUT:
                out.append((key, life.place, life.skill, life.shadow))
        elif a.is_answer(key):
            answers.append((a.due_of(data), key))
        elif key == DESK:
            desk.paced_at, desk.live, told = _read_desk(data)
            desk.progress.update(told)
    heapify(answers)
    partition = DeskState(states, desk, answers)
    work = Work(partition, ALL)
    work.sweep([key for key, place, skill, shadow in out if work.differs(place, skill, in_shadow=shadow)])
    return partition


def check_value(key: str, data: bytes) -> None:
    """Raise BrokenStateError or UnknownVersionError for bytes that are no state of this key."""
    if key[:1] != RESERVED:
        lives.decode(data)
    elif a.is_answer(key):
        a.decode(data)
    elif key == DESK:
        _read_desk(data)
    elif is_skill(key):
        s.decode(data)
    elif key != JUDGED:
        raise BrokenStateError("a reserved key that this release does not know")


def _read_desk(data: bytes) -> tuple[int, bool, dict[int, int]]:
    try:
        paced_at, live, told = orjson.loads(data)
        return int(paced_at), bool(live), {int(partition): int(at) for partition, at in told.items()}
    except (orjson.JSONDecodeError, ValueError, TypeError, AttributeError):
        raise BrokenStateError("a desk's own record is not what a release stage writes") from None


def process_release(
    records: Sequence[Input], partition: DeskState, *, room: int = ALL, taken_over: bool = False
) -> Result:
    """Take records in order upon a partition, whose states stay as they are; its desk and answers move on.

    `room`: begin nothing more once so many bytes of states and outputs are made; what is left of timers, releases and records waits for
    the next call, in this order. `taken_over`: another owner left something; of that nothing
    goes out, since it has not read what came meanwhile.
    """
    work = Work(partition, room)
    taken = 0
    if taken_over:
        work.go_live(False)
    for record in records:
        if not _settle(work) or work.room <= 0:
            break
        work.go_live(record.live)
        _record(work, record)
        taken += 1
    else:
        _settle(work)
    return Result(taken, work.changes(), work.outputs, work.counts)


def _settle(work: Work) -> bool:
    """Judge what is due by now, then release; False when timers are left over, or releases."""
    desk = work.desk
    while work.answers and work.answers[0][0] <= desk.now:
        if work.room <= 0:
            return False
        _, key = heappop(work.answers)
        work.let_answer_go(key)
    while desk.overdue or desk.paced_at < desk.now:  # what goes out may be late already
        while (trigger_id := desk.first_due()) is not None:
            if work.room <= 0:
                return False
            judge(work, trigger_id)
        if desk.paced_at < desk.now:
            if desk.live and not pace(work):
                return False
            desk.paced_at = desk.now
            work.desk_changed = True
    return True


def _tick(work: Work, now: int, at: int) -> None:
    """Let time go on to `now`. What leaps ahead of the brokers' own time is not believed."""
    if now > at + work.rules.tolerance:
        work.count("tick", "ahead")
        return
    if now < work.desk.now - work.rules.tolerance:
        work.count("tick", "behind")
    if now > work.desk.now:
        work.desk.now = now
        work.desk_changed = True
        work.desk.wake()


def _record(work: Work, record: Input) -> None:
    """Take one record. What is due before it has been judged."""
    body = record.body
    if work.desk.now == NEVER and not isinstance(body, Tick):  # time begins with the first record
        work.desk.now = work.desk.paced_at = record.at
    if isinstance(body, Tick):
        _tick(work, record.at if body.now == NEVER else body.now, record.at)
    elif isinstance(body, Progress):
        work.desk_changed = work.desk.read_to(body.partition, body.read_to) or work.desk_changed
    elif isinstance(body, Decided):
        decided(work, body)
    elif isinstance(body, Withdrawn):
        withdrawn(work, body)
    elif isinstance(body, Reported):
        reported(work, body)
    elif isinstance(body, Contact):
        contact(work, body)
    elif isinstance(body, Erased):
        erased(work, body)
    else:
        command(work, body, record.at)
