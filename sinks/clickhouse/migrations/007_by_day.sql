-- Each thing counts once on every engine, and a report on five weeks reads five weeks (decision 25). The partition of a row follows
-- from its identity, by the hash of its customer; rows lie by day. Where a correction has moved an event from one day to another,
-- `event_days` shows it, and a row with `moved` takes the place of the older version. Daily figures are stored, and computed anew for
-- days that have changed. Views read by the right of who makes them, so that users of reports need no right on tables.
-- Retention counts from the time of the event, so that what is read again is kept no longer.

REBUILD CREATE TABLE IF NOT EXISTS fct_calls
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
    version UInt128 DEFAULT (bitShiftLeft(toUInt128(ifNull(toUnixTimestamp64Milli(revised_at), 0)), 64) + bitShiftLeft(toUInt64(toUnixTimestamp64Milli(ingested_at)), 20)) + bitAnd(source_offset, 1048575) COMMENT 'Of two rows with one identity the higher counts: revised_at in ms (0 for null), shifted by 64 bits, plus ingested_at in ms, shifted by 20 bits, plus the low bits of the offset',
    moved UInt8 DEFAULT 0 COMMENT '1 on a day where the event is no more, since a version that counts more lies on another day; such rows are never shown, and are kept a month longer',
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When this row was written here',
    INDEX by_customer customer_id TYPE bloom_filter(0.001) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version, moved)
PARTITION BY cityHash64(customer_id) % 8
PRIMARY KEY (toDate(occurred_at), customer_id)
ORDER BY (toDate(occurred_at), customer_id, event_id)
TTL toDateTime(greatest(occurred_at + toIntervalMonth(25 + moved), ingested_at + toIntervalMonth(3 + moved)))
SETTINGS index_granularity = 128, non_replicated_deduplication_window = 10000
COMMENT 'Contacts, one row per event; read v_calls';

REBUILD CREATE TABLE IF NOT EXISTS fct_surveys
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
    comment String COMMENT 'Free text, personal data; empty when not given, and emptied 3 months after the survey' TTL toDateTime(occurred_at) + INTERVAL 3 MONTH,
    source_topic LowCardinality(String) COMMENT 'Kafka topic of the record',
    source_partition UInt32 COMMENT 'Kafka partition of the record',
    source_offset UInt64 COMMENT 'Kafka offset of the record',
    ingested_at DateTime64(3, 'UTC') COMMENT 'Kafka time of the record',
    version UInt128 DEFAULT (bitShiftLeft(toUInt128(ifNull(toUnixTimestamp64Milli(revised_at), 0)), 64) + bitShiftLeft(toUInt64(toUnixTimestamp64Milli(ingested_at)), 20)) + bitAnd(source_offset, 1048575) COMMENT 'Of two rows with one identity the higher counts: revised_at in ms (0 for null), shifted by 64 bits, plus ingested_at in ms, shifted by 20 bits, plus the low bits of the offset',
    moved UInt8 DEFAULT 0 COMMENT '1 on a day where the event is no more, since a version that counts more lies on another day; such rows are never shown, and are kept a month longer',
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When this row was written here',
    INDEX by_customer customer_id TYPE bloom_filter(0.001) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version, moved)
PARTITION BY cityHash64(customer_id) % 8
PRIMARY KEY (toDate(occurred_at), customer_id)
ORDER BY (toDate(occurred_at), customer_id, event_id)
TTL toDateTime(greatest(occurred_at + toIntervalMonth(25 + moved), ingested_at + toIntervalMonth(3 + moved)))
SETTINGS index_granularity = 16, non_replicated_deduplication_window = 10000
COMMENT 'Answered surveys, one row per event; read v_surveys';

REBUILD CREATE TABLE IF NOT EXISTS fct_cancellations
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
    version UInt128 DEFAULT (bitShiftLeft(toUInt128(ifNull(toUnixTimestamp64Milli(revised_at), 0)), 64) + bitShiftLeft(toUInt64(toUnixTimestamp64Milli(ingested_at)), 20)) + bitAnd(source_offset, 1048575) COMMENT 'Of two rows with one identity the higher counts: revised_at in ms (0 for null), shifted by 64 bits, plus ingested_at in ms, shifted by 20 bits, plus the low bits of the offset',
    moved UInt8 DEFAULT 0 COMMENT '1 on a day where the event is no more, since a version that counts more lies on another day; such rows are never shown, and are kept a month longer',
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When this row was written here',
    INDEX by_customer customer_id TYPE bloom_filter(0.001) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version, moved)
PARTITION BY cityHash64(customer_id) % 8
PRIMARY KEY (toDate(occurred_at), customer_id)
ORDER BY (toDate(occurred_at), customer_id, event_id)
TTL toDateTime(greatest(occurred_at + toIntervalMonth(25 + moved), ingested_at + toIntervalMonth(3 + moved)))
SETTINGS index_granularity = 8, non_replicated_deduplication_window = 10000
COMMENT 'Steps of customers who leave, one row per event; read v_cancellations';

REBUILD CREATE TABLE IF NOT EXISTS fct_outcomes
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
    version UInt128 DEFAULT (bitShiftLeft(toUInt128(ifNull(toUnixTimestamp64Milli(revised_at), 0)), 64) + bitShiftLeft(toUInt64(toUnixTimestamp64Milli(ingested_at)), 20)) + bitAnd(source_offset, 1048575) COMMENT 'Of two rows with one identity the higher counts: revised_at in ms (0 for null), shifted by 64 bits, plus ingested_at in ms, shifted by 20 bits, plus the low bits of the offset',
    moved UInt8 DEFAULT 0 COMMENT '1 on a day where the event is no more, since a version that counts more lies on another day; such rows are never shown, and are kept a month longer',
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When this row was written here',
    INDEX by_customer customer_id TYPE bloom_filter(0.001) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version, moved)
PARTITION BY cityHash64(customer_id) % 8
PRIMARY KEY (toDate(occurred_at), customer_id)
ORDER BY (toDate(occurred_at), customer_id, event_id)
TTL toDateTime(greatest(occurred_at + toIntervalMonth(25 + moved), ingested_at + toIntervalMonth(3 + moved)))
SETTINGS index_granularity = 16, non_replicated_deduplication_window = 10000
COMMENT 'Attempts to call back, one row per event; read v_outcomes';

REBUILD CREATE TABLE IF NOT EXISTS fct_unattributable_events
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
    version UInt128 DEFAULT (bitShiftLeft(toUInt128(ifNull(toUnixTimestamp64Milli(revised_at), 0)), 64) + bitShiftLeft(toUInt64(toUnixTimestamp64Milli(ingested_at)), 20)) + bitAnd(source_offset, 1048575) COMMENT 'Of two rows with one identity the higher counts: revised_at in ms (0 for null), shifted by 64 bits, plus ingested_at in ms, shifted by 20 bits, plus the low bits of the offset',
    moved UInt8 DEFAULT 0 COMMENT '1 on a day where the event is no more, since a version that counts more lies on another day; such rows are never shown, and are kept a month longer',
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When this row was written here'
)
ENGINE = ReplacingMergeTree(version, moved)
PARTITION BY cityHash64(event_id) % 8
PRIMARY KEY (toDate(occurred_at), event_type)
ORDER BY (toDate(occurred_at), event_type, event_id)
TTL toDateTime(greatest(occurred_at + toIntervalMonth(25 + moved), ingested_at + toIntervalMonth(3 + moved)))
SETTINGS index_granularity = 16, non_replicated_deduplication_window = 10000
COMMENT 'Events that name no customer, one row per event; read v_unattributable_events';

REBUILD CREATE TABLE IF NOT EXISTS dim_customers
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
    latest UInt256 DEFAULT ((bitShiftLeft(toUInt256(toUnixTimestamp64Milli(occurred_at)), 128) + bitShiftLeft(toUInt256(ifNull(toUnixTimestamp64Milli(revised_at), 0)), 64)) + bitShiftLeft(toUInt64(toUnixTimestamp64Milli(ingested_at)), 20)) + bitAnd(source_offset, 1048575) COMMENT 'Of two profiles of one customer the higher counts: occurred_at in ms, shifted by 128 bits, plus revised_at in ms (0 for null), by 64, plus ingested_at in ms, by 20, plus the low bits of the offset',
    version UInt256 EPHEMERAL COMMENT 'What sink workers up to 0.2.0 fill in; not kept',
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When this row was written here'
)
ENGINE = ReplacingMergeTree(latest)
PARTITION BY cityHash64(customer_id) % 8
ORDER BY customer_id
TTL toDateTime(greatest(occurred_at + INTERVAL 25 MONTH, ingested_at + INTERVAL 25 MONTH))
SETTINGS index_granularity = 128, non_replicated_deduplication_window = 10000
COMMENT 'Customers by their latest profile; read v_customers';

REBUILD CREATE TABLE IF NOT EXISTS fct_triggers
(
    mode LowCardinality(String) COMMENT 'live: published for dialers; shadow: decided and recorded only',
    trigger_id String COMMENT 'Identity of the episode',
    sequence UInt32 COMMENT 'Number of the change, from 1; the highest holds',
    customer_id String COMMENT 'Customer to be called',
    status LowCardinality(String) COMMENT 'open, retracted, expired or completed',
    status_reason LowCardinality(String) COMMENT 'Why it has this status: the reason code when open, else what ended it',
    purpose LowCardinality(String) COMMENT 'requested_callback, save, incident or service_recovery',
    reason_code LowCardinality(String) COMMENT 'Strongest reason for the call',
    cause_event_id String COMMENT 'event_id of the event that opened the episode; empty when time alone did, and for those opened by 0.2 or before',
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
    evidence_language LowCardinality(String) COMMENT 'BCP 47: the language of driver_evidence; empty for triggers opened by 0.2 or before, which are in English',
    consent_basis LowCardinality(String) COMMENT 'customer_request or service_without_offer',
    consent_do_not_call LowCardinality(String) COMMENT 'yes, no or unknown at the decision',
    consent_as_of Nullable(DateTime64(3, 'UTC')) COMMENT 'When the profile that says so was made; null without a profile',
    policy LowCardinality(String) COMMENT 'Name and digest of the policy that decided',
    source_topic LowCardinality(String) COMMENT 'Kafka topic of the record',
    source_partition UInt32 COMMENT 'Kafka partition of the record',
    source_offset UInt64 COMMENT 'Kafka offset of the record',
    ingested_at DateTime64(3, 'UTC') COMMENT 'Kafka time of the record',
    version UInt64 COMMENT 'Of two rows with one identity the higher counts: ingested_at in ms, shifted by 20 bits, plus the low bits of the offset',
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When this row was written here',
    INDEX by_customer customer_id TYPE bloom_filter(0.001) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY cityHash64(customer_id) % 8
PRIMARY KEY (toDate(created_at), customer_id)
ORDER BY (toDate(created_at), customer_id, trigger_id, sequence, mode)
TTL toDateTime(greatest(created_at + INTERVAL 25 MONTH, ingested_at + INTERVAL 3 MONTH))
SETTINGS index_granularity = 16, non_replicated_deduplication_window = 10000
COMMENT 'Callback triggers, one row per change; read v_triggers or v_trigger_history';

REBUILD CREATE TABLE IF NOT EXISTS fct_customer_signals
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
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When this row was written here',
    INDEX by_customer customer_id TYPE bloom_filter(0.001) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY cityHash64(customer_id) % 8
PRIMARY KEY (toDate(as_of), customer_id)
ORDER BY (toDate(as_of), customer_id, as_of, sequence)
TTL toDateTime(greatest(as_of + INTERVAL 25 MONTH, ingested_at + INTERVAL 3 MONTH))
SETTINGS index_granularity = 128, non_replicated_deduplication_window = 10000
COMMENT 'Rolling pictures of customers, one row per picture; read v_customer_signals or v_customer_signal_history';

REBUILD CREATE TABLE IF NOT EXISTS fct_dead_letters
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
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When this row was written here'
)
ENGINE = ReplacingMergeTree(version)
PRIMARY KEY (toDate(original_ingested_at), original_topic)
ORDER BY (toDate(original_ingested_at), original_topic, original_partition, original_offset)
TTL toDateTime(greatest(original_ingested_at + INTERVAL 6 MONTH, ingested_at + INTERVAL 3 MONTH))
SETTINGS index_granularity = 16, non_replicated_deduplication_window = 10000
COMMENT 'Records that could not be used, one row each, without payload; read v_dead_letters';

CREATE TABLE IF NOT EXISTS event_days
(
    owner String COMMENT 'Customer; of an event that names nobody its kind',
    event_id String COMMENT 'Identity of the event',
    fact LowCardinality(String) COMMENT 'The table that holds it',
    day Date DEFAULT toDate(occurred_at) COMMENT 'Day of a version\'s event time, UTC',
    occurred_at DateTime64(3, 'UTC') COMMENT 'Event time of the version that counts most on that day',
    version UInt128 COMMENT 'The highest on that day',
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When this row was written here'
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY cityHash64(owner) % 8
ORDER BY (owner, event_id, fact, day)
TTL toDateTime(greatest(occurred_at, inserted_at) + INTERVAL 26 MONTH)
SETTINGS index_granularity = 128, min_compress_block_size = 8192
COMMENT 'On which days versions of an event lie: where a correction has moved it from is seen here, and set right';

CREATE TABLE IF NOT EXISTS changed_days
(
    figures LowCardinality(String) COMMENT 'The table of daily figures',
    day Date COMMENT 'Day, UTC',
    changed_at SimpleAggregateFunction(max, DateTime64(3, 'UTC')) COMMENT 'When a row of that day was last written',
    computed_at SimpleAggregateFunction(max, DateTime64(3, 'UTC')) COMMENT 'Rows written up to then are in the stored figures'
)
ENGINE = AggregatingMergeTree
ORDER BY (figures, day)
COMMENT 'Which days of which daily figures have changed, and up to when these are computed';

CREATE TABLE IF NOT EXISTS daily_contacts
(
    day Date COMMENT 'Day of the event time, UTC',
    direction LowCardinality(String) COMMENT 'inbound or outbound',
    channel LowCardinality(String) COMMENT 'phone, chat, email, web, app, store, social or other',
    department LowCardinality(String) COMMENT 'Department; empty when not given',
    queue LowCardinality(String) COMMENT 'Queue, in the codes of the contact centre; empty when not given',
    reason LowCardinality(String) COMMENT 'Reason of the contact, in the codes of the contact centre',
    contacts UInt64 COMMENT 'Contacts, abandoned ones included',
    abandoned UInt64 COMMENT 'Contacts in which the customer left the queue before an answer',
    wait_seconds UInt64 COMMENT 'Seconds of waiting, of all contacts',
    answered_wait_seconds UInt64 COMMENT 'Seconds of waiting, of answered contacts',
    longest_wait_seconds UInt64 COMMENT 'The longest wait of one contact, in seconds',
    talk_seconds UInt64 COMMENT 'Seconds of conversation',
    transfers UInt64 COMMENT 'How often customers were passed on',
    resolved UInt64 COMMENT 'Contacts that settled the matter',
    unresolved UInt64 COMMENT 'Contacts that did not',
    cancel_intents UInt64 COMMENT 'Contacts in which the customer spoke of leaving',
    computed_at DateTime64(3, 'UTC') COMMENT 'When these figures were computed; of one day the latest hold'
)
ENGINE = ReplacingMergeTree(computed_at)
ORDER BY (day, direction, channel, department, queue, reason)
TTL greatest(day + INTERVAL 25 MONTH, toDate(computed_at) + INTERVAL 3 MONTH)
COMMENT 'Contacts by day, direction, channel, department, queue and reason: the days that are computed; read v_daily_contacts';

CREATE TABLE IF NOT EXISTS daily_surveys
(
    day Date COMMENT 'Day of the survey, UTC',
    department LowCardinality(String) COMMENT 'Department of the contact; empty when that is not known',
    queue LowCardinality(String) COMMENT 'Queue of the contact; empty when that is not known',
    reason LowCardinality(String) COMMENT 'Reason of the contact; empty when that is not known',
    surveys UInt64 COMMENT 'Answered surveys',
    csat_answers UInt64 COMMENT 'Of these with a satisfaction grade',
    csat_satisfied UInt64 COMMENT 'Satisfaction 4 or 5',
    csat_sum UInt64 COMMENT 'Sum of the satisfaction grades, 1-5',
    nps_answers UInt64 COMMENT 'Of the surveys with a likelihood to recommend',
    promoters UInt64 COMMENT 'Likelihood 9 or 10',
    detractors UInt64 COMMENT 'Likelihood up to 6',
    ces_answers UInt64 COMMENT 'Of the surveys with a grade of ease',
    ces_easy UInt64 COMMENT 'Ease from 5, of 7',
    not_answered UInt64 COMMENT 'Surveys that say that the question was not answered',
    callbacks_requested UInt64 COMMENT 'Surveys that ask for a callback',
    computed_at DateTime64(3, 'UTC') COMMENT 'When these figures were computed; of one day the latest hold'
)
ENGINE = ReplacingMergeTree(computed_at)
ORDER BY (day, department, queue, reason)
TTL greatest(day + INTERVAL 25 MONTH, toDate(computed_at) + INTERVAL 3 MONTH)
COMMENT 'Surveys by day and by department, queue and reason of the contact that they are about, of the 7 days before: the days that are computed; read v_daily_surveys';

CREATE TABLE IF NOT EXISTS daily_triggers
(
    day Date COMMENT 'Day on which they were opened, UTC',
    mode LowCardinality(String) COMMENT 'live: any change of it was published for dialers; shadow: all of it was recorded only',
    published LowCardinality(String) COMMENT 'yes: dialers were told to call; too_late: it was recorded only, since its time was over when it was known; shadow: it was decided in shadow mode',
    purpose LowCardinality(String) COMMENT 'requested_callback, save, incident or service_recovery',
    reason_code LowCardinality(String) COMMENT 'Strongest reason for the call',
    skill LowCardinality(String) COMMENT 'Which agents should call',
    status LowCardinality(String) COMMENT 'open, retracted, expired or completed',
    triggers UInt64 COMMENT 'Triggers',
    computed_at DateTime64(3, 'UTC') COMMENT 'When these figures were computed; of one day the latest hold'
)
ENGINE = ReplacingMergeTree(computed_at)
ORDER BY (day, mode, published, purpose, reason_code, skill, status)
TTL greatest(day + INTERVAL 25 MONTH, toDate(computed_at) + INTERVAL 3 MONTH)
COMMENT 'Triggers by the day on which they were opened, as they stand: the days that are computed; read v_daily_triggers';

CREATE TABLE IF NOT EXISTS daily_outcomes
(
    day Date COMMENT 'Day on which the attempt ended, UTC',
    purpose LowCardinality(String) COMMENT 'requested_callback, save, incident or service_recovery',
    reason_code LowCardinality(String) COMMENT 'Strongest reason for the call',
    skill LowCardinality(String) COMMENT 'Which agents should call',
    disposition LowCardinality(String) COMMENT 'How the attempt ended; ANSWERED_HUMAN means that the callback was given',
    result LowCardinality(String) COMMENT 'What the customer said: satisfied, unresolved, will_leave, competitor, other or unknown',
    attempts UInt64 COMMENT 'Attempts',
    reached UInt64 COMMENT 'Attempts in which the customer was reached',
    agent_minutes Float64 COMMENT 'Minutes of agent time, of attempts that say it',
    computed_at DateTime64(3, 'UTC') COMMENT 'When these figures were computed; of one day the latest hold'
)
ENGINE = ReplacingMergeTree(computed_at)
ORDER BY (day, purpose, reason_code, skill, disposition, result)
TTL greatest(day + INTERVAL 25 MONTH, toDate(computed_at) + INTERVAL 3 MONTH)
COMMENT 'Attempts to call back by day, disposition, result, and what their trigger was, if opened in the 14 days before: the days that are computed; read v_daily_outcomes';

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
    inserted_at DateTime64(3, 'UTC') COMMENT 'When this row was written here'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT customer_id, event_id, occurred_at, revised_at, direction, channel, queue, reason, department, wait_seconds, talk_seconds, ivr_steps, transfers, abandoned, resolved, cancel_intent, tried_online_first, source_topic, source_partition, source_offset, ingested_at, version, inserted_at
FROM fct_calls FINAL
SETTINGS use_skip_indexes_if_final = 1, use_skip_indexes_if_final_exact_mode = 0
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
    source_topic LowCardinality(String) COMMENT 'Kafka topic of the record',
    source_partition UInt32 COMMENT 'Kafka partition of the record',
    source_offset UInt64 COMMENT 'Kafka offset of the record',
    ingested_at DateTime64(3, 'UTC') COMMENT 'Kafka time of the record',
    version UInt128 COMMENT 'Of two rows with one identity the higher counts: revised_at in ms (0 for null), shifted by 64 bits, plus ingested_at in ms, shifted by 20 bits, plus the low bits of the offset',
    inserted_at DateTime64(3, 'UTC') COMMENT 'When this row was written here'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT customer_id, event_id, occurred_at, revised_at, contact_id, csat, nps, ces, answered, callback_requested, source_topic, source_partition, source_offset, ingested_at, version, inserted_at
FROM fct_surveys FINAL
SETTINGS use_skip_indexes_if_final = 1, use_skip_indexes_if_final_exact_mode = 0
COMMENT 'Answered surveys, each once; their free text is in v_survey_comments';

CREATE OR REPLACE VIEW v_survey_comments
(
    customer_id String COMMENT 'Customer, as the producer names it',
    event_id String COMMENT 'Identity of the event, given by the producer',
    occurred_at DateTime64(3, 'UTC') COMMENT 'Event time: when the survey was answered',
    comment String COMMENT 'Free text, personal data; empty when not given, and emptied 3 months after the survey'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT customer_id, event_id, occurred_at, comment
FROM fct_surveys FINAL
WHERE comment != '' AND occurred_at > now() - INTERVAL 3 MONTH
SETTINGS use_skip_indexes_if_final = 1, use_skip_indexes_if_final_exact_mode = 0
COMMENT 'What customers wrote in surveys of the last 3 months: personal data, with a right of its own';

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
    inserted_at DateTime64(3, 'UTC') COMMENT 'When this row was written here'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT customer_id, event_id, occurred_at, revised_at, stage, reason, effective_at, source_topic, source_partition, source_offset, ingested_at, version, inserted_at
FROM fct_cancellations FINAL
SETTINGS use_skip_indexes_if_final = 1, use_skip_indexes_if_final_exact_mode = 0
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
    inserted_at DateTime64(3, 'UTC') COMMENT 'When this row was written here'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT customer_id, event_id, occurred_at, revised_at, trigger_id, attempt, disposition, raw_disposition, result, agent_minutes, source_topic, source_partition, source_offset, ingested_at, version, inserted_at
FROM fct_outcomes FINAL
SETTINGS use_skip_indexes_if_final = 1, use_skip_indexes_if_final_exact_mode = 0
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
    inserted_at DateTime64(3, 'UTC') COMMENT 'When this row was written here'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
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
    latest UInt256 COMMENT 'Of two profiles of one customer the higher counts: occurred_at in ms, shifted by 128 bits, plus revised_at in ms (0 for null), by 64, plus ingested_at in ms, by 20, plus the low bits of the offset',
    inserted_at DateTime64(3, 'UTC') COMMENT 'When this row was written here'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT customer_id, event_id, occurred_at, revised_at, phone_known, country_code, time_zone, language, do_not_call, tenure_months, monthly_value, source_topic, source_partition, source_offset, ingested_at, latest, inserted_at
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
    cause_event_id String COMMENT 'event_id of the event that opened the episode; empty when time alone did, and for those opened by 0.2 or before',
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
    evidence_language LowCardinality(String) COMMENT 'BCP 47: the language of driver_evidence; empty for triggers opened by 0.2 or before, which are in English',
    consent_basis LowCardinality(String) COMMENT 'customer_request or service_without_offer',
    consent_do_not_call LowCardinality(String) COMMENT 'yes, no or unknown at the decision',
    consent_as_of Nullable(DateTime64(3, 'UTC')) COMMENT 'When the profile that says so was made; null without a profile',
    policy LowCardinality(String) COMMENT 'Name and digest of the policy that decided',
    source_topic LowCardinality(String) COMMENT 'Kafka topic of the record',
    source_partition UInt32 COMMENT 'Kafka partition of the record',
    source_offset UInt64 COMMENT 'Kafka offset of the record',
    ingested_at DateTime64(3, 'UTC') COMMENT 'Kafka time of the record',
    version UInt64 COMMENT 'Of two rows with one identity the higher counts: ingested_at in ms, shifted by 20 bits, plus the low bits of the offset',
    inserted_at DateTime64(3, 'UTC') COMMENT 'When this row was written here'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT mode, trigger_id, sequence, customer_id, status, status_reason, purpose, reason_code, cause_event_id, skill, priority, score, created_at, updated_at, not_before, due_at, expires_at, offer_allowed, max_attempts, retry_delay_seconds, phone_known, country_code, time_zone, language, driver_signals, driver_values, driver_contributions, driver_evidence, evidence_language, consent_basis, consent_do_not_call, consent_as_of, policy, source_topic, source_partition, source_offset, ingested_at, version, inserted_at
FROM fct_triggers FINAL
SETTINGS use_skip_indexes_if_final = 1, use_skip_indexes_if_final_exact_mode = 0
COMMENT 'Every change of every trigger, each once';

CREATE OR REPLACE VIEW v_triggers
(
    mode LowCardinality(String) COMMENT 'live: any change of it was published for dialers; shadow: all of it was recorded only',
    trigger_id String COMMENT 'Identity of the episode',
    sequence UInt32 COMMENT 'Number of the change, from 1; the highest holds',
    customer_id String COMMENT 'Customer to be called',
    status LowCardinality(String) COMMENT 'open, retracted, expired or completed',
    status_reason LowCardinality(String) COMMENT 'Why it has this status: the reason code when open, else what ended it',
    purpose LowCardinality(String) COMMENT 'requested_callback, save, incident or service_recovery',
    reason_code LowCardinality(String) COMMENT 'Strongest reason for the call',
    cause_event_id String COMMENT 'event_id of the event that opened the episode; empty when time alone did, and for those opened by 0.2 or before',
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
    evidence_language LowCardinality(String) COMMENT 'BCP 47: the language of driver_evidence; empty for triggers opened by 0.2 or before, which are in English',
    consent_basis LowCardinality(String) COMMENT 'customer_request or service_without_offer',
    consent_do_not_call LowCardinality(String) COMMENT 'yes, no or unknown at the decision',
    consent_as_of Nullable(DateTime64(3, 'UTC')) COMMENT 'When the profile that says so was made; null without a profile',
    policy LowCardinality(String) COMMENT 'Name and digest of the policy that decided',
    source_topic LowCardinality(String) COMMENT 'Kafka topic of the record',
    source_partition UInt32 COMMENT 'Kafka partition of the record',
    source_offset UInt64 COMMENT 'Kafka offset of the record',
    ingested_at DateTime64(3, 'UTC') COMMENT 'Kafka time of the record',
    version UInt64 COMMENT 'Of two rows with one identity the higher counts: ingested_at in ms, shifted by 20 bits, plus the low bits of the offset',
    inserted_at DateTime64(3, 'UTC') COMMENT 'When this row was written here',
    published LowCardinality(String) COMMENT 'yes: dialers were told to call; too_late: it was recorded only, since its time was over when it was known; shadow: it was decided in shadow mode',
    first_status LowCardinality(String) COMMENT 'Status of its first change: open, or expired when it was known too late'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT told_1 AS mode, trigger_id, tupleElement(last, 1) AS sequence, customer_id, tupleElement(last, 2) AS status, tupleElement(last, 3) AS status_reason, tupleElement(last, 4) AS purpose, tupleElement(last, 5) AS reason_code, tupleElement(last, 6) AS cause_event_id, tupleElement(last, 7) AS skill, tupleElement(last, 8) AS priority, tupleElement(last, 9) AS score, created_at, tupleElement(last, 10) AS updated_at, tupleElement(last, 11) AS not_before, tupleElement(last, 12) AS due_at, tupleElement(last, 13) AS expires_at, tupleElement(last, 14) AS offer_allowed, tupleElement(last, 15) AS max_attempts, tupleElement(last, 16) AS retry_delay_seconds, tupleElement(last, 17) AS phone_known, tupleElement(last, 18) AS country_code, tupleElement(last, 19) AS time_zone, tupleElement(last, 20) AS language, tupleElement(last, 21) AS driver_signals, tupleElement(last, 22) AS driver_values, tupleElement(last, 23) AS driver_contributions, tupleElement(last, 24) AS driver_evidence, tupleElement(last, 25) AS evidence_language, tupleElement(last, 26) AS consent_basis, tupleElement(last, 27) AS consent_do_not_call, tupleElement(last, 28) AS consent_as_of, tupleElement(last, 29) AS policy, tupleElement(last, 30) AS source_topic, tupleElement(last, 31) AS source_partition, tupleElement(last, 32) AS source_offset, tupleElement(last, 33) AS ingested_at, tupleElement(last, 34) AS version, tupleElement(last, 35) AS inserted_at, told_2 AS published, told_3 AS first_status
FROM
(
    SELECT created_at, customer_id, trigger_id, argMax(tuple(sequence, status, status_reason, purpose, reason_code, cause_event_id, skill, priority, score, updated_at, not_before, due_at, expires_at, offer_allowed, max_attempts, retry_delay_seconds, phone_known, country_code, time_zone, language, driver_signals, driver_values, driver_contributions, driver_evidence, evidence_language, consent_basis, consent_do_not_call, consent_as_of, policy, source_topic, source_partition, source_offset, ingested_at, version, inserted_at), tuple(sequence, mode = 'live', version)) AS last, if(countIf(mode = 'live') > 0, 'live', 'shadow') AS told_1, multiIf(countIf(mode = 'live' AND status = 'open') > 0, 'yes', countIf(mode = 'shadow' AND (ingested_at >= expires_at OR status = 'expired' AND sequence = 1)) > 0, 'too_late', 'shadow') AS told_2, argMin(status, sequence) AS told_3
    FROM fct_triggers
    GROUP BY created_at, customer_id, trigger_id
) AS things
COMMENT 'Triggers as they stand, one row each: the highest sequence, of one that was published and recorded the published';

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
    inserted_at DateTime64(3, 'UTC') COMMENT 'When this row was written here'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT customer_id, sequence, as_of, score, band, previous_band, signals, driver_signals, driver_values, driver_contributions, driver_evidence, policy, source_topic, source_partition, source_offset, ingested_at, version, inserted_at
FROM fct_customer_signals FINAL
SETTINGS use_skip_indexes_if_final = 1, use_skip_indexes_if_final_exact_mode = 0
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
    inserted_at DateTime64(3, 'UTC') COMMENT 'When this row was written here'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT customer_id, tupleElement(last, 1) AS sequence, tupleElement(last, 2) AS as_of, tupleElement(last, 3) AS score, tupleElement(last, 4) AS band, tupleElement(last, 5) AS previous_band, tupleElement(last, 6) AS signals, tupleElement(last, 7) AS driver_signals, tupleElement(last, 8) AS driver_values, tupleElement(last, 9) AS driver_contributions, tupleElement(last, 10) AS driver_evidence, tupleElement(last, 11) AS policy, tupleElement(last, 12) AS source_topic, tupleElement(last, 13) AS source_partition, tupleElement(last, 14) AS source_offset, tupleElement(last, 15) AS ingested_at, tupleElement(last, 16) AS version, tupleElement(last, 17) AS inserted_at
FROM
(
    SELECT customer_id, argMax(tuple(sequence, as_of, score, band, previous_band, signals, driver_signals, driver_values, driver_contributions, driver_evidence, policy, source_topic, source_partition, source_offset, ingested_at, version, inserted_at), tuple(as_of, sequence, version)) AS last
    FROM fct_customer_signals
    GROUP BY customer_id
) AS things
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
    inserted_at DateTime64(3, 'UTC') COMMENT 'When this row was written here'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT original_topic, original_partition, original_offset, original_ingested_at, reason_code, message, payload_size, payload_sha256, source_topic, source_partition, source_offset, ingested_at, version, inserted_at
FROM fct_dead_letters FINAL
COMMENT 'Records that could not be used, each once';

CREATE OR REPLACE VIEW v_daily_contacts
(
    day Date COMMENT 'Day of the event time, UTC',
    direction LowCardinality(String) COMMENT 'inbound or outbound',
    channel LowCardinality(String) COMMENT 'phone, chat, email, web, app, store, social or other',
    department LowCardinality(String) COMMENT 'Department; empty when not given',
    queue LowCardinality(String) COMMENT 'Queue, in the codes of the contact centre; empty when not given',
    reason LowCardinality(String) COMMENT 'Reason of the contact, in the codes of the contact centre',
    contacts UInt64 COMMENT 'Contacts, abandoned ones included',
    abandoned UInt64 COMMENT 'Contacts in which the customer left the queue before an answer',
    wait_seconds UInt64 COMMENT 'Seconds of waiting, of all contacts',
    answered_wait_seconds UInt64 COMMENT 'Seconds of waiting, of answered contacts',
    longest_wait_seconds UInt64 COMMENT 'The longest wait of one contact, in seconds',
    talk_seconds UInt64 COMMENT 'Seconds of conversation',
    transfers UInt64 COMMENT 'How often customers were passed on',
    resolved UInt64 COMMENT 'Contacts that settled the matter',
    unresolved UInt64 COMMENT 'Contacts that did not',
    cancel_intents UInt64 COMMENT 'Contacts in which the customer spoke of leaving'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT day, direction, channel, department, queue, reason, value_0 AS contacts, value_1 AS abandoned, value_2 AS wait_seconds, value_3 AS answered_wait_seconds, value_4 AS longest_wait_seconds, value_5 AS talk_seconds, value_6 AS transfers, value_7 AS resolved, value_8 AS unresolved, value_9 AS cancel_intents FROM
(SELECT toDate(occurred_at) AS day, direction, channel, department, queue, reason, count() AS value_0, countIf(abandoned) AS value_1, sum(wait_seconds) AS value_2, sumIf(wait_seconds, NOT abandoned) AS value_3, max(wait_seconds) AS value_4, sum(talk_seconds) AS value_5, sum(transfers) AS value_6, countIf(resolved = 'yes') AS value_7, countIf(resolved = 'no') AS value_8, countIf(cancel_intent) AS value_9
FROM fct_calls FINAL
WHERE toDate(occurred_at) IN (SELECT arrayJoin((SELECT groupUniqArray(day) FROM (SELECT day FROM changed_days WHERE figures = 'daily_contacts' GROUP BY day HAVING max(changed_at) > max(computed_at)))))
GROUP BY day, direction, channel, department, queue, reason)
UNION ALL
SELECT day, direction, channel, department, queue, reason, contacts, abandoned, wait_seconds, answered_wait_seconds, longest_wait_seconds, talk_seconds, transfers, resolved, unresolved, cancel_intents
FROM daily_contacts FINAL
WHERE contacts > 0 AND NOT has((SELECT groupUniqArray(day) FROM (SELECT day FROM changed_days WHERE figures = 'daily_contacts' GROUP BY day HAVING max(changed_at) > max(computed_at))), day)
COMMENT 'Contacts by day, direction, channel, department, queue and reason';

CREATE OR REPLACE VIEW v_daily_surveys
(
    day Date COMMENT 'Day of the survey, UTC',
    department LowCardinality(String) COMMENT 'Department of the contact; empty when that is not known',
    queue LowCardinality(String) COMMENT 'Queue of the contact; empty when that is not known',
    reason LowCardinality(String) COMMENT 'Reason of the contact; empty when that is not known',
    surveys UInt64 COMMENT 'Answered surveys',
    csat_answers UInt64 COMMENT 'Of these with a satisfaction grade',
    csat_satisfied UInt64 COMMENT 'Satisfaction 4 or 5',
    csat_sum UInt64 COMMENT 'Sum of the satisfaction grades, 1-5',
    nps_answers UInt64 COMMENT 'Of the surveys with a likelihood to recommend',
    promoters UInt64 COMMENT 'Likelihood 9 or 10',
    detractors UInt64 COMMENT 'Likelihood up to 6',
    ces_answers UInt64 COMMENT 'Of the surveys with a grade of ease',
    ces_easy UInt64 COMMENT 'Ease from 5, of 7',
    not_answered UInt64 COMMENT 'Surveys that say that the question was not answered',
    callbacks_requested UInt64 COMMENT 'Surveys that ask for a callback'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT day, department, queue, reason, value_0 AS surveys, value_1 AS csat_answers, value_2 AS csat_satisfied, value_3 AS csat_sum, value_4 AS nps_answers, value_5 AS promoters, value_6 AS detractors, value_7 AS ces_answers, value_8 AS ces_easy, value_9 AS not_answered, value_10 AS callbacks_requested FROM
(SELECT day, department, queue, reason, count() AS value_0, count(csat) AS value_1, countIf(csat >= 4) AS value_2, sum(ifNull(csat, 0)) AS value_3, count(nps) AS value_4, countIf(nps >= 9) AS value_5, countIf(nps <= 6) AS value_6, count(ces) AS value_7, countIf(ces >= 5) AS value_8, countIf(answered = 'no') AS value_9, countIf(callback_requested) AS value_10
FROM
(
    SELECT day, toDate(contacted_at) BETWEEN day - 7 AND day AS near, if(near, contact_department, '') AS department, if(near, contact_queue, '') AS queue, if(near, contact_reason, '') AS reason, csat, nps, ces, answered, callback_requested
    FROM (SELECT customer_id, contact_id, toDate(occurred_at) AS day, csat, nps, ces, answered, callback_requested FROM fct_surveys FINAL WHERE toDate(occurred_at) IN (SELECT arrayJoin((SELECT groupUniqArray(day) FROM (SELECT day FROM changed_days WHERE figures = 'daily_surveys' GROUP BY day HAVING max(changed_at) > max(computed_at)))))) AS surveys
    LEFT JOIN (SELECT customer_id, event_id, occurred_at AS contacted_at, department AS contact_department, queue AS contact_queue, reason AS contact_reason FROM fct_calls FINAL WHERE toDate(occurred_at) IN (SELECT DISTINCT arrayJoin((SELECT groupUniqArray(day) FROM (SELECT day FROM changed_days WHERE figures = 'daily_surveys' GROUP BY day HAVING max(changed_at) > max(computed_at)))) - arrayJoin(range(8)))) AS contacts
    ON surveys.customer_id = contacts.customer_id AND surveys.contact_id = contacts.event_id
)
GROUP BY day, department, queue, reason
SETTINGS join_use_nulls = 0, aggregate_functions_null_for_empty = 0)
UNION ALL
SELECT day, department, queue, reason, surveys, csat_answers, csat_satisfied, csat_sum, nps_answers, promoters, detractors, ces_answers, ces_easy, not_answered, callbacks_requested
FROM daily_surveys FINAL
WHERE surveys > 0 AND NOT has((SELECT groupUniqArray(day) FROM (SELECT day FROM changed_days WHERE figures = 'daily_surveys' GROUP BY day HAVING max(changed_at) > max(computed_at))), day)
COMMENT 'Surveys by day and by department, queue and reason of the contact that they are about, of the 7 days before';

CREATE OR REPLACE VIEW v_daily_triggers
(
    day Date COMMENT 'Day on which they were opened, UTC',
    mode LowCardinality(String) COMMENT 'live: any change of it was published for dialers; shadow: all of it was recorded only',
    published LowCardinality(String) COMMENT 'yes: dialers were told to call; too_late: it was recorded only, since its time was over when it was known; shadow: it was decided in shadow mode',
    purpose LowCardinality(String) COMMENT 'requested_callback, save, incident or service_recovery',
    reason_code LowCardinality(String) COMMENT 'Strongest reason for the call',
    skill LowCardinality(String) COMMENT 'Which agents should call',
    status LowCardinality(String) COMMENT 'open, retracted, expired or completed',
    triggers UInt64 COMMENT 'Triggers'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT day, mode, published, purpose, reason_code, skill, status, value_0 AS triggers FROM
(SELECT toDate(created_at) AS day, mode, published, purpose, reason_code, skill, status, count() AS value_0
FROM v_triggers
WHERE toDate(created_at) IN (SELECT arrayJoin((SELECT groupUniqArray(day) FROM (SELECT day FROM changed_days WHERE figures = 'daily_triggers' GROUP BY day HAVING max(changed_at) > max(computed_at)))))
GROUP BY day, mode, published, purpose, reason_code, skill, status)
UNION ALL
SELECT day, mode, published, purpose, reason_code, skill, status, triggers
FROM daily_triggers FINAL
WHERE triggers > 0 AND NOT has((SELECT groupUniqArray(day) FROM (SELECT day FROM changed_days WHERE figures = 'daily_triggers' GROUP BY day HAVING max(changed_at) > max(computed_at))), day)
COMMENT 'Triggers by the day on which they were opened, as they stand';

CREATE OR REPLACE VIEW v_daily_outcomes
(
    day Date COMMENT 'Day on which the attempt ended, UTC',
    purpose LowCardinality(String) COMMENT 'requested_callback, save, incident or service_recovery',
    reason_code LowCardinality(String) COMMENT 'Strongest reason for the call',
    skill LowCardinality(String) COMMENT 'Which agents should call',
    disposition LowCardinality(String) COMMENT 'How the attempt ended; ANSWERED_HUMAN means that the callback was given',
    result LowCardinality(String) COMMENT 'What the customer said: satisfied, unresolved, will_leave, competitor, other or unknown',
    attempts UInt64 COMMENT 'Attempts',
    reached UInt64 COMMENT 'Attempts in which the customer was reached',
    agent_minutes Float64 COMMENT 'Minutes of agent time, of attempts that say it'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT day, purpose, reason_code, skill, disposition, result, value_0 AS attempts, value_1 AS reached, value_2 AS agent_minutes FROM
(SELECT day, purpose, reason_code, skill, disposition, result, count() AS value_0, countIf(disposition = 'ANSWERED_HUMAN') AS value_1, sum(ifNull(agent_minutes, 0)) AS value_2
FROM
(
    SELECT day, toDate(opened_at) BETWEEN day - 14 AND day AS near, if(near, trigger_purpose, '') AS purpose, if(near, trigger_reason_code, '') AS reason_code, if(near, trigger_skill, '') AS skill, disposition, result, agent_minutes
    FROM (SELECT customer_id, trigger_id, toDate(occurred_at) AS day, disposition, result, agent_minutes FROM fct_outcomes FINAL WHERE toDate(occurred_at) IN (SELECT arrayJoin((SELECT groupUniqArray(day) FROM (SELECT day FROM changed_days WHERE figures = 'daily_outcomes' GROUP BY day HAVING max(changed_at) > max(computed_at)))))) AS outcomes
    LEFT JOIN (SELECT customer_id, trigger_id, created_at AS opened_at, purpose AS trigger_purpose, reason_code AS trigger_reason_code, skill AS trigger_skill FROM v_triggers WHERE toDate(created_at) IN (SELECT DISTINCT arrayJoin((SELECT groupUniqArray(day) FROM (SELECT day FROM changed_days WHERE figures = 'daily_outcomes' GROUP BY day HAVING max(changed_at) > max(computed_at)))) - arrayJoin(range(15)))) AS triggers
    ON outcomes.customer_id = triggers.customer_id AND outcomes.trigger_id = triggers.trigger_id
)
GROUP BY day, purpose, reason_code, skill, disposition, result
SETTINGS join_use_nulls = 0, aggregate_functions_null_for_empty = 0)
UNION ALL
SELECT day, purpose, reason_code, skill, disposition, result, attempts, reached, agent_minutes
FROM daily_outcomes FINAL
WHERE attempts > 0 AND NOT has((SELECT groupUniqArray(day) FROM (SELECT day FROM changed_days WHERE figures = 'daily_outcomes' GROUP BY day HAVING max(changed_at) > max(computed_at))), day)
COMMENT 'Attempts to call back by day, disposition, result, and what their trigger was, if opened in the 14 days before';

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
    next_survey_at Nullable(DateTime64(3, 'UTC')) COMMENT 'The customer\'s next survey after created_at; null when there is none',
    next_survey_csat Nullable(UInt8) COMMENT 'Its satisfaction 1-5; null when not asked, or when there is none',
    next_survey_nps Nullable(UInt8) COMMENT 'Its likelihood to recommend 0-10; null as above'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT trigger_id, customer_id, mode, published, purpose, reason_code, skill, cause_event_id, created_at, first_status, status, status_reason, updated_at, due_at, expires_at, cause_reason, nullIf(tried_at, toDateTime64(0, 3, 'UTC')) AS first_attempt_at, attempts, answered_at > toDateTime64(0, 3, 'UTC') AS reached,
    nullIf(answered_at, toDateTime64(0, 3, 'UTC')) AS reached_at, agent_minutes, nullIf(next_contact.1, toDateTime64(0, 3, 'UTC')) AS next_contact_at, next_contact.2 AS next_contact_id,
    nullIf(next_step.1, toDateTime64(0, 3, 'UTC')) AS next_cancellation_at, next_step.2 AS next_cancellation_stage,
    nullIf(next_survey.1, toDateTime64(0, 3, 'UTC')) AS next_survey_at, next_survey.2 AS next_survey_csat, next_survey.3 AS next_survey_nps
FROM
(
    SELECT trigger_id, customer_id, mode, published, purpose, reason_code, skill, cause_event_id, created_at, first_status, status, status_reason, updated_at, due_at, expires_at, tried_at, attempts, answered_at, agent_minutes,
        arrayFirst(each -> each.4 = cause_event_id, surveys).5 AS about,
        arrayFirst(each -> cause_event_id != '' AND each.2 = cause_event_id, calls) AS called,
        arrayFirst(each -> about != '' AND each.2 = about, calls) AS asked,
        if(called.2 != '' AND (asked.2 = '' OR called.1 <= created_at), called.3, asked.3) AS cause_reason,
        arrayFirst(each -> each.1 > created_at AND each.4 AND each.3 = cause_reason AND cause_reason != '', calls) AS next_contact,
        arrayFirst(each -> each.1 > created_at, steps) AS next_step,
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
    LEFT JOIN (SELECT customer_id, arraySort(groupArray(tuple(occurred_at, toString(stage)))) AS steps FROM fct_cancellations FINAL WHERE customer_id IN (SELECT customer_id FROM fct_triggers) GROUP BY customer_id) AS of_steps USING (customer_id)
    LEFT JOIN (SELECT customer_id, arraySort(groupArray(tuple(occurred_at, csat, nps, event_id, contact_id))) AS surveys FROM fct_surveys FINAL WHERE customer_id IN (SELECT customer_id FROM fct_triggers) GROUP BY customer_id) AS of_surveys USING (customer_id)
)
SETTINGS join_use_nulls = 0, aggregate_functions_null_for_empty = 0
COMMENT 'Triggers and what followed, one row each: attempts, and the customer\'s next contact on the same reason, cancellation step and survey';

INSERT INTO event_days (owner, event_id, fact, day, occurred_at, version)
SELECT customer_id, event_id, 'fct_calls', toDate(occurred_at), occurred_at, version
FROM fct_calls
WHERE NOT moved;

INSERT INTO event_days (owner, event_id, fact, day, occurred_at, version)
SELECT customer_id, event_id, 'fct_surveys', toDate(occurred_at), occurred_at, version
FROM fct_surveys
WHERE NOT moved;

INSERT INTO event_days (owner, event_id, fact, day, occurred_at, version)
SELECT customer_id, event_id, 'fct_cancellations', toDate(occurred_at), occurred_at, version
FROM fct_cancellations
WHERE NOT moved;

INSERT INTO event_days (owner, event_id, fact, day, occurred_at, version)
SELECT customer_id, event_id, 'fct_outcomes', toDate(occurred_at), occurred_at, version
FROM fct_outcomes
WHERE NOT moved;

INSERT INTO event_days (owner, event_id, fact, day, occurred_at, version)
SELECT event_type, event_id, 'fct_unattributable_events', toDate(occurred_at), occurred_at, version
FROM fct_unattributable_events
WHERE NOT moved;

INSERT INTO fct_calls (customer_id, event_id, occurred_at, ingested_at, version, moved)
SELECT owner, event_id, tupleElement(place, 2), now64(3, 'UTC'), newest, 1
FROM
(
    SELECT owner, event_id, max(version) AS newest, argMax(day, tuple(version, day)) AS stands,
        groupArray(tuple(day, occurred_at)) AS places
    FROM event_days FINAL
    WHERE fact = 'fct_calls'
    GROUP BY owner, event_id
    HAVING min(day) != max(day)
)
ARRAY JOIN places AS place
WHERE tupleElement(place, 1) != stands;

INSERT INTO fct_surveys (customer_id, event_id, occurred_at, ingested_at, version, moved)
SELECT owner, event_id, tupleElement(place, 2), now64(3, 'UTC'), newest, 1
FROM
(
    SELECT owner, event_id, max(version) AS newest, argMax(day, tuple(version, day)) AS stands,
        groupArray(tuple(day, occurred_at)) AS places
    FROM event_days FINAL
    WHERE fact = 'fct_surveys'
    GROUP BY owner, event_id
    HAVING min(day) != max(day)
)
ARRAY JOIN places AS place
WHERE tupleElement(place, 1) != stands;

INSERT INTO fct_cancellations (customer_id, event_id, occurred_at, ingested_at, version, moved)
SELECT owner, event_id, tupleElement(place, 2), now64(3, 'UTC'), newest, 1
FROM
(
    SELECT owner, event_id, max(version) AS newest, argMax(day, tuple(version, day)) AS stands,
        groupArray(tuple(day, occurred_at)) AS places
    FROM event_days FINAL
    WHERE fact = 'fct_cancellations'
    GROUP BY owner, event_id
    HAVING min(day) != max(day)
)
ARRAY JOIN places AS place
WHERE tupleElement(place, 1) != stands;

INSERT INTO fct_outcomes (customer_id, event_id, occurred_at, ingested_at, version, moved)
SELECT owner, event_id, tupleElement(place, 2), now64(3, 'UTC'), newest, 1
FROM
(
    SELECT owner, event_id, max(version) AS newest, argMax(day, tuple(version, day)) AS stands,
        groupArray(tuple(day, occurred_at)) AS places
    FROM event_days FINAL
    WHERE fact = 'fct_outcomes'
    GROUP BY owner, event_id
    HAVING min(day) != max(day)
)
ARRAY JOIN places AS place
WHERE tupleElement(place, 1) != stands;

INSERT INTO fct_unattributable_events (event_type, event_id, occurred_at, ingested_at, version, moved)
SELECT owner, event_id, tupleElement(place, 2), now64(3, 'UTC'), newest, 1
FROM
(
    SELECT owner, event_id, max(version) AS newest, argMax(day, tuple(version, day)) AS stands,
        groupArray(tuple(day, occurred_at)) AS places
    FROM event_days FINAL
    WHERE fact = 'fct_unattributable_events'
    GROUP BY owner, event_id
    HAVING min(day) != max(day)
)
ARRAY JOIN places AS place
WHERE tupleElement(place, 1) != stands;

INSERT INTO changed_days (figures, day, changed_at)
SELECT DISTINCT tupleElement(each, 1), tupleElement(each, 2), toDateTime64(1, 3, 'UTC')
FROM (SELECT arrayJoin(arrayConcat(arrayMap(after -> ('daily_contacts', of_day + after), range(1)), arrayMap(after -> ('daily_surveys', of_day + after), range(8)))) AS each FROM (SELECT DISTINCT toDate(occurred_at) AS of_day FROM fct_calls WHERE 1));

INSERT INTO changed_days (figures, day, changed_at)
SELECT DISTINCT tupleElement(each, 1), tupleElement(each, 2), toDateTime64(1, 3, 'UTC')
FROM (SELECT arrayJoin(arrayMap(after -> ('daily_surveys', of_day + after), range(1))) AS each FROM (SELECT DISTINCT toDate(occurred_at) AS of_day FROM fct_surveys WHERE 1));

INSERT INTO changed_days (figures, day, changed_at)
SELECT DISTINCT tupleElement(each, 1), tupleElement(each, 2), toDateTime64(1, 3, 'UTC')
FROM (SELECT arrayJoin(arrayConcat(arrayMap(after -> ('daily_triggers', of_day + after), range(1)), arrayMap(after -> ('daily_outcomes', of_day + after), range(15)))) AS each FROM (SELECT DISTINCT toDate(created_at) AS of_day FROM fct_triggers WHERE 1));

INSERT INTO changed_days (figures, day, changed_at)
SELECT DISTINCT tupleElement(each, 1), tupleElement(each, 2), toDateTime64(1, 3, 'UTC')
FROM (SELECT arrayJoin(arrayMap(after -> ('daily_outcomes', of_day + after), range(1))) AS each FROM (SELECT DISTINCT toDate(occurred_at) AS of_day FROM fct_outcomes WHERE 1));
