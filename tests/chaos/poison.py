"""Poison: the kinds of records that nobody can read, and what the dead letter must say of each.

Owns the bytes. It must not know the decoder: the expected codes are written down, not computed.
"""

from __future__ import annotations

from random import Random
from typing import Any, Final

import orjson

KEY: Final = b"poison."
"""What the key of a planted record begins with, so that the verifier finds it in the log without decoding."""

KINDS: Final[dict[str, str]] = {
    "not_json": "not_json",
    "wrong_type": "invalid_field",
    "large": "too_large",
    "nested": "not_json",
    "unknown_version": "unknown_version",
    "malformed_customer": "invalid_customer_id",
    "far_future": "future_dated",
    "empty": "empty",
}
"""Kind of poison, and the reason code of its dead letter."""

_LARGE_BYTES: Final = 900_000
_DEPTH: Final = 10_000


def poison(kind: str, good: dict[str, Any], random: Random) -> bytes:
    """Bytes of a broken copy of `good`."""
    if kind == "not_json":
        return orjson.dumps(good)[: -random.randint(2, 20)]
    if kind == "wrong_type":
        return orjson.dumps(good | {"occurred_at": ["yesterday"]})
    if kind == "large":
        return orjson.dumps(good | {"queue": "q" * _LARGE_BYTES})
    if kind == "nested":
        return b'{"type":' + b"[" * _DEPTH + b"]" * _DEPTH + b"}"
    if kind == "unknown_version":
        return orjson.dumps(good | {"schema_version": 99})
    if kind == "malformed_customer":
        return orjson.dumps(good | {"customer_id": "customer number one"})
    if kind == "far_future":
        return orjson.dumps(good | {"occurred_at": f"2199{good['occurred_at'][4:]}"})
    if kind == "empty":
        return b""
    raise ValueError(f"no kind of poison: {kind}")
