"""The embedded ClickHouse server as its clients see it: a real process, the real client libraries."""
