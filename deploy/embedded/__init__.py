"""The stack without Docker or a JVM: an in-memory broker and a ClickHouse server, as child processes.

Owns starting and stopping those processes. It must not import any other package of ours, so that each part
can be started with `python -m` and used from tests, the demo and `behoudlijn up` alike.
"""
