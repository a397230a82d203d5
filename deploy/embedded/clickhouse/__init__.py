"""A ClickHouse server in one Python process: the HTTP interface of ClickHouse, answered by the chDB engine.

It owns the protocol (requests, compression, errors, summaries); the engine owns every answer. It
must not invent a result: what the engine refuses is returned as the engine's own error. Meant for demos,
tests and one machine; production uses a server. Start it with `python -m deploy.embedded.clickhouse`.

Where it differs from a ClickHouse server:

- Users are this process' own, each with a password: `currentUser()` is always `default`, and there is no
  `CREATE USER` nor quota.
- Only tables, views and their data: the engine (`engine.xml`) and the kernel (`confinement`) refuse files outside
  the data directory, the network, programs, dictionaries, functions, named collections, backups and SYSTEM.
- A session ends with its request, named or not: what only a lasting one could give is refused. There are no roles, forms
  and external tables.
- What a reader says, and what comes by GET, runs as the engine's formatter writes it.
- Requests of other origins, or to a host that is not the server, get 403, and there is no CORS.
- `query_id` is echoed, but `system.processes` shows ids that chDB gives itself; no `system.query_log`.
- Only statements that start with SELECT or WITH stream, in formats without a head; others come whole.
- The summary of a streamed answer holds the counts up to its first pieces, since it goes with the headers,
  and that of an INSERT with data only `written_*` and `elapsed_ns`; there are no progress headers.
- Native block compression (`compress=1`), the native TCP protocol and `INSERT ... SELECT FROM input()` are
  not supported and say so; `client_protocol_version` is accepted without effect.
"""
