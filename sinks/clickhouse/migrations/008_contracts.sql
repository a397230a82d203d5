-- A cancellation says of which contract it is, and whether it ends the whole relation; a profile since when the customer is one, and when
-- the customer agreed to be called. Rows of before, and those of sink workers that do not know the columns, are of the whole relation.
-- Made by `python -m sinks.clickhouse.statements`, but for the first statement.

ALTER TABLE fct_cancellations COMMENT COLUMN IF EXISTS stage 'inquiry, requested, withdrawn, confirmed or reinstated';

ALTER TABLE fct_cancellations ADD COLUMN IF NOT EXISTS contract_id String COMMENT 'The contract that the step is about, as the producer names it; empty when not given' AFTER effective_at;

ALTER TABLE fct_cancellations ADD COLUMN IF NOT EXISTS whole_relation Bool DEFAULT true COMMENT 'The step is about all that the customer has; false: about one contract, and the customer stays one' AFTER contract_id;

ALTER TABLE dim_customers ADD COLUMN IF NOT EXISTS consented_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When the customer last agreed to be called; null when not known' AFTER do_not_call;

ALTER TABLE dim_customers ADD COLUMN IF NOT EXISTS customer_since Nullable(DateTime64(3, 'UTC')) COMMENT 'When the relation began that the customer now has; null when not known' AFTER consented_at;

CREATE OR REPLACE VIEW v_cancellations
(
    customer_id String COMMENT 'Customer, as the producer names it',
    event_id String COMMENT 'Identity of the event, given by the producer',
    occurred_at DateTime64(3, 'UTC') COMMENT 'Event time: when the step was taken',
    revised_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When the producer last changed what it says of this event; null when it never did',
    stage LowCardinality(String) COMMENT 'inquiry, requested, withdrawn, confirmed or reinstated',
    reason LowCardinality(String) COMMENT 'competitor_offer, price, quality, service, moved, deceased, other or unknown',
    effective_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When the contract ends; null while not known',
    contract_id String COMMENT 'The contract that the step is about, as the producer names it; empty when not given',
    whole_relation Bool COMMENT 'The step is about all that the customer has; false: about one contract, and the customer stays one',
    source_topic LowCardinality(String) COMMENT 'Kafka topic of the record',
    source_partition UInt32 COMMENT 'Kafka partition of the record',
    source_offset UInt64 COMMENT 'Kafka offset of the record',
    ingested_at DateTime64(3, 'UTC') COMMENT 'Kafka time of the record',
    version UInt128 COMMENT 'Of two rows with one identity the higher counts: revised_at in ms (0 for null), shifted by 64 bits, plus ingested_at in ms, shifted by 20 bits, plus the low bits of the offset',
    inserted_at DateTime64(3, 'UTC') COMMENT 'When this row was written here'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT customer_id, event_id, occurred_at, revised_at, stage, reason, effective_at, contract_id, whole_relation, source_topic, source_partition, source_offset, ingested_at, version, inserted_at
FROM fct_cancellations FINAL
SETTINGS use_skip_indexes_if_final = 1, use_skip_indexes_if_final_exact_mode = 0
COMMENT 'Steps of customers who leave, each once';

CREATE OR REPLACE VIEW v_customers
(
    customer_id String COMMENT 'Customer, as the producer names it',
    event_id String COMMENT 'Identity of the profile event',
    occurred_at DateTime64(3, 'UTC') COMMENT 'As of when the profile holds',
    revised_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When the producer last changed what it says of this event; null when it never did',
    phone_known Bool COMMENT 'A telephone number is known; the number itself is not kept here',
    country_code LowCardinality(String) COMMENT 'ISO 3166-1 alpha-2; empty when not known',
    time_zone LowCardinality(String) COMMENT 'IANA name; empty when not known',
    language LowCardinality(String) COMMENT 'BCP 47; empty when not known',
    do_not_call LowCardinality(String) COMMENT 'yes, no or unknown: the customer objects to being called',
    consented_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When the customer last agreed to be called; null when not known',
    customer_since Nullable(DateTime64(3, 'UTC')) COMMENT 'When the relation began that the customer now has; null when not known',
    tenure_months Nullable(UInt16) COMMENT 'Months as a customer; null when not known',
    monthly_value Nullable(Float64) COMMENT 'What the customer is worth a month, in the currency of the company; null when not known',
    source_topic LowCardinality(String) COMMENT 'Kafka topic of the record',
    source_partition UInt32 COMMENT 'Kafka partition of the record',
    source_offset UInt64 COMMENT 'Kafka offset of the record',
    ingested_at DateTime64(3, 'UTC') COMMENT 'Kafka time of the record',
    latest UInt256 COMMENT 'Of two profiles of one customer the higher counts: occurred_at in ms, shifted by 128 bits, plus revised_at in ms (0 for null), by 64, plus ingested_at in ms, by 20, plus the low bits of the offset',
    inserted_at DateTime64(3, 'UTC') COMMENT 'When this row was written here'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT customer_id, event_id, occurred_at, revised_at, phone_known, country_code, time_zone, language, do_not_call, consented_at, customer_since, tenure_months, monthly_value, source_topic, source_partition, source_offset, ingested_at, latest, inserted_at
FROM dim_customers FINAL
COMMENT 'Customers by their latest profile';

CREATE OR REPLACE VIEW v_episodes
(
    trigger_id String COMMENT 'Identity of the episode',
    customer_id String COMMENT 'Customer to be called',
    mode LowCardinality(String) COMMENT 'live: any change of it was published for dialers; shadow: all of it was recorded only',
    published LowCardinality(String) COMMENT 'yes: dialers were told to call; too_late: it was recorded only, since its time was over when it was known; shadow: it was decided in shadow mode',
    purpose LowCardinality(String) COMMENT 'requested_callback, save, incident or service_recovery',
    reason_code LowCardinality(String) COMMENT 'Strongest reason for the call',
    skill LowCardinality(String) COMMENT 'Which agents should call',
    cause_event_id String COMMENT 'event_id of the event that opened the episode; empty when time alone did, and for those opened by 0.2 or before',
    created_at DateTime64(3, 'UTC') COMMENT 'When the episode was opened, event time',
    first_status LowCardinality(String) COMMENT 'Status of its first change: open, or expired when it was known too late',
    status LowCardinality(String) COMMENT 'open, retracted, expired or completed',
    status_reason LowCardinality(String) COMMENT 'Why it has this status: the reason code when open, else what ended it',
    updated_at DateTime64(3, 'UTC') COMMENT 'When this change was decided, event time',
    due_at DateTime64(3, 'UTC') COMMENT 'The customer should have been called by then',
    expires_at DateTime64(3, 'UTC') COMMENT 'Do not dial after it',
    cause_reason LowCardinality(String) COMMENT 'Reason of the contact that opened it, or that its survey is about; empty when not known. Of a call and a survey of one event_id the call, unless it was later',
    first_attempt_at Nullable(DateTime64(3, 'UTC')) COMMENT 'First attempt to call; null when there is none',
    attempts UInt64 COMMENT 'Attempts to call',
    reached Bool COMMENT 'The customer was reached',
    reached_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When the customer was first reached; null when there is none',
    agent_minutes Float64 COMMENT 'Minutes of agent time, of attempts that say it',
    next_contact_at Nullable(DateTime64(3, 'UTC')) COMMENT 'The customer\'s next contact of their own (inbound) on cause_reason after created_at, whether they were reached by then or not: compare it with reached_at; null when there is none',
    next_contact_id String COMMENT 'event_id of that contact; empty when there is none',
    next_cancellation_at Nullable(DateTime64(3, 'UTC')) COMMENT 'The customer\'s next step of leaving after created_at; null when there is none',
    next_cancellation_stage LowCardinality(String) COMMENT 'inquiry, requested, withdrawn or confirmed; empty when there is none',
    next_cancellation_whole Bool COMMENT 'It is of the whole relation; false: of one contract, or there is none',
    next_survey_at Nullable(DateTime64(3, 'UTC')) COMMENT 'The customer\'s next survey after created_at; null when there is none',
    next_survey_csat Nullable(UInt8) COMMENT 'Its satisfaction 1-5; null when not asked, or when there is none',
    next_survey_nps Nullable(UInt8) COMMENT 'Its likelihood to recommend 0-10; null as above'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT trigger_id, customer_id, mode, published, purpose, reason_code, skill, cause_event_id, created_at, first_status, status, status_reason, updated_at, due_at, expires_at, cause_reason, nullIf(tried_at, toDateTime64(0, 3, 'UTC')) AS first_attempt_at, attempts, answered_at > toDateTime64(0, 3, 'UTC') AS reached,
    nullIf(answered_at, toDateTime64(0, 3, 'UTC')) AS reached_at, agent_minutes, nullIf(next_contact.1, toDateTime64(0, 3, 'UTC')) AS next_contact_at, next_contact.2 AS next_contact_id,
    nullIf(next_step.1, toDateTime64(0, 3, 'UTC')) AS next_cancellation_at, next_step.2 AS next_cancellation_stage, next_step.3 AS next_cancellation_whole,
    nullIf(next_survey.1, toDateTime64(0, 3, 'UTC')) AS next_survey_at, next_survey.2 AS next_survey_csat, next_survey.3 AS next_survey_nps
FROM
(
    SELECT trigger_id, customer_id, mode, published, purpose, reason_code, skill, cause_event_id, created_at, first_status, status, status_reason, updated_at, due_at, expires_at, tried_at, attempts, answered_at, agent_minutes,
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
            minIf(occurred_at, disposition = 'ANSWERED_HUMAN') AS answered_at, sum(ifNull(agent_minutes, 0)) AS agent_minutes
        FROM fct_outcomes FINAL
        GROUP BY customer_id, trigger_id
    ) AS dialled USING (customer_id, trigger_id)
    LEFT JOIN (SELECT customer_id, arraySort(groupArray(tuple(occurred_at, event_id, toString(reason), direction = 'inbound'))) AS calls FROM fct_calls FINAL WHERE customer_id IN (SELECT customer_id FROM fct_triggers) GROUP BY customer_id) AS of_calls USING (customer_id)
    LEFT JOIN (SELECT customer_id, arraySort(groupArray(tuple(occurred_at, toString(stage), whole_relation))) AS steps FROM fct_cancellations FINAL WHERE customer_id IN (SELECT customer_id FROM fct_triggers) GROUP BY customer_id) AS of_steps USING (customer_id)
    LEFT JOIN (SELECT customer_id, arraySort(groupArray(tuple(occurred_at, csat, nps, event_id, contact_id))) AS surveys FROM fct_surveys FINAL WHERE customer_id IN (SELECT customer_id FROM fct_triggers) GROUP BY customer_id) AS of_surveys USING (customer_id)
)
SETTINGS join_use_nulls = 0, aggregate_functions_null_for_empty = 0
COMMENT 'Triggers and what followed, one row each: attempts, and the customer\'s next contact on the same reason, cancellation step and survey';
