"""The equality run: fed live under faults, and afterwards equal to the single-threaded oracle, byte for byte.

Owns its phases. The merge order is made to depend on the logs alone: idle topics are waited for without end while events
come, and once everything is fed the workers go on with a complete backlog.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Final

from schemas import topics
from sinks.clickhouse.connection import ClickHouse
from streams.settings import SIGNALS_GROUP, SINK_GROUP, Settings
from streams.state.recovery import recover
from tests.chaos import verifier
from tests.chaos.cluster import Cluster, Store
from tests.chaos.history import Logs
from tests.chaos.logs import read_logs
from tests.chaos.profile import Profile
from tests.chaos.report import Report
from tests.chaos.routed import routed
from tests.chaos.stage import Say, Stage, staged
from tests.chaos.warehouse import Expected, compare_views, digests, expected_rows
from tests.oracle import Answer, Oracle

_IDLE_MS: Final = 300_000
"""How long a topic may be empty before the others go on without it: more than any outage lasts here, on any machine."""
ALL: Final = (*topics.INPUTS, *topics.OUTPUTS)


async def run(
    profile: Profile, seed: int, cluster: Cluster, store: Store, directory: Path, say: Say
) -> Report:
    """The whole run, full replay included."""
    more = {"merge_idle_ms": _IDLE_MS, "stall_timeout_s": 2 * _IDLE_MS / 1000, "mode": "live"}
    stage = Stage(profile, seed, cluster, store, directory, say, **more)
    async with staged(stage):
        stage.fleet("signals", "--no-idle-timers")
        stage.fleet("sink")
        async with stage.phase("events under faults"):
            await stage.start_workers()
            await stage.feed_under_faults(seed)
        async with stage.phase("drain"):
            await _go_on_with_a_complete_backlog(stage)
            await stage.drain()
            stage.report.seen_of_replays(stage.fleets["signals"])
            await stage.stop_workers()
        async with stage.phase("verification"):
            logs = await read_logs(stage.settings, ALL)
            (right, replayed), rows = await _truth(stage, logs)
            await _verify(stage, logs, right, "")
            stage.report.check(
                "ClickHouse: every row of every view", await asyncio.to_thread(_verify_views, stage, rows)
            )
            shown = await asyncio.to_thread(_digests, stage)
            _figures(stage, logs, right, replayed)
        async with stage.phase("full replay"):
            await cluster.forget_groups([stage.settings.topic(g) for g in (SIGNALS_GROUP, SINK_GROUP)])
            stage.progress.forget()
            before = await stage.events_counted()
            await stage.start_workers()
            await stage.drain()
            again = await stage.events_counted() - before
            there = sum(len(logs[name]) for name in topics.INPUTS)
            short = [there - again] if again < there else []
            stage.report.check(
                f"the full replay has read {again:,} records again, of {there:,}",
                verifier.difference("replay", "replays that read fewer records than there are", short),
            )
            await stage.stop_workers()
        async with stage.phase("verification of the replay"):
            after = await read_logs(stage.settings, ALL)
            stage.report.check(
                "after the replay: nothing new was published", verifier.nothing_new(logs, after)
            )
            await _verify(stage, after, right._replace(states=replayed.states), "after the replay: ")
            stage.report.check(
                "after the replay: ClickHouse: no view has changed",
                verifier.compare("views", shown, await asyncio.to_thread(_digests, stage)),
            )
    return stage.report


async def _go_on_with_a_complete_backlog(stage: Stage) -> None:
    fleet = stage.fleets["signals"]
    await fleet.stop()
    fleet.settings = fleet.settings.model_copy(update={"merge_idle_ms": 0, "stall_timeout_s": 90.0})
    await fleet.scale(stage.profile.signals_workers)


async def _truth(stage: Stage, logs: Logs) -> tuple[tuple[Answer, Answer], Expected]:
    """The oracle's answers to what the signals workers have read and to the replay of what is left, and the rows of all that there
    ever was: each on a core of its own.
    """
    loop, history = asyncio.get_running_loop(), stage.history
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        right = loop.run_in_executor(pool, _answers, stage.settings, history.read(logs), logs)
        rows = await asyncio.to_thread(expected_rows, stage.settings, history.all(logs))
        return await right, rows


def _answers(settings: Settings, read: Logs, left: Logs) -> tuple[Answer, Answer]:
    oracle = Oracle(settings)
    return oracle.read(*routed(read, settings.partitions)), oracle.read(*routed(left, settings.partitions))


async def _verify(stage: Stage, logs: Logs, right: Answer, when: str) -> None:
    report, feeder = stage.report, stage.feeder
    lives, ever = stage.history.lives(logs), stage.history.all(logs)
    report.check(f"{when}logs: no gap in any partition", verifier.whole(lives, feeder.transactions.hidden))
    report.check(
        f"{when}{len(feeder.acknowledged):,} acknowledged records are or were in the logs",
        verifier.acknowledged(feeder.acknowledged, lives),
    )
    report.check(
        f"{when}of {feeder.planted['ghost']:,} events in transactions that were taken back none is seen",
        verifier.ghosts(ever),
    )
    report.check(
        f"{when}{len(right.outputs):,} triggers and signals: none missing, none extra",
        verifier.outputs(right.outputs, logs),
    )
    states = await states_of(stage.settings)
    report.check(
        f"{when}{len(right.states):,} states, byte for byte", verifier.compare("states", right.states, states)
    )
    read = stage.history.read(logs)
    report.check(
        f"{when}{len(verifier.planted(read)):,} dead letters, exactly the planted ones",
        [*verifier.dead_letters(read), *verifier.poison(ever, feeder.planted["poison"])],
    )


def _verify_views(stage: Stage, rows: Expected) -> list[verifier.Difference]:
    store = ClickHouse(stage.store.direct(stage.database), timeout=120)
    try:
        return compare_views(store, rows)
    finally:
        store.close()


def _digests(stage: Stage) -> dict[str, tuple[int, int]]:
    store = ClickHouse(stage.store.direct(stage.database), timeout=120)
    try:
        return digests(store)
    finally:
        store.close()


async def states_of(settings: Settings) -> dict[str, bytes]:
    """Every customer's state, as a recovery reads it."""
    recovered = await recover(
        settings.topic(topics.CHANGELOG), range(settings.partitions), settings.aiokafka_options()
    )
    return {key: state for part in recovered for key, state in part.store.states.items()}


def _figures(stage: Stage, logs: Logs, right: Answer, replayed: Answer) -> None:
    figures = stage.report.figures
    sent, distinct = verifier.published(logs)
    figures["events fed"] = stage.feeder.events
    figures["records in the inputs"] = sum(len(logs[name]) for name in topics.INPUTS)
    figures["records that retention took unread, and their offsets"] = (
        f"{len(stage.history.unread):,}, {stage.history.lost.total():,}"
    )
    figures["topics made anew"] = ", ".join(sorted(stage.history.made_anew))
    figures["transactions"] = dict(stage.feeder.transactions.ended)
    figures["windows by codec and road"] = dict(stage.feeder.windows)
    figures["planted"] = dict(stage.feeder.planted)
    figures["windows sent again by the feeder"] = stage.feeder.windows_sent_again
    figures["customers"] = len(right.states)
    figures["states that the core alone changes in a replay"] = sum(
        replayed.states.get(customer) != state for customer, state in right.states.items()
    )
    figures["triggers and signals published, distinct"] = f"{sent:,}, {distinct:,}"
    figures["duplicate rate before deduplication"] = f"{(sent - distinct) / max(1, sent):.3%}"
    figures["ClickHouse answers cut"] = stage.store.proxy.seen["answers cut"]
    figures["troubles of ClickHouse met by inserts"] = stage.store.double.met
