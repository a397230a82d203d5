"""`behoudlijn schemas`: the messages' JSON Schema, one file per topic. It writes what `schemas` declares."""

from __future__ import annotations

import json
from functools import reduce
from operator import or_
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streams.commands.ending import cannot_write

if TYPE_CHECKING:
    from pydantic import BaseModel

app = typer.Typer(no_args_is_help=True, help="The messages' formats.")


def register(parent: typer.Typer) -> None:
    """Add `schemas` to the command line."""
    parent.add_typer(app, name="schemas")


@app.callback()
def _group() -> None:
    """Show the messages' formats."""


@app.command()
def export(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Where to; made when it is absent.")],
) -> None:
    """Write the JSON Schema of each topic's messages to DIR/<topic>.v1.json.

    Rules between fields (a survey must say something) are in the descriptions only.

    Example: behoudlijn schemas export build/schemas
    """
    from schemas import topics

    written = []
    try:
        directory.mkdir(parents=True, exist_ok=True)
        kinds = {topic: (model,) for topic, model in topics.MODELS.items()} | topics.RELEASE
        for topic, models in kinds.items():
            path = directory / f"{topic}.v1.json"
            path.write_text(json.dumps(document(topic, *models), indent=2) + "\n", encoding="utf-8")
            written.append(path)
    except OSError as error:
        raise cannot_write(error.filename or directory, error) from None
    for path in written:
        typer.echo(str(path))


def document(topic: str, *models: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of what `topic` carries."""
    from pydantic import TypeAdapter

    from schemas import topics

    beside = topics.BESIDE.get(topic)
    either: Any = reduce(or_, models if beside is None else (*models, beside))
    schema = TypeAdapter[Any](either).json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:behoudlijn:{topic}:v1",
        **schema,
    }
