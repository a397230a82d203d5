"""What the sink worker makes of records that were fetched together."""

from __future__ import annotations

from collections.abc import Sequence

from schemas import topics
from sinks.clickhouse import tables
from sinks.clickhouse.rows import row_of_event, row_of_output
from streams.core.decode import AS_USUAL, decode
from streams.core.records import Decoded, Record, size_of
from streams.lane.micro_batch import TP
from streams.workers.gathered import Gathered, gather
from tests.builders import HOUR, START, Partition, call, erasure, objection, profile, survey

T = START


def gathered(topic: str, *fetched: Record) -> Gathered:
    return gather(topic, TP(f"prefix.{topic}", 3), fetched, AS_USUAL)


def fetched(*events: Decoded) -> Sequence[Record]:
    """The records as they lie in partition 3, one after another."""
    return [each.record._replace(partition=3, offset=7 + n) for n, each in enumerate(events)]


def test_a_row_for_every_event_by_table_in_their_order() -> None:
    records = fetched(call(T), call(T + HOUR, customer_id="unknown"), call(T + 2 * HOUR))
    found = gathered(topics.CALLS, *records)
    rows = [row_of_event(event, each) for each in records if (event := decode(each).event)]
    assert found.rows == {
        tables.CALLS: [rows[0].values, rows[2].values],
        tables.UNATTRIBUTABLE: [rows[1].values],
    }
    assert (found.removals, found.erasures) == ([], [])


def test_it_lies_where_its_records_lay() -> None:
    records = fetched(call(T), call(T + HOUR))
    found = gathered(topics.CALLS, *records)
    assert (found.topic, found.offset, found.records) == ("prefix.contact.calls", 8, 2)
    assert found.timestamp == records[0].timestamp
    assert found.size == sum(map(size_of, records))


def test_what_cannot_be_read_has_no_row_but_counts() -> None:
    bad = Record(topics.CALLS, 3, 9, T, None, b"{")
    late = Record(topics.CALLS, 3, 10, T - 24 * HOUR, None, call(T).record.value)
    found = gathered(topics.CALLS, bad, late)
    assert (found.rows, found.records, found.offset) == ({}, 2, 10)


def test_an_objection_by_number_has_no_row_and_is_read_all_the_same() -> None:
    found = gathered(topics.OBJECTIONS, *fetched(objection(T), objection(T + HOUR)))
    assert (found.rows, found.records, found.offset) == ({}, 2, 8)


def test_profiles_bring_erasures_and_removals_beside_rows() -> None:
    records = fetched(profile(T), erasure(T + HOUR))
    removal = Record(topics.PROFILES, 3, 20, T + 2 * HOUR, b"c1", None)
    found = gathered(topics.PROFILES, *records, removal)
    assert [len(rows) for rows in found.rows.values()] == [1]
    assert found.erasures == [("c1", T + HOUR, records[1].timestamp)]
    event = decode(removal).event
    assert event is not None
    assert found.removals == [row_of_event(event, removal).values]


def test_outputs_but_no_tombstones() -> None:
    partition = Partition()
    partition.feed(survey(T + HOUR, csat=1, callback_requested=True))
    value = next(each.value for each in partition.outputs if each.kind == "trigger")
    order = Record(topics.TRIGGERS, 3, 0, T, b"c1", value)
    found = gathered(topics.TRIGGERS, order, order._replace(offset=1, value=None))
    row = row_of_output(value, order)
    assert row is not None
    assert found.rows == {tables.TRIGGERS: [row.values]}
    assert (found.records, found.offset) == (2, 1)


def test_a_foreign_record_is_told_with_what_stands_before_it() -> None:
    partition = Partition()
    partition.feed(survey(T + HOUR, csat=1, callback_requested=True))
    value = next(each.value for each in partition.outputs if each.kind == "trigger")
    order = Record(topics.TRIGGERS, 3, 7, T, b"c1", value)
    found = gathered(topics.TRIGGERS, order, order._replace(offset=9, value=b"{}"), order._replace(offset=10))
    assert [len(rows) for rows in found.rows.values()] == [1]
    assert found.foreign is not None
    assert found.foreign.offset == 9
    said = str(found.foreign.error)
    assert "callback.triggers[3]@9 is no CallbackTrigger" in said
    assert "`behoudlijn topics skip callback.triggers 3 9 --group sink`" in said
