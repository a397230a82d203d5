"""Granting and withdrawing ACLs on a secured cluster, as an administrator does with `kafka-acls`.

Owns the translation of a right to Kafka's ACL, and that it holds on return: the controller says that it is done before the broker,
which reads the controller's log, goes by it. It must not know which rights a worker needs.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any, Final, Protocol

from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    KafkaAdminClient,
    ResourcePattern,
    ResourceType,
)

from streams.cluster.rights import CODES

_SPREAD_S: Final = 60.0
_PAUSE_S: Final = 0.01


class Right(Protocol):
    """What is granted: an operation (`Read`, `Write`, `DescribeConfigs`) on a resource (`topic`, `group`) of a name."""

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
        wanted = [*rights]
        failed = self._admin.create_acls([ACL(*_parts(user, right)) for right in wanted])["failed"]
        if failed:
            raise RuntimeError(f"ACLs were not made: {failed}")
        for right in wanted:
            self._until(user, right, there=True)

    def withdraw(self, user: str, right: Right) -> None:
        """Take one right away again. Raises RuntimeError when the broker does not do it."""
        self._admin.delete_acls([ACLFilter(*_parts(user, right))])
        self._until(user, right, there=False)

    def _until(self, user: str, right: Right, *, there: bool) -> None:
        """Wait until the broker itself says that it knows the right, or does no more: then it also goes by it."""
        until = time.monotonic() + _SPREAD_S
        while bool(self._admin.describe_acls(ACLFilter(*_parts(user, right)))[0]) is not there:
            if time.monotonic() > until:
                raise RuntimeError(
                    f"after {_SPREAD_S:.0f} s the broker has not followed the controller: {user}, {right}"
                )
            time.sleep(_PAUSE_S)

    def close(self) -> None:
        """Disconnect."""
        self._admin.close()


def _parts(user: str, right: Right) -> tuple[Any, ...]:
    return (
        f"User:{user}",
        "*",
        ACLOperation[CODES.get(right.operation, right.operation.upper())],
        ACLPermissionType.ALLOW,
        ResourcePattern(ResourceType[right.resource.upper()], right.name),
    )
