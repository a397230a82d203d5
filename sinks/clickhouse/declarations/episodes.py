"""Episodes: a trigger and what followed it, in one row.

Owns the declaration of that view, whose query joins the events' own tables.
"""

from dataclasses import dataclass
from typing import Final

from sinks.clickhouse.declarations import results
from sinks.clickhouse.declarations.shared import CODE, IS_ATTEMPT, IS_REACHED, OF_JOINS, TIME
from sinks.clickhouse.declarations.table import Column, Table


@dataclass(frozen=True, slots=True)
class Summary:
    """A view of a query over several tables."""

    name: str
    comment: str
    columns: tuple[Column, ...]
    select: str


def _at(name: str, comment: str) -> Column:
    return Column(name, f"Nullable({TIME})", f"{comment}; null when there is none")


def _of(table: Table, *names: str) -> tuple[Column, ...]:
    columns = {column.name: column for column in table.shown(table.views[-1])}
    return tuple(columns[name] for name in names)


def _when(time: str) -> str:
    return f"nullIf({time}, {_NEVER})"


def _history(name: str, table: str, *values: str) -> str:
    return (
        f"(SELECT customer_id, arraySort(groupArray(tuple(occurred_at, {', '.join(values)}))) AS {name} "
        f"FROM {table} FINAL WHERE customer_id IN (SELECT customer_id FROM fct_triggers) GROUP BY customer_id) AS of_{name}"
    )


_NEVER: Final = "toDateTime64(0, 3, 'UTC')"
_EPISODE: Final = (
    *("trigger_id", "customer_id", "mode", "published", "purpose", "reason_code", "skill", "cause_event_id"),
    *("created_at", "first_status", "status", "status_reason", "updated_at", "due_at", "expires_at"),
)

EPISODES: Final = Summary(
    "v_episodes",
    "Triggers and what followed, one row each: attempts, and the customer's next contact on the same reason, cancellation step and survey",
    (
        *_of(results.TRIGGERS, *_EPISODE),
        Column(
            "cause_reason",
            CODE,
            "Reason of the contact that opened it, or that its survey is about; empty when not known. Of a call and a survey of one "
            "event_id the call, unless it was later",
        ),
        _at("first_attempt_at", "First attempt to call"),
        Column("attempts", "UInt64", "Attempts to call"),
        Column("reached", "Bool", "The customer was reached"),
        _at("reached_at", "When the customer was first reached"),
        Column("agent_minutes", "Float64", "Minutes of agent time, of attempts that say it"),
        _at(
            "next_contact_at",
            "The customer's next contact of their own (inbound) on cause_reason after created_at, whether they were reached by then or not: "
            "compare it with reached_at",
        ),
        Column("next_contact_id", "String", "event_id of that contact; empty when there is none"),
        _at("next_cancellation_at", "The customer's next step of leaving after created_at"),
        Column(
            "next_cancellation_stage",
            CODE,
            "inquiry, requested, withdrawn or confirmed; empty when there is none",
        ),
        Column(
            "next_cancellation_whole",
            "Bool",
            "It is of the whole relation; false: of one contract, or there is none",
        ),
        _at("next_survey_at", "The customer's next survey after created_at"),
        Column(
            "next_survey_csat",
            "Nullable(UInt8)",
            "Its satisfaction 1-5; null when not asked, or when there is none",
        ),
        Column("next_survey_nps", "Nullable(UInt8)", "Its likelihood to recommend 0-10; null as above"),
    ),
    f"""SELECT {", ".join(_EPISODE)}, cause_reason, {_when("tried_at")} AS first_attempt_at, attempts, answered_at > {_NEVER} AS reached,
    {_when("answered_at")} AS reached_at, agent_minutes, {_when("next_contact.1")} AS next_contact_at, next_contact.2 AS next_contact_id,
    {_when("next_step.1")} AS next_cancellation_at, next_step.2 AS next_cancellation_stage, next_step.3 AS next_cancellation_whole,
    {_when("next_survey.1")} AS next_survey_at, next_survey.2 AS next_survey_csat, next_survey.3 AS next_survey_nps
FROM
(
    SELECT {", ".join(_EPISODE)}, tried_at, attempts, answered_at, agent_minutes,
        arrayFirst(each -> each.4 = cause_event_id, surveys).5 AS about,
        arrayFirst(each -> cause_event_id != '' AND each.2 = cause_event_id, calls) AS called,
        arrayFirst(each -> about != '' AND each.2 = about, calls) AS asked,
        if(called.2 != '' AND (asked.2 = '' OR called.1 <= created_at), called.3, asked.3) AS cause_reason,
        arrayFirst(each -> each.1 > created_at AND each.4 AND each.3 = cause_reason AND cause_reason != '', calls) AS next_contact,
        arrayFirst(each -> each.1 > created_at AND each.2 != 'reinstated', steps) AS next_step,
        arrayFirst(each -> each.1 > created_at, surveys) AS next_survey
    FROM v_triggers AS triggers
    LEFT JOIN
    (
        SELECT customer_id, trigger_id, count() AS attempts, min(occurred_at) AS tried_at,
            minIf(occurred_at, {IS_REACHED}) AS answered_at, sum(ifNull(agent_minutes, 0)) AS agent_minutes
        FROM fct_outcomes FINAL
        WHERE {IS_ATTEMPT}
        GROUP BY customer_id, trigger_id
    ) AS dialled USING (customer_id, trigger_id)
    LEFT JOIN {_history("calls", "fct_calls", "event_id", "toString(reason)", "direction = 'inbound'")} USING (customer_id)
    LEFT JOIN {_history("steps", "fct_cancellations", "toString(stage)", "whole_relation")} USING (customer_id)
    LEFT JOIN {_history("surveys", "fct_surveys", "csat", "nps", "event_id", "contact_id")} USING (customer_id)
)
{OF_JOINS}""",
)
"""Each customer's history is one array by time, of customers who have triggers. So a condition on the customer reaches every table, and each
table is read once; a condition on `created_at` reaches triggers alone, since what follows has no end."""
