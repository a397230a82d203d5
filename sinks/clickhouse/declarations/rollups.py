"""Daily figures: what is counted by day, by what else, and which rows change a day's figures.

Owns the declarations; `sinks.clickhouse.statements` writes them as SQL, `sinks.clickhouse.rollups` computes them.
"""

from dataclasses import dataclass
from typing import Final

from sinks.clickhouse.declarations import events, results
from sinks.clickhouse.declarations.shared import (
    CODE,
    DISPOSITION,
    IS_ATTEMPT,
    IS_REACHED,
    OF_JOINS,
    RESULT,
)
from sinks.clickhouse.declarations.table import Column, Table


@dataclass(frozen=True, slots=True)
class Rollup:
    """Figures by day."""

    name: str
    comment: str
    keys: tuple[Column, ...]
    measures: tuple[tuple[Column, str], ...]
    """Each with its expression."""
    day: Column
    measured: str
    """A query that gives `day`, the keys and `{measures}`, in this order, of `{days}`: an array of dates."""
    changed_by: tuple[tuple[Table, int], ...]
    """Tables whose rows change a day's figures, and for how many days after their own."""
    largest: tuple[str, ...] = ()
    """Measures that are the greatest of a day; all others are sums."""

    @property
    def view(self) -> str:
        """What people read."""
        return f"v_{self.name}"

    @property
    def columns(self) -> tuple[Column, ...]:
        """What its view shows."""
        return (self.day, *self.keys, *(column for column, _ in self.measures))

    @property
    def values(self) -> tuple[str, ...]:
        """What the measures are named while they are computed: a sum named as its column would hide it."""
        return tuple(f"value_{number}" for number in range(len(self.measures)))

    def of_days(self, days: str) -> str:
        """Return the query for the figures of days, an array, under the names of `values`."""
        named = zip(self.measures, self.values, strict=True)
        measures = ", ".join(f"{expression} AS {value}" for (_, expression), value in named)
        return self.measured.replace("{measures}", measures).replace("{days}", days)


_DAY: Final = Column("day", "Date", "Day of the event time, UTC")


def _counted(name: str, comment: str, expression: str) -> tuple[Column, str]:
    return Column(name, "UInt64", comment), expression


CONTACTS: Final = Rollup(
    "daily_contacts",
    "Contacts by day, direction, channel, department, queue and reason",
    (
        Column("direction", CODE, "inbound or outbound"),
        Column("channel", CODE, "phone, chat, email, web, app, store, social or other"),
        Column("department", CODE, "Department; empty when not given"),
        Column("queue", CODE, "Queue, in the codes of the contact centre; empty when not given"),
        Column("reason", CODE, "Reason of the contact, in the codes of the contact centre"),
    ),
    (
        _counted("contacts", "Contacts, abandoned ones included", "count()"),
        _counted(
            "abandoned",
            "Contacts in which the customer left the queue before an answer",
            "countIf(abandoned)",
        ),
        _counted("wait_seconds", "Seconds of waiting, of all contacts", "sum(wait_seconds)"),
        _counted(
            "answered_wait_seconds",
            "Seconds of waiting, of answered contacts",
            "sumIf(wait_seconds, NOT abandoned)",
        ),
        _counted("longest_wait_seconds", "The longest wait of one contact, in seconds", "max(wait_seconds)"),
        _counted("talk_seconds", "Seconds of conversation", "sum(talk_seconds)"),
        _counted("transfers", "How often customers were passed on", "sum(transfers)"),
        _counted("resolved", "Contacts that settled the matter", "countIf(resolved = 'yes')"),
        _counted("unresolved", "Contacts that did not", "countIf(resolved = 'no')"),
        _counted(
            "cancel_intents", "Contacts in which the customer spoke of leaving", "countIf(cancel_intent)"
        ),
    ),
    _DAY,
    "SELECT toDate(occurred_at) AS day, direction, channel, department, queue, reason, {measures}\n"
    "FROM fct_calls FINAL\n"
    "WHERE toDate(occurred_at) IN (SELECT arrayJoin({days}))\n"
    "GROUP BY day, direction, channel, department, queue, reason",
    ((events.CALLS, 0),),
    ("longest_wait_seconds",),
)

_ABOUT_DAYS: Final = 7
SURVEYS: Final = Rollup(
    "daily_surveys",
    f"Surveys by day and by department, queue and reason of the contact that they are about, of the {_ABOUT_DAYS} days before",
    (
        Column("department", CODE, "Department of the contact; empty when that is not known"),
        Column("queue", CODE, "Queue of the contact; empty when that is not known"),
        Column("reason", CODE, "Reason of the contact; empty when that is not known"),
    ),
    (
        _counted("surveys", "Answered surveys", "count()"),
        _counted("csat_answers", "Of these with a satisfaction grade", "count(csat)"),
        _counted("csat_satisfied", "Satisfaction 4 or 5", "countIf(csat >= 4)"),
        _counted("csat_sum", "Sum of the satisfaction grades, 1-5", "sum(ifNull(csat, 0))"),
        _counted("nps_answers", "Of the surveys with a likelihood to recommend", "count(nps)"),
        _counted("promoters", "Likelihood 9 or 10", "countIf(nps >= 9)"),
        _counted("detractors", "Likelihood up to 6", "countIf(nps <= 6)"),
        _counted("ces_answers", "Of the surveys with a grade of ease", "count(ces)"),
        _counted("ces_easy", "Ease from 5, of 7", "countIf(ces >= 5)"),
        _counted(
            "not_answered", "Surveys that say that the question was not answered", "countIf(answered = 'no')"
        ),
        _counted("callbacks_requested", "Surveys that ask for a callback", "countIf(callback_requested)"),
    ),
    Column("day", "Date", "Day of the survey, UTC"),
    "SELECT day, department, queue, reason, {measures}\n"
    "FROM\n"
    "(\n"
    f"    SELECT day, toDate(contacted_at) BETWEEN day - {_ABOUT_DAYS} AND day AS near, if(near, contact_department, '') AS department, "
    "if(near, contact_queue, '') AS queue, if(near, contact_reason, '') AS reason, csat, nps, ces, answered, callback_requested\n"
    "    FROM (SELECT customer_id, contact_id, toDate(occurred_at) AS day, csat, nps, ces, answered, callback_requested "
    "FROM fct_surveys FINAL WHERE toDate(occurred_at) IN (SELECT arrayJoin({days}))) AS surveys\n"
    "    LEFT JOIN (SELECT customer_id, event_id, occurred_at AS contacted_at, department AS contact_department, queue AS contact_queue, "
    "reason AS contact_reason FROM fct_calls FINAL "
    f"WHERE toDate(occurred_at) IN (SELECT DISTINCT arrayJoin({{days}}) - arrayJoin(range({_ABOUT_DAYS + 1})))) AS contacts\n"
    "    ON surveys.customer_id = contacts.customer_id AND surveys.contact_id = contacts.event_id\n"
    ")\n"
    "GROUP BY day, department, queue, reason\n"
    f"{OF_JOINS}",
    ((events.SURVEYS, 0), (events.CALLS, _ABOUT_DAYS)),
)

_TRIGGER: Final = (
    Column("purpose", CODE, "requested_callback, save, incident or service_recovery"),
    Column("reason_code", CODE, "Strongest reason for the call"),
    Column("skill", CODE, "Which agents should call"),
)

TRIGGERS: Final = Rollup(
    "daily_triggers",
    "Triggers by the day on which they were opened, as they stand",
    (
        results.MODE,
        results.PUBLISHED,
        *_TRIGGER,
        Column("status", CODE, "open, retracted, expired or completed"),
    ),
    (_counted("triggers", "Triggers", "count()"),),
    Column("day", "Date", "Day on which they were opened, UTC"),
    "SELECT toDate(created_at) AS day, mode, published, purpose, reason_code, skill, status, {measures}\n"
    "FROM v_triggers\n"
    "WHERE toDate(created_at) IN (SELECT arrayJoin({days}))\n"
    "GROUP BY day, mode, published, purpose, reason_code, skill, status",
    ((results.TRIGGERS, 0),),
)

_DIALLED_DAYS: Final = 14
OUTCOMES: Final = Rollup(
    "daily_outcomes",
    f"Attempts to call back by day, disposition, result, and what their trigger was, if opened in the {_DIALLED_DAYS} days before",
    (
        *_TRIGGER,
        DISPOSITION,
        RESULT,
    ),
    (
        _counted("attempts", "Attempts; outcomes that are none are in v_outcomes only", "count()"),
        _counted("reached", "Attempts in which the customer was reached", f"countIf({IS_REACHED})"),
        (
            Column("agent_minutes", "Float64", "Minutes of agent time, of attempts that say it"),
            "sum(ifNull(agent_minutes, 0))",
        ),
    ),
    Column("day", "Date", "Day on which the attempt ended, UTC"),
    "SELECT day, purpose, reason_code, skill, disposition, result, {measures}\n"
    "FROM\n"
    "(\n"
    f"    SELECT day, toDate(opened_at) BETWEEN day - {_DIALLED_DAYS} AND day AS near, if(near, trigger_purpose, '') AS purpose, "
    "if(near, trigger_reason_code, '') AS reason_code, if(near, trigger_skill, '') AS skill, disposition, result, agent_minutes\n"
    "    FROM (SELECT customer_id, trigger_id, toDate(occurred_at) AS day, disposition, result, agent_minutes "
    f"FROM fct_outcomes FINAL WHERE toDate(occurred_at) IN (SELECT arrayJoin({{days}})) AND {IS_ATTEMPT}) AS outcomes\n"
    "    LEFT JOIN (SELECT customer_id, trigger_id, created_at AS opened_at, purpose AS trigger_purpose, "
    "reason_code AS trigger_reason_code, skill AS trigger_skill FROM v_triggers "
    f"WHERE toDate(created_at) IN (SELECT DISTINCT arrayJoin({{days}}) - arrayJoin(range({_DIALLED_DAYS + 1})))) AS triggers\n"
    "    ON outcomes.customer_id = triggers.customer_id AND outcomes.trigger_id = triggers.trigger_id\n"
    ")\n"
    "GROUP BY day, purpose, reason_code, skill, disposition, result\n"
    f"{OF_JOINS}",
    ((events.OUTCOMES, 0), (results.TRIGGERS, _DIALLED_DAYS)),
)

ROLLUPS: Final[tuple[Rollup, ...]] = (CONTACTS, SURVEYS, TRIGGERS, OUTCOMES)
