"""The desk in a backtest: what would have gone out of what was decided, when, and how it ended.

Signals and desk take turns, as in production: events of all partitions by time, then at each second the desk, whose ends are fed back
before the next event. Nobody dials in files: what is out is completed or tried again by the outcomes among the events, else it stays out
until its time is over or its decision is withdrawn.

Owns the order of turns, and what is told of each candidate. Release and feedback are the core's. All desks of a policy are judged as one,
whose time moves at whole seconds and only where something can happen: that changes nothing (`tests/property/test_released_properties.py`).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush, heapreplace
from typing import Any, Final, NamedTuple

import orjson

from schemas.instants import from_text, to_datetime
from streams.core.engine import ALL, Batch, Clock
from streams.core.erasure import IN_FILES
from streams.core.feedback import feedback_of
from streams.core.policy import Policy
from streams.core.published import Output
from streams.core.records import Decoded, Feedback
from streams.core.release import life as lives
from streams.core.release.decode import candidate
from streams.core.release.inputs import Body, Decided, Input, Progress, Reported, Tick
from streams.core.release.places import OUT
from streams.core.release.plan import QUARTER, ReleaseRules, SkillRules
from streams.core.release.process import process_release, restore
from streams.core.release.work import Output as DeskOutput
from streams.core.removal import is_removal
from streams.core.state import FOREVER, NEVER
from streams.core.to_desks import EXPIRED, decision_of
from streams.core.wording import CODES, Wording
from streams.files.backlog import Backlog

SECOND: Final = 1_000
_WEEK_OF_QUARTERS: Final = 7 * 24 * 4 + 8
"""With the two hours by which a change of the clock may move them."""
KNOWN_TOO_LATE: Final = "known_too_late"
"""Why one never went out that was over when it was decided."""
_LEAST_BATCH: Final = 50
_END_OF: Final = {
    "completed": "completed",
    "retracted": "retracted_out",
    EXPIRED: "expired_out",
    "failed": "failed",
}
"""By the end of one that was released: the figure that counts it."""


class Release(NamedTuple):
    """What became of one candidate. Times in ms."""

    trigger_id: str
    customer_id: str
    skill: str
    purpose: str
    decided_at: int
    released_at: int
    """When it first went out; `NEVER` if it did not."""
    status: str
    """An end, or where it is at the end of the files."""
    reason: str
    """Why it has this status; of one that never went out the word of `Releases.never_released`."""
    over: bool

    def as_json(self) -> dict[str, Any]:
        """Return the object of a line of `--releases-out`."""
        return {
            "trigger_id": self.trigger_id,
            "customer_id": self.customer_id,
            "skill": self.skill,
            "purpose": self.purpose,
            "decided_at": to_datetime(self.decided_at),
            "released_at": None if self.released_at == NEVER else to_datetime(self.released_at),
            "status": self.status,
            "reason": self.reason,
        }


@dataclass(slots=True)
class Releases:
    """How many candidates there were, and what became of them: each is counted once among what was released, and what was not.

    `candidates` = `released` + the sum of `never_released` + `open_unreleased`;
    `released` = `completed` + `retracted_out` + `expired_out` + `failed` + `open_released`.
    """

    candidates: int = 0
    released: int = 0
    open_unreleased: int = 0
    completed: int = 0
    retracted_out: int = 0
    expired_out: int = 0
    failed: int = 0
    open_released: int = 0
    never_released: Counter[str] = field(default_factory=Counter)
    """By reason: those that are over and never went out."""

    def add(self, release: Release) -> None:
        """Count what became of one candidate."""
        self.candidates += 1
        if release.released_at == NEVER:
            if release.over:
                self.never_released[release.reason] += 1
            else:
                self.open_unreleased += 1
            return
        self.released += 1
        name = _END_OF[release.status] if release.over else "open_released"
        setattr(self, name, getattr(self, name) + 1)

    def as_json(self) -> dict[str, Any]:
        """Return the figures for `--summary-json`."""
        figures = {name: getattr(self, name) for name in _FIGURES}
        return figures | {"never_released": dict(sorted(self.never_released.items()))}


_FIGURES: Final = (
    "candidates", "released", "open_unreleased", "completed", "retracted_out", "expired_out", "failed", "open_released",
)  # fmt: skip


def rules_of(policy: Policy) -> ReleaseRules | None:
    """Return the rules of all desks of a policy as those of one; None where it has no `release`, so that nothing waits for a desk."""
    if policy.release is None:
        return None
    desks = list(policy.release_rules.values())
    skills = {name: skill for desk in desks for name, skill in desk.skills.items()}
    return desks[0]._replace(skills=skills)


class _Row:
    """A candidate that is not over."""

    __slots__ = ("customer_id", "decided_at", "released_at")

    def __init__(self, customer_id: str, decided_at: int) -> None:
        self.customer_id = customer_id
        self.decided_at = decided_at
        self.released_at = NEVER


Ended = tuple[int, Feedback]
"""The partition of a customer, and what is fed back of the customer's trigger."""


class Desk:
    """A release stage over files. `at` (ms): when time begins. `told` gets each candidate once it is over."""

    def __init__(
        self, rules: ReleaseRules, partitions: int, at: int, told: Callable[[Release], None]
    ) -> None:
        self._told = told
        self._states: dict[str, bytes] = {}
        self._rows: dict[str, _Row] = {}
        self._partition = restore(rules, NEVER, self._states)
        self._staffed: dict[str, int] = {}
        """By skill: the next quarter of an hour in which somebody is there."""
        self.next_tick = FOREVER
        """The next second at which something can happen."""
        begin = _second_before(at) - SECOND
        read = [Input(begin, Progress(number, FOREVER)) for number in range(partitions)]  # nothing is behind
        self._process([Input(begin, Tick(begin)), *read])

    @property
    def now(self) -> int:
        """Its time (ms): a whole second."""
        return self._partition.desk.now

    def knows(self, trigger_id: str) -> bool:
        """Return whether a trigger is known, and not over."""
        return trigger_id in self._rows

    def tick(self) -> list[Ended]:
        """Let time go on to the next second at which something can happen."""
        at = self.next_tick
        return self._process([Input(at, Tick(at))])

    def take(self, at: int, bodies: Iterable[Body]) -> list[Ended]:
        """Take candidates that were said at `at` (ms)."""
        before = _second_before(at)
        records = [Input(before, Tick(before))] if before > self.now else []
        for body in bodies:
            records.append(Input(at, body))
            if isinstance(body, Decided) and body.trigger_id not in self._states:
                self._rows.setdefault(body.trigger_id, _Row(body.customer_id, at))
        ended = self._process(records)
        self.next_tick = self.now + SECOND
        return ended

    def late(self, output: Output) -> None:
        """Take a decision that was known when its time was over, of which nothing can come."""
        fields = orjson.loads(output.value)
        at = from_text(fields["updated_at"])
        what = fields["trigger_id"], output.customer_id, fields["skill"], output.purpose
        self._told(Release(*what, at, NEVER, EXPIRED, KNOWN_TOO_LATE, over=True))

    def finish(self) -> None:
        """Tell of those that are not over."""
        for trigger_id in list(self._rows):
            self._look_at(trigger_id, self._states[trigger_id], last=True)

    def _process(self, records: Sequence[Input]) -> list[Ended]:
        result = process_release(records, self._partition)
        over = False
        for key, data in result.states.items():
            if data is None:
                del self._states[key]
                continue
            self._states[key] = data
            if key in self._rows:
                over = self._look_at(key, data) or over
        self.next_tick = self._when_something_happens()
        # Of a trigger that ended before it is told again with each decision that crossed its end, and here none crosses.
        return [*_fed_back(result.outputs)] if over else []

    def _when_something_happens(self) -> int:
        """Return the next second at which a tick changes something while nothing is taken; FOREVER when none does."""
        desk = self._partition.desk
        until = min(desk.next_due, desk.next_wake)
        for name, rules in desk.rules.skills.items():
            full = rules.mode != "shadow" and desk.outstanding.get(name, 0) >= rules.most_outstanding
            if not full and desk.ready(name):
                until = min(until, self._next_quarter(name, rules))
        return until if until == FOREVER else max(-(-until // SECOND) * SECOND, desk.now + SECOND)

    def _next_quarter(self, name: str, rules: SkillRules) -> int:
        """Return when the next quarter begins in which something of a skill may go out; FOREVER when none does within a week."""
        this = self.now // QUARTER
        known = self._staffed.get(name, -1)
        if known <= this:
            coming = range(this + 1, this + 1 + _WEEK_OF_QUARTERS)
            known = self._staffed[name] = next((each for each in coming if rules.ceiling(each)), FOREVER)
        return known if known == FOREVER else known * QUARTER

    def _look_at(self, trigger_id: str, data: bytes, *, last: bool = False) -> bool:
        """Note when a trigger goes out, and tell of it once it is over; return whether it is."""
        row, place = self._rows[trigger_id], lives.place_of(data)
        if place in OUT and row.released_at == NEVER:
            row.released_at = self.now
        over = place == "ended"
        if over or last:
            del self._rows[trigger_id]
            life = lives.decode(data)
            status = life.end if over else "queued" if place == "new" else place
            never = over and row.released_at == NEVER
            reason = EXPIRED if never and status == EXPIRED else life.reason
            what = trigger_id, row.customer_id, life.skill, life.purpose
            self._told(Release(*what, row.decided_at, row.released_at, status, reason, over))
        return over


def _fed_back(outputs: Iterable[DeskOutput]) -> Iterator[Ended]:
    for output in outputs:
        if output.kind == "trigger" and not output.shadow:
            told = feedback_of(output.value)
            if told is not None:
                yield output.partition, told


def _second_before(at: int) -> int:
    """Return the last whole second before `at` (ms)."""
    return (at - 1) // SECOND * SECOND


class _Side:
    """A partition of signals: its events, its states, and the batch that is being computed."""

    __slots__ = (
        "batch",
        "clock",
        "due",
        "known",
        "moves",
        "new_batch",
        "number",
        "place",
        "run",
        "runs",
        "said",
    )

    def __init__(
        self,
        number: int,
        runs: Iterator[list[Decoded]],
        new_batch: Callable[[dict[str, bytes], Clock], Batch],
    ) -> None:
        self.number = number
        self.runs = runs
        self.known: dict[str, bytes] = {}
        self.clock = Clock()
        self.new_batch = new_batch
        self.batch = new_batch(self.known, self.clock)
        self.run: list[Decoded] = []
        self.place = 0
        self.said = 0
        """So many of the batch's outputs have been looked at."""
        self.moves = False
        """Whether the next event moves the clock."""
        self.due = FOREVER
        """When it is looked at for timers."""

    @property
    def head(self) -> Decoded:
        return self.run[self.place]

    def settle(self) -> bool:
        """Have a next event at hand; False when there is none."""
        if self.place == len(self.run):
            self.keep()
            self.run, self.place = next(self.runs, []), 0
        self.moves = bool(self.run) and self._moves(self.head)
        return bool(self.run)

    def keep(self) -> None:
        """Take what was computed into the states, and begin anew."""
        for customer, data in self.batch.result().states.items():
            if data is None:
                del self.known[customer]
            else:
                self.known[customer] = data
        self.batch, self.said = self.new_batch(self.known, self.clock), 0

    def _moves(self, decoded: Decoded) -> bool:
        event = decoded.event
        if event is None or event.customer_id is None or decoded.anonymous:
            return False
        if event.kind == "erasure" or (event.kind == "profile" and is_removal(decoded)):
            return False
        return not (self.clock.markers and self.batch.markers.covers(event.customer_id, decoded.at))

    def outputs(self) -> list[Output]:
        """Return what was published since this was asked last."""
        outputs = self.batch.outputs[self.said :]
        self.said += len(outputs)
        return outputs


class Turns:
    """Signals and a desk over a backlog. Raises SpillError where it reads.

    `judged` gets the events that have been judged and what was published of them, `told` each candidate once it is over.
    """

    def __init__(
        self,
        backlog: Backlog,
        policy: Policy,
        rules: ReleaseRules,
        judged: Callable[[Sequence[Decoded], Sequence[Output]], None],
        told: Callable[[Release], None],
        *,
        wording: Wording = CODES,
        max_batch: int = 2_000,
    ) -> None:
        partitions = backlog.partitions
        at_once = max(max_batch // partitions, min(max_batch, _LEAST_BATCH))
        self._judged = judged

        def new_batch(known: dict[str, bytes], clock: Clock) -> Batch:
            return Batch(known, policy, clock, IN_FILES, wording, desks=True)

        self.sides = [
            _Side(number, backlog.runs(number, at_once, partitions), new_batch)
            for number in range(partitions)
        ]
        self._dues: list[tuple[int, int]] = []
        self._heads = [(side.head.at, side.number) for side in self.sides if side.settle()]
        heapify(self._heads)
        begin = min((at for at, _ in self._heads if at >= 0), default=0)
        if not backlog.numbers:  # they are known elsewhere
            rules = rules._replace(needs_number=False)
        self._desk = Desk(rules, partitions, begin, told)
        self._now = begin

    def run(self) -> None:
        """Judge all events, in turns with the desk, up to the time of the last one."""
        heads = self._heads
        while heads:
            at, number = heads[0]
            side = self.sides[number]
            if at > self._now:
                self._pass(at)
                self._now = at
            self._take(side)
            if side.place == len(side.run):
                self._judged(side.run, [])
            if side.settle():
                heapreplace(heads, (side.head.at, number))
            else:
                heappop(heads)
            self._look_out(side)
        self._pass(self._now + 1)
        self._desk.finish()
        for side in self.sides:
            side.keep()

    def _take(self, side: _Side) -> None:
        decoded = side.head
        side.place += 1
        side.batch.take([decoded], ALL)
        self._say(side, self._now)

    def _say(self, side: _Side, at: int) -> None:
        """Tell the desk what was decided at `at` (ms) and what came of calls, and signals what ends by it."""
        if len(side.batch.outputs) == side.said:
            return
        bodies: list[Body] = []
        outputs = side.outputs()
        self._judged([], [output for output in outputs if output.kind != "candidate"])
        for output in outputs:
            if output.kind == "candidate":
                told = candidate(output.value, side.number, {}).body
                if isinstance(told, Reported) and self._desk.knows(told.trigger_id):
                    bodies.append(told)
            elif output.kind == "trigger":
                if output.useful_until == NEVER:
                    self._desk.late(output)
                elif (decided := decision_of(output, side.number)) is not None:
                    bodies.append(decided)
        if bodies:
            self._fold(self._desk.take(at, bodies), at)

    def _fold(self, ended: list[Ended], at: int) -> None:
        for number, told in ended:
            side = self.sides[number]
            side.batch.feedback(told)
            self._say(side, at)
            self._look_out(side)

    def _pass(self, until: int) -> None:
        """Let time pass to before `until` (ms): timers of signals and seconds of the desk, each in its turn."""
        desk = self._desk
        while True:
            tick = desk.next_tick
            due, side = self._next_timer(min(until, tick + 1))
            if side is not None:
                side.batch.judge_until(due)
                self._say(side, due)
                self._look_out(side)
            elif tick < until:
                self._fold(desk.tick(), tick)
            else:
                return

    def _next_timer(self, before: int) -> tuple[int, _Side | None]:
        """Take the earliest timer before a time (ms), and whose it is; nobody when there is none."""
        dues = self._dues
        while dues and dues[0][0] < before:
            due, number = heappop(dues)
            side = self.sides[number]
            if due != side.due:
                continue
            side.due = FOREVER
            self._look_out(side)
            if side.due == due:
                return due, side
        return FOREVER, None

    def _look_out(self, side: _Side) -> None:
        """Have a partition's next timer judged before its next event: only where that event would come after it in any case."""
        if side.moves:
            timers = side.clock.heap  # what else is due there decides nothing
            due = timers[0][0] if timers else FOREVER
            if due < side.due:
                side.due = due
                heappush(self._dues, (due, side.number))
