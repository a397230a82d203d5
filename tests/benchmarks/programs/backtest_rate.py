"""The core with its decoder from memory, then `backtest` of the same events from their file: how fast each is, in one process."""

from __future__ import annotations

import gc
import time
from typing import Any

from streams.core import engine
from streams.core.decode import decode
from streams.core.engine import Clock, process_batch
from streams.core.erasure import IN_FILES
from streams.core.records import Record
from streams.files.backlog import Backlog
from streams.files.backtest import backtest
from streams.files.ndjson import read_lines
from streams.policies import load_policy
from tests.benchmarks.say import arguments, say

Runs = list[list[Record]]


def _loaded(given: dict[str, Any]) -> list[Runs]:
    """The records of each partition in merged order, as `backtest` cuts them."""
    partitions = given["partitions"]
    with Backlog(partitions) as backlog:
        for line in read_lines([given["file"]]):
            backlog.add(line)
        return [[[each.record for each in run] for run in backlog.runs(n)] for n in range(partitions)]


def _core(loaded: list[Runs], policy_name: str) -> float:
    policy = load_policy(policy_name)
    began = time.process_time()
    for runs in loaded:
        states: dict[str, bytes] = {}
        clock = Clock()
        for run in runs:
            result = process_batch(
                [decode(record) for record in run], states, policy, clock, erasure=IN_FILES
            )
            for customer, state in result.states.items():
                if state is None:
                    states.pop(customer, None)
                else:
                    states[customer] = state
    return time.process_time() - began


def _backtest(given: dict[str, Any]) -> float:
    policy = load_policy(given["policy"])
    began = time.process_time()
    backtest(read_lines([given["file"]]), policy, partitions=given["partitions"])
    return time.process_time() - began


if __name__ == "__main__":
    given = arguments()
    loaded = _loaded(given)
    events = sum(len(run) for runs in loaded for run in runs)
    gc.collect()
    gc.freeze()  # so that looking for garbage among what is loaded slows neither
    core = _core(loaded, given["policy"])
    del loaded
    say(
        "result",
        events=events,
        core_seconds=core,
        backtest_seconds=_backtest(given),
        compiled=engine.__file__.endswith(".so"),
    )
