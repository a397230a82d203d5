"""Granting and withdrawing ACLs on a secured cluster, as an administrator does with `kafka-acls`.

Owns the translation of a right to Kafka's ACL. It must not know which rights a worker needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    KafkaAdminClient,
    ResourcePattern,
    ResourceType,
)


class Right(Protocol):
    """What is granted: an operation (`Read`, `Write`) on a resource (`topic`, `group`) of a name."""

    @property
    def resource(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def operation(self) -> str: ...


class Acls:
    """The ACLs of a cluster; `options` are a kafka-python client's, of a user who may change them."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._admin = KafkaAdminClient(client_id="acls", **options)

    def grant(self, user: str, rights: Iterable[Right]) -> None:
        """Let `user` do what `rights` say, on exactly these names. Raises RuntimeError when one is refused."""
        failed = self._admin.create_acls([ACL(*_parts(user, right)) for right in rights])["failed"]
        if failed:
            raise RuntimeError(f"ACLs were not made: {failed}")

    def withdraw(self, user: str, right: Right) -> None:
        """Take one right away again."""
        self._admin.delete_acls([ACLFilter(*_parts(user, right))])

    def close(self) -> None:
        """Disconnect."""
        self._admin.close()


def _parts(user: str, right: Right) -> tuple[Any, ...]:
    return (
        f"User:{user}",
        "*",
        ACLOperation[right.operation.upper()],
        ACLPermissionType.ALLOW,
        ResourcePattern(ResourceType[right.resource.upper()], right.name),
    )
