"""What the pipeline decides, publishes and writes for known histories, byte for byte, as one hash each.

`python -m tests.golden` records `recorded.json` anew. Do that only on purpose: a difference that nobody meant is a change of
behaviour, or bytes that workers of two versions in one group would publish differently. It must not need Kafka or ClickHouse.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from itertools import product
from pathlib import Path
from typing import Any, Final, NamedTuple

from schemas import topics
from streams.core.decode import AS_USUAL, encode_dead_letter
from streams.core.engine import Clock, process_batch
from streams.core.erasure import IN_FILES
from streams.core.published import Output
from streams.core.records import Decoded, Record
from streams.files.ndjson import Line
from streams.lane.micro_batch import TP
from streams.phrases import load_phrases
from streams.policies import load_policy
from streams.simulate import SimulationSettings, simulate
from streams.state.changelog import Sending, Stamp, encode_entry
from streams.workers.effects import headers_of
from streams.workers.gathered import gather
from tests.converted import converted
from tests.plain_backlog import queues_of, runs_of

RECORDED: Final = Path(__file__).with_name("recorded.json")
_DATA: Final = Path(__file__).parents[1] / "data"
_ARRIVAL: Final = int(datetime(2027, 1, 1, tzinfo=UTC).timestamp() * 1000)
"""When every record came into Kafka."""


class Case(NamedTuple):
    """A history, judged by a policy, on so many partitions."""

    history: str
    policy: str
    partitions: int

    @property
    def name(self) -> str:
        """As it is recorded."""
        return f"{self.history}, {self.policy}, {self.partitions}"


HISTORIES: Final = ("telco", "iranian", "simulated, seed 1")
CASES: Final = tuple(
    Case(*each) for each in product(HISTORIES, ("default", "four-unresolved-calls"), (1, 3, 8))
)


@cache
def lines_of(history: str) -> tuple[Line, ...]:
    """The events of a history, one JSON object a line."""
    if history == "simulated, seed 1":
        quarter = simulate(SimulationSettings(20_000, seed=1, poison=0.001), lambda _: None)
        return tuple(Line("simulated", number, each.value) for number, each in enumerate(quarter.records, 1))
    mapping, file = {
        "telco": ("telco-churn", "churn.all.gz"),
        "iranian": ("iranian-churn", "customer_churn.csv.gz"),
    }[history]
    events = converted(mapping, str(_DATA / file))
    return tuple(Line(file, number, data) for number, data in enumerate(events, 1))


def hashes_of(case: Case) -> dict[str, str]:
    """What came out, by kind: states as they go to the changelog, outputs with their headers, dead letters, rows by table."""
    found: dict[str, Any] = {}

    def note(kind: str, *parts: object) -> None:
        digest = found.setdefault(kind, sha256())
        for part in parts:
            digest.update(part if isinstance(part, bytes) else repr(part).encode())
            digest.update(b"\0")

    policy, phrases = load_policy(case.policy), load_phrases()
    for partition, by_topic in queues_of(lines_of(case.history), case.partitions, _ARRIVAL).items():
        published: dict[str, list[Record]] = {}
        states: dict[str, bytes] = {}
        clock = Clock()
        for number, run in enumerate(runs_of(by_topic)):
            result = process_batch(run, states, policy, clock, erasure=IN_FILES, wording=phrases)
            outboxes: dict[str, list[Sending]] = {}
            for output in result.outputs:
                sending = _sending(output)
                outboxes.setdefault(output.customer_id, []).append(sending)
                note(
                    "outputs",
                    partition,
                    sending.kind,
                    sending.key.encode(),
                    sending.value,
                    headers_of(sending),
                )
                published.setdefault(_topic(output), []).append(_record(_topic(output), partition, sending))
            for customer in sorted(result.states.keys() | outboxes.keys()):
                state = result.states.get(customer, states.get(customer))
                note(
                    "changelog",
                    customer,
                    encode_entry(Stamp(1, number), state or b"", outboxes.get(customer, ())),
                )
            for reject in result.rejects:
                letter = encode_dead_letter(reject)
                note("dead letters", letter)
                published.setdefault(topics.DEAD_LETTERS, []).append(
                    Record(topics.DEAD_LETTERS, partition, 0, _ARRIVAL, None, letter)
                )
            for customer, data in result.states.items():
                if data is None:
                    del states[customer]
                else:
                    states[customer] = data
        for table, row in _rows(partition, by_topic, published):
            note(f"rows of {table}", row)
    return {kind: digest.hexdigest() for kind, digest in sorted(found.items())}


def _sending(output: Output) -> Sending:
    return Sending(output.kind, "live", output.customer_id, output.caused_at, output.value, output.identity)


def _topic(output: Output) -> str:
    return topics.TRIGGERS if output.kind == "trigger" else topics.SIGNALS


def _record(topic: str, partition: int, sending: Sending) -> Record:
    return Record(topic, partition, 0, _ARRIVAL, sending.key.encode(), sending.value or None)


def _rows(
    partition: int, inputs: Mapping[str, list[Decoded]], published: Mapping[str, list[Record]]
) -> Iterator[tuple[str, object]]:
    """Every row that the sink makes of a partition, table by table."""
    by_topic: dict[str, Iterable[Record]] = {
        name: [each.record for each in inputs[name]] for name in topics.INPUTS
    }
    for name, records in (by_topic | published).items():
        placed = [record._replace(offset=offset) for offset, record in enumerate(records)]
        if placed:
            made = gather(name, TP(name, partition), placed, AS_USUAL)
            for table, rows in made.rows.items():
                yield from ((table, row) for row in rows)
            yield from (("removals", row) for row in made.removals)


def recorded() -> dict[str, dict[str, str]]:
    """By name of the case."""
    found: dict[str, dict[str, str]] = json.loads(RECORDED.read_text(encoding="utf-8"))
    return found
