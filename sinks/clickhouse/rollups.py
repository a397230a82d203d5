"""Daily figures: which days have changed is noted, and days that have been quiet for a while are computed and stored.

Owns both. What people read is right without the storing: the views compute the days that have changed since. A change is noted after
its rows are written, at the server's time of the note; a day counts as computed up to when its computing began. So rows that the
computing did not see are noted later than that, and whoever dies before the note writes the rows again.
"""

import time
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from sinks.clickhouse.connection import ClickHouse
from sinks.clickhouse.declarations.derived import CHANGED_DAYS, CHANGING, EVENT_DAYS, changed_by
from sinks.clickhouse.declarations.rollups import ROLLUPS, Rollup
from sinks.clickhouse.moves import BY_IDENTITY, among
from sinks.clickhouse.tables import COLUMNS
from sinks.contract import SinkUnavailable, Values

_LOG: Final = structlog.get_logger(__name__)
_DAY_MS: Final = 86_400_000
_DAYS: Final = 31
"""Days that one statement computes."""
_DATED: Final = {name: COLUMNS[name].index(table.day) for name, table in CHANGING.items()}


def note_changes(store: ClickHouse, table: str, rows: Sequence[Values]) -> None:
    """Note the days whose figures rows change that were written into `table`: where a correction has moved an event, also the days
    from which it did. To be asked after `Moves.settle`. Raises as `ClickHouse.command`."""
    at = _DATED.get(table)
    if at is None:
        return
    if CHANGING[table].moves:
        days = f"SELECT DISTINCT day AS of_day FROM {EVENT_DAYS.name} WHERE {among(table, rows)}"  # noqa: S608 - quoted
    else:
        numbers = sorted({int(str(row[at])) // _DAY_MS for row in rows})
        days = f"SELECT toDate(arrayJoin({numbers})) AS of_day"
    store.command(
        f"INSERT INTO {CHANGED_DAYS.name} (figures, day, changed_at) "  # noqa: S608 - constants, and as above
        "SELECT DISTINCT tupleElement(each, 1), tupleElement(each, 2), now64(3, 'UTC') "
        f"FROM (SELECT arrayJoin({changed_by(CHANGING[table])}) AS each FROM ({days}))",
        settings=BY_IDENTITY,
    )


_CHANGED: Final = """
SELECT now64(3, 'UTC') AS now, groupArray(day) FROM (
    SELECT day FROM changed_days WHERE figures = {figures:String} GROUP BY day
    HAVING max(changed_at) > max(computed_at) AND max(changed_at) < now64(3, 'UTC') - toIntervalMillisecond({quiet:UInt64})
    ORDER BY day DESC LIMIT {limit:UInt32}
)
"""


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
    quiet_s: float = 300.0,
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
            tell(f"{rollup.name}: {computed} days computed")
            if clock() >= until:
                return computed
    return computed


def _compute(store: ClickHouse, rollup: Rollup, quiet_ms: int) -> int:
    parameters: dict[str, object] = {"figures": rollup.name, "quiet": quiet_ms, "limit": _DAYS}
    [(now, days)] = store.query(_CHANGED, parameters)
    if not days:
        return 0
    moment = f"fromUnixTimestamp64Milli({round(now.timestamp() * 1000)}, 'UTC')"
    listed = "[" + ", ".join(f"toDate('{day}')" for day in days) + "]"
    store.command(_computing(rollup, listed, moment))
    store.command(
        "INSERT INTO changed_days (figures, day, computed_at) "
        f"SELECT '{rollup.name}', arrayJoin({listed}), {moment}"
    )
    _LOG.info("figures_computed", figures=rollup.name, days=len(days))
    return len(days)


def _computing(rollup: Rollup, days: str, moment: str) -> str:
    """Return the statement that stores days; what is no more on a day is stored as nothing, in place of what was."""
    names = [each.name for each in rollup.columns]
    keys = [each.name for each in (rollup.day, *rollup.keys)]
    measures = [
        f"{'max' if each.name in rollup.largest else 'sum'}(value_{number})"
        for number, each in enumerate(rollup.measures)
    ]
    values = [f"value_{number}" for number in range(len(measures))]
    nothing = ", ".join([*keys, *(f"0 AS {value}" for value in values)])
    return (
        f"INSERT INTO {rollup.name} ({', '.join(names)}, computed_at) "  # noqa: S608 - declarations
        f"SELECT {', '.join([*keys, *measures])}, {moment} FROM ("
        f"SELECT {nothing} FROM {rollup.name} WHERE day IN (SELECT arrayJoin({days})) "
        f"UNION ALL {rollup.measured.replace('{days}', days)}"
        f") GROUP BY {', '.join(keys)} SETTINGS async_insert = 0"
    )
