"""How large a run is: events, partitions, workers, and how often each class of fault happens.

Owns the numbers of the short and the long run. It must not act.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

# Faults by name; `group` says whom they hit: one of signals, sink, clickhouse, kafka, feeder.
KILL: Final = "kill -9"
FAIL_POINT: Final = "kill at fail point"
FROZEN_POINT: Final = "frozen at fail point"
ZOMBIE: Final = "frozen past the session"
JOIN_LEAVE: Final = "joins and leaves"
BROKER_KILL: Final = "one broker killed"
BROKER_ROLL: Final = "all brokers rolled"
BROKER_PAUSE: Final = "all brokers frozen"
BROKER_DOWN: Final = "all brokers killed"
DISK_FULL: Final = "one broker's disk full"
DISKS_FULL: Final = "two brokers' disks full"
TOPIC_ANEW: Final = "a topic made anew"
TOPIC_ANEW_UNREAD: Final = "a topic made anew, unread"
RETENTION: Final = "retention passes frozen workers"
PRODUCER_KILL: Final = "killed in its transaction"
STORE_DOWN: Final = "ClickHouse killed"
STORE_REFUSES: Final = "ClickHouse refuses"
STORE_SLOW: Final = "ClickHouse slow"
STORE_HANGS: Final = "ClickHouse hangs"
STORE_CUTS: Final = "answer cut after insert"
STORE_ERRS: Final = "ClickHouse errs"

FROZEN_POINTS: Final = ("before_changelog", "after_changelog")
FAIL_POINTS: Final = ("after_changelog", "after_outputs", "before_ack", "after_commit")


@dataclass(frozen=True, slots=True)
class Profile:
    """One run. `counts`: faults by (group, class)."""

    name: str
    events: int
    """At least as many are fed, heartbeats not counted."""
    events_per_second: int
    """While faults happen; afterwards the rest comes as fast as it can."""
    counts: dict[tuple[str, str], int]
    partitions: int = 6
    signals_workers: int = 3
    sink_workers: int = 2
    outage_seconds: float = 20.0
    """Of all brokers: more than the delivery time-out of 10 s."""
    frozen_seconds: float = 9.0
    """Of a zombie: more than the session time-out of 6 s."""
    joins: int = 3
    """Workers that come, and leave again, in one storm."""
    days: int = 40
    """Event time that `events` cover."""
    misroute: bool = False
    """Feed records without a key, with a foreign one, or on a wrong partition too."""
    settings: dict[str, object] = field(default_factory=dict)


_SHORT: Final = {
    ("signals", KILL): 3,
    ("signals", FAIL_POINT): 4,
    ("signals", ZOMBIE): 1,
    ("signals", FROZEN_POINT): 1,
    ("signals", JOIN_LEAVE): 1,
    ("sink", KILL): 3,
    ("sink", ZOMBIE): 1,
    ("sink", JOIN_LEAVE): 1,
    ("clickhouse", STORE_DOWN): 1,
    ("clickhouse", STORE_REFUSES): 1,
    ("clickhouse", STORE_SLOW): 1,
    ("clickhouse", STORE_HANGS): 1,
    ("clickhouse", STORE_CUTS): 1,
    ("clickhouse", STORE_ERRS): 1,
    ("kafka", BROKER_KILL): 1,
    ("kafka", BROKER_ROLL): 1,
    ("kafka", BROKER_PAUSE): 1,
    ("kafka", DISKS_FULL): 1,
    ("kafka", TOPIC_ANEW): 1,
    ("kafka", RETENTION): 1,
    ("feeder", PRODUCER_KILL): 1,
}

SHORT: Final = Profile("chaos-short", 150_000, 700, _SHORT, partitions=4)

SMOKE: Final = Profile(
    "chaos-smoke",
    20_000,
    1_500,
    {
        ("signals", KILL): 1,
        ("signals", FROZEN_POINT): 1,
        ("sink", KILL): 1,
        ("clickhouse", STORE_CUTS): 1,
        ("clickhouse", STORE_ERRS): 1,
    },
    partitions=3,
    signals_workers=2,
    sink_workers=1,
)
"""A few faults, to try a change of the harness itself."""

LONG: Final = Profile(
    "chaos",
    1_000_000,
    900,
    {
        ("signals", KILL): 52,
        ("signals", FAIL_POINT): 24,
        ("signals", ZOMBIE): 3,
        ("signals", FROZEN_POINT): 4,
        ("signals", JOIN_LEAVE): 4,
        ("sink", KILL): 52,
        ("sink", ZOMBIE): 3,
        ("sink", JOIN_LEAVE): 3,
        ("clickhouse", STORE_DOWN): 5,
        ("clickhouse", STORE_REFUSES): 5,
        ("clickhouse", STORE_SLOW): 5,
        ("clickhouse", STORE_HANGS): 5,
        ("clickhouse", STORE_CUTS): 8,
        ("clickhouse", STORE_ERRS): 5,
        ("kafka", BROKER_KILL): 3,
        ("kafka", BROKER_ROLL): 1,
        ("kafka", BROKER_PAUSE): 1,
        ("kafka", BROKER_DOWN): 1,
        ("kafka", DISK_FULL): 3,
        ("kafka", DISKS_FULL): 2,
        ("kafka", TOPIC_ANEW): 4,
        ("kafka", RETENTION): 4,
        ("feeder", PRODUCER_KILL): 5,
    },
)

INVARIANTS: Final = Profile(
    "invariants",
    20_000,
    1_500,
    {("signals", KILL): 2, ("signals", FROZEN_POINT): 1, ("kafka", TOPIC_ANEW_UNREAD): 1},
    misroute=True,
)
"""The second run: records arrive late, some on a wrong partition, a topic is deleted unread, and the merge waits for nobody."""


def invariants_of(profile: Profile) -> Profile:
    """The invariants run that belongs to a run: longer for the long one."""
    if profile.name != LONG.name:
        return INVARIANTS
    return replace(INVARIANTS, events=150_000, counts={key: 4 * n for key, n in INVARIANTS.counts.items()})
