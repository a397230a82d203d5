"""The ids of topics, which tell one that was deleted and made anew from the one of that name before; and how many partitions they have.

Owns asking the brokers for both, and that nobody waits long for the answer. It must not decide anything. aiokafka's requests are
too old to hold an id, so kafka-python asks, in a thread.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple

import structlog
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from streams.cluster.topics import id_of
from streams.telemetry.trouble import Trouble

log = structlog.get_logger(__name__)
_BEGAN, _ENDED = "the ids of the topics are not known", "the ids of the topics are known again"

_PATIENCE_SECONDS: Final = 3.0
_REQUEST_MS: Final = 10_000


class FoundTopic(NamedTuple):
    """A topic as the brokers know it. `topic_id`: empty where they have none."""

    partitions: int
    topic_id: str


class TopicIdsOfBrokers:
    """Asks with a client of its own, made at the first question. `options`: address and security of a kafka-python client.

    `on_found` is given what was found of the topics that were asked for and of those in `beside`, and may raise.
    """

    def __init__(
        self,
        options: Mapping[str, Any],
        *,
        beside: Collection[str] = (),
        on_found: Callable[[Mapping[str, FoundTopic]], None] = lambda _: None,
    ) -> None:
        self._options = options
        self._beside = beside
        self._on_found = on_found
        self._client: Any = None
        self._asking = threading.Lock()
        self._trouble = Trouble(log, _BEGAN, _ENDED)

    async def __call__(self, topics: Collection[str]) -> Mapping[str, str]:
        """Return the id of each topic that has one; nothing when the brokers do not answer soon: then it is asked again later.

        Raises what `on_found` raises.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Sequence[Mapping[str, Any]]] = loop.create_future()

        def tell(found: Sequence[Mapping[str, Any]]) -> None:
            if not answer.done():
                answer.set_result(found)

        def ask() -> None:
            found = self._ask(sorted({*topics, *self._beside}))
            with suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(tell, found)

        threading.Thread(target=ask, name="topic-ids", daemon=True).start()
        try:
            found = await asyncio.wait_for(answer, _PATIENCE_SECONDS)
        except TimeoutError:
            self._trouble.tell("no broker answered in time")
            return {}
        known = {each["name"]: FoundTopic(len(each.get("partitions", ())), id_of(each)) for each in found}
        self._on_found(known)
        return {name: each.topic_id for name, each in known.items() if each.topic_id and name in topics}

    def close(self) -> None:
        """Disconnects, unless a question is under way, whose thread ends with the process; repeatable."""
        if self._asking.acquire(blocking=False):
            try:
                self._drop()
            finally:
                self._asking.release()

    def _drop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            with suppress(KafkaError, OSError):
                client.close()

    def _ask(self, topics: list[str]) -> Sequence[Mapping[str, Any]]:
        if not self._asking.acquire(blocking=False):
            return ()  # the last question is not answered yet
        try:
            if self._client is None:
                self._client = KafkaAdminClient(
                    client_id="behoudlijn-topic-ids",
                    bootstrap_timeout_ms=_REQUEST_MS,
                    request_timeout_ms=_REQUEST_MS,
                    **self._options,
                )
            found: list[dict[str, Any]] = self._client.describe_topics(topics)
        except (KafkaError, OSError) as error:
            self._trouble.tell(type(error).__name__)
            self._drop()
            return ()
        finally:
            self._asking.release()
        self._trouble.over()
        return [each for each in found if not each["error_code"]]
