"""One customer's quarter: the everyday contacts, the cause and what comes of it. Owns how they interact."""

from __future__ import annotations

from random import Random
from typing import Any, NamedTuple

import orjson

from schemas import topics
from streams.simulate.calendar import HOUR_MS, Calendar
from streams.simulate.causes import HABITS, Cause, draw_cause
from streams.simulate.contacts import REASONS, Contacts
from streams.simulate.journal import Journal, SimulatedRecord
from streams.simulate.leaving import leave, only_ask
from streams.simulate.persona import Persona, draw_persona
from streams.simulate.settings import DAY_MS, SimulationSettings


class Truth(NamedTuple):
    """What really happened to one customer; the pipeline never sees it. Times in ms since the epoch, UTC."""

    customer_id: str
    cause: str | None
    """The latent cause, or None."""
    began: int | None
    solved: int | None
    left: int | None
    """When leaving was confirmed; it may lie after the period."""
    left_in_period: bool
    silent: bool
    heavy: bool
    contacts: int

    def line(self, calendar: Calendar) -> bytes:
        """As a line of NDJSON, without the line end."""
        row: dict[str, Any] = self._asdict()
        for name in ("began", "solved", "left"):
            if row[name] is not None:
                row[name] = calendar.stamp(row[name])
        return orjson.dumps(row)


def live(index: int, settings: SimulationSettings, calendar: Calendar) -> tuple[list[SimulatedRecord], Truth]:
    """Return the events of the customer with a number, in no order, and the truth about them."""
    random = Random(f"{settings.seed}/{index}")  # noqa: S311 - repeatable, not secret
    persona = draw_persona(index, random)
    customer_id = f"c{index:06d}"
    journal = Journal(customer_id, f"s{settings.seed}-{index:06d}", calendar)
    contacts = Contacts(journal, calendar, random, anonymous=settings.anonymous)
    _profile(persona, journal, calendar, random)
    _everyday(persona, settings, contacts, calendar, random)
    if random.random() < 0.006:
        only_ask(journal, calendar, random)
    cause = draw_cause(persona, calendar.start, settings.days, random)
    solved = left = None
    if cause is not None:
        solved = _complain(cause, persona, contacts, calendar, random)
        if solved is None and cause.would_leave:
            left = leave(cause, journal, contacts, calendar, random)
    if left is not None:
        journal.close(left + 1)
    truth = Truth(
        customer_id,
        cause.kind if cause else None,
        cause.began if cause else None,
        solved,
        left,
        left is not None and calendar.start <= left < calendar.end,
        persona.silent,
        persona.heavy,
        contacts.count,
    )
    return journal.records, truth


def _profile(persona: Persona, journal: Journal, calendar: Calendar, random: Random) -> None:
    journal.write(topics.PROFILES, calendar.start + int(random.random() * HOUR_MS), persona.profile)
    if random.random() < 0.02:
        changed = persona.profile | {"do_not_call": random.random() < 0.5}
        journal.write(topics.PROFILES, calendar.contact_moment(random), changed)


def _everyday(
    persona: Persona, settings: SimulationSettings, contacts: Contacts, calendar: Calendar, random: Random
) -> None:
    """Write contacts for no deeper cause, some of them in vain, some of these repeated."""
    solved, surveyed = (0.992, 0.02) if persona.heavy else (0.93, 0.16)
    mean = persona.rate * settings.days / 90
    passed = random.expovariate(1.0)
    while passed < mean:
        passed += random.expovariate(1.0)
        at = calendar.contact_moment(random)
        reason = REASONS[int(random.random() * len(REASONS))]
        for attempt in range(4):
            outcome = contacts.contact(at, reason, solved=solved, unhappy=0.25 * attempt, surveyed=surveyed)
            if outcome or random.random() > (0.55 if outcome is None else 0.4):
                break
            delay = 2 * HOUR_MS if outcome is None else 2 * DAY_MS
            at = calendar.next_open(at + int(random.expovariate(1 / delay)) + 120_000, random)


def _complain(
    cause: Cause, persona: Persona, contacts: Contacts, calendar: Calendar, random: Random
) -> int | None:
    """Write the contacts about the cause until the customer decides. Return when it was solved, else None."""
    habit = HABITS[cause.kind]
    if persona.silent or random.random() > habit.contacts:
        return None
    at = calendar.next_open(cause.began + int(random.expovariate(1 / (3 * DAY_MS))), random)
    for attempt in range(9):
        if at >= cause.decides:
            return None
        reason = habit.reasons[int(random.random() * len(habit.reasons))]
        outcome = contacts.contact(
            at,
            reason,
            solved=habit.solved,
            unhappy=cause.severity * min(1.0, 0.5 + 0.2 * attempt),
            intent=(0.04 + 0.03 * attempt) * cause.severity,
            surveyed=0.22,
        )
        if outcome:
            return at
        if random.random() < 0.08:
            return None  # gave up talking, not the grudge
        delay = 3 * HOUR_MS if outcome is None else 3.5 * DAY_MS
        at = calendar.next_open(at + int(random.expovariate(1 / delay)) + 300_000, random)
    return None
