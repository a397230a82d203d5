"""`behoudlijn clickhouse`: tables and views made and brought up to date. It only asks `sinks.clickhouse`."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from streams.commands.options import settings_of
from streams.commands.screen import Screen
from streams.telemetry.amounts import amount

_TIMEOUT_S: Final = 3_600.0
"""For one statement: some write a table anew."""
_FIGURES_S: Final = 600.0
"""For daily figures; sink workers compute what is left, little by little."""

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

    After an upgrade from 0.2, run it again once the last worker of 0.2 is gone: it makes up for what those leave out.

    Example: behoudlijn clickhouse migrate --dsn clickhouse://127.0.0.1:8123/behoudlijn
    """
    from sinks.clickhouse import older_workers, rollups
    from sinks.clickhouse.connection import ClickHouse
    from sinks.clickhouse.migrations import available
    from sinks.clickhouse.migrations import migrate as apply_migrations
    from streams.telemetry import log

    log.configure("console", "warning")
    settings = settings_of(None, clickhouse_dsn=dsn)
    store = ClickHouse(settings.clickhouse_dsn.get_secret_value(), timeout=_TIMEOUT_S)
    try:
        with Screen(stderr=True).status("connecting") as status:
            store.create_database()
            applied = apply_migrations(store, tell=status.update)
            if applied != available():  # else there was nothing that an older worker could have written into
                older_workers.make_up(store, status.update)
            days = rollups.refresh(store, quiet_s=0, budget_s=_FIGURES_S, tell=status.update)
    finally:
        store.close()
    for each in applied:
        typer.echo(f"applied {each.number:03} {each.name}")
    if days:
        typer.echo(f"computed {amount(days, 'day')} of daily figures")
    typer.echo(f"{store.where} has all {len(available())} migrations")
