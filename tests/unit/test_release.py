"""What runs is told as a metric: of a worker that decides with its policy and mode, of a sink without."""

from __future__ import annotations

from typing import Any

from streams.policies import load_policy
from streams.settings import Settings
from streams.telemetry.metrics import Metrics
from streams.telemetry.release import tell_release
from streams.workers.measures import SinkMetrics


def told(metrics: Metrics) -> list[dict[str, Any]]:
    [family] = [each for each in metrics.registry.collect() if each.name == "behoudlijn_info"]
    return [sample.labels for sample in family.samples if sample.value == 1]


def test_a_signals_worker_tells_policy_digest_and_mode() -> None:
    metrics, label = Metrics(), load_policy("default").label
    tell_release(metrics, policy=label, mode="shadow")
    [labels] = told(metrics)
    assert (labels["policy"], labels["mode"]) == (label, "shadow")
    assert "@" in labels["policy"]
    assert labels["version"]
    assert labels["compiled"] in ("yes", "no")


def test_a_sink_worker_decides_by_nothing() -> None:
    metrics = Metrics()
    SinkMetrics(metrics, Settings())
    [labels] = told(metrics)
    assert (labels["policy"], labels["mode"]) == ("", "")
