"""Daily figures: which days have changed is noted, and days that have been quiet for a while are computed and stored.

Owns both. What people read is right without the storing: the views compute the days that have changed since. A change is noted
before its rows are written, so that nobody stores that day meanwhile and whoever reads it sees them, and after that, at the
server's time of the note; a day counts as computed up to the latest change that was known when its computing began. So rows that
the computing did not see are noted later than that, also by a clock that was set back by less than the quiet time. Several may
compute at once: what one has read is written long before the next change of that day is quiet.
"""

import time
from collections.abc import Callable, Collection, Sequence
from datetime import date
from typing import Final

import structlog

from sinks.clickhouse.connection import ClickHouse
from sinks.clickhouse.declarations.derived import CHANGED_DAYS, CHANGING, changed_by
from sinks.clickhouse.declarations.rollups import ROLLUPS, Rollup
from sinks.clickhouse.declarations.shared import TIME
from sinks.clickhouse.tables import COLUMNS
from sinks.contract import SinkUnavailable, Values

_LOG: Final = structlog.get_logger(__name__)
_DAY_MS: Final = 86_400_000
_DAYS: Final = 31
"""Days that one statement computes."""
_QUIET_S: Final = 300.0
_COMPUTING_S: Final = 60
"""No statement computes longer. It is less than the quiet time: who computes a day later has seen more, and writes later too."""
_DATED: Final = {name: COLUMNS[name].index(table.day) for name, table in CHANGING.items()}


def note_changes(store: ClickHouse, table: str, rows: Sequence[Values], more: Collection[int] = ()) -> None:
    """Note the days whose figures rows change that were written into `table`, and `more` days, on which older versions of them lie.

    Raises as `ClickHouse.command`.
    """
    at = _DATED.get(table)
    if at is None:
        return
    days = ", ".join(str(day) for day in sorted({*more, *(int(str(row[at])) // _DAY_MS for row in rows)}))
    store.command(
        f"INSERT INTO {CHANGED_DAYS.name} (figures, day, changed_at) "  # noqa: S608 - constants and numbers
        "SELECT DISTINCT tupleElement(each, 1), tupleElement(each, 2), now64(3, 'UTC') "
        f"FROM (SELECT arrayJoin({changed_by(CHANGING[table])}) AS each FROM (SELECT toDate(arrayJoin([{days}])) AS of_day))",
        settings={"async_insert": 0, "insert_deduplicate": 0, "max_query_size": 1 << 22},
    )


_CHANGED: Final = """
SELECT day, toUnixTimestamp64Milli(max(changed_at)), toUnixTimestamp64Milli(now64(3, 'UTC'))
FROM changed_days WHERE figures = {figures:String} GROUP BY day
HAVING max(changed_at) > max(computed_at) AND max(changed_at) < now64(3, 'UTC') - toIntervalMillisecond({quiet:UInt64})
ORDER BY day DESC LIMIT {limit:UInt32}
"""


_SEEN: Final = f"'figures String, day Date, seen {TIME.replace(chr(39), chr(92) + chr(39))}'"


class Refreshing:
    """Computes figures now and then, between the flushes of a sink worker. One thread at a time."""

    def __init__(
        self, store: ClickHouse, *, every_s: float = 60.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._every_s = every_s
        self._clock = clock
        self._due = clock() + every_s

    def when_due(self) -> None:
        """Compute for a second at most, once every `every_s`. An outage leaves it to the next time; SinkRefused is raised."""
        if self._clock() < self._due:
            return
        self._due = self._clock() + self._every_s
        try:
            refresh(self._store, budget_s=1.0)
        except SinkUnavailable as error:
            _LOG.warning("figures_put_off", reason=str(error))


def refresh(
    store: ClickHouse,
    *,
    quiet_s: float = _QUIET_S,
    budget_s: float = 2.0,
    clock: Callable[[], float] = time.monotonic,
    tell: Callable[[str], None] = lambda _: None,
) -> int:
    """Compute days that have changed, the latest first, until none is left or `budget_s` is over; returns how many.

    Raises as `ClickHouse.query`; what broke off is done by the next call.
    """
    until = clock() + budget_s
    computed = 0
    for rollup in ROLLUPS:
        while days := _compute(store, rollup, round(quiet_s * 1000)):
            computed += days
            tell(f"{rollup.name}: days computed {computed}")
            if clock() >= until:
                return computed
    return computed


def _compute(store: ClickHouse, rollup: Rollup, quiet_ms: int) -> int:
    parameters: dict[str, object] = {"figures": rollup.name, "quiet": quiet_ms, "limit": _DAYS}
    days = store.query(_CHANGED, parameters)
    if not days:
        return 0
    store.command(_computing(rollup, [day for day, _, _ in days], days[0][2]))
    seen = ", ".join(f"('{rollup.name}', '{day}', {_moment(changed)})" for day, changed, _ in days)
    store.command(
        f"INSERT INTO {CHANGED_DAYS.name} (figures, day, computed_at) SELECT * FROM values({_SEEN}, {seen}) "  # noqa: S608 - days and numbers
        "SETTINGS async_insert = 0"
    )
    _LOG.info("figures_computed", figures=rollup.name, days=len(days))
    return len(days)


def _moment(ms: int) -> str:
    return f"fromUnixTimestamp64Milli({ms}, 'UTC')"


def _computing(rollup: Rollup, computed: Sequence[date], now: int) -> str:
    """Return the statement that stores days; what is no more on a day is stored as nothing, in place of what was."""
    days = "[" + ", ".join(f"toDate('{day}')" for day in computed) + "]"
    names = [each.name for each in rollup.columns]
    keys = [each.name for each in (rollup.day, *rollup.keys)]
    measures = [
        f"{'max' if column.name in rollup.largest else 'sum'}({value})"
        for (column, _), value in zip(rollup.measures, rollup.values, strict=True)
    ]
    nothing = ", ".join([*keys, *(f"0 AS {value}" for value in rollup.values)])
    return (
        f"INSERT INTO {rollup.name} ({', '.join(names)}, computed_at) "  # noqa: S608 - declarations
        f"SELECT {', '.join([*keys, *measures])}, {_moment(now)} FROM ("
        f"SELECT {nothing} FROM {rollup.name} WHERE day IN (SELECT arrayJoin({days})) "
        f"UNION ALL {rollup.of_days(days)}"
        f") GROUP BY {', '.join(keys)} SETTINGS async_insert = 0, max_execution_time = {_COMPUTING_S}"
    )
