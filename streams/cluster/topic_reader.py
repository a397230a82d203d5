"""Reading topics from outside the workers: by assigned partitions, without a group, from a place up to
their end.

Owns how tools find a topic's partitions, and what they are told when they cannot be read; `reading` knows when the end is
reached. It must not commit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import chain
from typing import Any, Final, cast

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from streams.cluster.access import check_door
from streams.cluster.reading import SilenceError, poll_to_ends
from streams.core.records import Record
from streams.settings import Settings
from streams.telemetry.amounts import amount

CONNECT_MS: Final = 10_000
SILENT_SECONDS: Final = 30.0
"""A read that hears nothing for this long is given up."""


class BrokerError(Exception):
    """Kafka could not be reached, or a topic could not be read; the message says what to check."""


@contextmanager
def kafka_errors(settings: Settings) -> Iterator[None]:
    """Turn the client's errors into one sentence: BrokerError. An AccessError is one already."""
    try:
        yield
    except (KafkaError, OSError) as error:
        name = type(error).__name__
        said = " ".join(str(error).removeprefix(f"{name}: ").split())
        raise BrokerError(
            f"Kafka at {settings.kafka_bootstrap}: {name}: {said}. "
            "Check BEHOUDLIJN_KAFKA_BOOTSTRAP, the security settings, and that the broker runs."
        ) from error


class TopicReader:
    """A kafka-python consumer that reads what it is assigned; use it as a context manager. Not for several
    threads.

    Its methods and its making raise BrokerError, its making AccessError too.
    """

    def __init__(self, settings: Settings, *, poll_ms: int = 200) -> None:
        self._settings = settings
        self._poll_ms = poll_ms
        with kafka_errors(settings):
            check_door(settings)
            self._consumer: Any = KafkaConsumer(
                client_id="behoudlijn-tools",
                group_id=None,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                fetch_max_wait_ms=100,
                bootstrap_timeout_ms=CONNECT_MS,
                **settings.kafka_python_options(),
            )

    def __enter__(self) -> TopicReader:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(KafkaError, OSError):
            self._consumer.close()

    def cluster_id(self) -> str | None:
        """Return what the brokers call their cluster; None where they do not say."""
        with kafka_errors(self._settings):
            self._consumer.topics()
            found: str | None = self._consumer._client.cluster.cluster_id  # noqa: SLF001  (asked with the metadata, told to nobody)
        return found

    def partitions(self, topic: str) -> list[int]:
        """Return the partition numbers of a topic of this exact name, in order. BrokerError when there is no such
        topic.
        """
        with kafka_errors(self._settings):
            known = topic in self._consumer.topics()  # asking by name could make the broker create it
            found = self._consumer.partitions_for_topic(topic) if known else None
        if not found:
            raise BrokerError(
                f"there is no topic {topic} at {self._settings.kafka_bootstrap}: "
                "run `behoudlijn topics ensure`, or check BEHOUDLIJN_TOPIC_PREFIX"
            )
        return sorted(found)

    def to_end(self, topic: str, partitions: Iterable[int] | None = None) -> Iterator[Record]:
        """Yield every record that the partitions (default: all) hold now; in offset order within each partition."""
        numbers = self.partitions(topic) if partitions is None else list(partitions)
        self.assign(topic, numbers)
        places = [TopicPartition(topic, number) for number in numbers]
        with kafka_errors(self._settings):
            try:
                for batch in self._polls(places):
                    yield from map(_record, chain.from_iterable(batch.values()))
            except SilenceError:
                raise BrokerError(
                    f"nothing was read from {topic} for {SILENT_SECONDS:.0f} s: has it a leader?"
                ) from None

    def one(self, topic: str, partition: int, offset: int) -> tuple[Record, list[tuple[str, bytes]]] | None:
        """Return the record at this place with its headers; None when it is gone (or was never there)."""
        raw = self._first(topic, partition, offset)
        return (_record(raw), list(raw.headers or ())) if raw is not None and raw.offset == offset else None

    def first(self, topic: str, partition: int, offset: int) -> Record | None:
        """Return the first record at this offset or behind it; None when there is none."""
        raw = self._first(topic, partition, offset)
        return None if raw is None else _record(raw)

    def _first(self, topic: str, partition: int, offset: int) -> Any:
        place = TopicPartition(topic, partition)
        with kafka_errors(self._settings):
            self._consumer.assign([place])
            self._consumer.seek(place, offset)  # out of range leads to the earliest that is left
            try:
                for batch in self._polls([place], most=1):
                    for raw in batch.get(place, ()):
                        return raw
            except SilenceError:
                raise BrokerError(
                    f"nothing was read from {topic}[{partition}] for {SILENT_SECONDS:.0f} s: has it a leader?"
                ) from None
        return None

    def assign(self, topic: str, partitions: Iterable[int]) -> None:
        """Read these partitions from their beginning."""
        places = [TopicPartition(topic, number) for number in partitions]
        with kafka_errors(self._settings):
            self._consumer.assign(places)
            for place in places:
                self._consumer.seek(place, 0)

    def ends(self, names: Iterable[str]) -> dict[tuple[str, int], int]:
        """Return the end of every partition of the topics: the offset that the next record will have."""
        places = [TopicPartition(name, number) for name in names for number in self.partitions(name)]
        with kafka_errors(self._settings):
            self._consumer.assign(places)
            for place in places:
                self._consumer.seek(place, 0)
        return {(place.topic, place.partition): end for place, end in self._skip_to_end().items()}

    def skip_to_end(self) -> None:
        """Go to the end of every assigned partition, as fetch responses tell it."""
        self._skip_to_end()

    def _skip_to_end(self) -> dict[Any, int]:
        ends: dict[Any, int] = {}

        def known(place: Any, end: int) -> bool:
            ends[place] = end
            return True

        with kafka_errors(self._settings):
            assigned = self._consumer.assignment()
            try:
                for _ in self._polls(assigned, most=1, reached=known):
                    pass
            except SilenceError as error:
                raise BrokerError(
                    f"the end of {amount(len(error.left), 'partition')} is not known: is there a leader?"
                ) from None
            for place, end in ends.items():
                self._consumer.seek(place, end)
            self._consumer.resume(*assigned)
        return ends

    def _polls(
        self,
        places: Iterable[Any],
        *,
        most: int | None = None,
        reached: Callable[[Any, int], bool] | None = None,
    ) -> Iterator[Mapping[Any, list[Any]]]:
        return poll_to_ends(
            self._consumer,
            places,
            poll_ms=self._poll_ms,
            silent_seconds=SILENT_SECONDS,
            most=most,
            reached=reached,
        )

    def poll(self) -> list[Record]:
        """Return the next records of the assigned partitions; empty after a short wait without any."""
        with kafka_errors(self._settings):
            batch = self._consumer.poll(timeout_ms=self._poll_ms)
        return [_record(raw) for records in batch.values() for raw in records]


def producer(settings: Settings) -> Any:
    """Return a producer for tools: all replicas acknowledge. Raises BrokerError when Kafka cannot be reached."""
    with kafka_errors(settings):
        check_door(settings)
        return KafkaProducer(
            client_id="behoudlijn-tools",
            acks="all",
            enable_idempotence=settings.idempotence,
            compression_type=settings.compression_type,
            linger_ms=5,
            max_block_ms=CONNECT_MS,
            bootstrap_timeout_ms=CONNECT_MS,
            **settings.kafka_python_options(),
        )


def _record(raw: Any) -> Record:
    return Record(
        raw.topic,
        raw.partition,
        raw.offset,
        raw.timestamp,
        cast("bytes | None", raw.key),
        cast("bytes | None", raw.value),
    )
