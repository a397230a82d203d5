"""`behoudlijn policy`: list, show and check policies. It shows what `streams.policies` reads."""

from __future__ import annotations

from typing import Annotated

import typer

from streams.commands.screen import Screen, listing, words

app = typer.Typer(no_args_is_help=True, help="What decides who is called, why and when.")


def register(parent: typer.Typer) -> None:
    """Add `policy` to the command line."""
    parent.add_typer(app, name="policy")


@app.command("list")
def list_() -> None:
    """List the policies that come with Behoudlijn.

    Example: behoudlijn policy list
    """
    from streams.policies import built_in, load_policy

    table = listing(words("label"), words("what it does"))
    for name in built_in():
        policy = load_policy(name)
        table.add_row(policy.label, policy.description)
    Screen().print(table)


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
    from streams.commands.policy_tables import sentences, tables
    from streams.policies import read_policy

    policy, extends, text = read_policy(name)
    if yaml:
        typer.echo(text, nl=False)
        return
    screen = Screen()
    screen.print(policy.label, style="bold")
    for sentence in sentences(policy, extends):
        screen.print(sentence)
    for table in tables(policy):
        screen.print(table)


@app.command()
def check(
    file: Annotated[str, typer.Argument(metavar="FILE", help="The policy file (or a built-in name).")],
) -> None:
    """Check a policy file; exit code 2 with a line for each mistake.

    Example: behoudlijn policy check my-policy.yaml
    """
    from streams.policies import read_policy

    policy, extends, _ = read_policy(file)
    weighted, rules = len(policy.score.weights) if policy.score else 0, len(policy.rules)
    base = f" It extends {extends}." if extends else ""
    typer.echo(f"{file}: fine. {policy.label}: {weighted} weighted signals, {rules} plain rules.{base}")
