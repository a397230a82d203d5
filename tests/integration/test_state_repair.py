"""A changelog is lost, cut short or spoilt, on a real broker: what workers say, and how the states come back."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time

import pytest

from schemas import topics
from streams.cluster.groups import members_of
from streams.cluster.topics import ensure
from streams.core.erasure import is_marker
from streams.core.state import decode
from streams.settings import SIGNALS_GROUP, Settings
from streams.state.broker_time import BROKERS_APART_MS
from streams.state.delivery import Deliveries
from streams.state.fencing import FencedChangelog
from streams.state.recovery import ChangelogReader
from streams.state.store import SignalsStore
from streams.telemetry.exit_codes import ExitCode
from tests.integration.administration import Admin, alter
from tests.integration.test_migration import (
    oracle,
    outputs_of,
    states_of,
    united,
    without_arrivals,
    work_off,
)
from tests.integration.test_partition_time import CLOCK, at, now_ms, produce_stamped, producers_stamp, reasons
from tests.integration.worker_events import call, history, survey
from tests.integration.worker_program import (
    INPUTS,
    RECOVERED,
    behoudlijn,
    prepared,
    produce,
    read_all,
    recovered,
    until_committed,
    until_nothing_is_unsent,
    until_said,
    until_true,
    worker,
    write,
)
from tests.kafka.broker import KafkaBroker

KEY = "the key of this test"
pytestmark = [pytest.mark.slow, pytest.mark.kafka, pytest.mark.timeout(400)]


def repaired(settings: Settings, *arguments: str, first: str = "") -> str:
    done = behoudlijn(settings, "state", "repair", "--yes", "--no-clickhouse", *arguments, first=first)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def refused(settings: Settings) -> str:
    """What a worker says that ends before it is ready."""
    with worker(settings, "signals", "--no-idle-timers") as process:
        code = process.wait()
        assert code in (ExitCode.MISFIT, ExitCode.BAD_DATA), process.log()
        return process.log()


def test_states_come_back_byte_for_byte_and_go_on_as_if_nothing_had_been(
    kafka: KafkaBroker, admin: Admin, unique: str
) -> None:
    events = history(60)
    early, late = events[:250], events[250:]
    settings = prepared(kafka, unique, mode="live")
    asyncio.run(produce(settings, early))
    work_off(settings, len(early))
    before = states_of(settings)
    assert any(decode(data).episode for data in united(before).values()), "somebody is to be called"
    fine = behoudlijn(settings, "state", "check")
    assert (fine.returncode, "Nothing is missing" in fine.stdout) == (0, True), fine.stdout + fine.stderr

    admin.make_changelog_anew(settings)
    assert "state repair" in refused(settings)
    checked = behoudlijn(settings, "state", "check")
    assert checked.returncode == ExitCode.MISFIT
    assert "holds no states" in checked.stdout
    assert all(len(line) <= 80 for line in checked.stdout.splitlines())

    said = repaired(settings)
    assert "Done, and compared" in said
    assert states_of(settings) == before, "byte for byte"
    repaired(settings, "--partition", "1")
    assert states_of(settings) == before, "again, over itself"
    assert behoudlijn(settings, "state", "check").returncode == 0

    asyncio.run(produce(settings, late))
    work_off(settings, len(events))
    states, expected = oracle(events, settings.policy)
    assert without_arrivals(united(states_of(settings))) == without_arrivals(states)
    assert outputs_of(settings) == expected, "every decision once, and none twice"


def test_who_was_served_or_rests_is_not_called_again_when_the_inputs_begin_later(
    kafka: KafkaBroker, admin: Admin, unique: str
) -> None:
    """What retention took is not known any more; what was said is."""
    settings = prepared(kafka, unique, mode="live")
    asked = [survey(f"c{n}", 1, n) for n in range(6)]
    calls = [call(f"c{n}", k, 60 * k + n) for k in range(2, 6) for n in range(6)]
    asyncio.run(produce(settings, [*asked, *calls]))
    work_off(settings, len(asked) + len(calls))
    before, said = united(states_of(settings)), outputs_of(settings)
    admin.make_changelog_anew(settings)
    for partition in range(settings.partitions):
        admin.remove_before(settings.topic(topics.SURVEYS), -1, partition)
    assert "is gone" in repaired(settings)
    after = united(states_of(settings))
    for customer, data in before.items():
        old, new = decode(data), decode(after[customer])
        assert old.episode, "each is to be called"
        assert new.episode == old.episode
        assert new.request_open, "the ground of the open episode stands"
        assert new.served_request_at == old.served_request_at
        assert new.signals_sequence == old.signals_sequence
    more = [call(f"c{n}", 9, 60 * 9 + n) for n in range(6)]
    asyncio.run(produce(settings, more))
    work_off(settings, len(asked) + len(calls) + len(more))
    new_words = outputs_of(settings) - said
    triggers = [json.loads(value) for value in new_words if b'"callback_trigger"' in value]
    known = {json.loads(value)["trigger_id"] for value in said if b'"callback_trigger"' in value}
    assert {each["trigger_id"] for each in triggers} <= known
    assert all(each["sequence"] > 1 for each in triggers)


def test_an_input_made_anew_with_the_changelog_is_left_to_the_worker(
    kafka: KafkaBroker, admin: Admin, unique: str
) -> None:
    """It has grown past the commit, which came back (Kafka forgets it with the topic; a backup does not): by offsets alone, the requests
    in it would count as judged, and nobody would be called.
    """
    settings = prepared(kafka, unique, mode="live")
    calls = [call(f"c{n}", k, 60 * k + n) for k in range(2, 6) for n in range(6)]
    early = [*(survey(f"c{n}", 1, n) for n in range(6)), *calls]
    asyncio.run(produce(settings, early))
    work_off(settings, len(early))
    group = settings.topic(SIGNALS_GROUP)
    committed = admin.committed(group)
    admin.make_changelog_anew(settings)
    admin.make_anew(settings.topic(topics.SURVEYS), settings.partitions)
    admin.restore(group, committed)
    alter(settings, topics.SURVEYS, message_timestamp_type="LogAppendTime")
    late = [survey(f"d{n}", 1, 60 * 10 + n) for n in range(30)]
    asyncio.run(produce(settings, late))
    checked = behoudlijn(settings, "state", "check")
    assert checked.returncode == ExitCode.MISFIT
    assert "the topic was deleted and made anew since" in " ".join(checked.stdout.split())

    assert "Of contact.surveys another log was committed than is there" in " ".join(
        repaired(settings).split()
    )
    kept = united(states_of(settings))
    assert all(decode(kept[f"c{n}"]).episode for n in range(6)), "what was said counts"
    work_off(settings, len(calls) + len(late))
    called = [json.loads(value) for value in outputs_of(settings) if b'"callback_trigger"' in value]
    opened = {each["customer_id"] for each in called if each["sequence"] == 1}
    assert opened == {*(f"c{n}" for n in range(6)), *(f"d{n}" for n in range(30))}
    assert behoudlijn(settings, "state", "check").returncode == 0


def test_what_a_worker_refused_is_in_no_state_and_counts_when_it_is_driven_again(
    kafka: KafkaBroker, admin: Admin, unique: str
) -> None:
    """A request without a time, and one whose time lay in the future then, and does not any more."""
    settings = prepared(kafka, unique, mode="live", future_tolerance_s=1)
    calls = [call(f"c{n}", k, 60 * k + n) for k in range(3) for n in range(6)]
    asyncio.run(produce(settings, calls))
    with worker(settings, "signals", "--no-idle-timers") as process:
        asyncio.run(until_committed(process, settings, SIGNALS_GROUP, INPUTS, len(calls)))
        producers_stamp(settings, topics.SURVEYS)
        ahead = now_ms() + BROKERS_APART_MS + 10_000
        produce_stamped(settings, (survey("c1", 1, 300), -1), (survey("c2", 1, 300), ahead))
        asyncio.run(until_committed(process, settings, SIGNALS_GROUP, INPUTS, len(calls) + 2))
        asyncio.run(until_nothing_is_unsent(settings))
        assert process.stop() == 0, process.log()
    assert reasons(settings) == {"no_timestamp": 1, "ahead_of_broker": 1}
    ensure(settings, alter=True)
    before = states_of(settings)
    admin.make_changelog_anew(settings)
    time.sleep(max(0, ahead - BROKERS_APART_MS - now_ms()) / 1000)
    repaired(settings)
    assert states_of(settings) == before

    sent = behoudlijn(settings, "dead-letters", "redrive", "--all")
    assert sent.returncode == 0, sent.stderr
    work_off(settings, len(calls) + 4)
    words = [json.loads(value) for value in outputs_of(settings) if b'"callback_trigger"' in value]
    asked = {each["customer_id"] for each in words if each["purpose"] == "requested_callback"}
    assert asked == {"c1", "c2"}


def test_what_a_timer_decided_and_nobody_published_is_published_after_a_repair(
    kafka: KafkaBroker, unique: str
) -> None:
    """Who gave up twice and did not call again for a day is to be called; the worker is killed when it has written that, and no more."""
    settings = prepared(kafka, unique, mode="live", partitions=1)
    gave_up = {"abandoned": True, "wait_seconds": 600}
    hour = 3_600_000
    asyncio.run(
        produce(settings, [at(call("c1", n, 0, **gave_up), now_ms() - (26 - n) * hour) for n in range(2)])
    )
    work_off(settings, 2)
    assert b'"callback_trigger"' not in b"".join(outputs_of(settings)), "its day was not over"
    with worker(settings, "signals", fail_point="after_changelog") as process:
        assert process.wait() == 137, process.log()
    (part,) = asyncio.run(recovered(settings))
    assert part.unsent
    asyncio.run(until_given_up(settings))
    repaired(settings)
    with worker(settings, "signals") as process:
        asyncio.run(until_true(process, lambda: len(triggers_of(settings)) > 0))
        assert process.stop() == 0, process.log()
    assert triggers_of(settings) == [sending.value for sending in part.unsent if sending.kind == "trigger"]


async def until_given_up(settings: Settings) -> None:
    """Waits until the session of a worker that was killed is over."""
    async with asyncio.timeout(60):
        while await members_of(settings.aiokafka_options(), settings.topic(SIGNALS_GROUP)):  # noqa: ASYNC110
            await asyncio.sleep(0.5)


def triggers_of(settings: Settings) -> list[bytes]:
    found = asyncio.run(read_all(settings, topics.TRIGGERS))
    return [record.value or b"" for record in found[topics.TRIGGERS]]


KILLED = "await write(*a, **k)", "if next(count) == 1: os._exit(9)"
FORGETFUL = "states = a[2]", "if not next(count): states.popitem()", "await write(*a, **k)"


def spoilt(settings: Settings, *lines: str) -> subprocess.CompletedProcess[str]:
    """A repair in small pieces, each of which is written as `lines` say."""
    first = (
        "import os, streams.operations.state_repair as r",
        "r._PIECE, write, count = 7, r.FencedChangelog.write, iter(range(99))",
        "async def spoilt(*a, **k):",
        *(f"    {line}" for line in lines),
        "r.FencedChangelog.write = spoilt",
    )
    return behoudlijn(settings, "state", "repair", "--yes", "--no-clickhouse", first="\n".join(first))


@pytest.mark.parametrize(("wrong", "code"), [(KILLED, 9), (FORGETFUL, ExitCode.BAD_DATA)])
def test_a_repair_that_broke_off_lets_nobody_start_and_is_run_again(
    kafka: KafkaBroker, admin: Admin, unique: str, wrong: tuple[str, ...], code: int
) -> None:
    """It was killed, or what it read back was not what it had written."""
    events = history(40)
    settings = prepared(kafka, unique)
    asyncio.run(produce(settings, events))
    work_off(settings, len(events))
    before = states_of(settings)
    admin.make_changelog_anew(settings)
    done = spoilt(settings, *wrong)
    assert done.returncode == code, done.stderr
    assert "has begun and not ended" in refused(settings)
    repaired(settings)
    assert states_of(settings) == before


def test_who_was_erased_stays_erased_after_a_repair_and_a_replay(
    kafka: KafkaBroker, admin: Admin, unique: str
) -> None:
    events = history(12)
    settings = prepared(kafka, unique, erasure_key=KEY)
    _, order = call("customer-3", 5000, 60 * 24 * 30)
    del order["resolved"]
    asyncio.run(produce(settings, [*events, (topics.PROFILES, order | {"type": "erasure"})]))
    work_off(settings, len(events) + 1)
    before = states_of(settings)
    assert any(map(is_marker, united(before)))
    assert "customer-3" not in united(before)
    admin.make_changelog_anew(settings)
    repaired(settings)
    assert states_of(settings) == before
    asyncio.run(produce(settings, [each for each in events if each[1]["customer_id"] == "customer-3"]))
    again = sum(each[1]["customer_id"] == "customer-3" for each in events)
    work_off(settings, len(events) + 1 + again)
    assert "customer-3" not in united(states_of(settings))


def test_foreign_bytes_are_told_by_place_and_a_repair_leaves_them_behind(
    kafka: KafkaBroker, unique: str
) -> None:
    events = history(30)
    settings = prepared(kafka, unique)
    asyncio.run(produce(settings, events))
    work_off(settings, len(events))
    before = states_of(settings)
    victim = next(iter(before[1]))
    junk = [
        (b"\xff\xfe", b"junk"),
        (victim.encode(), b"junk"),
        (b"who", None),
        (b"\x00partition", b"{"),
        (b"short", b"\x02"),
    ]
    asyncio.run(write(settings, topics.CHANGELOG, 1, *junk))
    log = refused(settings)
    assert f"{settings.topic(topics.CHANGELOG)}[1]@" in log
    assert "state repair --partition 1" in log
    assert "a bug" not in log
    checked = behoudlijn(settings, "state", "check", "--json")
    assert checked.returncode == ExitCode.MISFIT
    assert [bool(each["problems"]) for each in json.loads(checked.stdout)] == [False, True]
    explained = behoudlijn(settings, "explain", victim)
    assert explained.returncode == ExitCode.BAD_DATA
    assert "state repair --partition 1" in explained.stderr
    refusal = behoudlijn(settings, "state", "accept", "--yes")
    assert refusal.returncode == ExitCode.BAD_DATA
    assert "5 records that cannot be read" in " ".join(repaired(settings, "--partition", "1").split())
    assert states_of(settings) == before
    work_off(settings, len(events))


def test_states_are_accepted_as_they_are(kafka: KafkaBroker, admin: Admin, unique: str) -> None:
    events = history(12)
    settings = prepared(kafka, unique)
    asyncio.run(produce(settings, events))
    work_off(settings, len(events))
    admin.make_changelog_anew(settings)
    refused(settings)
    done = behoudlijn(settings, "state", "accept", "--yes")
    assert done.returncode == 0, done.stderr
    assert "0 customers" in done.stdout
    with worker(settings, "signals", "--no-idle-timers") as process:
        asyncio.run(until_said(process, RECOVERED))
        for command in ("repair", "accept"):
            done = behoudlijn(
                settings, "state", command, "--yes", *(["--no-clickhouse"] * (command == "repair"))
            )
            assert done.returncode == ExitCode.MISFIT
            assert "still run" in done.stderr
        assert process.stop() == 0, process.log()


def test_a_partition_that_leapt_comes_back(kafka: KafkaBroker, unique: str) -> None:
    """As a worker of the version before left it: one event of the future, and every state was too old for the partition."""
    events = history(20)
    settings = prepared(kafka, unique)
    asyncio.run(produce(settings, events))
    work_off(settings, len(events))
    before = states_of(settings)
    store = asyncio.run(recovered(settings))[0].store
    store.clock.now = time.time_ns() // 1_000_000 + 400 * 86_400_000
    asyncio.run(leap(settings, store))
    checked = behoudlijn(settings, "state", "check", "--partition", "0")
    assert checked.returncode == ExitCode.MISFIT
    assert "hours ahead of the clock here" in " ".join(checked.stdout.split())
    repaired(settings, "--partition", "0")
    assert states_of(settings) == before
    assert behoudlijn(settings, "state", "check").returncode == 0


@pytest.mark.parametrize("days", [500, -400])
def test_a_partition_that_leapt_comes_back_whatever_the_clock_here_says(
    kafka: KafkaBroker, unique: str, days: int
) -> None:
    """By a clock that is ahead, the leap lies in the past; by one that is behind, every event lies in the future."""
    clock = CLOCK.format(seconds=days * 86_400)
    events = history(20)
    settings = prepared(kafka, unique)
    asyncio.run(produce(settings, events))
    work_off(settings, len(events))
    before = states_of(settings)
    checked = behoudlijn(settings, "state", "check", first=clock)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert ("behind what the brokers have stamped" in " ".join(checked.stdout.split())) is (days < 0)
    store = asyncio.run(recovered(settings))[0].store
    store.clock.now = now_ms() + 400 * 86_400_000
    asyncio.run(leap(settings, store))
    repaired(settings, first=clock)
    assert states_of(settings) == before
    work_off(settings, len(events))


async def leap(settings: Settings, store: SignalsStore) -> None:
    deliveries = Deliveries(settings, lambda: None)
    await deliveries.start()
    try:
        topic = settings.topic(topics.CHANGELOG)
        async with ChangelogReader(
            SignalsStore, topic, [store.number], settings.aiokafka_options()
        ) as reader:
            await reader.to_end()
            fenced = FencedChangelog(topic, settings, deliveries)
            await fenced.claim(reader)
            changes = dict.fromkeys(store.states)
            await fenced.write(store, changes, store.batch + 1, store.clock.now, store.policy)
    finally:
        await deliveries.stop()


def test_a_memory_that_is_too_short_is_refused(kafka: KafkaBroker, unique: str) -> None:
    settings = prepared(kafka, unique, retention_ms=3_600_000)
    done = behoudlijn(settings, "state", "repair", "--yes", "--no-clickhouse")
    assert done.returncode == ExitCode.MISFIT
    assert "who was called before that would be forgotten" in done.stderr
