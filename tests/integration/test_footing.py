"""States that are missing although their events were committed are noticed before a worker is ready; what only looks so is not. On real Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from schemas import topics
from streams.core.records import Record
from streams.settings import SIGNALS_GROUP, Settings
from streams.state.changelog import PARTITION_KEY, decode_partition
from streams.telemetry.exit_codes import ExitCode
from tests.integration.administration import Admin, alter
from tests.integration.test_lane import transactional
from tests.integration.test_membership import last_words
from tests.integration.worker_events import call, survey
from tests.integration.worker_program import (
    RECOVERED,
    Process,
    committed,
    prepared,
    produce,
    read_all,
    until_said,
    until_true,
    worker,
    write,
)
from tests.kafka.broker import KafkaBroker

pytestmark = pytest.mark.kafka


@contextmanager
def signals(settings: Settings) -> Iterator[Process]:
    with worker(settings, "signals", "--no-idle-timers") as process:
        yield process


def stands_at(process: Process, settings: Settings, offset: int) -> None:
    asyncio.run(until_said(process, RECOVERED))
    asyncio.run(
        until_true(process, lambda: asyncio.run(committed(settings, SIGNALS_GROUP, [topics.CALLS])) == offset)
    )


def read(kafka: KafkaBroker, unique: str, events: int = 10) -> Settings:
    """An installation whose worker has read so many events, in two halves, and stopped."""
    settings = prepared(kafka, unique, partitions=1)
    for half in (range(events // 2), range(events // 2, events)):
        asyncio.run(produce(settings, [call("customer-1", number, number) for number in half]))
        with signals(settings) as process:
            stands_at(process, settings, half.stop)
            assert process.stop() == 0, process.log()
    return settings


def refused(settings: Settings) -> str:
    with signals(settings) as process:
        assert process.wait(90) == ExitCode.MISFIT, process.log()
        assert RECOVERED not in process.log()
        said = last_words(process)
    assert "behoudlijn state check" in said
    assert "behoudlijn state repair" in said
    assert "behoudlijn state accept" in said
    return said


def test_a_changelog_that_was_made_anew_is_refused(kafka: KafkaBroker, admin: Admin, unique: str) -> None:
    settings = read(kafka, unique)
    admin.make_changelog_anew(settings)
    assert "holds no states, although the group has read contact.calls up to 10" in refused(settings)


def test_a_changelog_made_anew_under_a_worker_ends_it_and_stays_refused(
    kafka: KafkaBroker, admin: Admin, unique: str
) -> None:
    """What the worker still wrote holds a record of the partition and one customer's state; the others are gone."""
    settings = read(kafka, unique)
    with signals(settings) as process:
        asyncio.run(until_said(process, RECOVERED))
        admin.make_changelog_anew(settings)
        asyncio.run(produce(settings, [call("customer-2", 1, 60)]))
        assert process.wait(60) in (ExitCode.MISFIT, ExitCode.BROKE_OFF), process.log()
    written = changelog_of(settings)  # nearly always: else the worker looked before it wrote
    assert ("another topic" if written else "holds no states") in refused(settings)


def test_records_deleted_from_the_changelog_are_refused(
    kafka: KafkaBroker, admin: Admin, unique: str
) -> None:
    settings = read(kafka, unique)
    alter(settings, topics.CHANGELOG, cleanup_policy="delete")
    admin.remove_before(settings.topic(topics.CHANGELOG), 1)
    with signals(settings) as process:
        assert process.wait(90) == ExitCode.MISFIT, process.log()
        assert "cleanup.policy=delete, but must have compact" in last_words(process)
    alter(settings, topics.CHANGELOG, cleanup_policy="compact")
    assert "of the changelog begins at offset 1, not at 0" in refused(settings)


def changelog_of(settings: Settings) -> list[Record]:
    return asyncio.run(read_all(settings, topics.CHANGELOG))[topics.CHANGELOG]


def taken_back(kafka: KafkaBroker, settings: Settings) -> None:
    """A record among the calls and its marker, of a transaction that was aborted."""

    async def abort() -> None:
        async with transactional(kafka, settings.topic_prefix) as producer:
            await producer.begin_transaction()
            await producer.send_and_wait(settings.topic(topics.CALLS), b"taken back", partition=0)
            await producer.abort_transaction()

    asyncio.run(abort())


def test_a_changelog_that_lost_its_end_is_refused(kafka: KafkaBroker, admin: Admin, unique: str) -> None:
    """As after an unclean election, or from a backup: all that the first worker wrote, and nothing of the second."""
    settings = prepared(kafka, unique, partitions=1)
    asyncio.run(produce(settings, [call("customer-1", number, number) for number in range(5)]))
    with signals(settings) as process:
        stands_at(process, settings, 5)
        assert process.stop() == 0, process.log()
    backup = changelog_of(settings)
    asyncio.run(produce(settings, [call("customer-1", number, number) for number in range(5, 10)]))
    with signals(settings) as process:
        stands_at(process, settings, 10)
        assert process.stop() == 0, process.log()
    admin.make_changelog_anew(settings)
    asyncio.run(write(settings, topics.CHANGELOG, 0, *((r.key, r.value) for r in backup)))
    said = refused(settings)
    assert (
        "hold contact.calls[0] up to offset 5, but the group has committed 10, and records lie between"
        in said
    )
    admin.remove_before(settings.topic(topics.CALLS), 10)
    assert "nobody can tell what it held" in refused(settings)


def test_markers_and_events_that_change_nothing_need_no_state(
    kafka: KafkaBroker, admin: Admin, unique: str
) -> None:
    """The worker is killed when it has committed a repeat, and once more what holds no event: markers, and what was taken back."""
    settings = read(kafka, unique)
    with signals(settings) as process:
        asyncio.run(until_said(process, RECOVERED))
        asyncio.run(produce(settings, [call("customer-1", 1, 1)]))
        stands_at(process, settings, 11)
        process.child.kill()

    with signals(settings) as process:
        asyncio.run(until_said(process, RECOVERED))
        taken_back(kafka, settings)
        stands_at(process, settings, 13)
        process.child.kill()
    with signals(settings) as process:
        asyncio.run(until_said(process, RECOVERED))
        assert process.stop() == 0, process.log()


def test_markers_are_written_down_although_other_records_wait_and_retention_may_remove_them(
    kafka: KafkaBroker, admin: Admin, unique: str
) -> None:
    """A survey waits for other topics, so the partition is never idle; a transaction among the calls is taken back and passed."""
    settings = read(kafka, unique)
    calls = settings.topic(topics.CALLS)
    waiting = settings.model_copy(update={"merge_idle_ms": 600_000, "stall_timeout_s": 1_200.0})

    with signals(waiting) as process:
        asyncio.run(until_said(process, RECOVERED))
        asyncio.run(produce(settings, [survey("customer-1", 1, 20)]))
        taken_back(kafka, settings)
        stands_at(process, settings, 12)
        asyncio.run(until_true(process, lambda: written_down(settings, topics.CALLS) == 12))
        process.child.kill()
    admin.remove_before(calls, 12)
    with signals(settings) as process:
        asyncio.run(until_said(process, RECOVERED))
        assert process.stop() == 0, process.log()


def written_down(settings: Settings, name: str) -> int | None:
    """The offset up to which the states hold an input, as the changelog says."""
    values = [each.value for each in changelog_of(settings) if each.key == PARTITION_KEY]
    return decode_partition(values[-1] or b"").inputs.get(name)


def test_a_replay_from_the_beginning_that_is_killed_goes_on(
    kafka: KafkaBroker, admin: Admin, unique: str
) -> None:
    settings = read(kafka, unique)
    admin.commit(settings.topic(SIGNALS_GROUP), {(settings.topic(topics.CALLS), 0): 0})
    with signals(settings) as process:
        stands_at(process, settings, 10)
        process.child.kill()
    with signals(settings) as process:
        asyncio.run(until_said(process, RECOVERED))
        assert process.stop() == 0, process.log()


def test_inputs_made_anew_are_no_loss_of_states(kafka: KafkaBroker, admin: Admin, unique: str) -> None:
    settings = read(kafka, unique)
    admin.make_anew(settings.topic(topics.CALLS))
    alter(settings, topics.CALLS, message_timestamp_type="LogAppendTime")
    asyncio.run(produce(settings, [call("customer-1", number, number) for number in range(20, 23)]))
    with signals(settings) as process:
        stands_at(process, settings, 3)
        process.child.kill()
    with signals(settings) as process:
        asyncio.run(until_said(process, RECOVERED))
        assert process.stop() == 0, process.log()
