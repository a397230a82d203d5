"""Who may talk to the server: its accounts, named as ClickHouse clients name them.

It must not log or echo a password, nor keep one: of each only a keyed hash stays in memory.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from deploy.embedded.clickhouse.errors import Code, EngineError

SECRETS: Final = frozenset({"password"})
"""URL parameters that are for `check` alone."""

_KEY: Final = secrets.token_bytes(32)


@dataclass(frozen=True, slots=True)
class Account:
    """A user of the server; one that is `readonly` may read and change settings (ClickHouse's
    `readonly=2`)."""

    name: str
    digest: bytes
    readonly: bool = False

    @classmethod
    def of(cls, name: str, password: str, *, readonly: bool = False) -> Account:
        """Return an account that `password` opens."""
        return cls(name, _digest(password), readonly)


@dataclass(frozen=True, slots=True)
class Credentials:
    """The accounts of a server."""

    accounts: tuple[Account, ...]

    def check(self, headers: Mapping[str, str], params: Mapping[str, str]) -> Account:
        """Return the account of a request; raises EngineError 516 when it is wrong or given in two ways at once."""
        name, password = _presented(headers, params)
        digest = _digest(password)
        for account in self.accounts:
            same_name = hmac.compare_digest(account.name.encode(), name.encode(errors="surrogateescape"))
            if hmac.compare_digest(account.digest, digest) and same_name:
                return account
        raise _refused(
            f"{name}: Authentication failed: password is incorrect, or there is no user with such name."
        )


def _digest(password: str) -> bytes:
    """Return what is kept of a password: useless without this process' own key, and quick, since each request asks."""
    return hashlib.blake2b(password.encode(errors="surrogateescape"), key=_KEY).digest()


def _presented(headers: Mapping[str, str], params: Mapping[str, str]) -> tuple[str, str]:
    """User and password of a request, by ClickHouse headers, Basic authorization or URL parameters."""
    by_headers = "X-ClickHouse-User" in headers or "X-ClickHouse-Key" in headers
    authorization = headers.get("Authorization", "")
    by_params = "user" in params or "password" in params
    ways = [
        way
        for way, used in (
            ("X-ClickHouse HTTP headers", by_headers),
            ("Authorization HTTP header", bool(authorization)),
            ("authentication via parameters", by_params),
        )
        if used
    ]
    if len(ways) > 1:
        raise _refused(
            f"Invalid authentication: it is not allowed to use {ways[0]} and {ways[1]} simultaneously."
        )
    if by_headers:
        return _named(headers.get("X-ClickHouse-User", ""), ways[0]), headers.get("X-ClickHouse-Key", "")
    if authorization:
        name, password = _basic(authorization)
        return _named(name, ways[0]), password
    return _named(params.get("user", "default"), "authentication via parameters"), params.get("password", "")


def _basic(authorization: str) -> tuple[str, str]:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise _refused(f"Invalid authentication: '{scheme}' HTTP Authorization scheme is not supported.")
    try:
        name, _, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise _refused(
            "Invalid authentication: the Basic credentials are not base64 of user:password."
        ) from None
    return name, password


def _named(name: str, way: str) -> str:
    if not name:
        raise _refused(f"Got an empty user name from {way}.")
    return name


def _refused(text: str) -> EngineError:
    return EngineError.of(Code.AUTHENTICATION_FAILED, text)
