"""A desk of the release stage as its tests see it: what it reads is written as a timeline, what it says is read back as records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo

import orjson

from streams.core.release.inputs import Body, Claim, Decided, Input, Progress, Tick
from streams.core.release.plan import ReleaseRules, SkillRules, Staffed
from streams.core.release.process import ALL, Result, process_release, restore
from streams.core.release.work import Output
from streams.core.state import NEVER
from tests.builders import HOUR, ms

SECOND: Final = 1_000
MINUTE: Final = 60_000
MONDAY: Final = ms("2026-06-01T09:00:00+02:00")
"""A Monday at nine in Amsterdam."""
AMSTERDAM: Final = ZoneInfo("Europe/Amsterdam")
ALL_DAY: Final = (Staffed(frozenset(range(7)), 0, 24 * 60, 100),)
RETRY_AFTER: Final = {"BUSY": 10 * MINUTE}


def rules(**changed: Any) -> ReleaseRules:
    """A desk with one skill, `service`, that is staffed around the clock."""
    skills = changed.pop("skills", {"service": SkillRules("live", ALL_DAY, AMSTERDAM, 50)})
    classes = {"requested_callback": 0, "save": 1, "service_recovery": 2}
    return ReleaseRules(skills, RETRY_AFTER, classes, frozenset({"requested_callback"}), **changed)


def decided(trigger_id: str, sequence: int = 1, **changed: Any) -> Decided:
    """A decision about a customer of its own, callable for a week."""
    at = changed.pop("at", MONDAY)
    trigger = {
        "type": "callback_trigger",
        "reason_code": "unresolved_30d",
        "phone_e164": f"+3120{len(trigger_id):07d}",
    }
    fields: dict[str, Any] = {
        "customer_id": f"customer-of-{trigger_id}",
        "partition": 0,
        "skill": "service",
        "purpose": "service_recovery",
        "due_at": at + 48 * HOUR,
        "expires_at": at + 168 * HOUR,
        "windows": [[at, at + 168 * HOUR]],
        "score": 0.5,
        "worth": 0.0,
        "most_attempts": 3,
        "retry_delay": 2 * HOUR,
    }
    given = changed.pop("trigger", {})
    fields = fields | changed
    same = {name: fields[name] for name in ("customer_id", "skill", "purpose")}
    fields["trigger"] = trigger | same | given
    return Decided(trigger_id, sequence, **fields)


class Timeline:
    """A desk that is fed one record after another; what it says is kept."""

    def __init__(self, given: ReleaseRules | None = None, now: int = MONDAY) -> None:
        self.rules = given or rules()
        self.states: dict[str, bytes] = {}
        self.partition = restore(self.rules, NEVER, self.states)
        self.outputs: list[Output] = []
        self.counts: dict[tuple[str, str], int] = {}
        self.commands = 0
        self.at = now
        self.feed(Tick(now), Progress(0, now))

    def feed(self, *bodies: Body, live: bool = True, room: int = ALL) -> None:
        """Takes records, all at the present time."""
        records: Sequence[Input] = [Input(self.at, body, live) for body in bodies]
        while True:
            result = process_release(records, self.partition, room=room)
            self.take(result)
            records = records[result.taken :]
            if not records and not self.partition.desk.overdue:
                return

    def take(self, result: Result) -> None:
        for key, data in result.states.items():
            if data is None:
                self.states.pop(key, None)
            else:
                self.states[key] = data
        self.outputs += result.outputs
        for what, number in result.counts.items():
            self.counts[what] = self.counts.get(what, 0) + number

    def restart(self) -> None:
        """Another worker goes on with what the changelog holds."""
        self.partition = restore(self.rules, self.partition.desk.now, self.states)

    def go_to(self, at: int, *, read: bool = True) -> None:
        """Lets time pass; with `read` the signals partitions have read all up to then."""
        self.at = at
        if read:
            self.feed(*(Progress(partition, at) for partition in sorted({0, *self.partition.desk.progress})))
        self.feed(Tick(at))

    def claim(self, trigger_id: str = "", claimant: str = "ann", skill: str = "") -> dict[str, Any]:
        """Returns the reply to a claim."""
        self.commands += 1
        return self.command(Claim(claimant, f"c{self.commands}", trigger_id, skill))

    def command(self, body: Body, **how: Any) -> dict[str, Any]:
        """Returns the reply to a command."""
        self.feed(body, **how)
        reply: dict[str, Any] = orjson.loads(self.replies()[-1].value)
        return reply

    def replies(self) -> list[Output]:
        return [output for output in self.outputs if output.kind == "reply"]

    def said(self, trigger_id: str) -> list[dict[str, Any]]:
        """The records of a trigger, in order."""
        records = [orjson.loads(output.value) for output in self.outputs if output.kind == "trigger"]
        return [record for record in records if record["trigger_id"] == trigger_id]

    def statuses(self, trigger_id: str) -> list[str]:
        return [record["status"] for record in self.said(trigger_id)]
