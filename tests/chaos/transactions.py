"""The transactional producers among the feeders: some transactions are committed, some taken back, some stand open meanwhile.

Owns what goes through a transaction and how it ends, and counts the offsets that no reader will ever see: markers, and records
that were taken back. It must not decide which events there are.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from deploy.embedded.process import ChildProcess
from streams.settings import Settings
from tests.chaos.events import Feed, Sent
from tests.worker_environment import ROOT

_TIMEOUT_MS: Final = 20_000
"""After which the brokers take back what nobody has ended."""
_PATIENCE: Final = 60.0
_LARGEST: Final = 400
_TAKEN_BACK: Final = 0.3
"""Of so many transactions one more follows that is taken back."""
_GHOSTS: Final = 30
_OPEN_SECONDS: Final = 4.0
"""How long a transaction stands open at most."""
_BETWEEN: Final = "between"
_OPEN: Final = "open"
_KILLED: Final = "killed"


class Transactions:
    """Sends through transactions, each of a size by chance. `settings`: of the topics; `random` decides."""

    def __init__(self, settings: Settings, feed: Feed, random: Random) -> None:
        self._settings = settings
        self._feed = feed
        self._random = random
        self._open: Any = None
        self._until = 0.0
        self._unsettled: set[str] = set()
        self.hidden: Counter[tuple[str, int]] = Counter()
        """By topic and partition the most offsets that readers of what was committed do not see."""
        self.ended: Counter[str] = Counter()
        """Transactions by their end: committed, taken back, taken back late, broken off."""

    async def send(self, records: Sequence[Sent], codec: str) -> list[Any]:
        """Sends the records in committed transactions, with some between that are taken back; what the brokers said of each record.

        Raises `KafkaError` or `TimeoutError` when one could not be committed: then nobody knows which were.
        """
        outcomes: list[Any] = []
        async with asyncio.timeout(_PATIENCE):
            producer = await self._start(_BETWEEN, codec)
            try:
                while left := records[len(outcomes) :]:
                    some = left[: self._random.randint(1, _LARGEST)]
                    outcomes += await self._transact(producer, some, commit=True)
                    if self._random.random() < _TAKEN_BACK:
                        await self._transact(producer, self._ghosts(), commit=False)
                self._unsettled.discard(_BETWEEN)
            finally:
                await _stop(producer)
        return outcomes

    async def leave_open(self, codec: str) -> None:
        """Begins a transaction with ghosts, unless one is open; it is taken back a while later. Until then nobody reads on behind it."""
        if self._open is not None:
            return
        async with asyncio.timeout(_PATIENCE):
            producer = await self._start(_OPEN, codec)
            self._open = producer
            self._until = time.monotonic() + _OPEN_SECONDS * self._random.random()
            ghosts = self._ghosts()
            self.note(ghosts, committed=False)
            await self._begin(producer, ghosts)

    async def take_back(self, *, now: bool = False) -> None:
        """Takes back what has stood open for long enough.

        `now`: whatever is open, and whatever was left by one that broke off. Raises `KafkaError` or `TimeoutError`.
        """
        if self._open is not None and (now or time.monotonic() > self._until):
            producer, self._open = self._open, None
            try:
                async with asyncio.timeout(_PATIENCE):
                    await producer.abort_transaction()
                self.ended["taken back late"] += 1
                self._unsettled.discard(_OPEN)
            finally:
                await _stop(producer)
        if now:
            for name in sorted(self._unsettled):
                async with asyncio.timeout(_PATIENCE):
                    await _stop(await self._start(name, "none"))  # a successor takes back what was left
                self._unsettled.discard(name)

    async def drop(self) -> None:
        """Disconnects without ending anything; `take_back` does so later, or the brokers do."""
        if self._open is not None:
            producer, self._open = self._open, None
            self.ended["broken off"] += 1
            await _stop(producer)

    @asynccontextmanager
    async def of_another_process(self, name: str) -> AsyncIterator[ChildProcess]:
        """A process with an open transaction that holds ghosts on every partition of a topic; it must be killed inside.

        Raises `ChildError` when the transaction was over before all of it was sent.
        """
        ghosts = self._feed.ghosts(_GHOSTS, name)
        self.note(ghosts, committed=False)
        with tempfile.NamedTemporaryFile("w", suffix=".ndjson") as file:
            for ghost in ghosts:
                key, value = (ghost.key or b"").decode(), ghost.value.decode()
                file.write(
                    json.dumps([self._settings.topic(ghost.topic), ghost.partition, key, value]) + "\n"
                )
            file.flush()
            command = [sys.executable, "-m", "tests.chaos.open_transaction", self._settings.kafka_bootstrap]
            producer = ChildProcess(
                [*command, self._settings.topic(f"feeder-{_KILLED}"), file.name], name="producer", cwd=ROOT
            )
            with producer:
                await asyncio.to_thread(producer.wait_line, lambda line: line == "open" or None, _PATIENCE)
                yield producer
        self.ended["left by a killed producer"] += 1

    def note(self, records: Sequence[Sent], *, committed: bool) -> None:
        """Counts what readers will not see of a transaction: at most two markers on each partition, since a coordinator that takes over
        writes them once more, and all of one that is taken back.
        """
        for place in {(sent.topic, sent.partition) for sent in records}:
            self.hidden[place] += 2
        if not committed:
            self.hidden.update((sent.topic, sent.partition) for sent in records)

    def _ghosts(self) -> list[Sent]:
        return self._feed.ghosts(self._random.randint(1, _GHOSTS))

    async def _transact(self, producer: Any, records: Sequence[Sent], *, commit: bool) -> list[Any]:
        try:
            outcomes = await self._begin(producer, records)
            await (producer.commit_transaction() if commit else producer.abort_transaction())
        except BaseException:
            self.ended["broken off"] += 1
            self.note(records, committed=False)
            raise
        self.ended["committed" if commit else "taken back"] += 1
        self.note(records, committed=commit)
        return outcomes

    async def _start(self, name: str, codec: str) -> Any:
        self._unsettled.add(name)
        producer = AIOKafkaProducer(
            **self._settings.aiokafka_options(),
            transactional_id=self._settings.topic(f"feeder-{name}"),
            transaction_timeout_ms=_TIMEOUT_MS,
            compression_type=None if codec == "none" else codec,
            request_timeout_ms=int(_PATIENCE * 1000),
        )
        try:
            await producer.start()
        except BaseException:
            await _stop(producer)
            raise
        return producer

    async def _begin(self, producer: Any, records: Sequence[Sent]) -> list[Any]:
        topic = self._settings.topic
        await producer.begin_transaction()
        waiting = [
            await producer.send(topic(sent.topic), sent.value, key=sent.key, partition=sent.partition)
            for sent in records
        ]
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)  # every one is heard
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        return outcomes


async def _stop(producer: Any) -> None:
    with contextlib.suppress(KafkaError, TimeoutError):
        await asyncio.wait_for(producer.stop(), 10)
