"""The reference dialer: triggers in from Kafka, outcomes back, with `DialList` between them.

Owns the Kafka side and the clock. It must not decide whom to call. It keeps nothing between two runs: an
attempt that is made again reports the same event id, so that the pipeline counts it once. Hours in which
one may call are the trigger's (`callable`), for each attempt.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Literal

import structlog
from pydantic import ValidationError

from deploy.embedded.broker import CLUSTER_ID
from schemas import topics
from schemas.trigger import CallbackTrigger
from streams.cluster.topic_reader import BrokerError, TopicReader, kafka_errors, producer
from streams.core.records import Record
from streams.demo.dial_list import Call, Dial, DialList, outcome_of, simulated
from streams.settings import Settings
from streams.telemetry.amounts import amount

log = structlog.get_logger(__name__)

SOURCE = b"behoudlijn/dial"
"""The header `ce_source` of what it reports."""

ClockName = Literal["wall", "trigger"]


def is_embedded(settings: Settings) -> bool:
    """Return whether the broker is that of the embedded stack. Raises BrokerError."""
    with TopicReader(settings) as reader:
        return reader.cluster_id() == CLUSTER_ID


class ReferenceDialer:
    """Takes `callback.triggers`, dials, and answers with `callback.outcomes`.

    `clock`: "wall" dials now; "trigger" dials at the instants that the triggers' own times reach, for
    simulated or replayed time, each partition by itself, so that no outcome is ahead of what its partition
    has seen. `until_idle_s`: end when no trigger came for so many seconds; None: go on until told to stop.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: ClockName = "wall",
        from_beginning: bool = False,
        until_idle_s: float | None = None,
        dial: Dial = simulated,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._from_beginning = from_beginning
        self._until_idle_s = until_idle_s
        self._dial = dial
        self._now = now
        self._lists: dict[int, DialList] = {}
        self._clocks: dict[int, datetime] = {}
        self._other: Counter[str] = Counter()
        self._producer: Any = None
        self.reading = threading.Event()
        """Set once every trigger that is published from now on will be seen."""

    def run(self, stop: threading.Event) -> Counter[str]:
        """Dial until `stop` is set or nothing comes any more; returns `counts`. Raises BrokerError."""
        topic = self._settings.topic(topics.TRIGGERS)
        with TopicReader(self._settings) as reader:
            numbers = reader.partitions(topic)
            reader.assign(topic, numbers)
            if not self._from_beginning:
                reader.skip_to_end()
            self._producer = producer(self._settings)
            try:
                self.reading.set()
                self._loop(reader, stop)
                self._delivered()
            finally:
                with suppress(Exception):  # what failed has been raised; closing must not hide it
                    self._producer.close(timeout=5)
        return self.counts

    @property
    def counts(self) -> Counter[str]:
        """Records and attempts by what became of them."""
        return sum((dial_list.counts for dial_list in self._lists.values()), Counter(self._other))

    @property
    def waiting(self) -> int:
        """Episodes that may still be dialled."""
        return sum(dial_list.waiting for dial_list in self._lists.values())

    def _loop(self, reader: TopicReader, stop: threading.Event) -> None:
        heard = time.monotonic()
        while not stop.is_set():
            records = reader.poll()
            if records:
                heard = time.monotonic()
            for record in records:
                self._take(record)
            if self._clock == "wall":
                self._dial_now()
            self._delivered()
            if self._until_idle_s is not None and time.monotonic() - heard >= self._until_idle_s:
                return

    def _take(self, record: Record) -> None:
        try:
            trigger = CallbackTrigger.model_validate_json(record.value or b"")
        except ValidationError as error:
            self._other["unreadable"] += 1
            log.warning(
                "trigger_unreadable",
                partition=record.partition,
                offset=record.offset,
                mistakes=error.error_count(),
            )
            return
        if self._clock == "wall":
            self._list(0).take(trigger)
            return
        number = record.partition
        clock = max(self._clocks.get(number, trigger.updated_at), trigger.updated_at)
        self._clocks[number] = clock
        dial_list = self._list(number)
        # What was due before this record comes first: nobody knew of it then.
        self._dial_until(dial_list, clock, inclusive=False)
        dial_list.take(trigger)
        self._dial_until(dial_list, clock, inclusive=True)

    def _list(self, number: int) -> DialList:
        return self._lists.setdefault(number, DialList())

    def _dial_until(self, dial_list: DialList, clock: datetime, *, inclusive: bool) -> None:
        for call in dial_list.calls_until(clock, inclusive=inclusive):
            self._call(dial_list, call)

    def _dial_now(self) -> None:
        dial_list = self._list(0)
        while (call := dial_list.next_call(self._now())) is not None:
            self._call(dial_list, call)

    def _call(self, dial_list: DialList, call: Call) -> None:
        answer = self._dial(call.trigger, call.attempt)
        dial_list.answered(call, answer)
        event = outcome_of(call, answer)
        key = call.trigger.customer_id.encode()
        with kafka_errors(self._settings):
            sending = self._producer.send(
                self._settings.topic(topics.OUTCOMES),
                key=key,
                value=event.model_dump_json().encode(),
                headers=[("ce_source", SOURCE)],
            )
        sending.add_errback(self._failed)

    def _failed(self, error: BaseException) -> None:
        self._other["undelivered"] += 1
        log.error("outcome_undelivered", error=type(error).__name__)

    def _delivered(self) -> None:
        with kafka_errors(self._settings):
            self._producer.flush(timeout=30)
        if self._other["undelivered"]:
            raise BrokerError(
                f"{amount(self._other['undelivered'], 'outcome was', 'outcomes were')} not taken by Kafka at "
                f"{self._settings.kafka_bootstrap}. Check that the broker runs and the topic exists, then "
                "dial with --from-beginning: attempts that are reported again count once."
            )
