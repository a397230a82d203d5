"""docs/clickhouse-errors.md: what the sink does at each error of ClickHouse, and what people should do, from the sink's table."""

from typing import Final

from deploy.generated.notice import NOTICE
from sinks.clickhouse.error_codes import OTHER, REASONS, Reason, Verdict

_HEAD: Final = f"""\
Every error has one reason, and each reason says whether waiting helps. The table is `sinks/clickhouse/error_codes.py`; numbers and
names are ClickHouse's own. A code that is not here is `{OTHER.name}` and passes: a wrong guess costs minutes, never a row. However a request
failed, its repeat writes nothing twice: an insert carries its token again, and the views count each identity once.

A message names what was asked (`the insert into fct_calls`, `describing fct_calls`, `the query`, `the statement`, `creating the
database`), the code and the reason. It never quotes the server, whose texts may hold values of a row. An error that speaks of `No space
left on device` is `disk_full`, whatever its code."""  # noqa: S608 - words, no SQL

_CHAPTERS: Final = {
    Verdict.PASSING: """\
## Errors that pass

The sink holds its offsets and tries again, with longer and longer pauses, for `BEHOUDLIJN_SINK_OUTAGE_S`. `/readyz` and the log say why;
`behoudlijn_sink_retries_total` counts by `reason`. Then it ends unacknowledged, with code 69, and says why once more. Commands
(`clickhouse migrate`, `erase`) say it and end at once: run them again.""",
    Verdict.OURS: """\
## Errors of ours

Trying again would change nothing: it ends at once, unacknowledged, and says what to do. At every start the sink comes to the same batch
again, and stands still there until that is mended: nothing is skipped, and what Kafka's retention removes meanwhile is counted as lost.
When a release changes tables, migrate first and start its workers then; one that came too early ends with `schema`, and does its work when
it is started again. The exit code is 78 ([commands](commands.md)).""",
    Verdict.DEFECT: """\
## Bugs of ours

As errors of ours, but only another release mends them. The exit code is 70.""",
    Verdict.THEIRS: """\
## Errors of the installation

Somebody must change the server, a proxy or our settings, and settings are read when a process starts: it ends at once, unacknowledged,
with code 78. So it does while a password is rotated: a process that holds the old one does not go on knocking with it, and the next start
reads the new one.""",
}


def clickhouse_errors_page() -> str:
    """Return the page's text."""
    lines = ["# Errors of ClickHouse\n", NOTICE, _HEAD]
    for verdict, chapter in _CHAPTERS.items():
        lines += [f"\n{chapter}\n", "| reason | what is wrong | codes | what to do |", "|---|---|---|---|"]
        lines += [_row(reason) for reason in REASONS if reason.verdict is verdict]
    return "\n".join(lines) + "\n"


def _row(reason: Reason) -> str:
    codes = ", ".join(f"{code} `{name}`" for code, name in reason.codes.items())
    return f"| `{reason.name}` | {reason.said} | {codes} | {reason.advice} |"
