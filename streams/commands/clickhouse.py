"""`behoudlijn clickhouse`: tables and views made and brought up to date. It only asks `sinks.clickhouse`."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from sinks.clickhouse.connection import ClickHouse, DsnError
from sinks.clickhouse.migrations import MigrationError, available
from sinks.clickhouse.migrations import migrate as apply_migrations
from sinks.clickhouse.older_workers import make_up
from sinks.contract import SinkError
from streams.settings import SettingsError, load_settings

_STATEMENT_S: Final = 6 * 3600.0
"""Seconds that one statement may take without a word: some copy a month of a large table."""

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

    Run it once more after the last sink worker of an older version has ended: what those left out is made up for.

    Example: behoudlijn clickhouse migrate --dsn clickhouse://127.0.0.1:8123/behoudlijn
    """
    try:
        settings = load_settings(**({} if dsn is None else {"clickhouse_dsn": dsn}))
        timeout = max(settings.sink_timeout_s, _STATEMENT_S)
        store = ClickHouse(settings.clickhouse_dsn.get_secret_value(), timeout=timeout)
        try:
            store.create_database()
            applied = apply_migrations(store, tell=typer.echo)
            make_up(store, tell=typer.echo)
        finally:
            store.close()
    except (SettingsError, DsnError, MigrationError, SinkError) as error:
        for line in str(error).splitlines():
            typer.echo(f"clickhouse: {line}", err=True)
        raise typer.Exit(1) from None
    for each in applied:
        typer.echo(f"applied {each.number:03} {each.name}")
    typer.echo(f"{store.where} has all {len(available())} migrations")
