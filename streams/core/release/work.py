"""A batch of a desk while it is computed: the lives as they are by now, what the table makes of them, and their records.

Owns reading and writing of states within a batch, and the one way in which a trigger goes from place to place. Which cause it is that
happened is for `timers`, `pace`, `candidates` and `commands` to say.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, NamedTuple

import orjson

from schemas.instants import to_datetime
from streams.core.release import life as lives
from streams.core.release import skills as s
from streams.core.release.desk import Desk
from streams.core.release.life import Life
from streams.core.release.places import OUT, Cause, Ignored, Step, step
from streams.core.release.skills import Skill
from streams.core.state import FOREVER, NEVER, RESERVED

DESK: Final = RESERVED + "desk"
"""The key of the desk's own record."""
LIFE_BYTES: Final = 10_000
"""The most that a life takes in the changelog, whose trigger came in a record of `decode.MOST_CANDIDATE_BYTES` at most."""
_FEW_BYTES: Final = 400
"""Of what has ended, an answer, or a key that goes."""
JUDGED: Final = RESERVED + "judged"
"""The key under which a worker notes which records its last batch has judged, in which order."""
_SKILL: Final = RESERVED + "skill:"


def is_skill(key: str) -> bool:
    """Return whether a key among the lives is that of a skill."""
    return key.startswith(_SKILL)


class Output(NamedTuple):
    """One record to publish."""

    kind: Literal["trigger", "reply"]
    key: str
    """The customer, or the claimant."""
    partition: int
    """The customer's; -1: as the key says."""
    value: bytes
    shadow: bool
    identity: str
    """The same for the same record, another for every other one of its kind."""


class DeskState(NamedTuple):
    """A partition of the release stage: what its changelog holds, and what is derived from it."""

    states: Mapping[str, bytes]
    desk: Desk
    answers: list[tuple[int, str]]
    """A heap of when answers may go, with their keys."""


class Work:
    """Of one batch. `room`: how many bytes of states and outputs it may still make; reckoned generously."""

    def __init__(self, partition: DeskState, room: int) -> None:
        self.before = partition.states
        self.desk = partition.desk
        self.rules = partition.desk.rules
        self.answers = partition.answers
        self.room = room
        self.touched: dict[str, bytes | None] = {}
        self.changed: dict[str, Life] = {}
        self.skills: dict[str, Skill] = {}
        self.skills_changed: set[str] = set()
        self.outputs: list[Output] = []
        self.counts: dict[tuple[str, str], int] = {}
        self.desk_changed = False

    def changes(self) -> dict[str, bytes | None]:
        """Return what is to be written: new bytes by key, None for what goes."""
        for trigger_id, life in self.changed.items():
            self.touched[trigger_id] = lives.encode(life)
        for name in self.skills_changed:
            self.touched[_SKILL + name] = s.encode(self.skills[name])
        if self.desk_changed:
            told = {str(partition): at for partition, at in sorted(self.desk.progress.items())}
            self.touched[DESK] = orjson.dumps([self.desk.paced_at, self.desk.live, told])
        for key in [k for k, data in self.touched.items() if data is None and k not in self.before]:
            del self.touched[key]
        return self.touched

    def go_live(self, live: bool) -> None:
        if live != self.desk.live:
            self.desk.live = live
            self.desk_changed = True

    def count(self, what: str, which: str) -> None:
        self.counts[what, which] = self.counts.get((what, which), 0) + 1

    def load(self, key: str) -> bytes | None:
        if key in self.touched:
            return self.touched[key]
        return self.before.get(key)

    def life(self, trigger_id: str) -> Life:
        """Return a life to be changed and `keep`t; of an unknown trigger an empty one."""
        known = self.changed.get(trigger_id)
        if known is not None:
            return known
        data = self.load(trigger_id)
        return Life() if data is None else lives.decode(data)

    def keep(self, trigger_id: str, life: Life) -> None:
        life.due = self.due_of(life)
        self.touched.pop(trigger_id, None)
        self.changed[trigger_id] = life
        self.desk.put(trigger_id, life)
        self.room -= LIFE_BYTES if life.place != "ended" else _FEW_BYTES

    def sweep(self, trigger_ids: Iterable[str]) -> None:
        """Have those looked at which are out in another way than their skill goes out now; nothing of it is written."""
        for trigger_id in trigger_ids:
            life = self.life(trigger_id)
            if self.out_of_mode(life):
                self.desk.put(trigger_id, life, NEVER)

    def let_go(self, trigger_id: str) -> None:
        self.changed.pop(trigger_id, None)
        self.touched[trigger_id] = None
        self.desk.drop(trigger_id)
        self.room -= _FEW_BYTES

    def let_answer_go(self, key: str) -> None:
        self.touched[key] = None
        self.room -= _FEW_BYTES

    def skill(self, name: str) -> Skill | None:
        """Return a skill as it is now; None when the desk has no such skill."""
        rules = self.rules.skills.get(name)
        if rules is None:
            return None
        if name not in self.skills:
            data = self.load(_SKILL + name)
            self.skills[name] = Skill(rules.mode, rules.most_a_day) if data is None else s.decode(data)
        return self.skills[name]

    def mode(self, name: str) -> str:
        """Return how a skill is released now; one that the policy does not have any more is stopped."""
        skill = self.skill(name)
        return "shadow" if skill is None else skill.mode

    def due_of(self, life: Life) -> int:
        """Return when a life must be looked at again."""
        if life.place == "ended":
            return life.ended_at + self.rules.ended_kept
        if self.out_of_mode(life):
            return NEVER
        if life.place in ("claimed", "handed_over", "retract_requested"):
            return life.until
        due = life.expires_at
        if life.place == "waiting_retry":
            due = min(due, life.next_at)
        if life.place == "open":
            due = min(due, life.until if life.shadow else self.closes(life))
        if life.held_until != NEVER and life.place != "open":
            due = min(due, life.held_until)
        return min(due, life.due_at) if self.escalates(life) else due

    def escalates(self, life: Life) -> bool:
        """Whether it is told once that it was not made in time, should that happen."""
        return not life.escalated and not life.shadow and life.purpose in self.rules.escalating

    def out_of_mode(self, life: Life) -> bool:
        """Whether it went out in another way than its skill goes out now, and can still come back."""
        return self.differs(life.place, life.skill, in_shadow=life.shadow)

    def differs(self, place: str, skill: str, *, in_shadow: bool) -> bool:
        """Whether one that is out in that place went out in another way than its skill goes out now."""
        if place not in OUT or place == "retract_requested":
            return False
        shadow = self.mode(skill) == "shadow"
        if place == "open":
            return in_shadow != shadow
        return shadow and not in_shadow

    def closes(self, life: Life) -> int:
        """Return when the window is over in which it went out."""
        for begin, end in life.windows:
            if begin <= self.desk.now < end:
                return end
        return self.desk.now if life.windows else FOREVER

    def applies(self, cause: Cause, life: Life) -> bool:
        """Whether a cause changes something where a life is: ask before changing it, for what is not kept must stay as it is."""
        return not isinstance(step(cause, life.place), Ignored)

    def cause(self, cause: Cause, trigger_id: str, life: Life, reason: str) -> bool:
        """Do what the table says of a cause where a trigger is; False when that is nothing."""
        cell = step(cause, life.place)
        if isinstance(cell, Ignored):
            self.count("ignored", cell.why)
            return False
        before = life.place
        self.move(life, cell)
        if life.place != before or cell.said:
            life.reason = reason
        if cell.said:
            self.say(trigger_id, life)
        if life.place == "ended":
            if before != "ended":
                life.ended_at = self.desk.now
                self.count("ended", life.end)
            life.forget()
        self.keep(trigger_id, life)
        return True

    def move(self, life: Life, cell: Step) -> None:
        """Bring a life to the place of a cell of the table, in place."""
        if cell.to == "then":
            after = cell.then if cell.then and life.then == "queued" else life.then
            life.place, life.then = ("queued", "") if after == "queued" else ("ended", "")
            life.end = "" if after == "queued" else after
        else:
            if cell.to == "retract_requested" and life.place != "retract_requested":
                # Who has it may call until then, and what comes after must not call at the same time.
                life.until = max(life.until, self.desk.now + self.rules.request)
            life.place = cell.to
            life.end = cell.end or life.end
            life.then = cell.then or (life.then if cell.to == "retract_requested" else "")
        if life.place in ("queued", "open", "waiting_retry", "ended"):
            life.claimant = ""
            if not life.shadow:
                life.until = NEVER

    def say(self, trigger_id: str, life: Life) -> None:
        """Publish a trigger's next record."""
        life.sequence += 1
        value = orjson.dumps(self.fields(trigger_id, life), option=orjson.OPT_UTC_Z)
        identity = f"{trigger_id}.{life.sequence}"
        self.put_out(Output("trigger", life.customer_id, life.partition, value, life.shadow, identity))

    def put_out(self, output: Output) -> None:
        self.outputs.append(output)
        self.room -= len(output.value) + _FEW_BYTES

    def fields(self, trigger_id: str, life: Life) -> dict[str, Any]:
        """Return the fields of a trigger's record as it is now."""
        place = life.place
        fields = life.trigger | {
            "trigger_id": trigger_id,
            "sequence": life.sequence,
            "status": life.end if place == "ended" else "queued" if place == "new" else place,
            "status_reason": life.reason,
            "updated_at": to_datetime(self.desk.now),
            "decision_sequence": life.decision_sequence,
            "attempt": life.attempt or None,
            "claimant": life.claimant or None,
            "claim_until": to_datetime(life.until) if place == "claimed" else None,
            "callable": [[to_datetime(begin), to_datetime(end)] for begin, end in life.windows],
        }
        if life.erased:
            fields["phone_e164"] = None
            fields["cause_event_id"] = None
        return fields
