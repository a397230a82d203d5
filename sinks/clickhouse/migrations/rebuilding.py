"""A table is made anew in another layout, with the rows it has, while workers write into it.

Owns the statement `REBUILD CREATE TABLE IF NOT EXISTS name …`. Which tables there are says how far it has come, so that a run that
was killed anywhere is simply run again:

    name                                not begun, or done
    name, name__new                     being copied: begun anew
    name__new, name__old                between two renames: the second is made
    name, name__old                     in place: what came meanwhile is copied, then the old one goes
    name, name__old detached            the same: while it is waited for whoever still writes into it

A materialized view that reads such a table is not carried over: make it after the rebuilding.
"""

import re
import time
from collections.abc import Callable
from typing import Final

import structlog

from sinks.clickhouse.connection import ClickHouse

_LOG: Final = structlog.get_logger(__name__)
REBUILD: Final = "REBUILD "
_NAMED: Final = re.compile(r"CREATE TABLE IF NOT EXISTS (\w+)")
_DONE: Final = "SELECT partition_key || sorting_key FROM system.tables WHERE database = currentDatabase() AND name = {name:String}"
_DETACHED: Final = (
    "SELECT table FROM system.detached_tables WHERE database = currentDatabase() AND table = {name:String}"
)


def rebuild(store: ClickHouse, statement: str, tell: Callable[[str], None] = lambda _: None) -> None:
    """Run one such statement. Raises what the store raises."""
    create = statement.removeprefix(REBUILD)
    [name] = _NAMED.findall(create)
    new, old = f"{name}__new", f"{name}__old"
    if store.query(_DETACHED, {"name": old}):
        store.command(f"ATTACH TABLE {old}")
    if not _exists(store, old):
        if not _exists(store, name):
            store.command(create)
            return
        store.command(f"DROP TABLE IF EXISTS {new}")
        store.command(create.replace(f" {name}\n", f" {new}\n", 1))
        if store.query(_DONE, {"name": name}) == store.query(_DONE, {"name": new}):
            store.command(f"DROP TABLE {new}")
            return
        partitions = _partitions(store, name)
        for number, partition in enumerate(partitions, 1):
            tell(f"{name}: part {number} of {len(partitions)}")
            _copy(store, name, new, f"_partition_id = '{partition}'")
        store.command(f"RENAME TABLE {name} TO {old}, {new} TO {name}")
    elif not _exists(store, name):
        store.command(f"RENAME TABLE {new} TO {name}")
    # An insert that found the table before it was renamed may still be writing: the server detaches it when none is left.
    store.command(f"DETACH TABLE {old} SYNC")
    store.command(f"ATTACH TABLE {old}")
    # Of what was written since the copying began some is copied twice: rows of one identity are one.
    _copy(store, old, name, f"inserted_at >= (SELECT max(inserted_at) FROM {old}) - INTERVAL 1 DAY")  # noqa: S608 - a name of ours
    store.command(f"DROP TABLE {old}")


def _copy(store: ClickHouse, source: str, target: str, where: str) -> None:
    columns = ", ".join(_common(store, source, target))
    started = time.monotonic()
    store.command(
        f"INSERT INTO {target} ({columns}) SELECT {columns} FROM {source} WHERE {where} "  # noqa: S608 - names of ours
        "SETTINGS max_partitions_per_insert_block = 0"
    )
    _LOG.info("table_copied", table=source, what=where, seconds=round(time.monotonic() - started, 1))


def _common(store: ClickHouse, source: str, target: str) -> list[str]:
    sql = (
        "SELECT name FROM system.columns WHERE database = currentDatabase() AND table = {target:String} AND default_kind NOT IN "
        "('EPHEMERAL', 'MATERIALIZED') AND name IN (SELECT name FROM system.columns WHERE database = currentDatabase() "
        "AND table = {source:String}) ORDER BY position"
    )
    return [str(name) for (name,) in store.query(sql, {"source": source, "target": target})]


def _exists(store: ClickHouse, name: str) -> bool:
    return bool(store.query(_DONE, {"name": name}))


def _partitions(store: ClickHouse, name: str) -> list[str]:
    sql = "SELECT DISTINCT partition_id FROM system.parts WHERE database = currentDatabase() AND table = {name:String} AND active ORDER BY 1"
    return [str(partition) for (partition,) in store.query(sql, {"name": name})]
