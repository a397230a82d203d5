"""What a desk remembers of a skill, and its bytes: its mode, what was released in the present quarter and day, and who is free.

Owns the counting: a release falls in the quarter in which it is made, and counts once for each attempt of a trigger.
"""

from dataclasses import dataclass, field
from typing import Final

import orjson

from streams.core.release.plan import QUARTER, SkillRules
from streams.core.state import NEVER, BrokenStateError

_TOLD_LATELY: Final = 86_400_000
"""After somebody has told of free agents, for so long as many go out as are free, and none when nobody is."""
MOST_CLAIMANTS: Final = 1_000
"""So many at most have free agents of a skill at a time: a skill's record stays small."""


@dataclass(slots=True)
class Skill:
    """One skill of a desk."""

    mode: str
    most_a_day: int = 0
    quarter: int = -1
    in_quarter: int = 0
    day: int = -1
    in_day: int = 0
    free: dict[str, list[int]] = field(default_factory=dict)
    """By claimant: how many of its agents are free, until when (ms)."""
    told_at: int = NEVER
    """When (ms) anybody told of free agents last."""

    def counted(self, quarter: int) -> int:
        """Return how many attempts were released in a quarter, the present or a later one."""
        return self.in_quarter if quarter == self.quarter else 0

    def room(self, rules: SkillRules, now: int, outstanding: int) -> int:
        """Return how many may go out now, of which `outstanding` are out already; what was counted in this quarter before may come beside."""
        quarter = now // QUARTER
        room = rules.ceiling(quarter) - self.counted(quarter)
        if self.mode == "shadow":
            return max(0, room)
        if self.mode == "limited":
            in_day = self.in_day if rules.day(quarter) == self.day else 0
            room = min(room, self.most_a_day - in_day)
        room = min(room, rules.most_outstanding - outstanding)
        if self.told_at > now - _TOLD_LATELY:
            room = min(room, sum(free for free, until in self.free.values() if until > now))
        return max(0, room)

    def count(self, rules: SkillRules, now: int, *, again: bool, again_out: bool) -> None:
        """Count a release, in place. `again`: the same attempt was counted in this quarter before; `again_out`: and not in shadow."""
        quarter = now // QUARTER
        if not again:
            self.in_quarter = self.counted(quarter) + 1
            self.quarter = quarter
        if self.mode == "shadow":
            return
        if not again_out:
            day = rules.day(quarter)
            self.in_day = (self.in_day if day == self.day else 0) + 1
            self.day = day
        self._take_agent(now)

    def _take_agent(self, now: int) -> None:
        """One agent fewer is free: of whoever has most of them, the first by name."""
        told = [(-free, name) for name, (free, until) in self.free.items() if until > now and free > 0]
        if told:
            self.free[min(told)[1]][0] -= 1

    def tell(self, claimant: str, free: int, until: int, now: int) -> bool:
        """Take what a claimant says of its agents, in place of what it said before; False when too many others have agents."""
        self.free = {name: each for name, each in self.free.items() if each[1] > now}
        if claimant not in self.free and len(self.free) >= MOST_CLAIMANTS:
            return False
        self.free[claimant] = [free, until]
        self.told_at = now
        return True


def encode(skill: Skill) -> bytes:
    """Return its bytes: a JSON array of its fields."""
    return orjson.dumps(
        [
            skill.mode,
            skill.most_a_day,
            skill.quarter,
            skill.in_quarter,
            skill.day,
            skill.in_day,
            skill.free,
            skill.told_at,
        ]
    )


def decode(data: bytes) -> Skill:
    """Return the skill of these bytes. Raises BrokenStateError.

    >>> decode(encode(Skill("live", in_day=3))).in_day
    3
    """
    try:
        mode, most_a_day, quarter, in_quarter, day, in_day, free, told_at = orjson.loads(data)
    except (orjson.JSONDecodeError, ValueError, TypeError):
        raise BrokenStateError("a skill's record is not what a release stage writes") from None
    return Skill(mode, most_a_day, quarter, in_quarter, day, in_day, free, told_at)
