"""The transactional producers of a chaos run: what they commit, what they take back, and what they leave; without a broker."""

from __future__ import annotations

import asyncio
from collections import Counter
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import KafkaError

from schemas import topics
from streams.settings import Settings
from tests.chaos import transactions
from tests.chaos.events import Feed, Sent
from tests.chaos.transactions import Transactions

NOW = 1_790_000_000_000
RECORDS = [Sent(topics.CALLS, number % 2, b"k", b"v%d" % number) for number in range(1_000)]


class Producer:
    """Keeps what it is given, in `log`, by the end of its transaction."""

    log: list[tuple[str, list[bytes]]]
    fail_at_commit = 0

    def __init__(self, **options: Any) -> None:
        self.name = options["transactional_id"]
        self.open: list[bytes] = []

    async def start(self) -> None:
        Producer.log.append((f"start {self.name}", []))

    async def stop(self) -> None:
        """Ends nothing."""

    async def begin_transaction(self) -> None:
        self.open = []

    async def send(self, topic: str, value: bytes, **_: Any) -> asyncio.Future[Any]:
        self.open.append(value)
        sent: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        sent.set_result(SimpleNamespace(offset=len(self.open)))
        return sent

    async def commit_transaction(self) -> None:
        if Producer.fail_at_commit:
            Producer.fail_at_commit -= 1
            raise KafkaError
        Producer.log.append(("commit", self.open))

    async def abort_transaction(self) -> None:
        Producer.log.append(("abort", self.open))


@pytest.fixture
def some(monkeypatch: pytest.MonkeyPatch) -> Transactions:
    Producer.log, Producer.fail_at_commit = [], 0
    monkeypatch.setattr(transactions, "AIOKafkaProducer", Producer)
    feed = Feed(5, partitions=2, events=9_000, days=40, now=NOW, window=300)
    next(feed.windows())
    return Transactions(Settings(), feed, Random(5))


def of(kind: str) -> list[bytes]:
    return [value for what, values in Producer.log for value in values if what == kind]


def test_every_record_is_committed_and_every_ghost_is_taken_back(some: Transactions) -> None:
    async def scenario() -> None:
        for _ in range(5):
            outcomes = await some.send(RECORDS, "none")
            assert len(outcomes) == len(RECORDS)

    asyncio.run(scenario())
    assert of("commit") == [record.value for record in RECORDS] * 5
    assert of("abort")
    assert all(b'"ghost-' in value for value in of("abort"))
    assert some.ended["committed"] > 5, "a window takes several"
    assert some.ended["taken back"] > 0


def test_what_no_reader_sees_is_counted(some: Transactions) -> None:
    some.note(RECORDS[:10], committed=True)
    assert some.hidden == Counter({(topics.CALLS, 0): 2, (topics.CALLS, 1): 2}), "markers"
    some.note(RECORDS[:10], committed=False)
    assert some.hidden == Counter({(topics.CALLS, 0): 4 + 5, (topics.CALLS, 1): 4 + 5})


def test_a_transaction_that_stands_open_is_taken_back_in_the_end(some: Transactions) -> None:
    async def scenario() -> None:
        await some.leave_open("none")
        await some.leave_open("none")  # one at a time
        assert not of("abort")
        await some.take_back(now=True)

    asyncio.run(scenario())
    assert of("abort")
    assert some.ended == Counter({"taken back late": 1})


def test_what_broke_off_is_taken_back_by_a_successor(some: Transactions) -> None:
    Producer.fail_at_commit = 1

    async def scenario() -> None:
        with pytest.raises(KafkaError):
            await some.send(RECORDS, "none")
        await some.take_back(now=True)
        await some.take_back(now=True)

    asyncio.run(scenario())
    assert [what for what, _ in Producer.log if what.startswith("start")] == ["start feeder-between"] * 2
    assert some.ended == Counter({"broken off": 1})
