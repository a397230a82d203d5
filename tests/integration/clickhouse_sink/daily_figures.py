"""Daily figures as a person would count them: from every delivery that was written, in plain Python.

Owns the reference of `test_rollups`. It must not ask a database.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from schemas import topics
from schemas.base import Event
from schemas.call import CallEvent
from schemas.dispositions import DISPOSITION_RULES
from schemas.outcome import OutcomeEvent
from schemas.revisions import arrival_of, revision_of
from schemas.survey import SurveyEvent
from schemas.trigger import CallbackTrigger
from sinks.clickhouse.rows import row_of_event, row_of_output
from sinks.contract import Row
from tests.integration.clickhouse_sink.messages import At, wire

Cells = dict[tuple[Any, ...], tuple[float, ...]]
"""Measures by day and keys, as a view shows them."""


class Delivery(NamedTuple):
    """A message as it came: the same event may come again, corrected or not."""

    message: Event | CallbackTrigger
    at: At

    @property
    def row(self) -> Row:
        """What the sink writes of it."""
        if isinstance(self.message, CallbackTrigger):
            row = row_of_output(wire(self.message), self.at)
            assert row is not None
            return row
        return row_of_event(self.message, self.at)

    @property
    def version(self) -> tuple[int, int]:
        """Of two deliveries of one event the greater counts."""
        revised = getattr(self.message, "revised_at", None)
        return revision_of(revised), arrival_of(self.at.timestamp, self.at.offset)


class Written:
    """Everything that was written and not erased."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []
        self.gone: set[tuple[Any, ...]] = set()
        """Events of which the version that counted was erased. An older one of another day stays marked as moved: it does not come back."""

    def erase(self, customer: str, until: datetime) -> None:
        """What happened, and what was decided, up to then goes."""
        for kind in (CallEvent, SurveyEvent, OutcomeEvent):
            for event in self._standing(kind):
                if event.customer_id == customer and event.occurred_at <= until:
                    self.gone.add(identity_of(event))
        self.deliveries = [
            each
            for each in self.deliveries
            if identity_of(each.message) not in self.gone
            and (each.message.customer_id != customer or _time(each.message) > until)
        ]

    def _standing(self, kind: type[Any]) -> list[Any]:
        """The versions that count."""
        found: dict[tuple[str | None, str], Delivery] = {}
        for each in self.deliveries:
            if isinstance(each.message, kind):
                identity = (each.message.customer_id, each.message.event_id)  # type: ignore[union-attr]
                if identity not in found or each.version > found[identity].version:
                    found[identity] = each
        return [each.message for each in found.values()]

    def _triggers(self) -> dict[tuple[str, str], tuple[str, str, CallbackTrigger]]:
        """By customer and id: mode, published, and the change that holds."""
        changes = defaultdict(list)
        for each in self.deliveries:
            if isinstance(each.message, CallbackTrigger):
                live = each.at.topic == topics.TRIGGERS
                changes[each.message.customer_id, each.message.trigger_id].append(
                    (each.message.sequence, live, each.at.timestamp, each.message)
                )
        found = {}
        for identity, rows in changes.items():
            told = any(live and message.status == "open" for _, live, _, message in rows)
            late = any(
                not live
                and (
                    arrived >= message.expires_at.timestamp() * 1000
                    or (message.status == "expired" and sequence == 1)
                )
                for sequence, live, arrived, message in rows
            )
            mode = "live" if any(row[1] for row in rows) else "shadow"
            last = max(rows, key=lambda row: row[:2])[-1]
            found[identity] = mode, "yes" if told else "too_late" if late else "shadow", last
        return found

    def contacts(self) -> Cells:
        """What `v_daily_contacts` has to show."""
        return _cells(self._contact(each) for each in self._standing(CallEvent))

    def _contact(self, call: CallEvent) -> tuple[tuple[Any, ...], tuple[float, ...]]:
        keys = (_day(call), call.direction, call.channel, call.department, call.queue, call.reason)
        wait = call.wait_seconds
        return keys, (
            *(1, call.abandoned, wait, 0 if call.abandoned else wait, Longest(wait), call.talk_seconds),
            *(call.transfers, call.resolved is True, call.resolved is False, call.cancel_intent),
        )

    def surveys(self) -> Cells:
        """What `v_daily_surveys` has to show."""
        calls = {(each.customer_id, each.event_id): each for each in self._standing(CallEvent)}
        rows = []
        for each in self._standing(SurveyEvent):
            call = calls.get((each.customer_id, each.contact_id))
            if call is not None and not timedelta(0) <= _day(each) - _day(call) <= timedelta(days=7):
                call = None
            about = (call.department, call.queue, call.reason) if call else ("", "", "")
            csat, nps, ces = each.csat, each.nps, each.ces
            measures = (
                *(1, csat is not None, (csat or 0) >= 4, csat or 0),
                *(nps is not None, (nps or 0) >= 9, nps is not None and nps <= 6),
                *(ces is not None, (ces or 0) >= 5, each.answered is False, each.callback_requested),
            )
            rows.append(((_day(each), *about), measures))
        return _cells(rows)

    def triggers(self) -> Cells:
        """What `v_daily_triggers` has to show."""
        return _cells(
            (
                (
                    *(last.created_at.date(), mode, published, last.purpose, last.reason_code, last.skill),
                    last.status,
                ),
                (1,),
            )
            for mode, published, last in self._triggers().values()
        )

    def outcomes(self) -> Cells:
        """What `v_daily_outcomes` has to show."""
        triggers = self._triggers()
        rows = []
        for each in self._standing(OutcomeEvent):
            rules = DISPOSITION_RULES[each.disposition]
            if not rules.attempt:
                continue
            found = triggers.get((each.customer_id, each.trigger_id))
            of = found[2] if found else None
            if of is not None and not timedelta(0) <= _day(each) - of.created_at.date() <= timedelta(days=14):
                of = None
            keys = (of.purpose, of.reason_code, of.skill) if of else ("", "", "")
            rows.append(
                (
                    (_day(each), *keys, each.disposition, each.result),
                    (1, rules.reached, each.agent_minutes or 0.0),
                )
            )
        return _cells(rows)

    def all(self) -> dict[str, Cells]:
        """By view."""
        return {
            "v_daily_contacts": self.contacts(),
            "v_daily_surveys": self.surveys(),
            "v_daily_triggers": self.triggers(),
            "v_daily_outcomes": self.outcomes(),
        }


class Longest(int):
    """A measure of which the greatest is shown, where others are summed."""


def identity_of(message: Event | CallbackTrigger) -> tuple[Any, ...]:
    """What is equal in all versions of an event, or in one change of a trigger that is sent twice."""
    if isinstance(message, CallbackTrigger):
        return message.type, message.customer_id, message.trigger_id, message.sequence
    return message.type, message.customer_id, message.event_id


def _day(event: Event) -> date:
    return event.occurred_at.date()


def _time(message: Event | CallbackTrigger) -> datetime:
    return message.updated_at if isinstance(message, CallbackTrigger) else message.occurred_at


def _cells(rows: Iterable[tuple[tuple[Any, ...], tuple[Any, ...]]]) -> Cells:
    found: dict[tuple[Any, ...], list[tuple[Any, ...]]] = defaultdict(list)
    for keys, measures in rows:
        found[keys].append(measures)
    return {keys: tuple(map(_total, zip(*each, strict=True))) for keys, each in found.items()}


def _total(values: tuple[Any, ...]) -> float:
    return float(max(values) if isinstance(values[0], Longest) else sum(values))
