"""`behoudlijn clickhouse`: tables and views made and brought up to date. It only asks `sinks.clickhouse`."""

from __future__ import annotations

from typing import Annotated

import typer

from streams.commands.options import settings_of

app = typer.Typer(no_args_is_help=True, help="Make and update the ClickHouse tables.")


def register(parent: typer.Typer) -> None:
    """Add `clickhouse` to the command line."""
    parent.add_typer(app, name="clickhouse")


@app.callback()
def group() -> None:
    """Make and update the ClickHouse tables."""


@app.command()
def migrate(
    dsn: Annotated[
        str | None,
        typer.Option(
            "--dsn",
            help="Where, as clickhouse://host:8123/database; default BEHOUDLIJN_CLICKHOUSE_DSN, "
            "which is also the place for a password: other users can see options.",
        ),
    ] = None,
) -> None:
    """Make the database, its tables and views, or bring them up to date; may be run at any time, again.

    Example: behoudlijn clickhouse migrate --dsn clickhouse://127.0.0.1:8123/behoudlijn
    """
    from sinks.clickhouse.connection import ClickHouse
    from sinks.clickhouse.migrations import available
    from sinks.clickhouse.migrations import migrate as apply_migrations

    settings = settings_of(None, clickhouse_dsn=dsn)
    store = ClickHouse(settings.clickhouse_dsn.get_secret_value(), timeout=settings.sink_timeout_s)
    try:
        store.create_database()
        applied = apply_migrations(store)
    finally:
        store.close()
    for each in applied:
        typer.echo(f"applied {each.number:03} {each.name}")
    typer.echo(f"{store.where} has all {len(available())} migrations")
