"""What sink workers up to 0.2.0 write into today's tables while an upgrade is under way, and what they leave out.

They write rows, but not what follows from these (`moves`, `rollups`). Once the last of them is gone, `behoudlijn clickhouse migrate` is
run again and makes up for it.
"""

from collections.abc import Callable
from typing import Final

from sinks.clickhouse.connection import ClickHouse
from sinks.clickhouse.declarations.derived import CHANGING, MOVING
from sinks.clickhouse.moves import Moves
from sinks.clickhouse.statements import note_changes, note_days

_BY_DAY: Final = 7
"""The migration since which there is something to leave out."""
_WITHIN_DAYS: Final = 30
"""An upgrade in which workers of both versions run takes no longer."""
_SINCE: Final = """
SELECT toUnixTimestamp64Milli(min(applied_at)) FROM schema_migrations
WHERE number = {number:UInt16} AND applied_at > now64() - toIntervalDay({days:UInt16}) HAVING count() > 0
"""


def make_up(store: ClickHouse, tell: Callable[[str], None] = lambda _: None) -> None:
    """Note, settle and mark what was written since the migration. Repeatable; it reads the times of all rows, and `event_days` whole.

    Nothing is done before that migration, nor later than an upgrade takes.
    """
    found = store.query(_SINCE, {"number": _BY_DAY, "days": _WITHIN_DAYS})
    if not found:
        return
    began = f"fromUnixTimestamp64Milli({int(found[0][0])}, 'UTC')"
    written = f"inserted_at BETWEEN {began} - INTERVAL 1 HOUR AND {began} + INTERVAL {_WITHIN_DAYS} DAY"
    for table in MOVING:
        tell(f"{table.name}: days of events")
        store.command(note_days(table, f" AND {written}"))
    Moves(store).settle_all()
    for table in CHANGING.values():
        store.command(note_changes(table, written, "now64(3, 'UTC')"))
