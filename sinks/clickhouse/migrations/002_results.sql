-- What the pipeline decided: triggers in every sequence, signals, and what could not be used.

CREATE TABLE IF NOT EXISTS fct_triggers
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
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When this row was written here; retention counts from it'
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(created_at)
ORDER BY (mode, trigger_id, sequence)
TTL toDateTime(inserted_at) + INTERVAL 25 MONTH
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Callback triggers, one row per change; read v_triggers or v_trigger_history';

CREATE TABLE IF NOT EXISTS fct_customer_signals
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
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When this row was written here; retention counts from it'
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(as_of)
ORDER BY (customer_id, as_of, sequence)
TTL toDateTime(inserted_at) + INTERVAL 25 MONTH
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Rolling pictures of customers, one row per picture; read v_customer_signals or v_customer_signal_history';

CREATE TABLE IF NOT EXISTS fct_dead_letters
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
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When this row was written here; retention counts from it'
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(original_ingested_at)
ORDER BY (original_topic, original_partition, original_offset)
TTL toDateTime(inserted_at) + INTERVAL 6 MONTH
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Records that could not be used, one row each, without payload; read v_dead_letters';
