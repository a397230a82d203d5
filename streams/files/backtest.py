"""Backtest: what would have fired. Files of events go through the same merge and the same core as in production.

Records are routed to (topic, partition) queues by Kafka's own partitioner, in file order, and merged by event time, so a
complete backlog gives the same triggers here and in the worker, id for id.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, NamedTuple

import orjson

from schemas import topics
from schemas.cancellation import CancellationEvent
from schemas.instants import from_text
from streams.cluster.partitioning import partition_of
from streams.core.decode import decode
from streams.core.engine import Clock, process_batch
from streams.core.erasure import IN_FILES
from streams.core.merge import Merger
from streams.core.policy import Policy
from streams.core.published import Output
from streams.core.records import Decoded, Record
from streams.files.ndjson import Line, likely_topic
from streams.files.rejections import Rejections

DAY_MS = 86_400_000
CANCELLED = ("requested", "confirmed")


@dataclass(frozen=True, slots=True)
class Summary:
    """What a backtest found. Shares are 0-1; none where there is nothing to divide by."""

    events: int
    rejected: int
    customers: int
    triggers: int
    flagged_customers: int
    """Customers with a trigger, but for those first flagged at or after their cancellation: that forecasts nothing."""
    cancelled_customers: int
    """Customers with a cancellation requested or confirmed."""
    flagged_and_cancelled: int
    """Flagged before they cancelled."""
    precision: float | None
    recall: float | None
    lift: float | None
    median_lead_days: float | None

    def as_json(self) -> dict[str, Any]:
        """Return the object of `--summary-json`."""
        return asdict(self)


class Backtest(NamedTuple):
    """The trigger records in order of decision within each partition, and the summary."""

    triggers: list[bytes]
    summary: Summary
    outputs: list[Output]
    states: dict[int, dict[str, bytes]]
    """By partition and customer; with the markers of customers whom the files erase."""
    rejections: Rejections


def queues_of(
    lines: Iterable[Line], partitions: int, as_of: int = -1, rejections: Rejections | None = None
) -> dict[int, dict[str, list[Decoded]]]:
    """Decode lines and route them: partition -> topic -> records with offsets as a broker would give them.

    `as_of` (ms) stands for the ingestion time; -1 leaves the check for events of the future out. A later line counts as a later
    arrival. `rejections` takes note of the
    lines that are no events.
    """
    queues: dict[int, dict[str, list[Decoded]]] = {
        p: {t: [] for t in topics.INPUTS} for p in range(partitions)
    }
    for arrival, line in enumerate(lines):
        topic = likely_topic(line.data)
        decoded = decode(Record(topic, 0, 0, as_of, None, line.data))
        event = decoded.event
        if event is None:
            routing = b"%d" % line.number
            if rejections is not None and decoded.reject is not None:
                rejections.note(line.place, decoded.reject)
        elif decoded.anonymous or event.customer_id is None:
            routing = event.event_id.encode()
        else:
            routing = event.customer_id.encode()
        partition = partition_of(routing, partitions)
        queue = queues[partition][topic]
        record = decoded.record._replace(partition=partition, offset=len(queue))
        queue.append(decoded._replace(record=record, arrival=arrival))
    return queues


def runs_of(queues: dict[str, list[Decoded]], max_batch: int = 2_000) -> Iterator[list[Decoded]]:
    """Yield the merged micro-batches of one partition's complete backlog."""
    merger: Merger[Decoded] = Merger(tuple(topics.INPUTS), 0, max_batch)
    for topic, records in queues.items():
        if records:
            merger.push(topic, records)
        merger.fetched(topic, len(records), len(records), 0)
    while micro_batch := merger.take(0):
        yield micro_batch


def backtest(
    lines: Iterable[Line],
    policy: Policy,
    *,
    partitions: int = 8,
    as_of: int = -1,
    max_batch: int = 2_000,
    progress: Callable[[int], None] | None = None,
) -> Backtest:
    """Judge the events of `lines` by `policy`, as they would have been judged then. `progress` gets counts of events."""
    rejections = Rejections()
    queues = queues_of(lines, partitions, as_of, rejections)
    tally = _Tally()
    outputs: list[Output] = []
    all_states: dict[int, dict[str, bytes]] = {}
    for partition, by_topic in queues.items():
        states = all_states.setdefault(partition, {})
        clock = Clock()
        for micro_batch in runs_of(by_topic, max_batch):
            result = process_batch(micro_batch, states, policy, clock, erasure=IN_FILES)
            for customer, data in result.states.items():
                if data is None:
                    del states[customer]
                else:
                    states[customer] = data
            tally.add(micro_batch)
            outputs += result.outputs
            if progress is not None:
                progress(len(micro_batch))
    triggers = [output.value for output in outputs if output.kind == "trigger"]
    return Backtest(triggers, tally.summary(triggers), outputs, all_states, rejections)


class _Tally:
    """Counts over the events themselves, apart from what the core keeps of them."""

    def __init__(self) -> None:
        self.events = 0
        self.rejected = 0
        self.customers: set[str] = set()
        self.cancelled: dict[str, int] = {}

    def add(self, micro_batch: Iterable[Decoded]) -> None:
        for decoded in micro_batch:
            self.events += 1
            event = decoded.event
            if event is None:
                self.rejected += 1
            elif not decoded.anonymous and event.customer_id is not None:
                customer = event.customer_id
                self.customers.add(customer)
                if isinstance(event, CancellationEvent) and event.stage in CANCELLED:
                    self.cancelled[customer] = min(decoded.at, self.cancelled.get(customer, decoded.at))

    def summary(self, triggers: list[bytes]) -> Summary:
        first: dict[str, int] = {}
        ids = set()
        for value in triggers:
            trigger = orjson.loads(value)
            ids.add(trigger["trigger_id"])
            first.setdefault(trigger["customer_id"], from_text(trigger["created_at"]))
        first = {c: at for c, at in first.items() if c not in self.cancelled or at < self.cancelled[c]}
        lead = [self.cancelled[c] - at for c, at in first.items() if c in self.cancelled]
        customers, cancelled = len(self.customers), len(self.cancelled)
        precision = len(lead) / len(first) if first else None
        base = cancelled / customers if customers else 0.0
        return Summary(
            self.events,
            self.rejected,
            customers,
            len(ids),
            len(first),
            cancelled,
            len(lead),
            precision,
            len(lead) / cancelled if cancelled else None,
            precision / base if precision is not None and base else None,
            median(lead) / DAY_MS if lead else None,
        )
