"""What the sink worker makes of records that were fetched together: rows by table, and what goes beside them.

Owns what becomes a row, an erasure or the removal of a profile. Pure; it must not know how a row is written.
"""

from collections.abc import Container, Mapping, Sequence
from typing import NamedTuple

from schemas import topics
from schemas.erasure import ErasureEvent
from sinks.clickhouse.rows import row_of_event, row_of_output
from sinks.contract import ForeignRecordError, Values
from streams.core.decode import Reading, decode
from streams.core.records import FetchedRecord, records_of, size_of
from streams.core.removal import is_removal
from streams.lane.micro_batch import TP


class Foreign(NamedTuple):
    """A record that is not what its topic carries: where it is, and what is raised once all before it is written."""

    offset: int
    error: ForeignRecordError


class Gathered(NamedTuple):
    """Records of one partition that were fetched together, and what was made of them. `Placed`: the lane's item."""

    topic: str
    offset: int
    timestamp: int
    size: int
    records: int
    rows: Mapping[str, Sequence[Values]]
    """By table."""
    removals: Sequence[Values]
    """Rows of profiles that were taken away."""
    erasures: Sequence[tuple[str, int, int]]
    """Customer, up to when, Kafka's time of the order; both in ms."""
    at: int = 0
    """Nothing is merged by time here."""
    foreign: Foreign | None = None
    """The first record of which nothing can be made; those behind it were not looked at."""


def gather(
    topic: str, tp: TP, fetched: Sequence[FetchedRecord], reading: Reading, unbelieved: Container[int] = ()
) -> Gathered:
    """Return what is made of records (not empty) of a partition. `topic`: its name without the prefix.

    `unbelieved`: offsets of records whose Kafka time lies in the future, of which nothing is made.
    """
    rows: dict[str, list[Values]] = {}
    removals: list[Values] = []
    erasures: list[tuple[str, int, int]] = []
    profiles = topic == topics.PROFILES  # only there come erasures and removals
    output = topic in topics.OUTPUTS
    size = 0
    foreign = None
    for record in records_of(topic, tp.partition, fetched):
        size += size_of(record)
        if output:
            try:
                made = row_of_output(record.value, record)
            except ForeignRecordError as error:
                foreign = Foreign(record.offset, error)
                break
            if made is None:
                continue
        else:
            decoded = decode(record, reading)
            event = decoded.event
            if event is None or record.offset in unbelieved:
                continue  # its dead letter, by the signals worker, has a topic and a table
            if profiles and isinstance(event, ErasureEvent):
                erasures.append((event.customer_id, decoded.at, record.timestamp))
                continue
            if event.kind == "objection":  # by the name: pydantic answers isinstance in Python
                continue
            made = row_of_event(event, record, decoded.at, decoded.anonymous)
            if profiles and is_removal(decoded):
                removals.append(made.values)
                continue
        table = made.table
        if table not in rows:
            rows[table] = []
        rows[table].append(made.values)
    last, first = fetched[-1].offset, fetched[0].timestamp
    return Gathered(tp.topic, last, first, size, len(fetched), rows, removals, erasures, foreign=foreign)
