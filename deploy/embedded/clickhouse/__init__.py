"""A ClickHouse server in one Python process: the HTTP interface of ClickHouse, answered by the chDB engine.

It owns the protocol (requests, sessions, compression, errors, summaries); the engine owns every answer. It
must not invent a result: what the engine refuses is returned as the engine's own error. Start it with `python
-m deploy.embedded.clickhouse`. Meant for demos, tests and one-machine use; production uses a ClickHouse
server.
"""
