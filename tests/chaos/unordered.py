"""The invariants run: late and misrouted records in live arrival, a merge that waits for nobody, wall-clock timers, and kills.

Owns its phases. When a trigger fires may differ from the backlog's answer here; what is compared holds whatever the order.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path

from schemas import topics
from streams.cluster.partitioning import partition_of
from streams.core import state as st
from streams.core.decode import decode
from streams.core.erasure import is_reserved
from streams.core.repartition import unwrap
from streams.policies import load_policy
from tests.chaos import invariants, verifier
from tests.chaos.cluster import Cluster, Store
from tests.chaos.equality import ALL, states_of
from tests.chaos.history import Logs
from tests.chaos.logs import read_logs
from tests.chaos.profile import Profile
from tests.chaos.report import Report
from tests.chaos.routed import routed
from tests.chaos.stage import Say, Stage, staged
from tests.chaos.verifier import Difference, difference
from tests.oracle import answer


def misrouted_sent_home(planted: int, logs: Logs, unsure: int = 0) -> list[Difference]:
    """As many different records as were planted, or more: duplicates of misrouted records are misrouted too.

    `unsure`: as many were perhaps never read.
    """
    home = {unwrap(record) for record in logs[topics.REPARTITION]}
    missing = planted - unsure - len(home)
    return difference("misrouted", "fewer were sent home than were planted", range(missing))


def misrouted(logs: Logs, partitions: int) -> int:
    """How many events lie on another partition than their customer's."""
    found = 0
    for name in topics.INPUTS:
        for record in logs[name]:
            event = decode(record).event
            if event is not None and event.customer_id is not None and not event.anonymous:
                found += record.partition != partition_of(event.customer_id.encode(), partitions)
    return found


def customers(logs: Logs) -> set[str]:
    """Whom the events of the inputs are about."""
    events = (decode(record).event for name in topics.INPUTS for record in logs[name])
    return {event.customer_id for event in events if event is not None and event.customer_id is not None}


async def run(
    profile: Profile, seed: int, cluster: Cluster, store: Store, directory: Path, say: Say
) -> Report:
    """The whole run. Without the sink, whose rows do not depend on the order."""
    stage = Stage(profile, seed, cluster, store, directory, say, merge_idle_ms=0, mode="shadow")
    async with staged(stage):
        stage.fleet("signals")
        async with stage.phase("events under faults"):
            await stage.start_workers()
            await stage.feed_under_faults(seed)
        async with stage.phase("drain"):
            await stage.drain()
            stage.report.seen_of_replays(stage.fleets["signals"])
            await stage.stop_workers()
        async with stage.phase("verification"):
            logs = await read_logs(stage.settings, (*ALL, topics.REPARTITION))
            history, lives = stage.history, stage.history.lives(logs)
            ever, read, doubtful = history.all(logs), history.read(logs), history.in_doubt(logs)
            in_doubt = customers(doubtful)
            least = (
                await asyncio.to_thread(answer, stage.settings, *routed(read, profile.partitions))
            ).states
            most = (await asyncio.to_thread(answer, stage.settings, *routed(ever, profile.partitions))).states
            states = await states_of(stage.settings)
            now = time.time_ns() // 1_000_000
            triggers = logs[topics.SHADOW_TRIGGERS]
            policy = load_policy(stage.settings.policy)
            report, feeder = stage.report, stage.feeder
            report.check("logs: no gap in any partition", verifier.whole(lives, feeder.transactions.hidden))
            report.check("no event of a transaction that was taken back is seen", verifier.ghosts(ever))
            report.check(
                f"facts and registers of {len(least.keys() - in_doubt):,} customers",
                invariants.knowledge(_without(in_doubt, least, now), _without(in_doubt, states, now)),
            )
            report.check(
                f"facts of {len(in_doubt):,} customers of whom records went before or after they were read",
                invariants.between(in_doubt, least, states, most, policy.parameters.keep),
            )
            report.check(
                f"episodes: {len(triggers):,} triggers, at most one open a customer, no gap, one content",
                invariants.episodes(triggers),
            )
            report.check(
                "every trigger has its ground",
                invariants.justified(triggers, ever, policy.parameters.horizon),
            )
            report.check(
                "dead letters: exactly the planted ones",
                [
                    *verifier.dead_letters(read, doubtful),
                    *verifier.poison(ever, feeder.planted["poison"]),
                ],
            )
            report.figures["events fed"] = feeder.events
            report.figures["records sent home, resent ones included"] = len(logs[topics.REPARTITION])
            report.figures["records that went with their topic, read or not"] = len(history.doubtful)
            report.figures["transactions"] = dict(feeder.transactions.ended)
            report.check(
                "every misrouted record was sent home",
                misrouted_sent_home(
                    feeder.planted["misrouted"], logs, misrouted(doubtful, profile.partitions)
                ),
            )
            report.figures["planted"] = dict(feeder.planted)
    return stage.report


def _without(customers: set[str], states: Mapping[str, bytes], now: int) -> dict[str, bytes]:
    """`now` (ms): idle workers, whose time goes on without events, may have forgotten the numbers that were due by then."""
    return {
        key: state
        for key, state in states.items()
        if key not in customers and not (is_reserved(key) and st.due_of(state) <= now)
    }
