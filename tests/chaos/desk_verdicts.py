"""What must be true of two desks after a run of `tests.chaos.desks`: equal to the oracle, and the promises by what was published alone."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any, NamedTuple

import orjson

from schemas import topics
from schemas.instants import from_text
from streams.core.policy import Policy
from streams.core.release.places import ENDS
from streams.settings import Settings
from tests.integration.desk_program import Oracle, judged, read, said, states_of


class Found(NamedTuple):
    """Differences, a sentence each, and what was looked at."""

    differences: list[str]
    told: list[str]


class Kept(NamedTuple):
    """For how long (ms of a desk's time) it remembers what it answered: where that changed something, and where it did not."""

    answers: int
    refusals: int


def verdicts(settings: Settings, policy: Policy, ceiling: Mapping[str, int], quarter: int) -> Found:
    """Hold both desks against the oracle, and their records against the promises. `quarter`: its milliseconds."""
    differences, told = [], []
    outputs: set[bytes] = set()
    for desk, name in enumerate(policy.desks):
        order = judged(settings, desk)
        if len(set(order)) != len(order):
            differences.append(f"desk {name}: {len(order) - len(set(order))} records were judged twice")
            continue
        oracle = Oracle(settings, policy, desk)
        found = states_of(settings, desk)
        different = [
            key for key in found.keys() | oracle.states.keys() if found.get(key) != oracle.states.get(key)
        ]
        differences += [f"desk {name}: state {key!r} is another than the oracle's" for key in different]
        outputs |= {output.value for output in oracle.outputs}
        runs = sum(1 for before, after in pairwise(order) if before[2] != after[2])
        told.append(
            f"desk {name}: {len(order):,} records judged, {len(found):,} states, {runs} times between starting and live"
        )
    names = (topics.TRIGGERS, topics.SHADOW_TRIGGERS, topics.REPLIES)
    records = [record.value or b"" for name in names for record in asyncio.run(read(settings, name))]
    differences += [f"published, and not by the oracle: {value[:200]!r}" for value in set(records) - outputs]
    differences += [f"never published: {value[:200]!r}" for value in outputs - set(records)]
    told.append(f"{len(records):,} records published, {len(records) - len(set(records)):,} of them again")
    rules = policy.release_rules[policy.desks[0]]
    kept = Kept(rules.answers_kept, rules.refusals_kept)
    differences += _promises(settings, ceiling, quarter, kept, told)
    return Found(differences, told)


def _promises(
    settings: Settings, ceiling: Mapping[str, int], quarter: int, kept: Kept, told: list[str]
) -> list[str]:
    lives: dict[str, dict[int, dict[str, Any]]] = defaultdict(dict)
    for name in (topics.TRIGGERS, topics.SHADOW_TRIGGERS):
        for record in said(settings, name):
            lives[record["trigger_id"]][record["sequence"]] = record
    found = []
    released: dict[tuple[str, int], set[tuple[str, int]]] = defaultdict(set)
    statuses: Counter[str] = Counter()
    for trigger_id, by_sequence in lives.items():
        holder, before = None, ""
        if sorted(by_sequence) != list(range(1, len(by_sequence) + 1)):
            found.append(f"{trigger_id}: its sequences have a gap: {sorted(by_sequence)}")
        for _, record in sorted(by_sequence.items()):
            status = record["status"]
            statuses[status] += 1
            if status == "claimed":
                if holder not in (None, record["claimant"]):
                    found.append(f"{trigger_id}: claimed by two at a time")
                holder = record["claimant"]
            elif status in ("open", "queued", "waiting_retry", *ENDS):
                holder = None
            if status == "open" and before in ("", "queued"):
                place = record["skill"], from_text(record["updated_at"]) // quarter
                released[place].add((trigger_id, record["attempt"]))
            before = status
    found += [
        f"{len(attempts)} attempts of {skill} in one quarter, where {ceiling[skill]} are allowed"
        for (skill, _), attempts in released.items()
        if len(attempts) > ceiling[skill]
    ]
    told.append(
        f"{len(lives):,} triggers: {dict(statuses.most_common())}; {sum(map(len, released.values())):,} releases"
    )
    return found + _answers(settings, kept, told)


def contradictions(replies: Iterable[Mapping[str, Any]], kept: Kept) -> list[str]:
    """Return the commands that were answered in two ways while their answer was remembered: after that the same command is a new one."""
    answers: dict[tuple[str, str], dict[int, tuple[str, str | None]]] = defaultdict(dict)
    found = set()
    for reply in replies:
        key, said = (reply["claimant"], reply["command_id"]), (reply["result"], reply["reason"])
        if answers[key].setdefault(from_text(reply["answered_at"]), said) != said:
            found.add(key)
    for key, each in answers.items():
        for (at, before), (later, after) in pairwise(sorted(each.items())):
            if before != after and later - at < (kept.refusals if before[0] == "refused" else kept.answers):
                found.add(key)
    return [
        f"command {key} was answered in two ways: {sorted(answers[key].items())}" for key in sorted(found)
    ]


def _answers(settings: Settings, kept: Kept, told: list[str]) -> list[str]:
    asked = set()
    for record in asyncio.run(read(settings, topics.COMMANDS)):
        command = orjson.loads(record.value or b"{}")
        if "command_id" in command:
            asked.add((command["claimant"], command["command_id"]))
    answered = set()
    results: Counter[str] = Counter()
    replies = said(settings, topics.REPLIES)
    for reply in replies:
        key = reply["claimant"], reply["command_id"]
        if key not in answered:
            results[reply["reason"] or reply["result"]] += 1
        answered.add(key)
    told.append(f"{len(asked):,} commands: {dict(results.most_common())}")
    return [
        *(f"command {key} was never answered" for key in asked - answered),
        *contradictions(replies, kept),
    ]
