"""Objections by telephone number into `customer.objections`: who objects, and who does no longer.

Owns what a list of numbers means against what the topic holds, and that each record reaches every partition. Of a number only its keyed
hash leaves this process. Loading may be broken off and done again: a record is written where a partition lacks it, and only there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import orjson
from pydantic import ValidationError

from schemas import topics
from schemas.instants import to_datetime
from schemas.objection import ObjectionEvent
from streams.cluster.topic_reader import TopicReader, kafka_errors, producer
from streams.conversion.number_lists import Listed
from streams.core.erasure import Erasure, ErasureError
from streams.core.objections import Objection, word_of
from streams.core.state import FOREVER
from streams.settings import Settings

_IN_FLIGHT: Final = 2_000


@dataclass(slots=True)
class Loaded:
    """What became of a list, in numbers. A number that comes several times counts once, by the word that holds longest."""

    numbers: int = 0
    added: int = 0
    """Nobody objected at them before, or no longer."""
    renewed: int = 0
    """Somebody objects anew, or for another time."""
    lifted: int = 0
    unchanged: int = 0
    """All of it was known, and something later too where the list is older."""
    over: int = 0
    """Their objection had ended before anybody heard of it."""
    repaired: int = 0
    """Known, but not on every partition: a load before had broken off."""
    records: int = 0
    """Written, or to be written: one for each number and partition that lacked it."""
    dry_run: bool = False
    unreadable: int = 0
    """Records of the topic that are none of ours."""
    refused: list[str] = field(default_factory=list)
    """Lines that could not be read, each with its place and why."""

    def as_json(self) -> dict[str, Any]:
        """Return the object of `--json`."""
        return asdict(self)


class Known:
    """What the topic says of numbers, by partition and hash. Raises ErasureError where another key made the hashes."""

    def __init__(self, reader: TopicReader, settings: Settings) -> None:
        topic, erasure = settings.topic(topics.OBJECTIONS), settings.erasure()
        self._by_partition: dict[int, dict[str, Objection]] = {each: {} for each in reader.partitions(topic)}
        self.unreadable = 0
        for record in reader.to_end(topic, self._by_partition):
            if record.value is None:
                continue
            try:
                event = ObjectionEvent.model_validate_json(record.value)
            except ValidationError:
                self.unreadable += 1
                continue
            if event.number_hash is None:
                continue
            if event.key_id != erasure.key_id:
                raise ErasureError(
                    f"{topic} holds numbers that were hashed with another key: set BEHOUDLIJN_ERASURE_KEY (or "
                    "BEHOUDLIJN_ERASURE_KEY_FILE) to that key, the same as the workers', or nobody knows the same number again; nothing was written"
                )
            known, word = self._by_partition[record.partition], word_of(event)
            known[event.number_hash] = max(word, known.get(event.number_hash, word))

    def last(self, name: str) -> Objection | None:
        """Return the greatest word about a number that any partition has."""
        return max((known[name] for known in self._by_partition.values() if name in known), default=None)

    def lacking(self, name: str, word: Objection) -> list[int]:
        """Return the partitions that do not have this word about a number."""
        return [number for number, known in self._by_partition.items() if known.get(name) != word]


def load(
    listed: Iterable[Listed | str],
    settings: Settings,
    now: int,
    *,
    remove: bool = False,
    dry_run: bool = False,
    tell: Callable[[int], None] = lambda _: None,
) -> Loaded:
    """Write what a list says, as of `now` (ms), into every partition; confirmed on return. `remove`: nobody objects at these any more.

    `listed`: numbers, and for each line that could not be read why. `tell` hears how many records were written. Raises ErasureError without
    the right key, and BrokerError when Kafka cannot be reached or does not take a record: then the same list may be loaded again.
    """
    erasure = settings.erasure()
    own = erasure.key_id  # without a key nothing is read
    done = Loaded(dry_run=dry_run)
    wanted = _by_hash(listed, erasure, done, now, remove=remove)
    with TopicReader(settings) as reader:
        known = Known(reader, settings)
    done.unreadable = known.unreadable
    sender: Any = None if dry_run else producer(settings)
    topic, sending = settings.topic(topics.OBJECTIONS), []
    try:
        with kafka_errors(settings):
            for name, said in wanted.items():
                word = _decided(said, known.last(name), now, done, remove=remove)
                lacking = [] if word is None else known.lacking(name, word)
                done.records += len(lacking)
                if word is None or not lacking:
                    continue
                if known.last(name) == word:
                    done.repaired += 1
                if sender is None:
                    continue
                value = _record(name, word, own)
                key = name.encode()
                sending += [sender.send(topic, key=key, value=value, partition=each) for each in lacking]
                if len(sending) >= _IN_FLIGHT:
                    _await(sending)
                    tell(done.records)
            _await(sending)
    finally:
        if sender is not None:
            sender.close(timeout=10)
    return done


def copy_words(source: Settings, target: Settings) -> int:
    """Write the last word about each number into every partition of another installation; confirmed on return, with how many there are.

    So its lists are compared with what was known before. Raises BrokerError; it may be done again.
    """
    last: dict[str, tuple[Objection, bytes]] = {}
    with TopicReader(source) as reader:
        for record in reader.to_end(source.topic(topics.OBJECTIONS)):
            try:
                event = ObjectionEvent.model_validate_json(record.value or b"")
            except ValidationError:
                continue
            if event.number_hash is not None and record.value is not None:
                one = word_of(event), record.value
                last[event.number_hash] = max(one, last.get(event.number_hash, one))
        reader.partitions(target.topic(topics.OBJECTIONS))  # asking for it by writing could make it
    sender: Any = producer(target)
    sending: list[Any] = []
    try:
        with kafka_errors(target):
            for name, (_, value) in last.items():
                topic, key = target.topic(topics.OBJECTIONS), name.encode()
                sending += [
                    sender.send(topic, key=key, value=value, partition=each)
                    for each in range(target.partitions)
                ]
                if len(sending) >= _IN_FLIGHT:
                    _await(sending)
            _await(sending)
    finally:
        sender.close(timeout=10)
    return len(last)


def _by_hash(
    listed: Iterable[Listed | str], erasure: Erasure, done: Loaded, now: int, *, remove: bool
) -> dict[str, Listed]:
    wanted: dict[str, Listed] = {}
    for each in listed:
        if isinstance(each, str):
            done.refused.append(each)
            continue
        name = erasure.number_hash(each.phone_e164)
        before = wanted.get(name)
        if before is None or (not remove and _asked(each, now) > _asked(before, now)):
            wanted[name] = each
    done.numbers = len(wanted)
    return wanted


def _asked(said: Listed, now: int) -> Objection:
    return Objection(now if said.at is None else said.at, True, FOREVER if said.until is None else said.until)


def _decided(
    said: Listed, last: Objection | None, now: int, done: Loaded, *, remove: bool
) -> Objection | None:
    """Return the word about a number that every partition must have; None where there is none to have. Counts it."""
    if remove:
        if last is None or not last.objects:
            done.unchanged += 1
            return last
        done.lifted += 1
        at = max(now, last.at + 1)
        return Objection(at, False, at)
    asked = _asked(said, now)
    if last is not None and (asked <= last or (said.at is None and last.holds(now) and _lasts(last, said))):
        done.unchanged += 1
        return last
    if last is not None and last.holds(now):
        done.renewed += 1
    elif asked.holds(now):
        done.added += 1
    elif last is None:
        done.over += 1
        return None
    else:
        done.unchanged += 1
    return asked


def _lasts(last: Objection, said: Listed) -> bool:
    """Return whether the objection that is known is the one that a list without times tells of."""
    return last.until == (FOREVER if said.until is None else said.until)


def _record(name: str, word: Objection, key_id: int) -> bytes:
    fields: dict[str, Any] = {
        "type": "objection",
        "schema_version": 1,
        "event_id": f"objection-{name}-{word.at}",
        "occurred_at": _text(word.at),
        "number_hash": name,
        "key_id": key_id,
    }
    if not word.objects:
        fields["lifted"] = True
    elif word.until != FOREVER:
        fields["until"] = _text(word.until)
    return orjson.dumps(fields)


def _text(at: int) -> str:
    return to_datetime(at).isoformat(timespec="milliseconds")


def _await(sending: list[Any]) -> None:
    for each in sending:
        each.get(timeout=60)
    sending.clear()
