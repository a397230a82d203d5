-- What came in, one table per kind of event. The identity of an event is (customer_id, event_id); of two rows with one
-- identity the one with the higher version counts, and the views hide the other. Partitions and reports use event time;
-- retention counts from the arrival in this table, so that an old history can be replayed into it.

CREATE TABLE IF NOT EXISTS fct_calls
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
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When this row was written here; retention counts from it'
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(occurred_at)
ORDER BY (customer_id, event_id)
TTL toDateTime(inserted_at) + INTERVAL 25 MONTH
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Contacts, one row per event; read v_calls';

CREATE TABLE IF NOT EXISTS fct_surveys
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
    comment String COMMENT 'Free text, personal data; empty when not given, and emptied after 3 months' TTL toDateTime(inserted_at) + INTERVAL 3 MONTH,
    source_topic LowCardinality(String) COMMENT 'Kafka topic of the record',
    source_partition UInt32 COMMENT 'Kafka partition of the record',
    source_offset UInt64 COMMENT 'Kafka offset of the record',
    ingested_at DateTime64(3, 'UTC') COMMENT 'Kafka time of the record',
    version UInt64 COMMENT 'Of two rows with one identity the higher counts: ingested_at in ms, shifted by 20 bits, plus the low bits of the offset',
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When this row was written here; retention counts from it'
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(occurred_at)
ORDER BY (customer_id, event_id)
TTL toDateTime(inserted_at) + INTERVAL 25 MONTH
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Answered surveys, one row per event; read v_surveys';

CREATE TABLE IF NOT EXISTS fct_cancellations
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
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When this row was written here; retention counts from it'
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(occurred_at)
ORDER BY (customer_id, event_id)
TTL toDateTime(inserted_at) + INTERVAL 25 MONTH
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Steps of customers who leave, one row per event; read v_cancellations';

CREATE TABLE IF NOT EXISTS fct_outcomes
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
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When this row was written here; retention counts from it'
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(occurred_at)
ORDER BY (customer_id, event_id)
TTL toDateTime(inserted_at) + INTERVAL 25 MONTH
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Attempts to call back, one row per event; read v_outcomes';

CREATE TABLE IF NOT EXISTS fct_unattributable_events
(
    event_type LowCardinality(String) COMMENT 'call, survey, cancellation, outcome or profile',
    event_id String COMMENT 'Identity of the event, given by the producer',
    occurred_at DateTime64(3, 'UTC') COMMENT 'Event time',
    channel LowCardinality(String) COMMENT 'Channel of a call; empty for other events',
    reason LowCardinality(String) COMMENT 'Reason of a call or a cancellation; empty for other events',
    source_topic LowCardinality(String) COMMENT 'Kafka topic of the record',
    source_partition UInt32 COMMENT 'Kafka partition of the record',
    source_offset UInt64 COMMENT 'Kafka offset of the record',
    ingested_at DateTime64(3, 'UTC') COMMENT 'Kafka time of the record',
    version UInt64 COMMENT 'Of two rows with one identity the higher counts: ingested_at in ms, shifted by 20 bits, plus the low bits of the offset',
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When this row was written here; retention counts from it'
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(occurred_at)
ORDER BY (event_type, event_id)
TTL toDateTime(inserted_at) + INTERVAL 25 MONTH
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Events that name no customer, one row per event; read v_unattributable_events';

CREATE TABLE IF NOT EXISTS dim_customers
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
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When this row was written here; retention counts from it'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY customer_id
TTL toDateTime(inserted_at) + INTERVAL 25 MONTH
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Customers by their latest profile; read v_customers';
