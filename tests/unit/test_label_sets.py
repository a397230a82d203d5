"""Every counter begins at 0 with every label set that it can have; and one vocabulary names the types of events."""

from __future__ import annotations

import pytest
from prometheus_client import Counter, Histogram

from schemas import topics
from streams.core import engine
from streams.core.dead_letter_limit import DeadLetterLimit
from streams.core.engine import BatchResult
from streams.core.erasure import is_reserved
from streams.core.records import REJECTED_AT, Decoded, Record, Reject
from streams.core.repartition import wrap
from streams.settings import Settings
from streams.state.broker_time import BrokerTime
from streams.state.store import SignalsStore, Store
from streams.telemetry.metrics import DECLARED, Metrics
from streams.workers import label_sets
from streams.workers.computation import Computed
from streams.workers.measures import SignalsMetrics, SinkMetrics
from tests.builders import default_policy

OF_PARTITIONS = {name for name, each in DECLARED.items() if "partition" in each.labels}
SETTINGS = Settings(topic_prefix="t.", mode="shadow")


def signals_metrics(metrics: Metrics) -> SignalsMetrics:
    limit = DeadLetterLimit(500, 0.5, on=True)
    return SignalsMetrics(metrics, SETTINGS, Store(), limit, BrokerTime(), default_policy())


def series(metrics: Metrics, attribute: str) -> set[tuple[str, ...]]:
    declared = DECLARED[attribute]
    name = declared.name if declared.type_ is Counter else f"{declared.name}_count"
    return {
        tuple(each.labels[label] for label in declared.labels)
        for family in metrics.registry.collect()
        for each in family.samples
        if each.name == name
    }


def test_every_counter_with_labels_has_its_sets_or_begins_with_its_partition() -> None:
    known = label_sets.of_signals("shadow").keys() | label_sets.of_sink().keys() | OF_PARTITIONS
    counted = {name for name, each in DECLARED.items() if each.type_ in (Counter, Histogram) and each.labels}
    assert counted - known == set()


@pytest.mark.parametrize("kind", ["signals", "sink"])
def test_all_of_them_are_there_before_anything_happens(kind: str) -> None:
    metrics = Metrics()
    if kind == "signals":
        signals_metrics(metrics)
        sets = label_sets.of_signals("shadow")
    else:
        SinkMetrics(metrics, SETTINGS)
        sets = label_sets.of_sink()
    for attribute, every in sets.items():
        assert series(metrics, attribute) == set(every), attribute


def test_results_are_all_that_the_core_counts() -> None:
    named = {
        value
        for name, value in vars(engine).items()
        if name.isupper() and isinstance(value, str) and len(value) > 1 and not is_reserved(value)
    }
    feedback = {engine.KIND, engine.CROSSED}  # of no event, and nothing feeds a worker yet
    assert named - {engine.UNKNOWN_FIELD} - feedback == set(label_sets.RESULTS)


def reject(topic: str, value: bytes, code: str = "not_json") -> Decoded:
    record = Record(SETTINGS.topic(topic), 0, 1, 1_000, b"c1", value)
    return Decoded(record, REJECTED_AT, None, Reject(code, "no"), (), False)  # type: ignore[arg-type]


def test_records_that_are_no_events_are_called_as_their_topics_events_are() -> None:
    metrics = Metrics()
    sent_home = wrap(Record(SETTINGS.topic(topics.SURVEYS), 1, 7, 1_000, None, b"{"))
    rejects = [
        *(reject(topic, b"{") for topic in topics.INPUTS),
        reject(topics.REPARTITION, sent_home),
        reject(topics.REPARTITION, b"no envelope"),
    ]
    counts = {(each.record.topic, engine.REJECTED): 1 for each in rejects}
    counts[("call", engine.ACCEPTED)] = 3
    batch = Computed(BatchResult({}, [], rejects, counts), len(rejects), 0.1)
    signals_metrics(metrics).batch(batch, SignalsStore(0), 0.2)
    shown = {
        (each.labels["type"], each.labels["result"]): each.value
        for family in metrics.registry.collect()
        for each in family.samples
        if each.name == "behoudlijn_events_total" and each.value
    }
    assert shown == {
        ("profile", "rejected"): 1,
        ("objection", "rejected"): 1,
        ("call", "rejected"): 1,
        ("survey", "rejected"): 2,
        ("cancellation", "rejected"): 1,
        ("outcome", "rejected"): 1,
        ("unknown", "rejected"): 1,
        ("call", "accepted"): 3,
    }
    assert series(metrics, "events") == set(label_sets.of_signals("shadow")["events"]), "no other type"
