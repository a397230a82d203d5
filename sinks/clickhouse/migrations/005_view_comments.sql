-- The columns of the views get the comments of their tables, and are named one by one: a column that a table gets later is in no
-- view until the view is made anew. Made by `python -m sinks.clickhouse.statements`, but for the first statement.

ALTER TABLE fct_unattributable_events COMMENT COLUMN IF EXISTS event_type 'Kind of event: the field type of its message';

CREATE OR REPLACE VIEW v_calls
(
    customer_id String COMMENT 'Customer, as the producer names it',
    event_id String COMMENT 'Identity of the event, given by the producer',
    occurred_at DateTime64(3, 'UTC') COMMENT 'Event time: when the contact ended',
    direction LowCardinality(String) COMMENT 'inbound or outbound',
    channel LowCardinality(String) COMMENT 'phone, chat, email, web, app, store, social or other',
    queue LowCardinality(String) COMMENT 'Queue, in the codes of the contact centre; empty when not given',
    reason LowCardinality(String) COMMENT 'Reason of the contact, in the codes of the contact centre',
    department LowCardinality(String) COMMENT 'Department; empty when not given',
    wait_seconds UInt32 COMMENT 'Seconds in the queue, until the answer or until the customer gave up',
    talk_seconds UInt32 COMMENT 'Seconds of conversation',
    ivr_steps UInt16 COMMENT 'Menu choices before the queue',
    transfers UInt16 COMMENT 'How often the customer was passed on',
    abandoned Bool COMMENT 'The customer left the queue before an answer',
    resolved LowCardinality(String) COMMENT 'yes, no or unknown: was the matter settled in this contact',
    cancel_intent Bool COMMENT 'The customer spoke of leaving',
    tried_online_first Bool COMMENT 'The customer tried the web site or the app before',
    source_topic LowCardinality(String) COMMENT 'Kafka topic of the record',
    source_partition UInt32 COMMENT 'Kafka partition of the record',
    source_offset UInt64 COMMENT 'Kafka offset of the record',
    ingested_at DateTime64(3, 'UTC') COMMENT 'Kafka time of the record',
    version UInt64 COMMENT 'Of two rows with one identity the higher counts: ingested_at in ms, shifted by 20 bits, plus the low bits of the offset',
    inserted_at DateTime64(3, 'UTC') COMMENT 'When this row was written here; retention counts from it'
) AS
SELECT customer_id, event_id, occurred_at, direction, channel, queue, reason, department, wait_seconds, talk_seconds, ivr_steps, transfers, abandoned, resolved, cancel_intent, tried_online_first, source_topic, source_partition, source_offset, ingested_at, version, inserted_at
FROM fct_calls FINAL
COMMENT 'Contacts, each once';

CREATE OR REPLACE VIEW v_surveys
(
    customer_id String COMMENT 'Customer, as the producer names it',
    event_id String COMMENT 'Identity of the event, given by the producer',
    occurred_at DateTime64(3, 'UTC') COMMENT 'Event time: when the survey was answered',
    contact_id String COMMENT 'event_id of the contact that it is about; empty when not given',
    csat Nullable(UInt8) COMMENT 'Satisfaction 1-5, satisfied from 4; null when not asked',
    nps Nullable(UInt8) COMMENT 'Likelihood to recommend 0-10, detractor up to 6; null when not asked',
    ces Nullable(UInt8) COMMENT 'Ease 1-7, easy from 5; null when not asked',
    answered LowCardinality(String) COMMENT 'yes, no or unknown: was the question of the customer answered',
    callback_requested Bool COMMENT 'The customer wants to be called back',
    comment String COMMENT 'Free text, personal data; empty when not given, and emptied after 3 months',
    source_topic LowCardinality(String) COMMENT 'Kafka topic of the record',
    source_partition UInt32 COMMENT 'Kafka partition of the record',
    source_offset UInt64 COMMENT 'Kafka offset of the record',
    ingested_at DateTime64(3, 'UTC') COMMENT 'Kafka time of the record',
    version UInt64 COMMENT 'Of two rows with one identity the higher counts: ingested_at in ms, shifted by 20 bits, plus the low bits of the offset',
    inserted_at DateTime64(3, 'UTC') COMMENT 'When this row was written here; retention counts from it'
) AS
SELECT customer_id, event_id, occurred_at, contact_id, csat, nps, ces, answered, callback_requested, comment, source_topic, source_partition, source_offset, ingested_at, version, inserted_at
FROM fct_surveys FINAL
COMMENT 'Answered surveys, each once';

CREATE OR REPLACE VIEW v_cancellations
(
    customer_id String COMMENT 'Customer, as the producer names it',
    event_id String COMMENT 'Identity of the event, given by the producer',
    occurred_at DateTime64(3, 'UTC') COMMENT 'Event time: when the step was taken',
    stage LowCardinality(String) COMMENT 'inquiry, requested, withdrawn or confirmed',
    reason LowCardinality(String) COMMENT 'competitor_offer, price, quality, service, moved, deceased, other or unknown',
    effective_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When the contract ends; null while not known',
    source_topic LowCardinality(String) COMMENT 'Kafka topic of the record',
    source_partition UInt32 COMMENT 'Kafka partition of the record',
    source_offset UInt64 COMMENT 'Kafka offset of the record',
    ingested_at DateTime64(3, 'UTC') COMMENT 'Kafka time of the record',
    version UInt64 COMMENT 'Of two rows with one identity the higher counts: ingested_at in ms, shifted by 20 bits, plus the low bits of the offset',
    inserted_at DateTime64(3, 'UTC') COMMENT 'When this row was written here; retention counts from it'
) AS
SELECT customer_id, event_id, occurred_at, stage, reason, effective_at, source_topic, source_partition, source_offset, ingested_at, version, inserted_at
FROM fct_cancellations FINAL
COMMENT 'Steps of customers who leave, each once';

CREATE OR REPLACE VIEW v_outcomes
(
    customer_id String COMMENT 'Customer, as the dialer names it',
    event_id String COMMENT 'Identity of the event, given by the dialer',
    occurred_at DateTime64(3, 'UTC') COMMENT 'Event time: when the attempt ended',
    trigger_id String COMMENT 'The trigger that was dialled',
    attempt UInt16 COMMENT 'Number of the attempt, from 1',
    disposition LowCardinality(String) COMMENT 'How the attempt ended; ANSWERED_HUMAN means that the callback was given',
    raw_disposition LowCardinality(String) COMMENT 'The own code of the dialer; empty when not given',
    result LowCardinality(String) COMMENT 'What the customer said: satisfied, unresolved, will_leave, competitor, other or unknown',
    agent_minutes Nullable(Float64) COMMENT 'Minutes of agent time; null when not given',
    source_topic LowCardinality(String) COMMENT 'Kafka topic of the record',
    source_partition UInt32 COMMENT 'Kafka partition of the record',
    source_offset UInt64 COMMENT 'Kafka offset of the record',
    ingested_at DateTime64(3, 'UTC') COMMENT 'Kafka time of the record',
    version UInt64 COMMENT 'Of two rows with one identity the higher counts: ingested_at in ms, shifted by 20 bits, plus the low bits of the offset',
    inserted_at DateTime64(3, 'UTC') COMMENT 'When this row was written here; retention counts from it'
) AS
SELECT customer_id, event_id, occurred_at, trigger_id, attempt, disposition, raw_disposition, result, agent_minutes, source_topic, source_partition, source_offset, ingested_at, version, inserted_at
FROM fct_outcomes FINAL
COMMENT 'Attempts to call back, each once';

CREATE OR REPLACE VIEW v_unattributable_events
(
    event_type LowCardinality(String) COMMENT 'Kind of event: the field type of its message',
    event_id String COMMENT 'Identity of the event, given by the producer',
    occurred_at DateTime64(3, 'UTC') COMMENT 'Event time',
    channel LowCardinality(String) COMMENT 'Channel of a call; empty for other events',
    reason LowCardinality(String) COMMENT 'Reason of a call or a cancellation; empty for other events',
    source_topic LowCardinality(String) COMMENT 'Kafka topic of the record',
    source_partition UInt32 COMMENT 'Kafka partition of the record',
    source_offset UInt64 COMMENT 'Kafka offset of the record',
    ingested_at DateTime64(3, 'UTC') COMMENT 'Kafka time of the record',
    version UInt64 COMMENT 'Of two rows with one identity the higher counts: ingested_at in ms, shifted by 20 bits, plus the low bits of the offset',
    inserted_at DateTime64(3, 'UTC') COMMENT 'When this row was written here; retention counts from it'
) AS
SELECT event_type, event_id, occurred_at, channel, reason, source_topic, source_partition, source_offset, ingested_at, version, inserted_at
FROM fct_unattributable_events FINAL
COMMENT 'Events that name no customer, each once';

CREATE OR REPLACE VIEW v_customers
(
    customer_id String COMMENT 'Customer, as the producer names it',
    event_id String COMMENT 'Identity of the profile event',
    occurred_at DateTime64(3, 'UTC') COMMENT 'As of when the profile holds',
    phone_known Bool COMMENT 'A telephone number is known; the number itself is not kept here',
    country_code LowCardinality(String) COMMENT 'ISO 3166-1 alpha-2; empty when not known',
    time_zone LowCardinality(String) COMMENT 'IANA name; empty when not known',
    language LowCardinality(String) COMMENT 'BCP 47; empty when not known',
    do_not_call LowCardinality(String) COMMENT 'yes, no or unknown: the customer objects to being called',
    tenure_months Nullable(UInt16) COMMENT 'Months as a customer; null when not known',
    monthly_value Nullable(Float64) COMMENT 'What the customer is worth a month, in the currency of the company; null when not known',
    source_topic LowCardinality(String) COMMENT 'Kafka topic of the record',
    source_partition UInt32 COMMENT 'Kafka partition of the record',
    source_offset UInt64 COMMENT 'Kafka offset of the record',
    ingested_at DateTime64(3, 'UTC') COMMENT 'Kafka time of the record',
    version UInt64 COMMENT 'Of two profiles of one customer the higher counts: occurred_at in ms, shifted by 20 bits, plus the low bits of the offset',
    inserted_at DateTime64(3, 'UTC') COMMENT 'When this row was written here; retention counts from it'
) AS
SELECT customer_id, event_id, occurred_at, phone_known, country_code, time_zone, language, do_not_call, tenure_months, monthly_value, source_topic, source_partition, source_offset, ingested_at, version, inserted_at
FROM dim_customers FINAL
COMMENT 'Customers by their latest profile';

CREATE OR REPLACE VIEW v_trigger_history
(
    mode LowCardinality(String) COMMENT 'live: published for dialers; shadow: decided and recorded only',
    trigger_id String COMMENT 'Identity of the episode',
    sequence UInt32 COMMENT 'Number of the change, from 1; the highest holds',
    customer_id String COMMENT 'Customer to be called',
    status LowCardinality(String) COMMENT 'open, retracted, expired or completed',
    status_reason LowCardinality(String) COMMENT 'Why it has this status: the reason code when open, else what ended it',
    purpose LowCardinality(String) COMMENT 'requested_callback, save, incident or service_recovery',
    reason_code LowCardinality(String) COMMENT 'Strongest reason for the call',
    skill LowCardinality(String) COMMENT 'Which agents should call',
    priority UInt8 COMMENT '0-100, higher is more urgent',
    score Float64 COMMENT 'Risk score 0-1 at the decision; no probability until calibrated on labels',
    created_at DateTime64(3, 'UTC') COMMENT 'When the episode was opened, event time',
    updated_at DateTime64(3, 'UTC') COMMENT 'When this change was decided, event time',
    not_before DateTime64(3, 'UTC') COMMENT 'First instant outside the quiet hours of the customer',
    due_at DateTime64(3, 'UTC') COMMENT 'The customer should have been called by then',
    expires_at DateTime64(3, 'UTC') COMMENT 'Do not dial after it',
    offer_allowed Bool COMMENT 'The agent may make an offer',
    max_attempts UInt16 COMMENT 'How often to try at most',
    retry_delay_seconds UInt32 COMMENT 'Seconds between two attempts',
    phone_known Bool COMMENT 'A telephone number was known; the number itself is not kept here',
    country_code LowCardinality(String) COMMENT 'ISO 3166-1 alpha-2; empty when not known',
    time_zone LowCardinality(String) COMMENT 'IANA name; empty when not known',
    language LowCardinality(String) COMMENT 'BCP 47; empty when not known',
    driver_signals Array(LowCardinality(String)) COMMENT 'Signals that speak for the call, strongest first',
    driver_values Array(Float64) COMMENT 'Their values, in the same order',
    driver_contributions Array(Float64) COMMENT 'Their parts of logit(score), in the same order',
    driver_evidence Array(String) COMMENT 'What an agent can tell about each, in the same order',
    consent_basis LowCardinality(String) COMMENT 'customer_request or service_without_offer',
    consent_do_not_call LowCardinality(String) COMMENT 'yes, no or unknown at the decision',
    consent_as_of Nullable(DateTime64(3, 'UTC')) COMMENT 'When the profile that says so was made; null without a profile',
    policy LowCardinality(String) COMMENT 'Name and digest of the policy that decided',
    source_topic LowCardinality(String) COMMENT 'Kafka topic of the record',
    source_partition UInt32 COMMENT 'Kafka partition of the record',
    source_offset UInt64 COMMENT 'Kafka offset of the record',
    ingested_at DateTime64(3, 'UTC') COMMENT 'Kafka time of the record',
    version UInt64 COMMENT 'Of two rows with one identity the higher counts: ingested_at in ms, shifted by 20 bits, plus the low bits of the offset',
    inserted_at DateTime64(3, 'UTC') COMMENT 'When this row was written here; retention counts from it'
) AS
SELECT mode, trigger_id, sequence, customer_id, status, status_reason, purpose, reason_code, skill, priority, score, created_at, updated_at, not_before, due_at, expires_at, offer_allowed, max_attempts, retry_delay_seconds, phone_known, country_code, time_zone, language, driver_signals, driver_values, driver_contributions, driver_evidence, consent_basis, consent_do_not_call, consent_as_of, policy, source_topic, source_partition, source_offset, ingested_at, version, inserted_at
FROM fct_triggers FINAL
COMMENT 'Every change of every trigger, each once';

CREATE OR REPLACE VIEW v_triggers
(
    mode LowCardinality(String) COMMENT 'live: published for dialers; shadow: decided and recorded only',
    trigger_id String COMMENT 'Identity of the episode',
    sequence UInt32 COMMENT 'Number of the change, from 1; the highest holds',
    customer_id String COMMENT 'Customer to be called',
    status LowCardinality(String) COMMENT 'open, retracted, expired or completed',
    status_reason LowCardinality(String) COMMENT 'Why it has this status: the reason code when open, else what ended it',
    purpose LowCardinality(String) COMMENT 'requested_callback, save, incident or service_recovery',
    reason_code LowCardinality(String) COMMENT 'Strongest reason for the call',
    skill LowCardinality(String) COMMENT 'Which agents should call',
    priority UInt8 COMMENT '0-100, higher is more urgent',
    score Float64 COMMENT 'Risk score 0-1 at the decision; no probability until calibrated on labels',
    created_at DateTime64(3, 'UTC') COMMENT 'When the episode was opened, event time',
    updated_at DateTime64(3, 'UTC') COMMENT 'When this change was decided, event time',
    not_before DateTime64(3, 'UTC') COMMENT 'First instant outside the quiet hours of the customer',
    due_at DateTime64(3, 'UTC') COMMENT 'The customer should have been called by then',
    expires_at DateTime64(3, 'UTC') COMMENT 'Do not dial after it',
    offer_allowed Bool COMMENT 'The agent may make an offer',
    max_attempts UInt16 COMMENT 'How often to try at most',
    retry_delay_seconds UInt32 COMMENT 'Seconds between two attempts',
    phone_known Bool COMMENT 'A telephone number was known; the number itself is not kept here',
    country_code LowCardinality(String) COMMENT 'ISO 3166-1 alpha-2; empty when not known',
    time_zone LowCardinality(String) COMMENT 'IANA name; empty when not known',
    language LowCardinality(String) COMMENT 'BCP 47; empty when not known',
    driver_signals Array(LowCardinality(String)) COMMENT 'Signals that speak for the call, strongest first',
    driver_values Array(Float64) COMMENT 'Their values, in the same order',
    driver_contributions Array(Float64) COMMENT 'Their parts of logit(score), in the same order',
    driver_evidence Array(String) COMMENT 'What an agent can tell about each, in the same order',
    consent_basis LowCardinality(String) COMMENT 'customer_request or service_without_offer',
    consent_do_not_call LowCardinality(String) COMMENT 'yes, no or unknown at the decision',
    consent_as_of Nullable(DateTime64(3, 'UTC')) COMMENT 'When the profile that says so was made; null without a profile',
    policy LowCardinality(String) COMMENT 'Name and digest of the policy that decided',
    source_topic LowCardinality(String) COMMENT 'Kafka topic of the record',
    source_partition UInt32 COMMENT 'Kafka partition of the record',
    source_offset UInt64 COMMENT 'Kafka offset of the record',
    ingested_at DateTime64(3, 'UTC') COMMENT 'Kafka time of the record',
    version UInt64 COMMENT 'Of two rows with one identity the higher counts: ingested_at in ms, shifted by 20 bits, plus the low bits of the offset',
    inserted_at DateTime64(3, 'UTC') COMMENT 'When this row was written here; retention counts from it'
) AS
SELECT mode, trigger_id, sequence, customer_id, status, status_reason, purpose, reason_code, skill, priority, score, created_at, updated_at, not_before, due_at, expires_at, offer_allowed, max_attempts, retry_delay_seconds, phone_known, country_code, time_zone, language, driver_signals, driver_values, driver_contributions, driver_evidence, consent_basis, consent_do_not_call, consent_as_of, policy, source_topic, source_partition, source_offset, ingested_at, version, inserted_at
FROM fct_triggers FINAL
ORDER BY mode, trigger_id, sequence DESC
LIMIT 1 BY mode, trigger_id
COMMENT 'Triggers as they stand: the highest sequence of each';

CREATE OR REPLACE VIEW v_customer_signal_history
(
    customer_id String COMMENT 'Customer',
    sequence UInt32 COMMENT 'Number of the picture of this customer, from 1',
    as_of DateTime64(3, 'UTC') COMMENT 'Event time of the picture',
    score Float64 COMMENT 'Risk score 0-1; no probability until calibrated on labels',
    band LowCardinality(String) COMMENT 'Band of the score by the policy',
    previous_band LowCardinality(String) COMMENT 'Band before',
    signals Map(LowCardinality(String), Float64) COMMENT 'Signals that are not zero, by name',
    driver_signals Array(LowCardinality(String)) COMMENT 'Signals with the greatest part in the score, strongest first',
    driver_values Array(Float64) COMMENT 'Their values, in the same order',
    driver_contributions Array(Float64) COMMENT 'Their parts of logit(score), in the same order',
    driver_evidence Array(String) COMMENT 'What an agent can tell about each, in the same order',
    policy LowCardinality(String) COMMENT 'Name and digest of the policy that scored',
    source_topic LowCardinality(String) COMMENT 'Kafka topic of the record',
    source_partition UInt32 COMMENT 'Kafka partition of the record',
    source_offset UInt64 COMMENT 'Kafka offset of the record',
    ingested_at DateTime64(3, 'UTC') COMMENT 'Kafka time of the record',
    version UInt64 COMMENT 'Of two rows with one identity the higher counts: ingested_at in ms, shifted by 20 bits, plus the low bits of the offset',
    inserted_at DateTime64(3, 'UTC') COMMENT 'When this row was written here; retention counts from it'
) AS
SELECT customer_id, sequence, as_of, score, band, previous_band, signals, driver_signals, driver_values, driver_contributions, driver_evidence, policy, source_topic, source_partition, source_offset, ingested_at, version, inserted_at
FROM fct_customer_signals FINAL
COMMENT 'Every picture of every customer, each once';

CREATE OR REPLACE VIEW v_customer_signals
(
    customer_id String COMMENT 'Customer',
    sequence UInt32 COMMENT 'Number of the picture of this customer, from 1',
    as_of DateTime64(3, 'UTC') COMMENT 'Event time of the picture',
    score Float64 COMMENT 'Risk score 0-1; no probability until calibrated on labels',
    band LowCardinality(String) COMMENT 'Band of the score by the policy',
    previous_band LowCardinality(String) COMMENT 'Band before',
    signals Map(LowCardinality(String), Float64) COMMENT 'Signals that are not zero, by name',
    driver_signals Array(LowCardinality(String)) COMMENT 'Signals with the greatest part in the score, strongest first',
    driver_values Array(Float64) COMMENT 'Their values, in the same order',
    driver_contributions Array(Float64) COMMENT 'Their parts of logit(score), in the same order',
    driver_evidence Array(String) COMMENT 'What an agent can tell about each, in the same order',
    policy LowCardinality(String) COMMENT 'Name and digest of the policy that scored',
    source_topic LowCardinality(String) COMMENT 'Kafka topic of the record',
    source_partition UInt32 COMMENT 'Kafka partition of the record',
    source_offset UInt64 COMMENT 'Kafka offset of the record',
    ingested_at DateTime64(3, 'UTC') COMMENT 'Kafka time of the record',
    version UInt64 COMMENT 'Of two rows with one identity the higher counts: ingested_at in ms, shifted by 20 bits, plus the low bits of the offset',
    inserted_at DateTime64(3, 'UTC') COMMENT 'When this row was written here; retention counts from it'
) AS
SELECT customer_id, sequence, as_of, score, band, previous_band, signals, driver_signals, driver_values, driver_contributions, driver_evidence, policy, source_topic, source_partition, source_offset, ingested_at, version, inserted_at
FROM fct_customer_signals FINAL
ORDER BY customer_id, as_of DESC, sequence DESC
LIMIT 1 BY customer_id
COMMENT 'The latest picture of each customer';

CREATE OR REPLACE VIEW v_dead_letters
(
    original_topic LowCardinality(String) COMMENT 'Kafka topic of the refused record',
    original_partition UInt32 COMMENT 'Kafka partition of the refused record',
    original_offset UInt64 COMMENT 'Kafka offset of the refused record',
    original_ingested_at DateTime64(3, 'UTC') COMMENT 'Kafka time of the refused record',
    reason_code LowCardinality(String) COMMENT 'Why it was refused, a stable code',
    message String COMMENT 'Why it was refused, for people; quotes nothing of the payload',
    payload_size UInt64 COMMENT 'Bytes of the whole original',
    payload_sha256 FixedString(64) COMMENT 'SHA-256 of the whole original, hexadecimal',
    source_topic LowCardinality(String) COMMENT 'Kafka topic of the dead letter, which holds the payload',
    source_partition UInt32 COMMENT 'Kafka partition of the dead letter',
    source_offset UInt64 COMMENT 'Kafka offset of the dead letter',
    ingested_at DateTime64(3, 'UTC') COMMENT 'Kafka time of the dead letter',
    version UInt64 COMMENT 'Of two rows with one identity the higher counts: ingested_at in ms, shifted by 20 bits, plus the low bits of the offset',
    inserted_at DateTime64(3, 'UTC') COMMENT 'When this row was written here; retention counts from it'
) AS
SELECT original_topic, original_partition, original_offset, original_ingested_at, reason_code, message, payload_size, payload_sha256, source_topic, source_partition, source_offset, ingested_at, version, inserted_at
FROM fct_dead_letters FINAL
COMMENT 'Records that could not be used, each once';
