"""`behoudlijn phrases`: what an agent reads of each signal in a language, and whether files of sentences can be used."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from streams.commands.options import settings_of

_SHOWN: Final = (1.0, 2.0, 5.0)


def register(app: typer.Typer) -> None:
    """Add `phrases` to the command line."""
    app.command("phrases")(run)


def run(
    language: Annotated[
        str | None, typer.Option("--language", help="Its tag, such as nl; default BEHOUDLIJN_LANGUAGE.")
    ] = None,
    directory: Annotated[
        Path | None,
        typer.Option("--directory", help="Your own `.ftl` files, checked first; default BEHOUDLIJN_PHRASES."),
    ] = None,
    policy: Annotated[
        str | None, typer.Option("--policy", help="Whose days and hours are told; default BEHOUDLIJN_POLICY.")
    ] = None,
    ftl: Annotated[
        bool, typer.Option("--ftl", help="Print the file itself: a start for one of your own.")
    ] = False,
) -> None:
    """Show what an agent reads of each signal, for the values 1, 2 and 5.

    Every mistake of every file is told with its line, and ends it with exit code 2.

    Example: behoudlijn phrases --language nl
    """
    from streams.core.signals import SIGNALS, evidence
    from streams.phrases import load_phrases
    from streams.policies import load_policy

    settings = settings_of(None)
    parameters = load_policy(policy or settings.policy).parameters
    asked = language or settings.language
    phrases = load_phrases(asked, directory or settings.phrases)
    spoken = phrases.language(asked)
    if ftl:
        typer.echo(phrases.text(spoken), nl=False)
        return
    for name in sorted(SIGNALS):
        typer.echo(name)
        for said in dict.fromkeys(evidence(name, value, parameters, phrases, spoken) for value in _SHOWN):
            typer.echo(f"    {said}")
