"""Numbered SQL files, applied in order and recorded: `migrate` may be run at any time, by anyone, again.

Owns the order and the record in `schema_migrations`. A file that has been applied is never edited; the next
number changes what it made. Every statement is repeatable, so that a run that broke off is simply run again; `REBUILD` before a
CREATE TABLE is a statement of ours (`rebuilding`).
"""

import hashlib
import re
from collections.abc import Callable, Sequence
from importlib.resources import files
from typing import Final, NamedTuple

import structlog

from sinks.clickhouse.connection import ClickHouse
from sinks.clickhouse.migrations.rebuilding import REBUILD, rebuild

_LOG: Final = structlog.get_logger(__name__)
_NAME: Final = re.compile(r"^(\d{3})_([a-z0-9_]+)\.sql$")
_RECORD: Final = """
CREATE TABLE IF NOT EXISTS schema_migrations
(
    number UInt16 COMMENT 'Number of the migration',
    name String COMMENT 'Name of the migration',
    sha256 FixedString(64) COMMENT 'Digest of the file as it was applied, hexadecimal',
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When it was applied'
)
ENGINE = ReplacingMergeTree(applied_at)
ORDER BY number
COMMENT 'Which migrations this database has'
"""


class MigrationError(Exception):
    """The files and the database do not belong together; the message says which and what to do."""


class Migration(NamedTuple):
    """One numbered file."""

    number: int
    name: str
    sql: str

    @property
    def digest(self) -> str:
        """SHA-256 of the text, hexadecimal."""
        return hashlib.sha256(self.sql.encode()).hexdigest()

    @property
    def statements(self) -> list[str]:
        """The statements: each ends with a semicolon at the end of a line."""
        text = "\n".join(line for line in self.sql.splitlines() if not line.lstrip().startswith("--"))
        return [part.strip() for part in re.split(r";\s*(?:\n|$)", text) if part.strip()]


def available() -> list[Migration]:
    """Return the migrations of this version, in order. Raises MigrationError for numbers with a gap."""
    found = []
    for file in files(__name__).iterdir():
        match = _NAME.match(file.name)
        if match:
            found.append(Migration(int(match[1]), match[2], file.read_text(encoding="utf-8")))
    found.sort()
    if [each.number for each in found] != list(range(1, len(found) + 1)):
        raise MigrationError(
            f"migrations must be numbered 1, 2, 3, …; found {[each.number for each in found]}"
        )
    return found


def migrate(
    store: ClickHouse,
    migrations: Sequence[Migration] | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> list[Migration]:
    """Apply what is missing; returns what was applied, nothing when all was there. `tell` is told what is being done.

    Raises MigrationError when an applied file was changed, or the database is newer than this program;
    SinkUnavailable and SinkRefused as the store says.
    """
    migrations = available() if migrations is None else migrations
    store.command(_RECORD)
    done = {
        int(number): _text(digest)
        for number, digest in store.query(
            "SELECT number, sha256 FROM schema_migrations FINAL ORDER BY number"
        )
    }
    newer = sorted(set(done) - {each.number for each in migrations})
    if newer:
        raise MigrationError(
            f"the database has migrations {newer}, which this version does not know: upgrade it"
        )
    applied = []
    for each in migrations:
        if each.number in done:
            if done[each.number] != each.digest:
                raise MigrationError(
                    f"migration {each.number:03}_{each.name} was changed after it had been applied: "
                    "restore the file and put the change into the next number"
                )
            continue
        tell(f"{each.number:03} {each.name}")
        for statement in each.statements:
            if statement.startswith(REBUILD):
                rebuild(store, statement, tell)
            else:
                store.command(statement)
        store.insert(
            "schema_migrations", ("number", "name", "sha256"), [(each.number, each.name, each.digest)]
        )
        _LOG.info("migration_applied", number=each.number, name=each.name)
        applied.append(each)
    return applied


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
