"""Going past one record that the signals workers cannot read, on purpose: that record, and no other."""

from __future__ import annotations

import asyncio
import json

import pytest

from schemas import topics
from streams.settings import SIGNALS_GROUP
from streams.telemetry.exit_codes import ExitCode
from tests.integration.administration import Admin
from tests.integration.conftest import Broker
from tests.integration.worker_events import call, survey
from tests.integration.worker_program import (
    INPUTS,
    behoudlijn,
    committed,
    prepared,
    produce,
    read_all,
    run_to_the_end,
)

pytestmark = pytest.mark.kafka


def test_one_record_is_skipped_and_what_lies_behind_it_counts(kafka: Broker, unique: str) -> None:
    settings = prepared(kafka, unique, mode="live", partitions=1)
    asyncio.run(produce(settings, [call("c1", 1, 0), call("c1", 2, 10)]))
    run_to_the_end(settings, 2)
    asyncio.run(produce(settings, [(topics.CALLS, b"junk"), survey("c1", 3, 20)]))
    command = ["topics", "skip", topics.CALLS, "0", "2", "--group", "signals", "--yes"]
    done = behoudlijn(settings, *command)
    assert done.returncode == 0, done.stderr
    assert asyncio.run(committed(settings, SIGNALS_GROUP, INPUTS)) == 3
    run_to_the_end(settings, 4)
    found = asyncio.run(read_all(settings, topics.TRIGGERS, topics.DEAD_LETTERS))
    opened = [json.loads(record.value or b"") for record in found[topics.TRIGGERS]]
    assert [each["purpose"] for each in opened] == ["requested_callback"]
    letters = [record.value or b"" for record in found[topics.DEAD_LETTERS]]
    assert [b"skipped it" in letter for letter in letters] == [True], "the worker has not read it"
    again = behoudlijn(settings, *command)
    assert again.returncode == ExitCode.MISFIT
    assert "lies behind" in again.stderr


def test_where_states_lack_more_than_the_record_nothing_is_skipped(
    kafka: Broker, unique: str, admin: Admin
) -> None:
    settings = prepared(kafka, unique, mode="live", partitions=1)
    asyncio.run(produce(settings, [call("c1", 1, 0), survey("c1", 2, 10)]))
    run_to_the_end(settings, 2)
    asyncio.run(produce(settings, [(topics.CALLS, b"junk")]))
    admin.make_changelog_anew(settings)
    done = behoudlijn(settings, "topics", "skip", topics.CALLS, "0", "1", "--group", "signals", "--yes")
    assert done.returncode == ExitCode.MISFIT
    assert "state check --partition 0" in done.stderr
    assert asyncio.run(committed(settings, SIGNALS_GROUP, INPUTS)) == 2
    assert not asyncio.run(read_all(settings, topics.DEAD_LETTERS))[topics.DEAD_LETTERS]
