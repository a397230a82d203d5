"""docs/clickhouse.md: every view with its columns, from the declarations of the tables."""

from collections.abc import Iterable, Iterator
from typing import Final

from deploy.generated.notice import NOTICE
from sinks.clickhouse.declarations.episodes import EPISODES
from sinks.clickhouse.declarations.rollups import ROLLUPS
from sinks.clickhouse.declarations.table import Column
from sinks.clickhouse.tables import TABLES

_HEAD: Final = """\
Read the views: each event counts once there, as it was last corrected. Tables hold more than that (repeats, corrections, rows of events that
have moved to another day), and may change from release to release. For figures by day read `v_daily_*`: a few thousand rows instead of
millions, and exact at every moment. All times are UTC. The comments below are those of the database: `DESCRIBE v_calls` shows them too.

What a query costs: a condition on the time of a view (`occurred_at`, `created_at`, `as_of`) reads the days that it names and little more; one on
`customer_id` reads some rows of each day on which that customer has any. Views of what is latest (`v_customers`, `v_customer_signals`) and
`v_episodes` read more than they show: narrow the first by customer, and ask the last for a report, not for a dashboard that refreshes each
minute. [Decision 25](decisions/0025-rows-by-day.md) has the figures.

People who read reports have a right on the views, apart from `v_survey_comments`, which has one of its own ([security](security.md))."""


def clickhouse_page() -> str:
    """Return the page's text."""
    lines = ["# Views in ClickHouse\n", NOTICE, _HEAD]
    for name, comment, columns in _views():
        lines += [f"\n## {name}\n", f"{comment}.\n", "| column | type | meaning |", "|---|---|---|"]
        lines += [f"| `{each.name}` | `{each.type}` | {_cell(each.comment)} |" for each in columns]
    return "\n".join(lines) + "\n"


def _views() -> Iterator[tuple[str, str, Iterable[Column]]]:
    for rollup in ROLLUPS:
        yield rollup.view, rollup.comment, rollup.columns
    yield EPISODES.name, EPISODES.comment, EPISODES.columns
    for table in TABLES:
        for view in table.views:
            yield view.name, view.comment, table.shown(view)


def _cell(comment: str) -> str:
    return comment.replace("|", "\\|")
