"""Asking for the ids of topics, with a client that fails, hangs or knows none: nobody waits, and it is asked again."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from kafka.errors import KafkaConnectionError

from streams.lane import topic_ids
from streams.lane.topic_ids import TopicIdsOfBrokers

OWN = UUID(int=7)


def topic(name: str, own: UUID | None = OWN, error: int = 0) -> dict[str, Any]:
    return {"name": name, "topic_id": own, "error_code": error}


class Client:
    """One that answers as it is told; `made` holds all that were ever made."""

    made: list[Client]
    answers: list[Callable[[], list[dict[str, Any]]]]

    def __init__(self, **_: Any) -> None:
        self.closed = False
        Client.made.append(self)

    def describe_topics(self, names: list[str]) -> list[dict[str, Any]]:
        return Client.answers.pop(0)()

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def ids(monkeypatch: pytest.MonkeyPatch) -> TopicIdsOfBrokers:
    Client.made, Client.answers = [], []
    monkeypatch.setattr(topic_ids, "KafkaAdminClient", Client)
    monkeypatch.setattr(topic_ids, "_PATIENCE_SECONDS", 0.2)
    return TopicIdsOfBrokers({})


def test_topics_without_an_id_or_that_are_absent_are_left_out(ids: TopicIdsOfBrokers) -> None:
    Client.answers = [
        lambda: [topic("a"), topic("old", UUID(int=0)), topic("none", None), topic("gone", None, 3)]
    ]
    assert asyncio.run(ids(["a", "old", "none", "gone"])) == {"a": str(OWN)}


def test_after_a_failure_another_client_asks(ids: TopicIdsOfBrokers) -> None:
    def fail() -> list[dict[str, Any]]:
        raise KafkaConnectionError("away")

    Client.answers = [fail, lambda: [topic("a")]]
    assert asyncio.run(ids(["a"])) == {}
    assert asyncio.run(ids(["a"])) == {"a": str(OWN)}
    assert [client.closed for client in Client.made] == [True, False]
    ids.close()
    assert Client.made[1].closed


def test_nobody_waits_for_a_broker_that_hangs_nor_asks_it_twice(ids: TopicIdsOfBrokers) -> None:
    free = threading.Event()

    def hang() -> list[dict[str, Any]]:
        free.wait(10)
        return [topic("a")]

    Client.answers = [hang, lambda: [topic("a")]]
    assert asyncio.run(ids(["a"])) == {}
    assert asyncio.run(ids(["a"])) == {}, "the first question is not answered yet"
    ids.close()
    assert not Client.made[0].closed, "a question is under way"
    free.set()

    async def until_answered() -> None:
        while not await ids(["a"]):  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(until_answered(), 5))
    assert len(Client.made) == 1
