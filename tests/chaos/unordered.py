"""The invariants run: late and misrouted records in live arrival, a merge that waits for nobody, wall-clock timers, and kills.

Owns its phases. When a trigger fires may differ from the backlog's answer here; what is compared holds whatever the order.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

from schemas import topics
from streams.cluster.partitioning import partition_of
from streams.core.decode import decode
from streams.core.records import Record
from streams.core.repartition import unwrap
from streams.policies import load_policy
from tests.chaos import invariants, verifier
from tests.chaos.cluster import Cluster, Store
from tests.chaos.equality import ALL, states_of
from tests.chaos.logs import read_logs
from tests.chaos.profile import Profile
from tests.chaos.report import Report
from tests.chaos.stage import Say, Stage, staged
from tests.chaos.verifier import Difference, Logs, difference
from tests.oracle import answer


def routed(logs: Logs, partitions: int) -> tuple[Logs, dict[Record, int]]:
    """The logs as they would be, had every event gone to the partition of its customer; offsets count anew, arrivals stay what they were."""
    right: dict[str, list[Record]] = {name: [] for name in logs}
    arrivals: dict[Record, int] = {}
    for name in topics.INPUTS:
        ends: Counter[int] = Counter()
        for record in logs[name]:
            decoded = decode(record)
            event, number = decoded.event, record.partition
            if event is not None and event.customer_id is not None and not event.anonymous:
                number = partition_of(event.customer_id.encode(), partitions)
            home = record._replace(partition=number, offset=ends[number])
            right[name].append(home)
            arrivals[home] = decoded.arrival
            ends[number] += 1
    return right, arrivals


def misrouted_sent_home(planted: int, logs: Logs) -> list[Difference]:
    """As many different records as were planted, or more: duplicates of misrouted records are misrouted too."""
    home = {unwrap(record)[:3] for record in logs[topics.REPARTITION]}
    return difference("misrouted", "fewer were sent home than were planted", range(planted - len(home)))


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
            right = await asyncio.to_thread(answer, stage.settings, *routed(logs, profile.partitions))
            states = await states_of(stage.settings)
            triggers = logs[topics.SHADOW_TRIGGERS]
            horizon = load_policy(stage.settings.policy).parameters.horizon
            report = stage.report
            report.check("logs: no gap in any partition", verifier.whole(logs))
            report.check(
                f"facts and registers of {len(right.states):,} customers",
                invariants.knowledge(right.states, states),
            )
            report.check(
                f"episodes: {len(triggers):,} triggers, at most one open a customer, no gap, one content",
                invariants.episodes(triggers),
            )
            report.check("every trigger has its ground", invariants.justified(triggers, logs, horizon))
            report.check("dead letters: exactly the planted ones", verifier.dead_letters(logs))
            report.figures["events fed"] = stage.feeder.events
            report.figures["records sent home, resent ones included"] = len(logs[topics.REPARTITION])
            report.check(
                "every misrouted record was sent home",
                misrouted_sent_home(stage.feeder.planted["misrouted"], logs),
            )
            report.figures["planted"] = dict(stage.feeder.planted)
    return stage.report
