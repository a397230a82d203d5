-- Who was erased, so that rows of theirs are dropped whatever is read again. No customer can be told from it without the key.

CREATE TABLE IF NOT EXISTS erasures
(
    customer_hash FixedString(32) COMMENT 'Keyed hash of the customer, hexadecimal; the key is BEHOUDLIJN_ERASURE_KEY',
    erased_until DateTime64(3, 'UTC') COMMENT 'Rows of events up to this event time are erased',
    ordered_at DateTime64(3, 'UTC') COMMENT 'Kafka time of the erasure: what was decided, or published, up to the later of both is erased too',
    key_id UInt32 COMMENT 'Which key made the hash',
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When this row was written here'
)
ENGINE = ReplacingMergeTree
ORDER BY (customer_hash, erased_until, ordered_at)
COMMENT 'Erasures, one row each; the latest times of a customer hold. Must be kept as long as any topic may hold older records';
