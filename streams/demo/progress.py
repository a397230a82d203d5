"""How far the workers of a stack are, from what they show themselves: their own /metrics. It never asks the broker."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Callable
from typing import NamedTuple

from prometheus_client.parser import text_string_to_metric_families

from streams.demo.stack import Stack

POLL_SECONDS = 0.5
STILL_POLLS = 3
"""A worker counts as done when it has shown no lag, and no progress, this many times in a row."""


class Progress(NamedTuple):
    """One look at a worker."""

    done: int
    """Events decided, or rows written."""
    lag: int
    """Records fetched or known of, and not acknowledged."""
    partitions: int
    """Partitions with a known lag."""


def look(stack: Stack, worker: str) -> Progress:
    """Return the progress of `signals` (events) or `sink` (rows)."""
    counter = {"signals": "behoudlijn_events_total", "sink": "behoudlijn_sink_rows_total"}[worker]
    with urllib.request.urlopen(f"{stack.health[worker]}/metrics", timeout=10) as answer:  # noqa: S310 - our own
        text = answer.read().decode()
    done = lag = partitions = 0
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == counter:
                done += int(sample.value)
            elif sample.name == "behoudlijn_lag_records":
                lag += int(sample.value)
                partitions += 1
    return Progress(done, lag, partitions)


def wait_until_done(
    stack: Stack,
    worker: str,
    *,
    timeout: float,
    at_least: int = 0,
    tell: Callable[[int], None] = lambda _: None,
) -> int:
    """Wait until a worker has done `at_least` and has no lag left; what it has done. `tell` hears it on the way.

    Raises `ChildError` when a worker ends, TimeoutError after `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    still, before = 0, -1
    while still < STILL_POLLS:
        if time.monotonic() > deadline:
            raise TimeoutError(
                f"the {worker} worker has done {before} of {at_least} in {timeout:.0f} s; see its log, or a slower machine "
                "needs fewer customers"
            )
        stack.check()
        try:
            seen = look(stack, worker)
        except OSError:  # a busy worker may answer late: asked again until the deadline
            continue
        tell(seen.done)
        finished = seen.done >= at_least and seen.lag == 0 and seen.partitions > 0
        still = still + 1 if finished and seen.done == before else 0
        before = seen.done
        time.sleep(POLL_SECONDS)
    return before
