"""`behoudlijn up` and `behoudlijn demo`: the embedded stack, kept up or shown at work. It shows; `streams.demo.stack` does."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streams.commands.ending import fail
from streams.commands.screen import Screen
from streams.telemetry.amounts import amount
from streams.telemetry.exit_codes import ExitCode

if TYPE_CHECKING:
    from rich.progress import Progress

    from sinks.clickhouse.reports import CallsInHours
    from streams.demo.stack import Stack
    from streams.simulate import Quarter, SimulationSettings

POISON = 0.0005
WAIT_SECONDS = 600.0
DIAL_IDLE_SECONDS = 3.0

_Unconfined = Annotated[
    bool,
    typer.Option(
        "--unconfined", help="Run ClickHouse on a kernel that cannot confine it (see docs/security.md)."
    ),
]
_Policy = Annotated[str, typer.Option(help="A built-in policy's name, or a policy file.")]


def register(app: typer.Typer) -> None:
    """Add `up` and `demo` to the command line."""
    app.command("up")(up)
    app.command("demo")(demo)


def up(
    policy: _Policy = "default",
    mode: Annotated[
        str, typer.Option(help="`live` publishes triggers for dialers, `shadow` only records them.")
    ] = "live",
    data: Annotated[
        Path | None, typer.Option(help="Where ClickHouse keeps its data; else all is gone at the end.")
    ] = None,
    unconfined: _Unconfined = False,
) -> None:
    """Start the embedded stack and keep it up until Ctrl-C. A worker that is killed is started again.

    Example: behoudlijn up --data ./data
    """
    from streams.demo.stack import Stack
    from streams.policies import load_policy
    from streams.telemetry import log

    screen = Screen()
    log.configure("console", "warning")
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    load_policy(policy)
    with Stack(
        mode=mode, policy=policy, data=data, unconfined=unconfined, idle_timers=True, say=screen.print
    ) as stack:
        _addresses(screen, stack)
        screen.print("Ctrl-C ends it.")
        while not ended.wait(1.0):
            stack.keep_up()
        screen.print("stopping")


def demo(
    customers: Annotated[int, typer.Option(min=100, max=200_000, help="Simulated customers.")] = 20_000,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, another quarter.")] = 1,
    policy: _Policy = "default",
    unconfined: _Unconfined = False,
) -> None:
    """Send a simulated quarter of a telecom's contact centre through the whole pipeline, and report what came of it.

    Example: behoudlijn demo --customers 5000
    """
    from streams.policies import load_policy
    from streams.simulate import SimulationSettings
    from streams.telemetry import log

    log.configure("console", "warning")
    load_policy(policy)
    chosen = SimulationSettings(customers=customers, seed=seed, poison=POISON)
    _demo(Screen(), chosen, policy, unconfined=unconfined)


def _demo(screen: Screen, chosen: SimulationSettings, policy: str, *, unconfined: bool) -> None:
    from sinks.clickhouse.reports import calls_in_hours
    from streams.demo import figures as shown
    from streams.demo.progress import wait_until_done
    from streams.demo.stack import Stack
    from streams.simulate import simulate

    with _bars(screen) as bars:
        bar = bars.add_task("customers simulated", total=chosen.customers)
        quarter = simulate(chosen, lambda done: bars.update(bar, completed=done))
        bars.update(bar, completed=chosen.customers)
    events = len(quarter.records)
    with Stack(
        policy=policy, unconfined=unconfined, say=lambda text: screen.print(text, style="dim")
    ) as stack:
        seconds = _feed(screen, stack, quarter)
        with screen.status("the sink writes the rest"):
            wait_until_done(stack, "sink", timeout=WAIT_SECONDS)
        for table in shown.before_the_calls(stack.store()):
            screen.print(table)
        _dial(screen, stack, events)
        _in_hours(screen, calls_in_hours(stack.store()))
        for table in shown.after_the_calls(stack.store()):
            screen.print(table)
    screen.print(
        f"\n{amount(events, 'simulated event')} sent and decided in {seconds:.0f} s: {events / seconds:,.0f} events/s.\n"
        "Where to look next: `make up` keeps such a stack running; README.md says how to connect your own Kafka and "
        "ClickHouse; `.venv/bin/behoudlijn backtest FILE` judges your own events."
    )


def _feed(screen: Screen, stack: Stack, quarter: Quarter) -> float:
    """Send the quarter through the input topics and wait until it is decided; the seconds that took."""
    from streams.demo.progress import wait_until_done
    from streams.files.replay import outgoing_simulated, send

    events = len(quarter.records)
    began = time.monotonic()
    with _bars(screen) as bars:
        bar = bars.add_task("events sent", total=events)
        asyncio.run(
            send(
                outgoing_simulated(quarter.records),
                stack.settings,
                progress=lambda count: bars.update(bar, completed=count),
            )
        )
        bar_decided = bars.add_task("events decided", total=events)
        wait_until_done(
            stack,
            "signals",
            at_least=events,
            timeout=WAIT_SECONDS,
            tell=lambda count: bars.update(bar_decided, completed=count),
        )
    return time.monotonic() - began


def _dial(screen: Screen, stack: Stack, decided: int) -> None:
    """Let the reference dialer call whom the triggers name, and wait until its answers have arrived."""
    from streams.demo.dial import ReferenceDialer
    from streams.demo.progress import wait_until_done

    with screen.status("the reference dialer calls (simulated)"):
        dialer = ReferenceDialer(
            stack.settings, clock="trigger", from_beginning=True, until_idle_s=DIAL_IDLE_SECONDS
        )
        attempts = dialer.run(threading.Event())["attempts"]
        wait_until_done(stack, "signals", at_least=decided + attempts, timeout=WAIT_SECONDS)
        wait_until_done(stack, "sink", timeout=WAIT_SECONDS)
    screen.print(f"The reference dialer made {amount(attempts, 'attempt')} (simulated) and reported each.")


def _in_hours(screen: Screen, made: CallsInHours) -> None:
    """Say that all calls were made in hours in which their customers may be called; end as a bug does when one was not."""
    if made.outside:
        fail(
            f"{made.outside:,} of {amount(made.calls, 'simulated call')} were made outside of the hours in which the customer may be "
            "called (`callable` of the trigger): report it, with the policy and the seed",
            ExitCode.BUG,
        )
    screen.print(
        f"ClickHouse has {made.calls:,} of them, all made in hours in which the customer may be called.\n"
    )


def _addresses(screen: Screen, stack: Stack) -> None:
    screen.print(f"Kafka          {stack.settings.kafka_bootstrap}")
    screen.print(
        f"ClickHouse     {stack.clickhouse_url}  (user default, password {stack.clickhouse_password}, database behoudlijn)",
        soft_wrap=True,
    )
    if not stack.clickhouse_confined:
        screen.print(
            "               It is not confined: who has the password reads and writes what you can.",
            style="bold",
        )
    for name in stack.clickhouse_stayed:
        screen.print(
            f"               The view default.{name} of a former version could not be moved to behoudlijn: make it anew there.",
            soft_wrap=True,
        )
    for name, url in stack.health.items():
        screen.print(f"{name + ' worker':<15}{url}/metrics  /healthz  /readyz")
    screen.print("To use every command on this stack, in another terminal:")
    for name, value in stack.environment().items():
        screen.print(f"  export {name}={value}", soft_wrap=True)


def _bars(screen: Screen) -> Progress:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:<20}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=screen)
