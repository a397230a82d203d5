"""What the topics of a chaos run have ever held, and which of it the workers have read."""

from __future__ import annotations

import orjson

from schemas import topics
from streams.core.decode import decode
from streams.core.records import Record
from streams.settings import Settings
from tests.chaos.history import History
from tests.chaos.routed import routed
from tests.oracle import Oracle, answer

NOW = 1_790_000_000_000


def survey(offset: int, number: int) -> Record:
    event = {
        "type": "survey",
        "schema_version": 1,
        "event_id": f"s{number}",
        "customer_id": "c1",
        "occurred_at": f"2026-01-05T09:{number:02d}:00Z",
        "csat": 1,
    }
    return Record(topics.SURVEYS, 0, offset, NOW + number, b"c1", orjson.dumps(event))


def logs(*records: Record) -> dict[str, list[Record]]:
    return {name: list(records) if name == topics.SURVEYS else [] for name in topics.INPUTS}


def numbers(found: dict[str, list[Record]]) -> list[int]:
    return [record.timestamp - NOW for record in found[topics.SURVEYS]]


def test_what_was_deleted_stays_known_before_what_came_after() -> None:
    history = History()
    history.take(topics.SURVEYS, [survey(0, 0), survey(1, 1)])
    history.begin_anew(topics.SURVEYS)
    present = logs(survey(0, 2))
    assert numbers(history.all(present)) == numbers(history.read(present)) == [0, 1, 2]
    assert [len(life) for life in history.lives(present)[topics.SURVEYS]] == [2, 1]
    assert history.life(topics.SURVEYS) == 1
    assert history.made_anew == {topics.SURVEYS}


def test_what_retention_took_is_of_the_same_life_and_unread_only_where_it_was() -> None:
    history = History()
    history.take(topics.SURVEYS, [survey(0, 0), survey(1, 1)])
    history.unread.add(history.place(topics.SURVEYS, survey(1, 1)))
    present = logs(survey(2, 2))
    assert numbers(history.all(present)) == [0, 1, 2]
    assert numbers(history.read(present)) == [0, 2]
    assert [len(life) for life in history.lives(present)[topics.SURVEYS]] == [3]
    assert history.made_anew == set()


def test_a_place_of_one_life_is_none_of_another() -> None:
    history = History()
    history.doubtful.add(history.place(topics.SURVEYS, survey(0, 0)))
    history.take(topics.SURVEYS, [survey(0, 0)])
    history.begin_anew(topics.SURVEYS)
    present = logs(survey(0, 1))
    assert numbers(history.read(present)) == [1]
    assert numbers(history.in_doubt(present)) == [0]
    assert numbers(history.all(present)) == [0, 1]


def test_the_oracle_goes_on_where_a_topic_begins_anew_and_keeps_when_each_record_came() -> None:
    history = History()
    history.take(topics.SURVEYS, [survey(0, 0), survey(1, 1)])
    history.begin_anew(topics.SURVEYS)
    there, arrivals = routed(history.read(logs(survey(0, 2))), 1)
    assert [record.offset for record in there[topics.SURVEYS]] == [0, 1, 2]
    assert [arrivals[record] for record in there[topics.SURVEYS]] == [
        decode(survey(offset, number)).arrival for offset, number in ((0, 0), (1, 1), (0, 2))
    ]
    settings = Settings(partitions=1)
    assert answer(settings, there, arrivals).states.keys() == {"c1"}


def test_a_second_reading_goes_on_from_the_states_of_the_first() -> None:
    oracle, there = Oracle(Settings(partitions=1)), logs(survey(0, 0), survey(1, 1))
    first, second = oracle.read(there), oracle.read(there)
    assert first.states
    assert second.states == first.states
    assert second.outputs <= first.outputs
    assert Oracle(Settings(partitions=1)).read(logs()).states == {}
