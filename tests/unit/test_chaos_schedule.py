"""What a chaos run will do: the schedule of faults and the feed, both repeatable from their seed."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import Any

import orjson

from schemas import topics
from streams.core.decode import decode
from streams.core.records import Record
from tests.chaos.broker_faults import BrokerFaults
from tests.chaos.events import GHOST, Feed, Sent
from tests.chaos.log_faults import LogFaults
from tests.chaos.poison import KEY, KINDS
from tests.chaos.profile import (
    BROKER_DOWN,
    DISK_FULL,
    FAIL_POINT,
    FAIL_POINTS,
    KILL,
    LONG,
    SHORT,
    Profile,
    invariants_of,
)
from tests.chaos.recovery import Recovery
from tests.chaos.routed import routed
from tests.chaos.schedule import schedule
from tests.chaos.store_faults import StoreFaults
from tests.chaos.worker_faults import WorkerFaults

NOW = 1_790_000_000_000


def feed(seed: int = 5, *, late: bool = False) -> Feed:
    return Feed(seed, partitions=3, events=9_000, days=40, now=NOW, window=300, late=late)


def records(seed: int = 5, windows: int = 30) -> list[Sent]:
    return [sent for window in islice(feed(seed).windows(), windows) for sent in window.records]


def test_a_seed_repeats_its_schedule_and_another_does_not() -> None:
    assert schedule(7, SHORT) == schedule(7, SHORT)
    assert schedule(7, SHORT) != schedule(8, SHORT)


def test_every_fault_of_the_profile_comes_and_brokers_are_hit_alone() -> None:
    for seed in range(20):
        rounds = schedule(seed, SHORT)
        assert Counter((fault.group, fault.kind) for each in rounds for fault in each) == SHORT.counts
        for each in rounds:
            if any(fault.group == "kafka" for fault in each):
                assert len(each) == 1
            assert len([fault for fault in each if fault.group == "signals"]) <= 1
            assert len([fault for fault in each if fault.group in ("sink", "clickhouse")]) <= 1
        points = {fault.detail for each in rounds for fault in each if fault.kind == FAIL_POINT}
        assert points == set(FAIL_POINTS)


def test_the_profiles_are_as_hard_as_promised() -> None:
    def kills(profile: Profile, *kinds: str) -> int:
        return sum(n for (_, kind), n in profile.counts.items() if kind in kinds)

    assert kills(SHORT, KILL, FAIL_POINT) >= 10
    assert kills(LONG, KILL) >= 100  # at random, beside those at fail points
    assert kills(LONG, FAIL_POINT) >= len(FAIL_POINTS)
    assert SHORT.events >= 150_000
    assert LONG.events >= 1_000_000


def test_the_long_run_has_every_class_of_the_short_one_as_often_or_more() -> None:
    for short, long in ((SHORT, LONG), (invariants_of(SHORT), invariants_of(LONG))):
        assert all(long.counts[each] >= count for each, count in short.counts.items())
    assert LONG.counts.keys() - SHORT.counts.keys() == {("kafka", BROKER_DOWN), ("kafka", DISK_FULL)}


def test_every_class_of_fault_is_known_by_one_who_carries_it_out() -> None:
    nobody: Any = None
    recovery = Recovery(3, {}, nobody)
    hands = (
        WorkerFaults(SHORT, {}, recovery),
        BrokerFaults(SHORT, nobody, nobody, recovery),
        LogFaults(SHORT, nobody, {}, nobody, nobody, nobody, nobody, recovery),
        StoreFaults(nobody, recovery),
    )
    known = Counter(kind for each in hands for kind in each.how)
    wanted = {kind for each in (SHORT, LONG) for of in (each, invariants_of(each)) for _, kind in of.counts}
    assert known == Counter(wanted)


def test_a_seed_repeats_its_events() -> None:
    assert records(5) == records(5)
    assert records(5) != records(6)


def test_every_window_has_a_heartbeat_for_every_partition_of_every_topic() -> None:
    window = next(feed().windows())
    beats = {(sent.topic, sent.partition) for sent in window.records if sent.kind == "heartbeat"}
    assert beats == {(name, number) for name in topics.INPUTS for number in range(3)}


def test_poison_is_what_its_key_says_and_nothing_else_is_refused() -> None:
    seen = Counter[str]()
    for offset, sent in enumerate(records()):
        decoded = decode(Record(sent.topic, sent.partition, offset, NOW, sent.key, sent.value))
        if sent.kind == "poison":
            assert sent.key is not None
            kind = sent.key.removeprefix(KEY).split(b".")[0].decode()
            assert decoded.reject is not None, kind
            assert decoded.reject.code == KINDS[kind]
            seen[kind] += 1
        else:
            assert decoded.event is not None
            assert decoded.anonymous == (sent.kind == "heartbeat" or sent.topic == topics.OBJECTIONS)
    assert set(seen) == set(KINDS)


def test_the_feed_repeats_ids_with_equal_and_with_other_content() -> None:
    contents: dict[str, set[bytes]] = {}
    ids = Counter[str]()
    for sent in records():
        if sent.kind == "event":
            event_id = orjson.loads(sent.value)["event_id"]
            ids[event_id] += 1
            contents.setdefault(event_id, set()).add(sent.value)
    assert any(count > 1 and len(contents[event_id]) == 1 for event_id, count in ids.items())
    assert any(len(values) > 1 for values in contents.values())


def test_misrouted_records_lie_on_a_wrong_partition_and_the_oracle_finds_their_right_one() -> None:
    sent = [
        each
        for window in islice(
            Feed(5, partitions=3, events=9_000, days=40, now=NOW, window=300, misroute=True).windows(), 10
        )
        for each in window.records
    ]
    ends = Counter[tuple[str, int]]()
    logs: dict[str, list[Record]] = {name: [] for name in topics.INPUTS}
    for each in sent:
        place = (each.topic, each.partition)
        logs[each.topic].append(Record(*place, ends[place], NOW, each.key, each.value))
        ends[place] += 1
    moved = sum(
        before.partition != after.partition
        for name, records in routed(logs, 3)[0].items()
        for before, after in zip(logs[name], records, strict=True)
    )
    assert moved > 0
    assert all(each.key is not None for each in sent if each.topic == topics.PROFILES)


def test_what_is_held_back_comes_later_and_nothing_is_left_behind() -> None:
    late = feed(late=True)
    windows = list(islice(late.windows(), 30))
    sent = [each for window in [*windows, late.closing()] for each in window.records]
    assert late.planted["held back"] > 0
    events = [each for each in sent if each.kind != "heartbeat" and each.topic != topics.OBJECTIONS]
    assert len(events) == late.planted["event"] == 30 * 300


def test_what_depends_on_moments_leaves_the_events_of_a_seed_as_they_are() -> None:
    other = feed()
    windows = other.windows()
    met = []
    for number in range(5):
        met.append(next(windows))
        other.barrier(topics.CALLS)
        other.ghosts(number)
    assert met == list(islice(feed().windows(), 5))


def test_a_barrier_is_later_than_all_that_was_fed_of_a_topic_and_leaves_it_out() -> None:
    some = feed()
    window = list(islice(some.windows(), 5))[-1]
    barrier = some.barrier(topics.CALLS).records
    assert {(sent.topic, sent.partition) for sent in barrier} == {
        (name, number) for name in topics.INPUTS if name != topics.CALLS for number in range(3)
    }

    def at(sent: Sent) -> int:
        return decode(Record(sent.topic, sent.partition, 0, NOW, sent.key, sent.value)).at

    last = max(at(sent) for sent in window.records if sent.topic == topics.CALLS)
    assert min(map(at, barrier)) > last


def test_ghosts_are_events_that_would_change_states_if_anyone_saw_them() -> None:
    some = feed()
    next(some.windows())
    ghosts = some.ghosts(20, topics.SURVEYS)
    assert {sent.partition for sent in ghosts} == {0, 1, 2}
    for sent in ghosts:
        decoded = decode(Record(sent.topic, sent.partition, 0, NOW, sent.key, sent.value))
        assert decoded.event is not None
        assert not decoded.anonymous
        assert decoded.event.event_id.startswith(GHOST)
