"""What came in, one table per kind of event, as the migrations made it (`001_facts.sql` on).

The identity of an event is (customer_id, event_id); its rows lie by the day of its event time, from which retention counts too.
Telephone numbers are not kept.
"""

from typing import Final

from schemas.base import Event
from schemas.call import CallEvent
from schemas.cancellation import CancellationEvent
from schemas.outcome import OutcomeEvent
from schemas.profile import ProfileEvent
from schemas.survey import SurveyEvent
from sinks.clickhouse.conversions import (
    answer,
    is_known,
    milliseconds,
    text_or_empty,
)
from sinks.clickhouse.declarations.shared import (
    CODE,
    DISPOSITION,
    ENVELOPE,
    EVENT_ID,
    FEW,
    FEWEST,
    KEEP,
    LATEST,
    RESULT,
    REVISED_AT,
    TIME,
    VERSION_OF_BEFORE,
    head_of_event,
    source,
)
from sinks.clickhouse.declarations.table import Column, Keep, Table, View


def _events(
    name: str,
    model: type[Event],
    comment: str,
    columns: tuple[Column, ...],
    *views: View,
    granule: int = FEW,
) -> Table:
    """Return a table of a customer's events."""
    return Table(
        name,
        f"{comment}, one row per event; read {views[0].name}",
        columns,
        identity=("customer_id", "event_id"),
        model=model,
        time="occurred_at",
        day="occurred_at",
        granule=granule,
        spread_by="customer_id",
        keep=KEEP,
        views=views,
        without=ENVELOPE,
    )


CALLS: Final[Table] = _events(
    "fct_calls",
    CallEvent,
    "Contacts",
    (
        *head_of_event("Event time: when the contact ended"),
        Column("direction", CODE, "inbound or outbound"),
        Column("channel", CODE, "phone, chat, email, web, app, store, social or other"),
        Column("queue", CODE, "Queue, in the codes of the contact centre; empty when not given"),
        Column("reason", CODE, "Reason of the contact, in the codes of the contact centre"),
        Column("department", CODE, "Department; empty when not given"),
        Column(
            "wait_seconds", "UInt32", "Seconds in the queue, until the answer or until the customer gave up"
        ),
        Column("talk_seconds", "UInt32", "Seconds of conversation"),
        Column("ivr_steps", "UInt16", "Menu choices before the queue"),
        Column("transfers", "UInt16", "How often the customer was passed on"),
        Column("abandoned", "Bool", "The customer left the queue before an answer"),
        Column(
            "resolved",
            CODE,
            "yes, no or unknown: was the matter settled in this contact",
            convert=answer,
        ),
        Column("cancel_intent", "Bool", "The customer spoke of leaving"),
        Column("tried_online_first", "Bool", "The customer tried the web site or the app before"),
        *source(),
    ),
    View("v_calls", "Contacts, each once"),
    granule=128,
)

SURVEYS: Final[Table] = _events(
    "fct_surveys",
    SurveyEvent,
    "Answered surveys",
    (
        *head_of_event("Event time: when the survey was answered"),
        Column(
            "contact_id",
            "String",
            "event_id of the contact that it is about; empty when not given",
            convert=text_or_empty,
        ),
        Column("csat", "Nullable(UInt8)", "Satisfaction 1-5, satisfied from 4; null when not asked"),
        Column(
            "nps",
            "Nullable(UInt8)",
            "Likelihood to recommend 0-10, detractor up to 6; null when not asked",
        ),
        Column("ces", "Nullable(UInt8)", "Ease 1-7, easy from 5; null when not asked"),
        Column(
            "answered",
            CODE,
            "yes, no or unknown: was the question of the customer answered",
            convert=answer,
        ),
        Column("callback_requested", "Bool", "The customer wants to be called back"),
        Column(
            "comment",
            "String",
            "Free text, personal data; empty when not given, and emptied 3 months after the survey",
            convert=text_or_empty,
            keep_months=3,
        ),
        *source(),
    ),
    View(
        "v_surveys",
        "Answered surveys, each once; their free text is in v_survey_comments",
        without=("comment",),
    ),
    View(
        "v_survey_comments",
        "What customers wrote in surveys of the last 3 months: personal data, with a right of its own",
        only=("customer_id", "event_id", "occurred_at", "comment"),
        where="comment != '' AND occurred_at > now() - INTERVAL 3 MONTH",
        apart=True,
    ),
)

CANCELLATIONS: Final[Table] = _events(
    "fct_cancellations",
    CancellationEvent,
    "Steps of customers who leave",
    (
        *head_of_event("Event time: when the step was taken"),
        Column("stage", CODE, "inquiry, requested, withdrawn, confirmed or reinstated"),
        Column(
            "reason", CODE, "competitor_offer, price, quality, service, moved, deceased, other or unknown"
        ),
        Column(
            "effective_at",
            f"Nullable({TIME})",
            "When the contract ends; null while not known",
            convert=milliseconds,
        ),
        Column(
            "contract_id",
            "String",
            "The contract that the step is about, as the producer names it; empty when not given",
            convert=text_or_empty,
        ),
        Column(
            "whole_relation",
            "Bool",
            "The step is about all that the customer has; false: about one contract, and the customer stays one",
            default="true",
        ),
        *source(),
    ),
    View("v_cancellations", "Steps of customers who leave, each once"),
    granule=FEWEST,
)

OUTCOMES: Final[Table] = _events(
    "fct_outcomes",
    OutcomeEvent,
    "Attempts to call back",
    (
        *head_of_event(
            "Event time: when the attempt ended",
            named_by="dialer",
            event="Identity of the event, given by the dialer",
        ),
        Column("trigger_id", "String", "The trigger that was dialled"),
        Column("attempt", "UInt16", "Number of the attempt, from 1"),
        DISPOSITION,
        Column("raw_disposition", CODE, "The own code of the dialer; empty when not given"),
        RESULT,
        Column("agent_minutes", "Nullable(Float64)", "Minutes of agent time; null when not given"),
        Column(
            "started_at",
            f"Nullable({TIME})",
            "When the call was placed; null when not given",
            convert=milliseconds,
        ),
        Column(
            "callback_at",
            f"Nullable({TIME})",
            "When the customer wants to be called instead; null when not given",
            convert=milliseconds,
        ),
        *source(),
    ),
    View("v_outcomes", "Attempts to call back, each once"),
)

UNATTRIBUTABLE: Final[Table] = Table(
    "fct_unattributable_events",
    "Events that name no customer, one row per event; read v_unattributable_events",
    (
        Column("event_type", CODE, "Kind of event: the field type of its message", "type"),
        EVENT_ID,
        Column("occurred_at", TIME, "Event time"),
        REVISED_AT,
        Column("channel", CODE, "Channel of a call; empty for other events"),
        Column("reason", CODE, "Reason of a call or a cancellation; empty for other events"),
        *source(),
    ),
    identity=("event_type", "event_id"),
    model=Event,
    time="occurred_at",
    day="occurred_at",
    granule=FEW,
    spread_by="event_id",
    keep=KEEP,
    views=(View("v_unattributable_events", "Events that name no customer, each once"),),
)

CUSTOMERS: Final[Table] = Table(
    "dim_customers",
    "Customers by their latest profile; read v_customers",
    (
        *head_of_event("As of when the profile holds", event="Identity of the profile event"),
        Column(
            "phone_known",
            "Bool",
            "A telephone number is known; the number itself is not kept here",
            "phone_e164",
            is_known,
        ),
        Column("country_code", CODE, "ISO 3166-1 alpha-2; empty when not known", convert=text_or_empty),
        Column("time_zone", CODE, "IANA name; empty when not known", convert=text_or_empty),
        Column("language", CODE, "BCP 47; empty when not known", convert=text_or_empty),
        Column(
            "do_not_call", CODE, "yes, no or unknown: the customer objects to being called", convert=answer
        ),
        Column(
            "consented_at",
            f"Nullable({TIME})",
            "When the customer last agreed to be called; null when not known",
            convert=milliseconds,
        ),
        Column(
            "customer_since",
            f"Nullable({TIME})",
            "When the relation began that the customer now has; null when not known",
            convert=milliseconds,
        ),
        Column("tenure_months", "Nullable(UInt16)", "Months as a customer; null when not known"),
        Column(
            "monthly_value",
            "Nullable(Float64)",
            "What the customer is worth a month, in the currency of the company; null when not known",
        ),
        *source(LATEST, VERSION_OF_BEFORE),
    ),
    identity=("customer_id",),
    model=ProfileEvent,
    time="occurred_at",
    spread_by="customer_id",
    keep=Keep(25, 25),  # a profile holds until another comes
    version=LATEST.name,
    views=(View("v_customers", "Customers by their latest profile"),),
    without=ENVELOPE,
)
