"""Erasing a customer everywhere: the order goes in by `customer.profiles`, and is followed until every store is clean.

Owns the steps and what each of them saw. What an erasure does is the workers' (`streams.core.erasure`, `streams.workers.erased_rows`);
what is told to a person is the command's. It must not log: it is the one place that holds a customer's id in the clear.

The steps: look where the customer is known at all; send the erasure, known or not, since events may be on the way; wait until
the signals worker has read every input as of then, and the sink every topic as of the signals worker's end; look that neither the
changelog nor `customer.signals` names the customer any more; remove and count the rows once more; and only then send a record
without a value, which lets compaction drop the erasure itself.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import uuid4

import orjson
from kafka import TopicPartition
from kafka.admin import KafkaAdminClient

from schemas import topics
from schemas.instants import ms_of, to_datetime
from sinks.clickhouse.erasure import ClickHouseEraser
from sinks.contract import Erased
from streams.cluster.partitioning import partition_of
from streams.cluster.topic_reader import CONNECT_MS, TopicReader, kafka_errors, producer
from streams.cluster.topics import COMPACTED, Found, inspect
from streams.core.erasure import decode_marker
from streams.core.state import FOREVER, NEVER
from streams.core.state import decode as decode_state
from streams.settings import SEGMENT_MS, SIGNALS_GROUP, SINK_GROUP, Settings
from streams.state.recovery import recover
from streams.state.store import SignalsStore
from streams.telemetry.amounts import amount

_POLL_SECONDS: Final = 0.5
_EVERY: Final = (*topics.INPUTS, *topics.OUTPUTS)

Ends = Mapping[tuple[str, int], int]


class TopicPart(NamedTuple):
    """What removes the rest of a customer from one topic. `by`: when at the latest; none where no date can be told."""

    topic: str
    how: str
    by: str | None


@dataclass(slots=True)
class Receipt:
    """What an erasure has seen so far. Times are ISO 8601, UTC. `problems` has a sentence for each thing that was not seen."""

    customer_id: str
    erased_until: str
    sent_at: str
    known_in: list[str] = field(default_factory=list)
    """Where anything of the customer was before the order: state, customer.signals, ClickHouse."""
    erased_before: str | None = None
    """Up to when this id was erased already, by an earlier order; that does not tell whether anybody of it was ever known."""
    state_gone: bool = False
    signals_gone: bool = False
    begun_anew: bool = False
    """The customer has done something since: that stays, in a state and rows of its own."""
    marker_until: str | None = None
    """Until when the marker stays in the changelog; none for ever, or when it was not seen."""
    rows_left: dict[str, int] = field(default_factory=dict)
    """By table of ClickHouse."""
    order_removed: bool = False
    """Compaction drops the erasure itself: a record without a value, or a newer profile, follows it."""
    topics: list[TopicPart] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Everything was seen."""
        return not self.problems

    @property
    def known(self) -> bool:
        """Something of somebody of this id was found: else the id may be mistyped, or all of it was erased before."""
        return bool(self.known_in)

    def as_json(self) -> dict[str, Any]:
        """Return the object of `--json`."""
        return {
            "complete": self.complete,
            "known": self.known,
            **asdict(self),
            "topics": [each._asdict() for each in self.topics],
        }


class CustomerErasure:
    """One customer's erasure. `tell` hears what is being waited for; `wait` bounds all waiting, in seconds."""

    def __init__(
        self,
        settings: Settings,
        eraser: ClickHouseEraser,
        *,
        wait: float,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._settings = settings
        self._eraser = eraser
        self._erasure = settings.erasure()
        self._wait = wait
        self._tell = tell

    def run(self, customer_id: str, until: datetime) -> Receipt:
        """Erase everything of the customer up to `until`.

        Raises ErasureError without a key, BrokerError and SinkError when Kafka or ClickHouse cannot be reached: what has
        been sent by then is carried out all the same, and the command may be given again.
        """
        settings = self._settings
        key = customer_id.encode()
        self._erasure.hash_of(customer_id)  # without a key nothing is sent
        self._eraser.known()  # nor while ClickHouse is away
        with TopicReader(settings) as reader:
            number = partition_of(key, len(reader.partitions(settings.topic(topics.PROFILES))))
        self._tell("looking whether the customer is known")
        store = self._recovered(number)
        known_in = list(self._known_in(store, customer_id, ms_of(until)))
        marker = store.states.get(self._erasure.marker_key(customer_id))
        before = None if marker is None else _text(to_datetime(decode_marker(marker).until))
        sent_at = datetime.now(UTC)
        receipt = Receipt(customer_id, _text(until), _text(sent_at), known_in, before)
        order = _order(customer_id, until)
        arrived = self._send(key, number, order)
        self._deadline = time.monotonic() + self._wait
        if self._follow(receipt):
            erased = Erased(ms_of(until), arrived, self._erasure.key_id)
            self._look(receipt, number, key, erased.until)
            self._remove_rows(receipt, customer_id, erased)
        if receipt.complete:
            if self._last_values(topics.PROFILES, number, (key,)).get(key) == order:
                self._send(key, number, None)
            receipt.order_removed = True
        receipt.topics = self._topics(receipt, sent_at)
        return receipt

    def _known_in(self, store: SignalsStore, customer_id: str, until: int) -> Iterator[str]:
        key = customer_id.encode()
        if customer_id in store.states or customer_id in store.departed:
            yield "state"
        if self._last_values(topics.SIGNALS, store.number, (key,)).get(key) is not None:
            yield topics.SIGNALS
        now = time.time_ns() // 1_000_000
        if any(self._eraser.left(customer_id, Erased(until, now, self._erasure.key_id)).values()):
            yield "ClickHouse"

    def _send(self, key: bytes, partition: int, value: bytes | None) -> int:
        """Send to `customer.profiles`; Kafka's time of the record, in ms."""
        sender = producer(self._settings)
        try:
            with kafka_errors(self._settings):
                topic = self._settings.topic(topics.PROFILES)
                sent = sender.send(topic, key=key, value=value, partition=partition).get(timeout=60)
            return int(sent.timestamp)
        finally:
            sender.close(timeout=10)

    def _follow(self, receipt: Receipt) -> bool:
        for names in (topics.INPUTS, (topics.REPARTITION,)):  # the one leads to the other
            if not self._until_committed(SIGNALS_GROUP, self._ends(names), "signals", receipt):
                return False
        return self._until_committed(SINK_GROUP, self._ends(_EVERY), "sink", receipt)

    def _ends(self, names: Iterable[str]) -> Ends:
        with TopicReader(self._settings) as reader:
            return reader.ends(map(self._settings.topic, names))

    def _until_committed(self, group: str, ends: Ends, worker: str, receipt: Receipt) -> bool:
        with kafka_errors(self._settings):
            admin = KafkaAdminClient(
                client_id="behoudlijn-erase",
                bootstrap_timeout_ms=CONNECT_MS,
                **self._settings.kafka_python_options(),
            )
            try:
                while left := _behind(admin, self._settings.topic(group), ends):
                    if time.monotonic() > self._deadline:
                        receipt.problems.append(
                            f"the {worker} worker has not yet read {amount(left, 'record')} of {_names(ends)}: see that it "
                            "runs, and give the command again; the order stays in force"
                        )
                        return False
                    self._tell(f"the {worker} worker has {amount(left, 'record')} to read")
                    time.sleep(_POLL_SECONDS)
            finally:
                admin.close()
        return True

    def _look(self, receipt: Receipt, number: int, key: bytes, until: int) -> None:
        """See what was erased gone from the changelog and from the last pictures, and the marker there."""
        customer_id, marker = receipt.customer_id, self._erasure.marker_key(receipt.customer_id)
        while True:
            self._tell("looking through the changelog")
            store = self._recovered(number)
            data = store.states.get(customer_id)
            receipt.begun_anew = data is not None and _begun_anew(data, until)
            receipt.state_gone = receipt.begun_anew or (data is None and customer_id not in store.departed)
            # A worker that is idle clears up within a second or two.
            if receipt.state_gone or time.monotonic() > self._deadline:
                break
            time.sleep(_POLL_SECONDS)
        if not receipt.state_gone:
            receipt.problems.append(
                "the changelog still holds what was to be erased: see that the signals worker runs, in this release, and "
                "give the command again"
            )
        noted = store.states.get(marker)
        if noted is None:
            receipt.problems.append(
                "the changelog has no marker of the erasure: does the signals worker have the same "
                "BEHOUDLIJN_ERASURE_KEY? Without it what was erased comes back by a replay"
            )
        else:
            receipt.marker_until = _due(noted)
        self._tell("looking through customer.signals")
        pictures = self._last_values(topics.SIGNALS, number, (key,))
        receipt.signals_gone = receipt.begun_anew or pictures.get(key) is None
        if not receipt.signals_gone:
            receipt.problems.append(
                "customer.signals still has a picture of the customer: give the command again"
            )

    def _recovered(self, number: int) -> SignalsStore:
        """Return a partition as a worker would recover it, late words of former owners left out."""
        settings = self._settings
        (found,) = asyncio.run(
            recover(settings.topic(topics.CHANGELOG), [number], settings.aiokafka_options())
        )
        return found.store

    def _last_values(self, name: str, number: int, keys: Iterable[bytes]) -> dict[bytes, bytes | None]:
        wanted = set(keys)
        last: dict[bytes, bytes | None] = {}
        # A reader of its own: one that has been to a partition's end does not always begin it anew.
        with TopicReader(self._settings) as reader:
            for record in reader.to_end(self._settings.topic(name), [number]):
                if record.key in wanted:
                    last[record.key] = record.value
        return last

    def _remove_rows(self, receipt: Receipt, customer_id: str, erased: Erased) -> None:
        """Once more, after both workers: what a sink of before wrote late goes too."""
        self._tell("removing and counting rows in ClickHouse")
        self._eraser.erase(customer_id, self._erasure.hash_of(customer_id), erased)
        receipt.rows_left = self._eraser.left(customer_id, erased)
        for table, rows in receipt.rows_left.items():
            if rows:
                receipt.problems.append(
                    f"{table} still holds {amount(rows, 'row')} of the customer: give the command again"
                )

    def _topics(self, receipt: Receipt, sent_at: datetime) -> list[TopicPart]:
        parts = []
        for report in inspect(self._settings):
            name = self._settings.plain_topic(report.name)
            parts.append(topic_part(name, report.found, receipt, sent_at))
        return parts


def _order(customer_id: str, until: datetime) -> bytes:
    return orjson.dumps(
        {
            "type": "erasure",
            "schema_version": 1,
            "event_id": f"erasure-{uuid4().hex}",
            "customer_id": customer_id,
            "occurred_at": until.isoformat(timespec="milliseconds"),
        }
    )


def _behind(admin: Any, group: str, ends: Ends) -> int:
    """Return how many records of before `ends` the group has not committed."""
    places = [TopicPartition(*place) for place in ends]
    committed = admin.list_group_offsets({group: places})[group]
    left = 0
    for place, end in ends.items():
        at = committed.get(TopicPartition(*place))
        left += max(0, end - max(0, at.offset if at is not None else 0))
    return left


def _begun_anew(data: bytes, until: int) -> bool:
    """Return whether a state rests upon nothing of before."""
    state = decode_state(data)
    times = [state.requested_at, state.given_at, state.objected_at, state.profile_at]
    times += [state.stage_at, state.ended_at, state.returned_at, *(step.at for step in state.contracts)]
    return all(at > until for at in [*times, *(fact.at for fact in state.facts)] if at != NEVER)


def _names(ends: Ends) -> str:
    return ", ".join(sorted({topic for topic, _ in ends}))


def topic_part(name: str, found: Found | None, receipt: Receipt, sent_at: datetime) -> TopicPart:
    """Return what removes the rest of a customer from a topic, as it is configured."""
    if found is None:
        return TopicPart(name, "there is no such topic", None)
    if name == topics.OBJECTIONS:
        return TopicPart(name, "nothing of a customer: hashes of numbers at which nobody may be called", None)
    if name in COMPACTED:
        if name == topics.PROFILES and not receipt.order_removed:
            return TopicPart(name, "compaction, once the erasure is complete: give the command again", None)
        return TopicPart(name, "compaction: a record without a value has taken the customer's place", None)
    text = found.configs.get("retention.ms")
    if text is None:
        return TopicPart(name, "its retention, which this broker does not tell", None)
    retention = int(text)
    if retention < 0:
        return TopicPart(
            name,
            "never: retention.ms is -1. Set a retention, or delete records (kafka-delete-records) up to an offset of today",
            None,
        )
    segment = int(found.configs.get("segment.ms", SEGMENT_MS))
    last = sent_at + timedelta(milliseconds=retention + segment)
    days = retention / 86_400_000
    return TopicPart(name, f"its retention of {amount(days, 'day')}, by whole segments", _text(last))


def _due(data: bytes) -> str | None:
    due = decode_marker(data).due
    return None if due >= FOREVER else _text(to_datetime(due))


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
