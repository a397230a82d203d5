"""Events that lie in files: read, made from tables, sent to topics, judged without Kafka.

Owns formats and mappings. It must not know a worker. Begin with `ndjson` (a line), then `backtest` (all of them).
"""
