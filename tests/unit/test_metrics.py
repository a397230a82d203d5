"""The catalogue: names to Prometheus' conventions, each made once, each on the registry given, each set by somebody."""

from __future__ import annotations

from typing import Any

import pytest
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest

from streams.telemetry.declaration import Declaration
from streams.telemetry.metrics import CATALOGUE, DECLARED, Metrics
from tests.attribute_reads import PACKAGE, attributes_read

IDENTIFYING = {"customer", "customer_id", "phone", "event_id", "trigger_id", "message"}


@pytest.mark.parametrize("spec", CATALOGUE, ids=lambda spec: spec.name)
def test_names_follow_the_conventions(spec: Declaration[Any]) -> None:
    assert spec.name.startswith("behoudlijn_")
    assert spec.name.endswith("_total") == (spec.kind == "counter")
    if spec.unit == "seconds" and spec.kind != "counter":
        assert spec.name.endswith("_seconds")
    assert spec.meaning.endswith(".")
    assert not IDENTIFYING.intersection(spec.labels)
    assert bool(spec.buckets) == (spec.kind == "histogram")
    assert list(spec.buckets) == sorted(spec.buckets)


def test_every_declared_metric_is_made_under_its_name() -> None:
    metrics = Metrics()
    described = {
        line.split()[2]: line.split()[3]
        for line in generate_latest(metrics.registry).decode().splitlines()
        if line.startswith("# TYPE") and not line.split()[2].endswith("_created")
    }
    assert described == {spec.name: spec.kind for spec in CATALOGUE}
    assert not [name for name in REGISTRY._names_to_collectors if name.startswith("behoudlijn")]


def test_every_metric_is_set_by_somebody() -> None:
    elsewhere = [path for path in PACKAGE.rglob("*.py") if path.name != "metrics.py"]
    used = attributes_read("metrics", elsewhere)
    assert sorted(DECLARED.keys() - used) == []


def test_a_metric_is_read_from_an_instance_only() -> None:
    assert Metrics.events is DECLARED["events"]
    assert type(Metrics().events).__name__.lower() == Metrics.events.kind
    with pytest.raises(AttributeError, match="behoudlijn_events_total is not made yet"):
        _ = Metrics.__new__(Metrics).events


def test_two_processes_in_one_test_do_not_share_counts_and_one_registry_takes_one() -> None:
    first, second = Metrics(CollectorRegistry()), Metrics(CollectorRegistry())
    first.events.labels("call", "accepted").inc(3)
    name = "behoudlijn_events_total"
    assert first.registry.get_sample_value(name, {"type": "call", "result": "accepted"}) == 3
    assert second.registry.get_sample_value(name, {"type": "call", "result": "accepted"}) is None
    with pytest.raises(ValueError, match="Duplicated"):
        Metrics(first.registry)
