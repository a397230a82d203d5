-- An outcome may say when the call was placed, and when the customer wants to be called instead. Which dispositions mean that the customer
-- was reached, and which are attempts at all, is said by the table of dispositions, of which there are more; rows of before have none of
-- those, so that what is stored of their days stays true.

ALTER TABLE fct_outcomes
    COMMENT COLUMN disposition 'How the attempt ended; ANSWERED_HUMAN or REFUSED means that the callback was given';

ALTER TABLE fct_outcomes ADD COLUMN IF NOT EXISTS started_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When the call was placed; null when not given' AFTER agent_minutes;

ALTER TABLE fct_outcomes ADD COLUMN IF NOT EXISTS callback_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When the customer wants to be called instead; null when not given' AFTER started_at;

ALTER TABLE daily_outcomes
    COMMENT COLUMN disposition 'How the attempt ended; ANSWERED_HUMAN or REFUSED means that the callback was given',
    COMMENT COLUMN attempts 'Attempts; outcomes that are none are in v_outcomes only';

CREATE OR REPLACE VIEW v_outcomes
(
    customer_id String COMMENT 'Customer, as the dialer names it',
    event_id String COMMENT 'Identity of the event, given by the dialer',
    occurred_at DateTime64(3, 'UTC') COMMENT 'Event time: when the attempt ended',
    revised_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When the producer last changed what it says of this event; null when it never did',
    trigger_id String COMMENT 'The trigger that was dialled',
    attempt UInt16 COMMENT 'Number of the attempt, from 1',
    disposition LowCardinality(String) COMMENT 'How the attempt ended; ANSWERED_HUMAN or REFUSED means that the callback was given',
    raw_disposition LowCardinality(String) COMMENT 'The own code of the dialer; empty when not given',
    result LowCardinality(String) COMMENT 'What the customer said: satisfied, unresolved, will_leave, competitor, other or unknown',
    agent_minutes Nullable(Float64) COMMENT 'Minutes of agent time; null when not given',
    started_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When the call was placed; null when not given',
    callback_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When the customer wants to be called instead; null when not given',
    source_topic LowCardinality(String) COMMENT 'Kafka topic of the record',
    source_partition UInt32 COMMENT 'Kafka partition of the record',
    source_offset UInt64 COMMENT 'Kafka offset of the record',
    ingested_at DateTime64(3, 'UTC') COMMENT 'Kafka time of the record',
    version UInt128 COMMENT 'Of two rows with one identity the higher counts: revised_at in ms (0 for null), shifted by 64 bits, plus ingested_at in ms, shifted by 20 bits, plus the low bits of the offset',
    inserted_at DateTime64(3, 'UTC') COMMENT 'When this row was written here'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT customer_id, event_id, occurred_at, revised_at, trigger_id, attempt, disposition, raw_disposition, result, agent_minutes, started_at, callback_at, source_topic, source_partition, source_offset, ingested_at, version, inserted_at
FROM fct_outcomes FINAL
SETTINGS use_skip_indexes_if_final = 1, use_skip_indexes_if_final_exact_mode = 0
COMMENT 'Attempts to call back, each once';

CREATE OR REPLACE VIEW v_daily_outcomes
(
    day Date COMMENT 'Day on which the attempt ended, UTC',
    purpose LowCardinality(String) COMMENT 'requested_callback, save, incident or service_recovery',
    reason_code LowCardinality(String) COMMENT 'Strongest reason for the call',
    skill LowCardinality(String) COMMENT 'Which agents should call',
    disposition LowCardinality(String) COMMENT 'How the attempt ended; ANSWERED_HUMAN or REFUSED means that the callback was given',
    result LowCardinality(String) COMMENT 'What the customer said: satisfied, unresolved, will_leave, competitor, other or unknown',
    attempts UInt64 COMMENT 'Attempts; outcomes that are none are in v_outcomes only',
    reached UInt64 COMMENT 'Attempts in which the customer was reached',
    agent_minutes Float64 COMMENT 'Minutes of agent time, of attempts that say it'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT day, purpose, reason_code, skill, disposition, result, value_0 AS attempts, value_1 AS reached, value_2 AS agent_minutes FROM
(SELECT day, purpose, reason_code, skill, disposition, result, count() AS value_0, countIf(disposition IN ('ANSWERED_HUMAN', 'REFUSED')) AS value_1, sum(ifNull(agent_minutes, 0)) AS value_2
FROM
(
    SELECT day, toDate(opened_at) BETWEEN day - 14 AND day AS near, if(near, trigger_purpose, '') AS purpose, if(near, trigger_reason_code, '') AS reason_code, if(near, trigger_skill, '') AS skill, disposition, result, agent_minutes
    FROM (SELECT customer_id, trigger_id, toDate(occurred_at) AS day, disposition, result, agent_minutes FROM fct_outcomes FINAL WHERE toDate(occurred_at) IN (SELECT arrayJoin((SELECT groupUniqArray(day) FROM (SELECT day FROM changed_days WHERE figures = 'daily_outcomes' GROUP BY day HAVING max(changed_at) > max(computed_at))))) AND disposition IN ('ANSWERED_HUMAN', 'NO_ANSWER', 'BUSY', 'MACHINE', 'INVALID_NUMBER', 'ABANDONED', 'DO_NOT_CALL', 'CALLBACK_LATER', 'WRONG_PARTY', 'LEFT_MESSAGE', 'REFUSED')) AS outcomes
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
            minIf(occurred_at, disposition IN ('ANSWERED_HUMAN', 'REFUSED')) AS answered_at, sum(ifNull(agent_minutes, 0)) AS agent_minutes
        FROM fct_outcomes FINAL
        WHERE disposition IN ('ANSWERED_HUMAN', 'NO_ANSWER', 'BUSY', 'MACHINE', 'INVALID_NUMBER', 'ABANDONED', 'DO_NOT_CALL', 'CALLBACK_LATER', 'WRONG_PARTY', 'LEFT_MESSAGE', 'REFUSED')
        GROUP BY customer_id, trigger_id
    ) AS dialled USING (customer_id, trigger_id)
    LEFT JOIN (SELECT customer_id, arraySort(groupArray(tuple(occurred_at, event_id, toString(reason), direction = 'inbound'))) AS calls FROM fct_calls FINAL WHERE customer_id IN (SELECT customer_id FROM fct_triggers) GROUP BY customer_id) AS of_calls USING (customer_id)
    LEFT JOIN (SELECT customer_id, arraySort(groupArray(tuple(occurred_at, toString(stage), whole_relation))) AS steps FROM fct_cancellations FINAL WHERE customer_id IN (SELECT customer_id FROM fct_triggers) GROUP BY customer_id) AS of_steps USING (customer_id)
    LEFT JOIN (SELECT customer_id, arraySort(groupArray(tuple(occurred_at, csat, nps, event_id, contact_id))) AS surveys FROM fct_surveys FINAL WHERE customer_id IN (SELECT customer_id FROM fct_triggers) GROUP BY customer_id) AS of_surveys USING (customer_id)
)
SETTINGS join_use_nulls = 0, aggregate_functions_null_for_empty = 0
COMMENT 'Triggers and what followed, one row each: attempts, and the customer\'s next contact on the same reason, cancellation step and survey';
