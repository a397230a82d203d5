"""What the pipeline decided, what could not be used, and who was erased, as the migrations made it (`002_results.sql` on)."""

from typing import Final

from schemas.dead_letter import DeadLetter
from schemas.signals import CustomerSignals
from schemas.trigger import OF_RELEASE, CallbackTrigger
from sinks.clickhouse.conversions import (
    answer,
    beginnings,
    ends,
    is_known,
    milliseconds,
    text_or_empty,
)
from sinks.clickhouse.declarations.shared import CODE, ENVELOPE, FEW, KEEP, TIME, drivers, source_of_output
from sinks.clickhouse.declarations.table import Column, Keep, Table, View

MODE: Final = Column(
    "mode", CODE, "live: any change of it was published for dialers; shadow: all of it was recorded only"
)
WAS_LIVE: Final = "if(countIf(mode = 'live') > 0, 'live', 'shadow')"
PUBLISHED: Final = Column(
    "published",
    CODE,
    "yes: dialers were told to call; too_late: it was recorded only, since its time was over when it was known; shadow: it was "
    "decided in shadow mode",
)
FIRST_STATUS: Final = Column(
    "first_status", CODE, "Status of its first change: open, or expired when it was known too late"
)
WAS_PUBLISHED: Final = (
    "multiIf(countIf(mode = 'live' AND status = 'open') > 0, 'yes', "
    "countIf(mode = 'shadow' AND (ingested_at >= expires_at OR status = 'expired' AND sequence = 1)) > 0, 'too_late', 'shadow')"
)
"""A record that comes too late for dialers goes where shadow mode's go: what tells them apart is its own times."""

TRIGGERS: Final[Table] = Table(
    "fct_triggers",
    "Callback triggers, one row per change; read v_triggers or v_trigger_history",
    (
        Column(
            "mode",
            CODE,
            "live: published for dialers; shadow: decided and recorded only",
            filler="topic",
        ),
        Column("trigger_id", "String", "Identity of the episode"),
        Column("sequence", "UInt32", "Number of the change, from 1; the highest holds"),
        Column("customer_id", "String", "Customer to be called"),
        Column("status", CODE, "open, retracted, expired or completed"),
        Column(
            "status_reason", CODE, "Why it has this status: the reason code when open, else what ended it"
        ),
        Column("purpose", CODE, "requested_callback, save, incident or service_recovery"),
        Column("reason_code", CODE, "Strongest reason for the call"),
        Column(
            "cause_event_id",
            "String",
            "event_id of the event that opened the episode; empty when time alone did, and for those opened by 0.2 or before",
            convert=text_or_empty,
        ),
        Column("skill", CODE, "Which agents should call"),
        Column("priority", "UInt8", "0-100, higher is more urgent"),
        Column(
            "score", "Float64", "Risk score 0-1 at the decision; no probability until calibrated on labels"
        ),
        Column("created_at", TIME, "When the episode was opened, event time", convert=milliseconds),
        Column("updated_at", TIME, "When this change was decided, event time", convert=milliseconds),
        Column(
            "not_before",
            TIME,
            "First instant outside the quiet hours of the customer",
            convert=milliseconds,
        ),
        Column(
            "callable_from",
            f"Array({TIME})",
            "When the windows begin in which the customer may be called, the first 14; empty when never, and when 0.2 or before opened it",
            "callable",
            beginnings,
        ),
        Column(
            "callable_until",
            f"Array({TIME})",
            "When they end, in the same order; an end is not in its window",
            "callable",
            ends,
        ),
        Column("due_at", TIME, "The customer should have been called by then", convert=milliseconds),
        Column("expires_at", TIME, "Do not dial after it", convert=milliseconds),
        Column("offer_allowed", "Bool", "The agent may make an offer"),
        Column("max_attempts", "UInt16", "How often to try at most"),
        Column("retry_delay_seconds", "UInt32", "Seconds between two attempts"),
        Column(
            "phone_known",
            "Bool",
            "A telephone number was known; the number itself is not kept here",
            "phone_e164",
            is_known,
        ),
        Column("country_code", CODE, "ISO 3166-1 alpha-2; empty when not known", convert=text_or_empty),
        Column("time_zone", CODE, "IANA name; empty when not known", convert=text_or_empty),
        Column("language", CODE, "BCP 47; empty when not known", convert=text_or_empty),
        *drivers("Signals that speak for the call, strongest first"),
        Column(
            "evidence_language",
            CODE,
            "BCP 47: the language of driver_evidence; empty for triggers opened by 0.2 or before, which are in English",
            convert=text_or_empty,
        ),
        Column("consent_basis", CODE, "customer_request or service_without_offer", "consent.basis"),
        Column(
            "consent_do_not_call",
            CODE,
            "yes, no or unknown at the decision",
            "consent.do_not_call",
            answer,
        ),
        Column(
            "consent_as_of",
            f"Nullable({TIME})",
            "When the profile that says so was made; null without a profile",
            "consent.as_of",
            milliseconds,
        ),
        Column("policy", CODE, "Name and digest of the policy that decided"),
        *source_of_output(),
    ),
    identity=("customer_id", "trigger_id", "sequence", "mode"),
    model=CallbackTrigger,
    time="updated_at",
    day="created_at",
    granule=FEW,
    spread_by="customer_id",
    keep=KEEP,
    views=(
        View("v_trigger_history", "Every change of every trigger, each once"),
        View(
            "v_triggers",
            "Triggers as they stand, one row each: the highest sequence, of one that was published and recorded the published",
            latest_of=("created_at", "customer_id", "trigger_id"),
            latest_by=("sequence", "mode = 'live'", "version"),
            told=((MODE, WAS_LIVE), (PUBLISHED, WAS_PUBLISHED), (FIRST_STATUS, "argMin(status, sequence)")),
        ),
    ),
    without=ENVELOPE | dict.fromkeys(OF_RELEASE, "no worker publishes it yet"),
)

SIGNALS: Final[Table] = Table(
    "fct_customer_signals",
    "Rolling pictures of customers, one row per picture; read v_customer_signals or v_customer_signal_history",
    (
        Column("customer_id", "String", "Customer"),
        Column("sequence", "UInt32", "Number of the picture of this customer, from 1"),
        Column("as_of", TIME, "Event time of the picture", convert=milliseconds),
        Column("score", "Float64", "Risk score 0-1; no probability until calibrated on labels"),
        Column("band", CODE, "Band of the score by the policy"),
        Column("previous_band", CODE, "Band before"),
        Column("signals", "Map(LowCardinality(String), Float64)", "Signals that are not zero, by name"),
        *drivers("Signals with the greatest part in the score, strongest first"),
        Column("policy", CODE, "Name and digest of the policy that scored"),
        *source_of_output(),
    ),
    identity=("customer_id", "as_of", "sequence"),
    model=CustomerSignals,
    time="as_of",
    day="as_of",
    spread_by="customer_id",
    keep=KEEP,
    views=(
        View("v_customer_signal_history", "Every picture of every customer, each once"),
        View(
            "v_customer_signals",
            "The latest picture of each customer",
            latest_of=("customer_id",),
            latest_by=("as_of", "sequence", "version"),
        ),
    ),
    without=ENVELOPE,
)

DEAD_LETTERS: Final[Table] = Table(
    "fct_dead_letters",
    "Records that could not be used, one row each, without payload; read v_dead_letters",
    (
        Column("original_topic", CODE, "Kafka topic of the refused record", "topic"),
        Column("original_partition", "UInt32", "Kafka partition of the refused record", "partition"),
        Column("original_offset", "UInt64", "Kafka offset of the refused record", "offset"),
        Column(
            "original_ingested_at",
            TIME,
            "Kafka time of the refused record",
            "ingested_at",
            milliseconds,
        ),
        Column("reason_code", CODE, "Why it was refused, a stable code"),
        Column("message", "String", "Why it was refused, for people; quotes nothing of the payload"),
        Column("payload_size", "UInt64", "Bytes of the whole original"),
        Column("payload_sha256", "FixedString(64)", "SHA-256 of the whole original, hexadecimal"),
        *source_of_output("dead letter", topic=", which holds the payload"),
    ),
    identity=("original_topic", "original_partition", "original_offset"),
    model=DeadLetter,
    time="original_ingested_at",
    day="original_ingested_at",
    granule=FEW,
    keep=Keep(6),
    views=(View("v_dead_letters", "Records that could not be used, each once"),),
    without=ENVELOPE
    | dict.fromkeys(("key_base64", "payload_base64"), "the topic holds the payload")
    | {"tries": "`dead-letters list` tells it"},
)

ERASURES: Final[Table] = Table(
    "erasures",
    "Erasures, one row each; the latest times of a customer hold. Must be kept as long as any topic may hold older records",
    (
        Column(
            "customer_hash",
            "FixedString(32)",
            "Keyed hash of the customer, hexadecimal; the key is BEHOUDLIJN_ERASURE_KEY",
        ),
        Column("erased_until", TIME, "Rows of events up to this event time are erased"),
        Column(
            "ordered_at",
            TIME,
            "Kafka time of the erasure: what was decided, or published, up to the later of both is erased too",
        ),
        Column("key_id", "UInt32", "Which key made the hash"),
        Column(
            "inserted_at", TIME, "When this row was written here", filler="server", default="now64(3, 'UTC')"
        ),
    ),
    identity=("customer_hash", "erased_until", "ordered_at"),
)
"""Who was erased, so that rows of theirs are dropped whatever is read again; the sink's eraser fills it."""
