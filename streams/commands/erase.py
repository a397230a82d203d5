"""`behoudlijn erase CUSTOMER`: forget a customer everywhere, with a receipt. It shows what `streams.operations.erasure` has seen."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.table import Column, Table

from schemas.ids import ID_PATTERN, ID_WORDS, names_nobody
from sinks.clickhouse.connection import ClickHouse, DsnError
from sinks.clickhouse.erasure import ClickHouseEraser
from sinks.contract import SinkError
from streams.cluster.topics import TopicsError
from streams.commands.options import Bootstrap, fail, one_line, settings_of
from streams.operations.erasure import CustomerErasure, Receipt
from streams.telemetry.amounts import amount


def register(app: typer.Typer) -> None:
    """Add `erase` to the command line."""
    app.command()(erase)


def erase(
    customer: Annotated[str, typer.Argument(help="The customer's id.")],
    until: Annotated[
        str | None,
        typer.Option(
            "--until", help="Erase what happened up to this time (ISO 8601 with a zone); default: now."
        ),
    ] = None,
    wait: Annotated[
        float, typer.Option("--wait", min=1, help="Seconds to wait for the workers at most.")
    ] = 300.0,
    json: Annotated[bool, typer.Option("--json", help="Print the receipt as one JSON object.")] = False,
    bootstrap: Bootstrap = None,
) -> None:
    """Erase a customer: state, rows and open callback, and keep out what is read again. Prints a receipt.

    Both workers must run. Exit code 0 only when everything was seen to be gone, or has a date by which it is; 1 when not, and
    then the same command may be given again. Needs BEHOUDLIJN_ERASURE_KEY, and the ClickHouse user of the sink.

    Example: behoudlijn erase c-000123 --json > receipt.json
    """
    if re.fullmatch(ID_PATTERN, customer) is None or names_nobody(customer):
        fail("erase", f"a customer id has {ID_WORDS}, and names somebody")
    at = _time(until)
    terminal = Console(stderr=True)
    with one_line("erase"):
        settings = settings_of(bootstrap)
        try:
            store = ClickHouse(
                settings.clickhouse_dsn.get_secret_value(), timeout=max(wait, settings.sink_timeout_s)
            )
            with terminal.status("sending the erasure") as status:
                work = CustomerErasure(settings, ClickHouseEraser(store), wait=wait, tell=status.update)
                receipt = work.run(customer, at)
            store.close()
        except (DsnError, SinkError, TopicsError) as error:
            fail("erase", "; ".join(str(error).splitlines()))
    if json:
        typer.echo(orjson.dumps(receipt.as_json(), option=orjson.OPT_INDENT_2))
    else:
        show(receipt, Console())
    if not receipt.complete:
        raise typer.Exit(1)


def _time(text: str | None) -> datetime:
    now = datetime.now(UTC)
    if text is None:
        return now
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        fail("erase", f"--until {text} is no time of ISO 8601, such as 2026-09-17T09:30:00Z")
    if at.tzinfo is None:
        fail("erase", f"--until {text} has no zone: write 2026-09-17T09:30:00Z or +02:00")
    if at > now:
        fail("erase", "--until lies in the future: what has not happened cannot be erased")
    return at


def show(receipt: Receipt, console: Console) -> None:
    """Print the receipt."""
    console.print(f"Erasure of {receipt.customer_id} up to {receipt.erased_until}, ordered {receipt.sent_at}")
    console.print(_stores(receipt))
    console.print(_topics(receipt))
    console.print(
        "Dead letters may quote records of the customer that could not be read; they go by the retention of their topic. "
        "`dead-letters redrive` leaves this customer out."
    )
    if receipt.begun_anew:
        console.print("The customer has done something since: that is kept, as of anybody.")
    for problem in receipt.problems:
        console.print(f"Not done: {problem}.", style="red")
    if receipt.complete:
        console.print("Complete.", style="green")


def _stores(receipt: Receipt) -> Table:
    table = Table("store", Column("what is left", overflow="fold"))
    table.add_row("state (changelog)", "nothing of before" if receipt.state_gone else "not seen to be gone")
    kept = receipt.marker_until or "for ever, or not seen"
    table.add_row("marker (changelog)", f"a keyed hash and a time, until {kept}")
    table.add_row("customer.signals", "nothing of before" if receipt.signals_gone else "not seen to be gone")
    for name, rows in receipt.rows_left.items():
        table.add_row(f"ClickHouse {name}", amount(rows, "row"))
    if not receipt.rows_left:
        table.add_row("ClickHouse", "not looked at")
    return table


def _topics(receipt: Receipt) -> Table:
    table = Table("topic", Column("what removes the rest", overflow="fold"), Column("by (UTC)", no_wrap=True))
    for name, how, by in receipt.topics:
        table.add_row(name, how, by or "-")
    return table
