"""A consumer group as the brokers know it: who takes part, and what was committed.

Owns asking for both. aiokafka asks, since kafka-python fails on what some brokers say of rights. It must not judge, nor commit.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeVar

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import (
    CoordinatorLoadInProgressError,
    CoordinatorNotAvailableError,
    NotCoordinatorForGroupError,
    for_code,
)
from aiokafka.structs import OffsetAndMetadata

_PATIENCE_SECONDS: Final = 10.0
_PAUSE_SECONDS: Final = 0.25
_REQUEST_MS: Final = 5_000
_PASSING: Final = (CoordinatorLoadInProgressError, CoordinatorNotAvailableError, NotCoordinatorForGroupError)
"""While the group's coordinator moves to another broker."""

T = TypeVar("T")


async def members_of(options: Mapping[str, Any], group: str) -> list[str]:
    """Return the client ids of the members. `options`: address and security of an aiokafka client; raises the client's errors."""

    async def ask(admin: Any) -> list[str]:
        (answer,) = await admin.describe_consumer_groups([group])
        ((code, _, _, _, _, members, *_),) = answer.groups
        if code:
            raise for_code(code)
        return [client_id for _, client_id, *_ in members]

    return await _asked(options, ask)


async def committed_by(options: Mapping[str, Any], group: str) -> dict[TopicPartition, OffsetAndMetadata]:
    """Return what the group has committed, without partitions of which it has nothing. As `members_of`."""

    async def ask(admin: Any) -> dict[TopicPartition, OffsetAndMetadata]:
        found = await admin.list_consumer_group_offsets(group)
        return {place: each for place, each in found.items() if each.offset >= 0}

    return await _asked(options, ask)


async def _asked(options: Mapping[str, Any], ask: Callable[[Any], Awaitable[T]]) -> T:
    admin = AIOKafkaAdminClient(**options, request_timeout_ms=_REQUEST_MS)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _PATIENCE_SECONDS
    try:
        await admin.start()
        while True:
            try:
                return await ask(admin)
            except _PASSING:
                if loop.time() > deadline:
                    raise
                await asyncio.sleep(_PAUSE_SECONDS)
    finally:
        await admin.close()
