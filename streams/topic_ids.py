"""The ids of topics: what tells a topic that was deleted and made anew from the one of that name before.

Owns asking the brokers for them. It must not decide anything. aiokafka's requests are too old to hold an id, so kafka-python
asks, in a thread.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Collection, Mapping
from typing import Any, Final
from uuid import UUID

import structlog
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

log = structlog.get_logger(__name__)

_CONNECT_MS: Final = 5_000
_NONE: Final = UUID(int=0)
"""What a broker without ids says."""


class TopicIdsOfBrokers:
    """Asks with a client of its own, made at the first question. `options`: address and security of a kafka-python client."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = options
        self._client: Any = None
        self._lock = threading.Lock()

    async def __call__(self, topics: Collection[str]) -> Mapping[str, str]:
        """The id of each topic that has one; nothing when the brokers do not answer: then it is asked again later."""
        return await asyncio.to_thread(self._ask, sorted(topics))

    def close(self) -> None:
        """Disconnects; repeatable."""
        with self._lock:
            client, self._client = self._client, None
            if client is not None:
                client.close()

    def _ask(self, topics: list[str]) -> dict[str, str]:
        with self._lock:
            try:
                if self._client is None:
                    self._client = KafkaAdminClient(
                        client_id="behoudlijn-topic-ids", bootstrap_timeout_ms=_CONNECT_MS, **self._options
                    )
                found = self._client.describe_topics(topics)
            except (KafkaError, OSError) as error:
                log.warning("the ids of the topics are not known", reason=type(error).__name__)
                return {}
        ids = {each["name"]: each.get("topic_id") for each in found if not each["error_code"]}
        return {name: str(own) for name, own in ids.items() if own and own != _NONE}
