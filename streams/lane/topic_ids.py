"""The ids of topics: what tells a topic that was deleted and made anew from the one of that name before.

Owns asking the brokers for them, and that nobody waits long for the answer. It must not decide anything. aiokafka's requests are
too old to hold an id, so kafka-python asks, in a thread.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any, Final
from uuid import UUID

import structlog
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from streams.telemetry.trouble import Trouble

log = structlog.get_logger(__name__)
_BEGAN, _ENDED = "the ids of the topics are not known", "the ids of the topics are known again"

_PATIENCE_SECONDS: Final = 3.0
_REQUEST_MS: Final = 10_000
_NONE: Final = UUID(int=0)
"""What a broker without ids says."""


class TopicIdsOfBrokers:
    """Asks with a client of its own, made at the first question. `options`: address and security of a kafka-python client."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = options
        self._client: Any = None
        self._asking = threading.Lock()
        self._trouble = Trouble(log, _BEGAN, _ENDED)

    async def __call__(self, topics: Collection[str]) -> Mapping[str, str]:
        """Return the id of each topic that has one; nothing when the brokers do not answer soon: then it is asked again later."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[dict[str, str]] = loop.create_future()

        def tell(ids: dict[str, str]) -> None:
            if not answer.done():
                answer.set_result(ids)

        def ask() -> None:
            ids = self._ask(sorted(topics))
            with suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(tell, ids)

        threading.Thread(target=ask, name="topic-ids", daemon=True).start()
        try:
            return await asyncio.wait_for(answer, _PATIENCE_SECONDS)
        except TimeoutError:
            self._trouble.tell("no broker answered in time")
            return {}

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

    def _ask(self, topics: list[str]) -> dict[str, str]:
        if not self._asking.acquire(blocking=False):
            return {}  # the last question is not answered yet
        try:
            if self._client is None:
                self._client = KafkaAdminClient(
                    client_id="behoudlijn-topic-ids",
                    bootstrap_timeout_ms=_REQUEST_MS,
                    request_timeout_ms=_REQUEST_MS,
                    **self._options,
                )
            found = self._client.describe_topics(topics)
        except (KafkaError, OSError) as error:
            self._trouble.tell(type(error).__name__)
            self._drop()
            return {}
        finally:
            self._asking.release()
        self._trouble.over()
        ids = {each["name"]: each.get("topic_id") for each in found if not each["error_code"]}
        return {name: str(own) for name, own in ids.items() if own and str(own) != str(_NONE)}
