"""The label sets that a counter or a histogram can have, where they are known beforehand: each begins at 0.

Owns that the first of anything is seen: to Prometheus a series that is born above 0 has not risen. Partitions are not known
beforehand; theirs begin when they are assigned (`measures`).
"""

from collections.abc import Iterable, Mapping
from itertools import product
from typing import Final, get_args

from schemas.dead_letter import RejectCode
from schemas.topics import EVENT_TYPES
from schemas.trigger import DecisionStatus, Purpose
from sinks.clickhouse import error_codes, tables
from streams.core import engine, erasure
from streams.telemetry.metrics import Metrics
from streams.workers.home import Reason

Sets = Mapping[str, Iterable[tuple[str, ...]]]

RESULTS: Final = (
    engine.ACCEPTED,
    engine.DUPLICATE,
    engine.BEYOND_HORIZON,
    engine.UNATTRIBUTABLE,
    engine.REJECTED,
    erasure.ERASED,
)
"""What becomes of an event."""
TYPE_OF_TOPIC: Final = {event.topic: name for name, event in reversed(EVENT_TYPES.items())}
"""What a record of a topic is called that is no event: as the topic's own events are."""

NO_TYPE: Final = "unknown"
"""What a record of the internal topic is called whose first topic nobody can tell: somebody else wrote it."""


def of_signals(mode: str) -> Sets:
    """Return those of a signals worker, by attribute of `Metrics`."""
    return {
        "events": [*product(EVENT_TYPES, RESULTS), (NO_TYPE, engine.REJECTED)],
        "unknown_fields": [(name,) for name in EVENT_TYPES],
        "triggers": list(product(get_args(Purpose), get_args(DecisionStatus), [mode])),
        "dead_letters": [(code,) for code in get_args(RejectCode)],
        "repartitioned": [(reason,) for reason in get_args(Reason)],
        "event_to_trigger_latency": [(mode,)],
        "ingest_to_trigger_latency": [(mode,)],
    }


def of_sink() -> Sets:
    """Return those of a sink worker, by attribute of `Metrics`."""
    written = [(table,) for table in tables.COLUMNS]
    return {
        "sink_rows": written,
        "sink_insert_rows": written,
        "sink_delay": written,
        "sink_retries": [(reason,) for reason in error_codes.PASSING],
    }


def begin(metrics: Metrics, sets: Sets) -> None:
    """Let every one of these exist, at 0."""
    for attribute, every in sets.items():
        for labels in every:
            getattr(metrics, attribute).labels(*labels)
