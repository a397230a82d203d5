"""Episodes: a trigger and what followed it, in one row.

Owns the declaration of that view, whose query joins the events' own tables.
"""

from dataclasses import dataclass
from typing import Final

from sinks.clickhouse.declarations import results
from sinks.clickhouse.declarations.shared import CODE, OF_JOINS, TIME
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
        _at("next_survey_at", "The customer's next survey after created_at"),
        Column(
            "next_survey_csat",
            "Nullable(UInt8)",
            "Its satisfaction 1-5; null when not asked, or when there is none",
        ),
        Column("next_survey_nps", "Nullable(UInt8)", "Its likelihood to recommend 0-10; null as above"),
    ),
    f"""SELECT {", ".join(_EPISODE)}, cause_reason, nullIf(tried_at, {_NEVER}) AS first_attempt_at, attempts, answered_at > {_NEVER} AS reached,
    nullIf(answered_at, {_NEVER}) AS reached_at, agent_minutes, nullIf(called_at, {_NEVER}) AS next_contact_at, next_contact_id,
    nullIf(left_at, {_NEVER}) AS next_cancellation_at, next_cancellation_stage,
    nullIf(surveyed_at, {_NEVER}) AS next_survey_at, next_survey_csat, next_survey_nps
FROM
(
    SELECT {", ".join(_EPISODE)},
        if(call_event != '' AND (survey_event = '' OR called_about_at <= created_at), call_reason, survey_reason) AS cause_reason
    FROM v_triggers AS triggers
    LEFT ANY JOIN
    (
        SELECT customer_id AS call_customer, event_id AS call_event, occurred_at AS called_about_at, reason AS call_reason FROM fct_calls FINAL
    ) AS calls
    ON customer_id = call_customer AND cause_event_id = call_event
    LEFT ANY JOIN
    (
        SELECT surveys.customer_id AS survey_customer, surveys.event_id AS survey_event, reason AS survey_reason
        FROM (SELECT customer_id, event_id, contact_id FROM fct_surveys FINAL WHERE contact_id != '') AS surveys
        INNER JOIN (SELECT customer_id, event_id, reason FROM fct_calls FINAL) AS contacts
        ON surveys.customer_id = contacts.customer_id AND surveys.contact_id = contacts.event_id
    ) AS about
    ON customer_id = survey_customer AND cause_event_id = survey_event
) AS episodes
LEFT JOIN
(
    SELECT customer_id AS dialled_customer, trigger_id AS dialled_trigger, count() AS attempts, min(occurred_at) AS tried_at,
        minIf(occurred_at, disposition = 'ANSWERED_HUMAN') AS answered_at, sum(ifNull(agent_minutes, 0)) AS agent_minutes
    FROM fct_outcomes FINAL
    GROUP BY dialled_customer, dialled_trigger
) AS attempts
ON customer_id = dialled_customer AND trigger_id = dialled_trigger
ASOF LEFT JOIN
(
    SELECT customer_id AS calling_customer, reason AS calling_reason, occurred_at AS called_at, event_id AS next_contact_id
    FROM fct_calls FINAL
    WHERE direction = 'inbound' AND reason != ''
) AS contacts
ON customer_id = calling_customer AND cause_reason = calling_reason AND created_at < called_at
ASOF LEFT JOIN
(
    SELECT customer_id AS leaving_customer, occurred_at AS left_at, stage AS next_cancellation_stage FROM fct_cancellations FINAL
) AS cancellations
ON customer_id = leaving_customer AND created_at < left_at
ASOF LEFT JOIN
(
    SELECT customer_id AS surveyed_customer, occurred_at AS surveyed_at, csat AS next_survey_csat, nps AS next_survey_nps FROM fct_surveys FINAL
) AS surveys
ON customer_id = surveyed_customer AND created_at < surveyed_at
{OF_JOINS}""",
)
"""The joins are small beside the events' own tables only when a customer, or few, are asked for; a report on many reads them whole."""
