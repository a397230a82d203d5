"""A bytewax dataflow, as its guide shows it: Kafka source, `key_on`, `stateful_flat_map`, Kafka sink, recovery on.

bytewax has no changelog in Kafka and commits no offsets there: its recovery store is a local SQLite directory, which
is lost with the machine. The clock runs from the start of the flow to its end, when the last epoch is closed.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import bytewax.operators as op
from bytewax.connectors.kafka import KafkaSink, KafkaSinkMessage, KafkaSource, KafkaSourceMessage
from bytewax.dataflow import Dataflow
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.run import cli_main

from streams.core.records import Record
from streams.workers.interpreter import tune
from tests.benchmarks.programs.peer_job import KeyJob, Out, input_topics
from tests.benchmarks.say import arguments, say

_EPOCH = timedelta(seconds=10)
"""bytewax's own default, between two snapshots."""


class BoundedSource(KafkaSource):  # type: ignore[misc]  # no types where the peers are not installed
    """The Kafka source, which ends when its time is over as if the topics ended there; the rest is bytewax's own."""

    def __init__(self, *arguments: Any, until: float, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._until = until

    def build_part(self, step_id: str, for_part: str, resume_state: int | None) -> Any:
        """A partition whose end comes with the deadline."""
        part = super().build_part(step_id, for_part, resume_state)
        own, until = part.next_batch, self._until

        def next_batch() -> Any:
            if time.monotonic() > until:
                raise StopIteration
            return own()

        part.next_batch = next_batch
        return part


def build(given: dict[str, Any], job: KeyJob, counts: dict[str, int]) -> Dataflow:
    """The flow; `counts` is told how many events went through."""
    source = BoundedSource(
        [given["bootstrap"]],
        input_topics(given),
        tail=given["tail"],
        until=time.monotonic() + given["seconds"],
        starting_offset=-1 if given["start"] == "latest" else -2,
    )

    def decide(
        state: bytes | None, message: KafkaSourceMessage[Any, Any]
    ) -> tuple[bytes | None, Iterable[Out]]:
        counts["events"] += 1
        assert message.timestamp is not None
        record = Record(
            message.topic or "",
            message.partition or 0,
            message.offset or 0,
            message.timestamp[1],
            message.key,
            message.value,
        )
        new, outputs = job.handle(record, state)
        return (state if new is None else new), outputs

    flow = Dataflow("signals")
    read = op.input("events", flow, source)
    keyed = op.key_on("by_customer", read, lambda m: m.key.decode() if m.key is not None else "")
    decided = op.stateful_flat_map("decide", keyed, decide)
    messages = op.map(
        "message", decided, lambda pair: KafkaSinkMessage(pair[1][1], pair[1][2], topic=pair[1][0])
    )
    op.output("outputs", messages, KafkaSink([given["bootstrap"]], None))
    return flow


if __name__ == "__main__":
    given = arguments()
    store = Path(given["scratch"]) / "recovery"
    store.mkdir()
    init_db_dir(store, 1)
    job, counts = KeyJob(given), {"events": 0}
    tune()
    say("started")
    began = time.time()
    cli_main(build(given, job, counts), epoch_interval=_EPOCH, recovery_config=RecoveryConfig(store))
    say("result", events=counts["events"], seconds=time.time() - began)
