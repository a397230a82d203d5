-- Triggers say when their customer may be called: windows up to the end of the validity, not one instant.

ALTER TABLE fct_triggers
    ADD COLUMN IF NOT EXISTS callable_from Array(DateTime64(3, 'UTC')) COMMENT 'When the windows begin in which the customer may be called, the first 14; empty when never, and when 0.2 or before opened it' AFTER not_before,
    ADD COLUMN IF NOT EXISTS callable_until Array(DateTime64(3, 'UTC')) COMMENT 'When they end, in the same order; an end is not in its window' AFTER callable_from;

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
    callable_from Array(DateTime64(3, 'UTC')) COMMENT 'When the windows begin in which the customer may be called, the first 14; empty when never, and when 0.2 or before opened it',
    callable_until Array(DateTime64(3, 'UTC')) COMMENT 'When they end, in the same order; an end is not in its window',
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
SELECT mode, trigger_id, sequence, customer_id, status, status_reason, purpose, reason_code, cause_event_id, skill, priority, score, created_at, updated_at, not_before, callable_from, callable_until, due_at, expires_at, offer_allowed, max_attempts, retry_delay_seconds, phone_known, country_code, time_zone, language, driver_signals, driver_values, driver_contributions, driver_evidence, evidence_language, consent_basis, consent_do_not_call, consent_as_of, policy, source_topic, source_partition, source_offset, ingested_at, version, inserted_at
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
    callable_from Array(DateTime64(3, 'UTC')) COMMENT 'When the windows begin in which the customer may be called, the first 14; empty when never, and when 0.2 or before opened it',
    callable_until Array(DateTime64(3, 'UTC')) COMMENT 'When they end, in the same order; an end is not in its window',
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
SELECT told_1 AS mode, trigger_id, tupleElement(last, 1) AS sequence, customer_id, tupleElement(last, 2) AS status, tupleElement(last, 3) AS status_reason, tupleElement(last, 4) AS purpose, tupleElement(last, 5) AS reason_code, tupleElement(last, 6) AS cause_event_id, tupleElement(last, 7) AS skill, tupleElement(last, 8) AS priority, tupleElement(last, 9) AS score, created_at, tupleElement(last, 10) AS updated_at, tupleElement(last, 11) AS not_before, tupleElement(last, 12) AS callable_from, tupleElement(last, 13) AS callable_until, tupleElement(last, 14) AS due_at, tupleElement(last, 15) AS expires_at, tupleElement(last, 16) AS offer_allowed, tupleElement(last, 17) AS max_attempts, tupleElement(last, 18) AS retry_delay_seconds, tupleElement(last, 19) AS phone_known, tupleElement(last, 20) AS country_code, tupleElement(last, 21) AS time_zone, tupleElement(last, 22) AS language, tupleElement(last, 23) AS driver_signals, tupleElement(last, 24) AS driver_values, tupleElement(last, 25) AS driver_contributions, tupleElement(last, 26) AS driver_evidence, tupleElement(last, 27) AS evidence_language, tupleElement(last, 28) AS consent_basis, tupleElement(last, 29) AS consent_do_not_call, tupleElement(last, 30) AS consent_as_of, tupleElement(last, 31) AS policy, tupleElement(last, 32) AS source_topic, tupleElement(last, 33) AS source_partition, tupleElement(last, 34) AS source_offset, tupleElement(last, 35) AS ingested_at, tupleElement(last, 36) AS version, tupleElement(last, 37) AS inserted_at, told_2 AS published, told_3 AS first_status
FROM
(
    SELECT created_at, customer_id, trigger_id, argMax(tuple(sequence, status, status_reason, purpose, reason_code, cause_event_id, skill, priority, score, updated_at, not_before, callable_from, callable_until, due_at, expires_at, offer_allowed, max_attempts, retry_delay_seconds, phone_known, country_code, time_zone, language, driver_signals, driver_values, driver_contributions, driver_evidence, evidence_language, consent_basis, consent_do_not_call, consent_as_of, policy, source_topic, source_partition, source_offset, ingested_at, version, inserted_at), tuple(sequence, mode = 'live', version)) AS last, if(countIf(mode = 'live') > 0, 'live', 'shadow') AS told_1, multiIf(countIf(mode = 'live' AND status = 'open') > 0, 'yes', countIf(mode = 'shadow' AND (ingested_at >= expires_at OR status = 'expired' AND sequence = 1)) > 0, 'too_late', 'shadow') AS told_2, argMin(status, sequence) AS told_3
    FROM fct_triggers
    GROUP BY created_at, customer_id, trigger_id
) AS things
COMMENT 'Triggers as they stand, one row each: the highest sequence, of one that was published and recorded the published';
