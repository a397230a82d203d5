-- Events carry `revised_at`: of two rows with one identity the later revision counts, then the later arrival. The version holds both
-- and is filled by the server; sink workers that know no revision fill it as before, with the arrival, which is the same number.
-- Of profiles the latest by event time counts, then by revision, which the numbers of before leave no room for: rows with a revision
-- are kept apart from those without, and the view shows the later. Changing the type writes the column of every part anew.

ALTER TABLE fct_calls
    ADD COLUMN IF NOT EXISTS revised_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When the producer last changed what it says of this event; null when it never did' AFTER occurred_at,
    MODIFY COLUMN version UInt128 DEFAULT (bitShiftLeft(toUInt128(ifNull(toUnixTimestamp64Milli(revised_at), 0)), 64) + bitShiftLeft(toUInt64(toUnixTimestamp64Milli(ingested_at)), 20)) + bitAnd(source_offset, 1048575) COMMENT 'Of two rows with one identity the higher counts: revised_at in ms (0 for null), shifted by 64 bits, plus ingested_at in ms, shifted by 20 bits, plus the low bits of the offset';

ALTER TABLE fct_surveys
    ADD COLUMN IF NOT EXISTS revised_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When the producer last changed what it says of this event; null when it never did' AFTER occurred_at,
    MODIFY COLUMN version UInt128 DEFAULT (bitShiftLeft(toUInt128(ifNull(toUnixTimestamp64Milli(revised_at), 0)), 64) + bitShiftLeft(toUInt64(toUnixTimestamp64Milli(ingested_at)), 20)) + bitAnd(source_offset, 1048575) COMMENT 'Of two rows with one identity the higher counts: revised_at in ms (0 for null), shifted by 64 bits, plus ingested_at in ms, shifted by 20 bits, plus the low bits of the offset';

ALTER TABLE fct_cancellations
    ADD COLUMN IF NOT EXISTS revised_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When the producer last changed what it says of this event; null when it never did' AFTER occurred_at,
    MODIFY COLUMN version UInt128 DEFAULT (bitShiftLeft(toUInt128(ifNull(toUnixTimestamp64Milli(revised_at), 0)), 64) + bitShiftLeft(toUInt64(toUnixTimestamp64Milli(ingested_at)), 20)) + bitAnd(source_offset, 1048575) COMMENT 'Of two rows with one identity the higher counts: revised_at in ms (0 for null), shifted by 64 bits, plus ingested_at in ms, shifted by 20 bits, plus the low bits of the offset';

ALTER TABLE fct_outcomes
    ADD COLUMN IF NOT EXISTS revised_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When the producer last changed what it says of this event; null when it never did' AFTER occurred_at,
    MODIFY COLUMN version UInt128 DEFAULT (bitShiftLeft(toUInt128(ifNull(toUnixTimestamp64Milli(revised_at), 0)), 64) + bitShiftLeft(toUInt64(toUnixTimestamp64Milli(ingested_at)), 20)) + bitAnd(source_offset, 1048575) COMMENT 'Of two rows with one identity the higher counts: revised_at in ms (0 for null), shifted by 64 bits, plus ingested_at in ms, shifted by 20 bits, plus the low bits of the offset';

ALTER TABLE fct_unattributable_events
    ADD COLUMN IF NOT EXISTS revised_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When the producer last changed what it says of this event; null when it never did' AFTER occurred_at,
    MODIFY COLUMN version UInt128 DEFAULT (bitShiftLeft(toUInt128(ifNull(toUnixTimestamp64Milli(revised_at), 0)), 64) + bitShiftLeft(toUInt64(toUnixTimestamp64Milli(ingested_at)), 20)) + bitAnd(source_offset, 1048575) COMMENT 'Of two rows with one identity the higher counts: revised_at in ms (0 for null), shifted by 64 bits, plus ingested_at in ms, shifted by 20 bits, plus the low bits of the offset';

ALTER TABLE dim_customers
    ADD COLUMN IF NOT EXISTS revised_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When the producer last changed what it says of this event; null when it never did' AFTER occurred_at,
    MODIFY COLUMN version UInt256 DEFAULT if(revised_at IS NULL, toUInt256(bitShiftLeft(toUInt64(toUnixTimestamp64Milli(occurred_at)), 20) + bitAnd(source_offset, 1048575)), ((bitShiftLeft(toUInt256(toUnixTimestamp64Milli(occurred_at)), 128) + bitShiftLeft(toUInt256(ifNull(toUnixTimestamp64Milli(revised_at), 0)), 64)) + bitShiftLeft(toUInt64(toUnixTimestamp64Milli(ingested_at)), 20)) + bitAnd(source_offset, 1048575)) COMMENT 'Of two profiles of one customer that both have revised_at, or both have not, the higher counts. Without: occurred_at in ms, shifted by 20 bits, plus the low bits of the offset. With: occurred_at, shifted by 128 bits, plus revised_at, by 64, plus ingested_at, by 20, plus the low bits of the offset',
    MODIFY ORDER BY (customer_id, revised_at IS NOT NULL),
    MODIFY COMMENT 'Customers by their latest profile, one row with a revision and one without; read v_customers';

CREATE OR REPLACE VIEW v_calls
(
    customer_id String COMMENT 'Customer, as the producer names it',
    event_id String COMMENT 'Identity of the event, given by the producer',
    occurred_at DateTime64(3, 'UTC') COMMENT 'Event time: when the contact ended',
    revised_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When the producer last changed what it says of this event; null when it never did',
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
    version UInt128 COMMENT 'Of two rows with one identity the higher counts: revised_at in ms (0 for null), shifted by 64 bits, plus ingested_at in ms, shifted by 20 bits, plus the low bits of the offset',
    inserted_at DateTime64(3, 'UTC') COMMENT 'When this row was written here; retention counts from it'
) AS
SELECT customer_id, event_id, occurred_at, revised_at, direction, channel, queue, reason, department, wait_seconds, talk_seconds, ivr_steps, transfers, abandoned, resolved, cancel_intent, tried_online_first, source_topic, source_partition, source_offset, ingested_at, version, inserted_at
FROM fct_calls FINAL
COMMENT 'Contacts, each once';

CREATE OR REPLACE VIEW v_surveys
(
    customer_id String COMMENT 'Customer, as the producer names it',
    event_id String COMMENT 'Identity of the event, given by the producer',
    occurred_at DateTime64(3, 'UTC') COMMENT 'Event time: when the survey was answered',
    revised_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When the producer last changed what it says of this event; null when it never did',
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
    version UInt128 COMMENT 'Of two rows with one identity the higher counts: revised_at in ms (0 for null), shifted by 64 bits, plus ingested_at in ms, shifted by 20 bits, plus the low bits of the offset',
    inserted_at DateTime64(3, 'UTC') COMMENT 'When this row was written here; retention counts from it'
) AS
SELECT customer_id, event_id, occurred_at, revised_at, contact_id, csat, nps, ces, answered, callback_requested, comment, source_topic, source_partition, source_offset, ingested_at, version, inserted_at
FROM fct_surveys FINAL
COMMENT 'Answered surveys, each once';

CREATE OR REPLACE VIEW v_cancellations
(
    customer_id String COMMENT 'Customer, as the producer names it',
    event_id String COMMENT 'Identity of the event, given by the producer',
    occurred_at DateTime64(3, 'UTC') COMMENT 'Event time: when the step was taken',
    revised_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When the producer last changed what it says of this event; null when it never did',
    stage LowCardinality(String) COMMENT 'inquiry, requested, withdrawn or confirmed',
    reason LowCardinality(String) COMMENT 'competitor_offer, price, quality, service, moved, deceased, other or unknown',
    effective_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When the contract ends; null while not known',
    source_topic LowCardinality(String) COMMENT 'Kafka topic of the record',
    source_partition UInt32 COMMENT 'Kafka partition of the record',
    source_offset UInt64 COMMENT 'Kafka offset of the record',
    ingested_at DateTime64(3, 'UTC') COMMENT 'Kafka time of the record',
    version UInt128 COMMENT 'Of two rows with one identity the higher counts: revised_at in ms (0 for null), shifted by 64 bits, plus ingested_at in ms, shifted by 20 bits, plus the low bits of the offset',
    inserted_at DateTime64(3, 'UTC') COMMENT 'When this row was written here; retention counts from it'
) AS
SELECT customer_id, event_id, occurred_at, revised_at, stage, reason, effective_at, source_topic, source_partition, source_offset, ingested_at, version, inserted_at
FROM fct_cancellations FINAL
COMMENT 'Steps of customers who leave, each once';

CREATE OR REPLACE VIEW v_outcomes
(
    customer_id String COMMENT 'Customer, as the dialer names it',
    event_id String COMMENT 'Identity of the event, given by the dialer',
    occurred_at DateTime64(3, 'UTC') COMMENT 'Event time: when the attempt ended',
    revised_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When the producer last changed what it says of this event; null when it never did',
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
    version UInt128 COMMENT 'Of two rows with one identity the higher counts: revised_at in ms (0 for null), shifted by 64 bits, plus ingested_at in ms, shifted by 20 bits, plus the low bits of the offset',
    inserted_at DateTime64(3, 'UTC') COMMENT 'When this row was written here; retention counts from it'
) AS
SELECT customer_id, event_id, occurred_at, revised_at, trigger_id, attempt, disposition, raw_disposition, result, agent_minutes, source_topic, source_partition, source_offset, ingested_at, version, inserted_at
FROM fct_outcomes FINAL
COMMENT 'Attempts to call back, each once';

CREATE OR REPLACE VIEW v_unattributable_events
(
    event_type LowCardinality(String) COMMENT 'Kind of event: the field type of its message',
    event_id String COMMENT 'Identity of the event, given by the producer',
    occurred_at DateTime64(3, 'UTC') COMMENT 'Event time',
    revised_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When the producer last changed what it says of this event; null when it never did',
    channel LowCardinality(String) COMMENT 'Channel of a call; empty for other events',
    reason LowCardinality(String) COMMENT 'Reason of a call or a cancellation; empty for other events',
    source_topic LowCardinality(String) COMMENT 'Kafka topic of the record',
    source_partition UInt32 COMMENT 'Kafka partition of the record',
    source_offset UInt64 COMMENT 'Kafka offset of the record',
    ingested_at DateTime64(3, 'UTC') COMMENT 'Kafka time of the record',
    version UInt128 COMMENT 'Of two rows with one identity the higher counts: revised_at in ms (0 for null), shifted by 64 bits, plus ingested_at in ms, shifted by 20 bits, plus the low bits of the offset',
    inserted_at DateTime64(3, 'UTC') COMMENT 'When this row was written here; retention counts from it'
) AS
SELECT event_type, event_id, occurred_at, revised_at, channel, reason, source_topic, source_partition, source_offset, ingested_at, version, inserted_at
FROM fct_unattributable_events FINAL
COMMENT 'Events that name no customer, each once';

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
    tenure_months Nullable(UInt16) COMMENT 'Months as a customer; null when not known',
    monthly_value Nullable(Float64) COMMENT 'What the customer is worth a month, in the currency of the company; null when not known',
    source_topic LowCardinality(String) COMMENT 'Kafka topic of the record',
    source_partition UInt32 COMMENT 'Kafka partition of the record',
    source_offset UInt64 COMMENT 'Kafka offset of the record',
    ingested_at DateTime64(3, 'UTC') COMMENT 'Kafka time of the record',
    version UInt256 COMMENT 'Of two profiles of one customer that both have revised_at, or both have not, the higher counts. Without: occurred_at in ms, shifted by 20 bits, plus the low bits of the offset. With: occurred_at, shifted by 128 bits, plus revised_at, by 64, plus ingested_at, by 20, plus the low bits of the offset',
    inserted_at DateTime64(3, 'UTC') COMMENT 'When this row was written here; retention counts from it'
) AS
SELECT customer_id, event_id, occurred_at, revised_at, phone_known, country_code, time_zone, language, do_not_call, tenure_months, monthly_value, source_topic, source_partition, source_offset, ingested_at, version, inserted_at
FROM dim_customers FINAL
ORDER BY customer_id, occurred_at DESC, revised_at DESC
LIMIT 1 BY customer_id
COMMENT 'Customers by their latest profile';
