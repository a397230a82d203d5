"""The verifier: what is there against what must be there, as a list of differences. Pure.

Owns the comparisons of the equality run and of the full replay. It must not read Kafka or ClickHouse. A difference names
no customer: keys are shown as short digests.
"""

from __future__ import annotations

from base64 import b64decode
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping
from hashlib import blake2b
from typing import Any, Final, NamedTuple
from zlib import crc32

import orjson

from schemas import topics
from tests.chaos.events import GHOST
from tests.chaos.feeder import Acknowledged
from tests.chaos.history import Lives, Logs, Place
from tests.chaos.poison import KEY, KINDS

_SHOWN: Final = 5

PUBLISHED: Final = (topics.TRIGGERS, topics.SHADOW_TRIGGERS, topics.SIGNALS)


class Difference(NamedTuple):
    """One way in which two things differ. `check`: what was compared; `examples`: digests of the first keys."""

    check: str
    problem: str
    number: int
    examples: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.check}: {self.number} {self.problem} (for example {', '.join(self.examples)})"


def digest(key: object) -> str:
    """A key as it may be shown."""
    return blake2b(repr(key).encode(), digest_size=5).hexdigest()


def difference(check: str, problem: str, keys: Iterable[object]) -> list[Difference]:
    """A difference for these keys; none when there are none."""
    shown = sorted(map(digest, keys))
    return [Difference(check, problem, len(shown), tuple(shown[:_SHOWN]))] if shown else []


def compare(check: str, expected: Mapping[Any, Hashable], found: Mapping[Any, Hashable]) -> list[Difference]:
    """Two mappings that must be equal."""
    return [
        *difference(check, "missing", expected.keys() - found.keys()),
        *difference(check, "extra", found.keys() - expected.keys()),
        *difference(
            check,
            "with other content",
            [key for key in expected.keys() & found.keys() if expected[key] != found[key]],
        ),
    ]


def whole(lives: Lives, hidden: Mapping[tuple[str, int], int] | None = None) -> list[Difference]:
    """Every life of a partition holds every offset: the oracle may trust it.

    `hidden`: by topic and partition how many offsets, at most, transactions took for markers and for what was taken back.
    """
    missing = Counter[tuple[str, int]]()
    for name, each in lives.items():
        for records in each:
            expected: dict[int, int] = defaultdict(int)
            for record in records:
                missing[name, record.partition] += abs(record.offset - expected[record.partition])
                expected[record.partition] = record.offset + 1
    broken = [(*place, gap) for place, gap in missing.items() if gap > (hidden or {}).get(place, 0)]
    return difference("logs", "partitions with gaps in the offsets (compacted, or lost)", broken)


def acknowledged(fed: Iterable[Acknowledged], lives: Lives) -> list[Difference]:
    """Every record that the brokers have acknowledged is, or was, in the log at its offset."""
    there = {
        Place(name, life, record.partition, record.offset): crc32(record.value or b"")
        for name, each in lives.items()
        for life, records in enumerate(each)
        for record in records
    }
    lost = [ack for ack in fed if there.get(Place(ack.topic, ack.life, ack.partition, ack.offset)) != ack.crc]
    return difference("acknowledged events", "lost by the brokers", lost)


def ghosts(logs: Logs) -> list[Difference]:
    """Nothing that a transaction took back is read by anyone: not by us, else the rest of this proves nothing."""
    mark = f'"{GHOST}'.encode()
    seen = [
        (name, record.partition, record.offset)
        for name, records in logs.items()
        for record in records
        if mark in (record.value or b"")
    ]
    return difference("transactions", "records that were taken back and are read all the same", seen)


def identity(value: bytes) -> Hashable:
    """What makes a published trigger or picture one."""
    message = orjson.loads(value)
    if message["type"] == "callback_trigger":
        return ("trigger", message["trigger_id"], message["sequence"])
    return ("signals", message["customer_id"], message["as_of"], message["sequence"])


def outputs(expected: Iterable[bytes], logs: Logs) -> list[Difference]:
    """Triggers and signals as sets of (identity, bytes); sent twice is one, when it is equal byte for byte."""
    right: dict[Hashable, frozenset[bytes]] = {}
    for value in expected:
        key = identity(value)
        right[key] = right.get(key, frozenset()) | {value}
    found: dict[Hashable, frozenset[bytes]] = {}
    for name in PUBLISHED:
        for record in logs[name]:
            key = identity(record.value or b"")
            found[key] = found.get(key, frozenset()) | {record.value or b""}
    return [
        difference
        for kind, check in (("trigger", "triggers"), ("signals", "signals"))
        for difference in compare(
            check,
            {key: values for key, values in right.items() if key[0] == kind},  # type: ignore[index]
            {key: values for key, values in found.items() if key[0] == kind},  # type: ignore[index]
        )
    ]


def published(logs: Logs) -> tuple[int, int]:
    """How many triggers and signals were published, and how many of them are distinct."""
    values = [record.value for name in PUBLISHED for record in logs[name]]
    return len(values), len(set(values))


def nothing_new(before: Logs, after: Logs) -> list[Difference]:
    """A replay publishes only what was published before."""
    old = {record.value for name in PUBLISHED for record in before[name]}
    new = {record.value or b"" for name in PUBLISHED for record in after[name]} - old
    return difference("replay", "triggers or signals that were not published before", new)


def planted(logs: Logs) -> dict[tuple[str, int, int, bytes], str]:
    """Where poison lies in the inputs and under which key, with the code that its dead letter must have."""
    return {
        (record.topic, record.partition, record.offset, record.key): KINDS[
            record.key[len(KEY) :].split(b".")[0].decode()
        ]
        for name in topics.INPUTS
        for record in logs[name]
        if record.key is not None and record.key.startswith(KEY)
    }


def poison(logs: Logs, count: int) -> list[Difference]:
    """There is as much poison in all that the topics ever held as was planted."""
    there = len({key for *_, key in planted(logs)})
    return difference(
        "dead letters",
        "other count of poison in the logs than was planted",
        [] if there == count else [(count, there)],
    )


def dead_letters(read: Logs, doubtful: Logs | None = None) -> list[Difference]:
    """Dead letters are exactly of the poison that was read, each with one content however often it was sent.

    `doubtful`: what may have been read.
    """
    expected = planted(read)
    may_be = planted(doubtful) if doubtful is not None else {}
    found: dict[tuple[str, int, int, bytes], str] = {}
    contents: dict[tuple[str, int, int, bytes], set[bytes]] = defaultdict(set)
    for record in read[topics.DEAD_LETTERS]:
        letter = orjson.loads(record.value or b"")
        key = (letter["topic"], letter["partition"], letter["offset"], b64decode(letter["key_base64"] or ""))
        if may_be.get(key) != letter["reason_code"]:
            found[key] = letter["reason_code"]
        contents[key].add(record.value or b"")
    return [
        *compare("dead letters", expected, found),
        *difference(
            "dead letters", "with two contents", [k for k, values in contents.items() if len(values) > 1]
        ),
    ]
