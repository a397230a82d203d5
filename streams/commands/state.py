"""`behoudlijn state`: look at what customers' states rest on, rebuild them, or go on with what is there.

It only shows and asks; `streams.operations` has `state_check`, `state_repair` and `state_accept`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from streams.commands.ending import end, fail
from streams.commands.options import Bootstrap, ask, settings_of
from streams.commands.screen import Screen, listing, moment, whole, words
from streams.telemetry.amounts import amount
from streams.telemetry.exit_codes import ExitCode

if TYPE_CHECKING:
    from rich.table import Table

    from sinks.contract import Erased
    from streams.operations.repair_prospect import Prospect
    from streams.operations.state_check import Checked
    from streams.operations.state_repair import Rebuilt
    from streams.settings import Settings

app = typer.Typer(
    no_args_is_help=True, help="Look at what customers' states rest on, rebuild them, or go on with them."
)

_Partitions = Annotated[
    list[int] | None,
    typer.Option("--partition", min=0, help="Only this one (may be repeated); default: all."),
]
_Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def register(parent: typer.Typer) -> None:
    """Add `state` to the command line."""
    parent.add_typer(app, name="state")


@app.command()
def check(
    partition: _Partitions = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON list.")] = False,
    bootstrap: Bootstrap = None,
) -> None:
    """Show states, positions and logs side by side, and what is wrong. Changes nothing; workers may run.

    Exit code 78 when something is wrong: a worker would refuse to start from them, or warn of them.

    Example: behoudlijn state check --partition 3
    """
    settings = settings_of(bootstrap)
    numbers = _numbers(settings, partition)
    from streams.operations.state_check import check as look

    checked = asyncio.run(look(settings, numbers))
    if json:
        import orjson

        typer.echo(orjson.dumps([each.as_json() for each in checked], option=orjson.OPT_INDENT_2))
    else:
        show(checked, Screen())
    if any(each.problems for each in checked):
        end(ExitCode.MISFIT)


@app.command()
def repair(
    partition: _Partitions = None,
    yes: _Yes = False,
    no_clickhouse: Annotated[
        bool,
        typer.Option(
            "--no-clickhouse", help="Do not ask ClickHouse who was erased: know only what Kafka still tells."
        ),
    ] = False,
    bootstrap: Bootstrap = None,
) -> None:
    """Rebuild states from what the topics hold, with what was really said: no customer is called twice for it.

    All signals workers must have stopped. It reads the inputs from their beginning up to what was committed, takes open episodes and who
    rests from the published triggers and the outcomes, keeps who was erased, and publishes nothing. It may be broken off and given
    again. Facts older than the topics keep are lost, unless the changelog still has them (docs/recovery.md).

    Example: behoudlijn state repair --partition 3
    """
    settings = settings_of(bootstrap)
    numbers = _numbers(settings, partition)
    from streams.operations.repair_prospect import horizon_kept, prospects
    from streams.operations.state_repair import Repair
    from streams.phrases import load_phrases
    from streams.policies import load_policy

    policy = load_policy(settings.policy)
    phrases = load_phrases(settings.language, settings.phrases)
    found = asyncio.run(prospects(settings, policy, numbers))
    erased = {} if no_clickhouse else _erased(settings)
    screen = Screen()
    for line in plan(
        found, horizon_kept(settings, policy), None if no_clickhouse else len(erased), policy.label
    ):
        screen.print(line)
    ask(yes, "Rebuild them?")
    with Screen(stderr=True).status("reading") as status:
        done = asyncio.run(Repair(settings, policy, phrases, erased, status.update).run(numbers))
    screen.print(rebuilt_table(done))
    if any(each.ahead for each in done):
        screen.print("Left out: events of the future, which had moved the time.")
    if untold := sum(each.untold for each in done):
        screen.print(
            f"{amount(untold, 'record')} among triggers and signals could not be read, and told nothing."
        )
    screen.print("Done, and compared. Now start the signals workers.")


@app.command()
def accept(partition: _Partitions = None, yes: _Yes = False, bootstrap: Bootstrap = None) -> None:
    """Go on with the states as they are, though something of them is missing. What is missing stays missing.

    All signals workers must have stopped. Says what is wrong, and asks.

    Example: behoudlijn state accept --partition 3
    """
    settings = settings_of(bootstrap)
    numbers = _numbers(settings, partition)
    from streams.operations.standing import refuse_members
    from streams.operations.state_accept import accept as go_on
    from streams.operations.state_check import check as look
    from streams.policies import load_policy
    from streams.settings import SIGNALS_GROUP

    policy = load_policy(settings.policy)
    asyncio.run(refuse_members(settings, SIGNALS_GROUP, "signals"))
    screen = Screen()
    for each in asyncio.run(look(settings, numbers)):
        missing = sum(max(0, (one.committed or 0) - one.held) for one in each.inputs if one.held is not None)
        said = f"partition {each.partition}: {amount(each.customers, 'customer')}, as of {moment(each.time)}"
        if missing:
            said += f"; up to {amount(missing, 'record')} between these states and what was committed would stay out of them"
        screen.print(said + ".")
        for problem in each.problems:
            screen.print(f"  {problem}.", style="yellow")
    ask(yes, "Go on with these states?")
    asyncio.run(go_on(settings, policy, numbers))
    screen.print("Accepted. Now start the signals workers.")


def show(checked: Sequence[Checked], screen: Screen) -> None:
    """Print the partitions, their inputs, and what is wrong."""
    table = listing(
        whole("part", right=True), words("customers, erased", narrowest=9), words("as of (UTC)", narrowest=10), words("mode", narrowest=6),
        whole("epoch", right=True), words("changelog", narrowest=9),
    )  # fmt: skip
    for each in checked:
        table.add_row(
            str(each.partition), f"{each.customers:,}, {each.markers:,}", moment(each.time), each.mode, str(each.epoch),
            f"{each.changelog.start:,} to {each.changelog.end:,}",
        )  # fmt: skip
    screen.print(table)
    screen.print(f"decided by {', '.join(sorted({each.policy for each in checked}))}")
    inputs = listing(
        whole("part", right=True), words("input", narrowest=10), words("log", narrowest=10), whole("committed", right=True),
        whole("in states", right=True),
    )  # fmt: skip
    for each in checked:
        for one in each.inputs:
            at = ("-" if offset is None else f"{offset:,}" for offset in (one.committed, one.held))
            inputs.add_row(str(each.partition), one.topic, f"{one.start:,} to {one.end:,}", *at)
    screen.print(inputs)
    if behind := max(each.clock_behind_ms for each in checked):
        screen.print(
            f"The clock here is {behind / 3_600_000:,.1f} hours behind what the brokers have stamped, which was taken for the time.",
            style="yellow",
        )
    problems = [problem for each in checked for problem in each.problems]
    for problem in dict.fromkeys(problems):
        screen.print(f"{problem}.", style="red")
    if not problems:
        screen.print("Nothing is missing.", style="green")


def rebuilt_table(done: Sequence[Rebuilt]) -> Table:
    """Return what a repair did."""
    table = listing(
        whole("part", right=True), words("customers, erased", narrowest=9), whole("events read", right=True), whole("left out", right=True),
        words("as of (UTC)", narrowest=10),
    )  # fmt: skip
    for each in done:
        table.add_row(
            str(each.partition), f"{each.customers:,}, {each.markers:,}", f"{each.events:,}", f"{each.ahead:,}", moment(each.time),
        )  # fmt: skip
    return table


def plan(found: Sequence[Prospect], kept: tuple[float, int], erased: int | None, label: str) -> list[str]:
    """Return what a repair would do, in sentences. `kept`: days that inputs keep, days that the policy looks back."""
    lines = [f"States of {amount(len(found), 'partition')} will be rebuilt by policy {label}:"]
    for each in found:
        read = sum(end - start for start, end in each.ranges.values())
        line = f"  partition {each.partition}: {amount(read, 'offset')} of its inputs to read"
        line += f"; the changelog still knows {amount(each.customers, 'customer')} and {amount(each.markers, 'erased one')}"
        if each.unreadable:
            line += f"; {amount(each.unreadable, 'record')} that cannot be read (foreign, or of a newer release) will be left behind"
        lines.append(line + ".")
    lost = sorted({name for each in found for name in each.lost})
    days, horizon = kept
    if lost:
        age = f" Topics keep {days:g} days, the policy looks back {horizon}." if days < horizon else ""
        lines.append(
            f"The beginning of {', '.join(lost)} is gone.{age} Facts of before are lost, and so are objections to calls, deaths and "
            "cancellations that only they told, unless the changelog still has them."
        )
    if anew := sorted({name for each in found for name in each.anew}):
        lines.append(
            f"Of {', '.join(anew)} another log was committed than is there: the topic was made anew, or lost its end. Nothing of it counts as "
            "read, and the workers will read it from its beginning; what only the former log told is lost, unless the changelog still has it."
        )
    if erased is None:
        lines.append(
            "ClickHouse is not asked who was erased: customers whose marker only the changelog held must be erased again before they are heard of."
        )
    else:
        lines.append(f"ClickHouse remembers {amount(erased, 'erased customer')}.")
    lines.append("Nothing is published. What lies behind the committed positions is left to the worker.")
    return lines


def _numbers(settings: Settings, chosen: list[int] | None) -> list[int]:
    numbers = sorted(set(chosen)) if chosen else list(range(settings.partitions))
    if numbers[-1] >= settings.partitions:
        fail(f"there is no partition {numbers[-1]}: BEHOUDLIJN_PARTITIONS is {settings.partitions}")
    return numbers


def _erased(settings: Settings) -> Mapping[str, Erased]:
    from sinks.clickhouse.connection import ClickHouse
    from sinks.clickhouse.erasure import ClickHouseEraser
    from sinks.contract import SinkError

    store = ClickHouse(settings.clickhouse_dsn.get_secret_value(), timeout=settings.sink_timeout_s)
    try:
        return ClickHouseEraser(store).known()
    except SinkError as error:
        fail(
            f"{error} Its table of erasures tells who was erased. Without it give --no-clickhouse, and erase again whom the changelog does "
            "not know any more",
            ExitCode.UNAVAILABLE,
        )
    finally:
        store.close()
