"""The databases of a data directory: `behoudlijn` holds what is ours, as in production; `default` is there for sessions that name none.

Former versions kept everything in `default`. What such a version left moves, whole: a person's own tables and views
there may be about ours. It must not look into a table.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from deploy.embedded.clickhouse.errors import EngineError
from deploy.embedded.clickhouse.literals import identifier

if TYPE_CHECKING:
    from deploy.embedded.clickhouse.engine import Engine

DATABASE: Final = "behoudlijn"
_RECORD: Final = "schema_migrations"
"""Its place says where our tables are; it moves last, so that a move that broke off goes on at the next start."""


def establish(engine: Engine) -> list[str]:
    """Make the database, and move into it what stands in `default`. Returns what had to stay there. Raises EngineError."""
    engine.query(f"CREATE DATABASE IF NOT EXISTS {DATABASE}")
    found = engine.query(
        "SELECT database, name, engine, create_table_query FROM system.tables WHERE NOT is_temporary ORDER BY name",
        "JSONEachRow",
    )
    tables = [json.loads(line) for line in found.body.splitlines()]
    old = {table["name"]: table for table in tables if table["database"] == "default"}
    if _RECORD not in old or any(
        table["database"] == DATABASE and table["name"] == _RECORD for table in tables
    ):
        return []
    views = {name: table for name, table in old.items() if table["engine"] == "View"}
    kept = [name for name, table in old.items() if table["engine"].endswith("View") and name not in views]
    moving = [
        name for name in old if name not in views and not name.startswith(".inner") and name not in kept
    ]
    for name in sorted(moving, key=lambda name: name == _RECORD):
        if name == _RECORD:
            kept += _remade(engine, views)
        engine.query(f"RENAME TABLE default.{identifier(name)} TO {DATABASE}.{identifier(name)}")
    return kept


def _remade(engine: Engine, views: dict[str, dict[str, str]]) -> list[str]:
    """Make views anew where they belong, in whatever order they need each other; returns those that cannot be made."""
    left = {name: _renamed(view["create_table_query"]) for name, view in views.items()}
    while left:
        made = []
        for name, sql in left.items():
            try:
                engine.query(sql)
            except EngineError:
                continue
            engine.query(f"DROP VIEW default.{identifier(name)}")
            made.append(name)
        if not made:
            break
        left = {name: sql for name, sql in left.items() if name not in made}
    return list(left)


def _renamed(sql: str) -> str:
    """Return the statement for the other database: the engine writes every table with its database, outside quotes."""
    parts = re.split(r"('(?:[^'\\]|\\.|'')*')", sql)
    parts[::2] = [re.sub(r"(?<![\w.`])default\.(?=[\w`])", f"{DATABASE}.", part) for part in parts[::2]]
    return re.sub(r"^CREATE VIEW ", "CREATE OR REPLACE VIEW ", "".join(parts))
