"""`behoudlijn topics`: make, check, list and migrate the topics, and say which rights the workers need on them.

It only shows what `streams.cluster.topics` and `streams.operations.migration` do and `streams.cluster.rights` lists.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, cast

import typer

from streams.commands.ending import fail
from streams.commands.options import Bootstrap, ask, settings_of
from streams.commands.screen import Screen, listing, whole, words
from streams.telemetry.amounts import amount
from streams.telemetry.exit_codes import ExitCode

if TYPE_CHECKING:
    from rich.table import Table

    from streams.cluster.topics import TopicReport
    from streams.operations.skipping import Group

app = typer.Typer(no_args_is_help=True, help="Make, check and list the Kafka topics, and the rights on them.")

_Partitions = Annotated[
    int | None, typer.Option("--partitions", help="Partitions of every topic; default BEHOUDLIJN_PARTITIONS.")
]


def register(parent: typer.Typer) -> None:
    """Add `topics` to the command line."""
    parent.add_typer(app, name="topics")


@app.command()
def ensure(
    bootstrap: Bootstrap = None,
    partitions: _Partitions = None,
    alter: Annotated[
        bool,
        typer.Option(
            "--alter",
            help="Set what an upgrade asks of topics that exist and that touches no record: who stamps records, and how "
            "soon the changelog may be compacted.",
        ),
    ] = False,
) -> None:
    """Make the topics that are absent and check the others; exit code 78 when one does not fit.

    Example: behoudlijn topics ensure --bootstrap kafka-1:9092,kafka-2:9092
    """
    from streams.cluster.topics import ensure as ensure_topics

    settings = settings_of(bootstrap, partitions=partitions)
    _show(ensure_topics(settings, alter=alter))


@app.command("list")
def list_(bootstrap: Bootstrap = None, partitions: _Partitions = None) -> None:
    """Show the topics as they are; changes nothing.

    Example: behoudlijn topics list
    """
    from streams.cluster.topics import inspect as inspect_topics

    _show(inspect_topics(settings_of(bootstrap, partitions=partitions)))


@app.command()
def acls(
    signals: Annotated[
        str, typer.Option(metavar="PRINCIPAL", help="Who the signals worker is.")
    ] = "User:behoudlijn-signals",
    sink: Annotated[
        str, typer.Option(metavar="PRINCIPAL", help="Who the sink worker is.")
    ] = "User:behoudlijn-sink",
    objections: Annotated[
        str | None,
        typer.Option(metavar="PRINCIPAL", help="Who gives `behoudlijn objections load`, if anybody does."),
    ] = None,
) -> None:
    """Print the calls of `kafka-acls` that give each worker what it needs, and nothing more. Changes nothing.

    Example: behoudlijn topics acls --signals User:signals --sink User:sink
    """
    from streams.cluster.rights import commands, objections_rights, signals_rights, sink_rights

    settings = settings_of(None)
    lines = commands(signals_rights(settings), signals) + commands(sink_rights(settings), sink)
    if objections is not None:
        lines += commands(objections_rights(settings), objections)
    for line in lines:
        typer.echo(
            f"kafka-acls --bootstrap-server {settings.kafka_bootstrap} --command-config admin.properties {line}"
        )


@app.command()
def skip(
    topic: Annotated[
        str, typer.Argument(help="Without the installation's prefix, such as callback.triggers.")
    ],
    partition: Annotated[int, typer.Argument(min=0)],
    offset: Annotated[int, typer.Argument(min=0)],
    group: Annotated[str, typer.Option("--group", help="Whose reading stops there: sink or signals.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    bootstrap: Bootstrap = None,
) -> None:
    """Go past one record that ends every worker of a group: it will not be read, and becomes a dead letter.

    The workers of the group must have stopped. Nothing beside the record is skipped; its content is not shown.

    Example: behoudlijn topics skip callback.triggers 3 1041 --group sink
    """
    if group not in ("sink", "signals"):
        fail(f"--group {group}: there are sink and signals")
    whose = cast("Group", group)
    from streams.operations.skipping import skip as go_past
    from streams.operations.skipping import skippable

    settings = settings_of(bootstrap)
    found = asyncio.run(skippable(settings, whose, topic, partition, offset))
    size, key = len(found.record.value or b""), len(found.record.key or b"")
    typer.echo(f"{topic}[{partition}]@{offset}: {amount(size, 'byte')}, with a key of {amount(key, 'byte')}.")
    ask(yes, "Skip it?")
    asyncio.run(go_past(settings, whose, found))
    typer.echo(f"Skipped for the {group} group, and kept as a dead letter. Now start its workers.")


@app.command()
def migrate(
    to_prefix: Annotated[str, typer.Option(help="Prefix of the new topics; another than the present one.")],
    to_partitions: Annotated[int, typer.Option(help="Partitions of every new topic.")],
    carry_over: Annotated[
        bool,
        typer.Option(
            "--carry-over",
            help="Where the old workers cannot finish, since partitions were added: copy what they have not read to the new topics, and let "
            "the new workers publish what may not have been.",
        ),
    ] = False,
    bootstrap: Bootstrap = None,
) -> None:
    """Change the number of partitions: make topics under a new prefix, move every customer's state there.

    Stop producers and workers first, all caught up; then switch all of them to the new prefix (docs/scaling.md).
    Nothing is published, and the old topics stay as they are. It may be broken off and given again until new workers run.

    Example: behoudlijn topics migrate --to-prefix v2. --to-partitions 32
    """
    from schemas.instants import to_datetime
    from streams.cluster.topics import ensure as ensure_topics
    from streams.cluster.topics import inspect as inspect_topics
    from streams.operations.migration import migrate as move

    source = settings_of(bootstrap)
    target = settings_of(bootstrap, topic_prefix=to_prefix, partitions=to_partitions)
    if to_prefix == source.topic_prefix:
        fail(f"the new prefix {to_prefix!r} is the present one: choose another")
    absent = [report.name for report in inspect_topics(source) if report.found is None]
    if absent:
        fail(
            f"the present topics are incomplete ({', '.join(absent)}): check the prefix", ExitCode.UNAVAILABLE
        )
    ensure_topics(target)
    with Screen(stderr=True).status("moving") as status:
        moved = asyncio.run(
            move(
                source,
                target,
                carry_over=carry_over,
                tell=lambda count: status.update(f"{amount(count, 'record')} carried over"),
            )
        )
    at = to_datetime(moved.clock).isoformat() if moved.clock >= 0 else "the beginning"
    if carry_over:
        typer.echo(f"{amount(moved.carried, 'record')} that the old workers had not read carried over.")
    typer.echo(
        f"{amount(moved.customers, 'customer')} moved from {moved.before} to {amount(moved.after, 'partition')}, as of {at}. Now start "
        f"producers and workers with BEHOUDLIJN_TOPIC_PREFIX={to_prefix} BEHOUDLIJN_PARTITIONS={to_partitions}."
    )


def _show(reports: tuple[TopicReport, ...]) -> None:
    Screen().print(_table(reports))
    for report in reports:
        for key, (before, after) in report.altered.items():
            typer.echo(f"{report.name}: {key} was {before}, is {after}")
    unchecked = sorted({key for report in reports for key in report.unchecked})
    if unchecked:
        typer.echo(f"This broker does not report {', '.join(unchecked)}: not checked.", err=True)


def _table(reports: tuple[TopicReport, ...]) -> Table:
    table = listing(
        words("topic", narrowest=16),
        whole("state"),
        whole("parts", right=True),
        whole("copies", right=True),
        words("kept"),
    )
    for report in reports:
        found = report.found
        if found is None:
            table.add_row(report.name, report.result, "", "", "")
            continue
        table.add_row(
            report.name, report.result, str(found.partitions), str(found.replication), _kept(found.configs)
        )
    return table


def _kept(configs: Mapping[str, str]) -> str:
    """Return which records the topic keeps, as far as the broker tells."""
    cleanup, retention = (configs.get(key, "not reported") for key in ("cleanup.policy", "retention.ms"))
    if retention.lstrip("-").isdigit():
        retention = "for ever" if retention.startswith("-") else amount(int(retention) / 86_400_000, "day")
    if "compact" not in cleanup:
        return retention
    return "newest per key" if cleanup == "compact" else f"newest per key, {retention}"
