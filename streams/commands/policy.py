"""`behoudlijn policy`: list, show and check policies. It shows what `streams.policies` reads."""

from __future__ import annotations

from math import exp
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from streams.core.policy import Policy
from streams.documents import DocumentError
from streams.policies import PolicyFile, built_in, read_policy

app = typer.Typer(no_args_is_help=True, help="What decides who is called, why and when.")
EXIT_WRONG = 2


def register(parent: typer.Typer) -> None:
    """Add `policy` to the command line."""
    parent.add_typer(app, name="policy")


@app.command("list")
def list_() -> None:
    """List the policies that come with Behoudlijn.

    Example: behoudlijn policy list
    """
    table = Table(Column("policy", no_wrap=True), Column("label", no_wrap=True), "what it does")
    for name in built_in():
        policy = _read(name).policy
        table.add_row(name, policy.label, policy.description)
    Console().print(table)


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A built-in policy, or the path of a file.")],
    yaml: Annotated[
        bool,
        typer.Option("--yaml", help="Print it as a file that stands alone: a start for one of your own."),
    ] = False,
) -> None:
    """Show a policy: each number that decides, and where it comes from.

    Example: behoudlijn policy show default
    """
    policy, extends, text = _read(name)
    if yaml:
        typer.echo(text, nl=False)
        return
    console = Console()
    console.print(f"[bold]{policy.label}[/bold]  {policy.description}", highlight=False)
    if extends:
        console.print(f"It extends {extends}.", highlight=False)
    for table in _tables(policy):
        console.print(table)


@app.command()
def check(
    file: Annotated[str, typer.Argument(metavar="FILE", help="The policy file (or a built-in name).")],
) -> None:
    """Check a policy file; exit code 2 with a line for each mistake.

    Example: behoudlijn policy check my-policy.yaml
    """
    policy, extends, _ = _read(file)
    weighted, rules = len(policy.score.weights) if policy.score else 0, len(policy.rules)
    base = f" It extends {extends}." if extends else ""
    typer.echo(f"{file}: fine. {policy.label}: {weighted} weighted signals, {rules} plain rules.{base}")


def _read(name: str) -> PolicyFile:
    try:
        return read_policy(name)
    except DocumentError as error:
        lines = str(error).splitlines()
    except (OSError, ValueError) as error:  # not readable, not UTF-8, or a date that does not exist
        lines = [f"{name}: cannot be read: {error}"]
    for line in lines:
        typer.echo(f"policy: {line}", err=True)
    raise typer.Exit(EXIT_WRONG)


def _tables(policy: Policy) -> list[Table]:
    tables = []
    if policy.score is not None:
        kind = "probability, calibrated" if policy.calibrated else "risk score, not calibrated"
        opens, closes = policy.score.open_at, policy.score.close_below
        title = f"Score ({kind}): an episode opens from {opens:g}, ends below {closes:g}"
        table = Table(
            "signal", "weight", "at most", "odds per unit", "source", title=title, title_justify="left"
        )
        intercept = policy.score.intercept
        table.add_row("(intercept)", f"{intercept.value:g}", "", "", intercept.source)
        for name, weight in policy.score.weights.items():
            odds = f"x {exp(weight.weight):.2f}"
            table.add_row(name, f"{weight.weight:g}", f"{weight.cap:g}", odds, weight.source)
        tables.append(table)
    if policy.rules:
        table = Table("rule", "signal", "from", "source", title="Plain rules", title_justify="left")
        for rule in policy.rules:
            table.add_row(rule.name, rule.signal, f"{rule.at_least:g}", rule.source)
        tables.append(table)
    title = f"Purposes (a score opens no new episode for {policy.cooldown_days:g} days)"
    table = Table(
        "purpose",
        "skill",
        "priority",
        "due, h",
        "valid, h",
        "attempts",
        "source",
        title=title,
        title_justify="left",
    )
    for purpose, handling in policy.purposes.items():
        numbers = (handling.priority, handling.due_hours, handling.valid_hours, handling.max_attempts)
        table.add_row(purpose, handling.skill, *(f"{number:g}" for number in numbers), handling.source)
    tables.append(table)
    return tables
