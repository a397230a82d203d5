"""`behoudlijn erase CUSTOMER`: forget a customer everywhere, with a receipt. It shows what `streams.operations.erasure` has seen."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from schemas.ids import ID_PATTERN, ID_WORDS, names_nobody
from streams.commands.ending import end, fail
from streams.commands.options import Bootstrap, settings_of
from streams.commands.screen import Screen, listing, words
from streams.telemetry.amounts import amount
from streams.telemetry.exit_codes import ExitCode

if TYPE_CHECKING:
    from rich.table import Table

    from streams.operations.erasure import Receipt


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

    An id of which nothing is known is said to be so, since it may be mistyped; the order is sent all the same, for what may be on
    the way. Both workers must run. Exit code 0 only when everything was seen to be gone, or has a date by which it is; 1 when not, and
    then the same command may be given again. Needs BEHOUDLIJN_ERASURE_KEY, and the ClickHouse user of the sink.

    Example: behoudlijn erase c-000123 --json > receipt.json
    """
    if re.fullmatch(ID_PATTERN, customer) is None or names_nobody(customer):
        fail(f"a customer id has {ID_WORDS}, and names somebody")
    at = _time(until)
    import orjson

    from sinks.clickhouse.connection import ClickHouse
    from sinks.clickhouse.erasure import ClickHouseEraser
    from streams.operations.erasure import CustomerErasure

    settings = settings_of(bootstrap)
    store = ClickHouse(settings.clickhouse_dsn.get_secret_value(), timeout=max(wait, settings.sink_timeout_s))
    with Screen(stderr=True).status("sending the erasure") as status:
        work = CustomerErasure(settings, ClickHouseEraser(store), wait=wait, tell=status.update)
        receipt = work.run(customer, at)
    store.close()
    if json:
        typer.echo(orjson.dumps(receipt.as_json(), option=orjson.OPT_INDENT_2))
    else:
        show(receipt, Screen())
    if not receipt.complete:
        end(ExitCode.INCOMPLETE)


def _time(text: str | None) -> datetime:
    now = datetime.now(UTC)
    if text is None:
        return now
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        fail(f"--until {text} is no time of ISO 8601, such as 2026-09-17T09:30:00Z")
    if at.tzinfo is None:
        fail(f"--until {text} has no zone: write 2026-09-17T09:30:00Z or +02:00")
    if at > now:
        fail("--until lies in the future: what has not happened cannot be erased")
    return at


def show(receipt: Receipt, screen: Screen) -> None:
    """Print the receipt."""
    screen.print(f"Erasure of {receipt.customer_id} up to {receipt.erased_until}, ordered {receipt.sent_at}")
    screen.print(_stores(receipt))
    screen.print(_topics(receipt))
    screen.print(
        "Dead letters may quote records of the customer that could not be read; they go by the retention of their topic. "
        "`dead-letters redrive` leaves this customer out."
    )
    if receipt.begun_anew:
        screen.print("The customer has done something since: that is kept, as of anybody.")
    for problem in receipt.problems:
        screen.print(f"Not done: {problem}.", style="red")
    if receipt.known:
        if receipt.complete:
            screen.print("Complete.", style="green")
        return
    nothing = "no state, no picture in customer.signals and no row in ClickHouse"
    if receipt.erased_before is None:
        screen.print(
            f"Nobody of the id {receipt.customer_id} was known: no erasure before, {nothing}. Is the id right? The order is in force for "
            "events that may be on the way.",
            style="yellow",
        )
    else:
        screen.print(
            f"An erasure of {receipt.customer_id} up to {receipt.erased_before} was in force already, and nothing was found now: {nothing}. "
            "Whether anything was known before that erasure, its own receipt tells.",
            style="yellow",
        )


def _stores(receipt: Receipt) -> Table:
    table = listing(words("store"), words("what is left"))
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
    table = listing(words("topic"), words("what removes the rest"), words("by (UTC)", narrowest=10))
    for name, how, by in receipt.topics:
        table.add_row(name, how, "-" if by is None else by.replace("T", " "))
    return table
