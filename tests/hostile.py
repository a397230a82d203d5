"""Hypothesis strategies of input that means harm or comes from a bug: mutated examples, deep and huge JSON, bytes.

Owns what is generated. What must hold of it is said by the tests.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as some

from schemas import topics

CANARY = "zQ7-canary"
"""Put into keys and values: no message about a record may repeat it."""

_EXAMPLES = Path(__file__).parents[1] / "schemas" / "examples"
_TEXTS = some.sampled_from(
    [
        *(
            "",
            " ",
            "0",
            "unknown",
            "null",
            "\x00",
            "a\x00b",
            "\ufeff",
            "é" * 64,
            "😀" * 64,
            "a" * 64,
            "a" * 65,
        ),
        *("a" * 4_000, "a" * 4_001, "x" * 70_000, CANARY, f"{CANARY}@x", "+31612345678", "+0", "nl-NL", "NL"),
        *(
            "Europe/Amsterdam",
            "../../etc/passwd",
            "1e400",
            "NaN",
            "true",
            "'; DROP TABLE x --",
            "\u2028\u202e",
        ),
    ]
)
_TIMES = some.sampled_from(
    [
        *("2026-09-07T08:00:00Z", "2026-09-07T08:00:00+14:00", "2026-09-07T08:00:00.123456789Z"),
        *("0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00-14:00", "1969-12-31T23:59:59.999Z"),
        *("1970-01-01T00:00:00Z", "8999-12-31T23:59:59Z", "9999-12-31T23:59:59.999999-14:00"),
        *("2026-02-30T00:00:00Z", "2026-09-07", "2026-09-07T08:00:00", "10000-01-01T00:00:00Z", "1788000000"),
    ]
)
_NUMBERS = some.sampled_from(
    [0, -1, 1, 5, 7, 10, 2**31 - 1, 2**31, 2**53, 2**63, 2**64, -(2**63), 10**4_299, 0.5, 1e308, 5e-324, -0.0]
)
_RAW = some.sampled_from(
    [
        "NaN",
        "-Infinity",
        "1e400",
        "-1e400",
        "1E+99999",
        "9" * 4_301,
        "0x1",
        "01",
        "1.",
        '"\\ud800"',
        '"\\u0000"',
    ]
) | some.integers(1, 10_000).flatmap(
    lambda deep: some.sampled_from(["[" * deep + "]" * deep, '{"a":' * deep + "1" + "}" * deep, "[" * deep])
)
"""Values as JSON text, most of which no JSON writer would write."""
_PLAIN = some.none() | some.booleans() | _NUMBERS | _TEXTS | _TIMES | some.text(max_size=20)
JSON = some.recursive(
    _PLAIN,
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(some.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)


@cache
def examples(topic: str) -> tuple[dict[str, Any], ...]:
    """The valid examples of a topic."""
    paths = sorted((_EXAMPLES / topic / "v1" / "valid").glob("*.json"))
    return tuple(json.loads(path.read_text(encoding="utf-8")) for path in paths)


@some.composite
def mutated(draw: some.DrawFn, topic: str) -> bytes:
    """A valid example with a few fields changed, left out, added or repeated, as text that may not even be JSON."""
    fields = dict(draw(some.sampled_from(examples(topic))))
    known = sorted({name for example in examples(topic) for name in example})
    for _ in range(draw(some.integers(0, 4))):
        name = draw(some.sampled_from([*known, *known, f"x_{CANARY}", "", "\x00", "a" * 300]))
        if draw(some.booleans()):
            fields.pop(name, None)
        else:
            fields[name] = draw(JSON)
    parts = [f"{json.dumps(name)}:{json.dumps(value, ensure_ascii=False)}" for name, value in fields.items()]
    for _ in range(draw(some.integers(0, 2))):  # duplicates of known keys, too
        parts.insert(
            draw(some.integers(0, len(parts))), f"{json.dumps(draw(some.sampled_from(known)))}:{draw(_RAW)}"
        )
    parts += [f'"many{n}":"{CANARY}"' for n in range(draw(some.sampled_from([0, 0, 0, 100, 101, 3_000])))]
    return ("{" + ",".join(parts) + "}").encode("utf-8", "surrogatepass")


@some.composite
def damaged(draw: some.DrawFn, topic: str) -> bytes:
    """A mutated example whose bytes were cut, flipped or preceded by a byte order mark."""
    value = bytearray(draw(mutated(topic)))
    for _ in range(draw(some.integers(1, 4))):
        at = draw(some.integers(0, len(value)))
        value[at : at + draw(some.integers(0, 3))] = draw(some.binary(max_size=3))
    return draw(some.sampled_from([b"", b"", b"\xef\xbb\xbf", b"\xff\xfe"])) + bytes(value)


def values(topic: str) -> some.SearchStrategy[bytes]:
    """Any of these, and plain JSON and bytes."""
    plain = JSON.map(lambda value: json.dumps(value).encode())
    return mutated(topic) | damaged(topic) | plain | some.binary(max_size=200)


RECORDS = some.sampled_from(sorted(topics.INPUTS)).flatmap(
    lambda topic: some.tuples(some.just(topic), values(topic))
)
"""(topic, value) pairs."""
