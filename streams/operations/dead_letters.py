"""Dead letters: reading them, and sending the originals once more.

Owns finding the original record of a letter and the checks that it is still the same one. It must not
repair a payload, and it shows none: it may hold personal data.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, Literal, NamedTuple

from pydantic import ValidationError

from schemas import topics
from schemas.dead_letter import DeadLetter
from schemas.instants import ms_of
from streams.cluster.topic_reader import BrokerError, TopicReader, kafka_errors, producer
from streams.core.decode import MAX_KEY_BYTES, decode
from streams.core.records import Record
from streams.core.redriven import MOST_TRIES, REDRIVEN, TRIES, Origin, headers_of
from streams.operations.erased_customers import ErasedCustomers
from streams.settings import Settings

_IN_FLIGHT: Final = 1_000

Found = Literal["original", "letter"]


@dataclass(frozen=True, slots=True)
class Filter:
    """Which letters are meant; None: any. `topic` with or without the installation's prefix."""

    reason: str | None = None
    topic: str | None = None

    def accepts(self, letter: DeadLetter, settings: Settings) -> bool:
        """Return whether a letter is meant."""
        named = (letter.topic, settings.plain_topic(letter.topic))
        return (self.reason is None or letter.reason_code == self.reason) and (
            self.topic is None or self.topic in named
        )


@dataclass(frozen=True, slots=True)
class Letters:
    """The letters that were asked for, oldest first, each original once, by its last try; `unreadable` records were no
    letters.
    """

    letters: tuple[DeadLetter, ...]
    unreadable: int


class Redriven(NamedTuple):
    """What became of one letter: sent from the `found` place, or not, with the `problem`; or not, since its customer was
    erased, which is no problem.
    """

    letter: DeadLetter
    found: Found | None
    problem: str = ""
    erased: bool = False


def read_letters(reader: TopicReader, settings: Settings, chosen: Filter) -> Letters:
    """Return all letters that the topic holds and the filter accepts. Raises BrokerError."""
    by_place: dict[tuple[str, int, int, str], DeadLetter] = {}
    unreadable = 0
    for record in reader.to_end(settings.topic(topics.DEAD_LETTERS)):
        try:
            letter = DeadLetter.model_validate_json(record.value or b"")
        except ValidationError:
            unreadable += 1
            continue
        place = letter.topic, letter.partition, letter.offset, letter.payload_sha256
        if place not in by_place or by_place[place].tries <= letter.tries:
            by_place[place] = letter
    accepted = (letter for letter in by_place.values() if chosen.accepts(letter, settings))
    return Letters(tuple(sorted(accepted, key=_age)), unreadable)


def redrive(
    reader: TopicReader, settings: Settings, letters: Iterable[DeadLetter], *, dry_run: bool = False
) -> list[Redriven]:
    """Send the original of each letter to its topic and partition again, with its own key; in the order
    given. One that can be read by now, and belongs to a customer who was erased since, is not sent.

    Raises ErasureError when customers were erased and the key of the markers is not set, BrokerError when Kafka
    cannot be reached or does not take a record; those sent before stay sent.
    """
    sender: Any = None if dry_run else producer(settings)
    done: list[Redriven] = []
    sending: list[Any] = []
    erased = ErasedCustomers(reader, settings)
    try:
        for letter in letters:
            found = _find(reader, settings, letter)
            if isinstance(found, str):
                done.append(Redriven(letter, None, found))
                continue
            record = Record(letter.topic, letter.partition, letter.offset, -1, found.key, found.value)
            if found.value is not None and erased.covers(decode(record, settings.reading())):
                done.append(Redriven(letter, None, "its customer was erased", erased=True))
                continue
            if sender is not None:
                sending.append(_send(sender, settings, letter, found))
                if len(sending) >= _IN_FLIGHT:
                    _await(sending, settings)
            done.append(Redriven(letter, found.found))
        _await(sending, settings)
    finally:
        if sender is not None:
            sender.close(timeout=10)
    return done


class _Original(NamedTuple):
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]
    found: Found


def _find(reader: TopicReader, settings: Settings, letter: DeadLetter) -> _Original | str:
    """Return the record of a letter, or why it cannot be sent once more."""
    if settings.plain_topic(letter.topic) not in topics.INPUTS:
        return f"{letter.topic} is no input topic of this installation"
    try:
        there = letter.partition in reader.partitions(letter.topic)
    except BrokerError as error:
        return str(error)
    if not there:
        return f"{letter.topic} has no partition {letter.partition} any more"
    kept = reader.one(letter.topic, letter.partition, letter.offset)
    if kept is not None:
        record, headers = kept
        if sha256(record.value or b"").hexdigest() == letter.payload_sha256:
            return _Original(record.key, record.value, headers, "original")
    return _from_letter(letter, "the original is gone" if kept is None else "another record is at its offset")


def _from_letter(letter: DeadLetter, why: str) -> _Original | str:
    value = _decoded(letter.payload_base64)
    if (
        value is None
        or len(value) != letter.payload_size
        or sha256(value).hexdigest() != letter.payload_sha256
    ):
        return f"{why}, and the letter holds only a part of it"
    key = None if letter.key_base64 is None else _decoded(letter.key_base64)
    if letter.key_base64 is not None and (key is None or len(key) >= MAX_KEY_BYTES):
        return f"{why}, and the letter holds only a part of its key"
    return _Original(key, value, [], "letter")


def _decoded(text: str) -> bytes | None:
    try:
        return b64decode(text, validate=True)
    except ValueError:
        return None


def _send(sender: Any, settings: Settings, letter: DeadLetter, original: _Original) -> Any:
    headers = [(name, value) for name, value in original.headers if name not in (REDRIVEN, TRIES)]
    origin = Origin(letter.offset, ms_of(letter.ingested_at), min(letter.tries + 1, MOST_TRIES))
    with kafka_errors(settings):
        # The partition is where the customer's other events are, whoever chose it.
        return sender.send(
            letter.topic,
            key=original.key,
            value=original.value,
            headers=[*headers, *headers_of(letter.topic, letter.partition, origin)],
            partition=letter.partition,
        )


def _await(sending: list[Any], settings: Settings) -> None:
    with kafka_errors(settings):
        for each in sending:
            each.get(timeout=60)
    sending.clear()


def _age(letter: DeadLetter) -> tuple[datetime, str, int, int]:
    return letter.ingested_at, letter.topic, letter.partition, letter.offset


def by_reason(letters: Iterable[DeadLetter]) -> Iterator[tuple[str, str, int]]:
    """(topic, reason, number), the most frequent first."""
    counts: dict[tuple[str, str], int] = {}
    for letter in letters:
        counts[letter.topic, letter.reason_code] = counts.get((letter.topic, letter.reason_code), 0) + 1
    for (topic, reason), number in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        yield topic, reason, number
