"""Which rows the sink writes no more, and when it removes what it wrote before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from schemas import topics
from schemas.erasure import ErasureEvent
from sinks.clickhouse.rows import row_of_event, row_of_output
from sinks.contract import Erased, Row, SinkUnavailable
from streams.core.decode import decode
from streams.core.erasure import Erasure, ErasureError
from streams.core.records import Decoded, Record
from streams.workers.erased_rows import ErasedRows
from tests.builders import HOUR, START, Partition, call, erasure, profile, survey

T = START
ERASURE = Erasure(b"the key of the sink's tests")
ORDER = erasure(T, ingested=T + HOUR)


class RecordingEraser:
    """An `Eraser` that keeps what it was told, and fails as often as it is told to."""

    def __init__(self, known: Mapping[str, Erased] | None = None, failures: int = 0) -> None:
        self.told: list[tuple[Any, ...]] = []
        self._known = {} if known is None else known
        self._failures = failures

    def known(self) -> Mapping[str, Erased]:
        return self._known

    def erase(self, customer_id: str, customer_hash: str, erased: Erased) -> None:
        if self._failures:
            self._failures -= 1
            raise SinkUnavailable("not now")
        self.told.append((customer_id, customer_hash, erased))

    def remove_profile(self, customer_id: str, at: int) -> None:
        self.told.append((customer_id, at))


def row(decoded: Decoded) -> Row:
    assert decoded.event is not None
    return row_of_event(decoded.event, decoded.record)


def note(rows: ErasedRows, order: Decoded) -> None:
    assert isinstance(order.event, ErasureEvent)
    rows.note(order.event.customer_id, order.at, order.record.timestamp)


def triggers(published_at: int) -> list[Row]:
    """An open trigger, decided an hour after T, and the retraction by an erasure of later."""
    partition = Partition()
    partition.feed(survey(T + HOUR, csat=1, callback_requested=True), erasure(T + 5 * HOUR))
    found = []
    for output in partition.outputs:
        if output.kind == "trigger":
            record = Record(topics.TRIGGERS, 0, 0, published_at, b"c1", output.value)
            made = row_of_output(output.value, record)
            assert made is not None
            found.append(made)
    return found


def erased_rows(*records: Decoded) -> tuple[ErasedRows, RecordingEraser]:
    eraser = RecordingEraser()
    rows = ErasedRows(ERASURE, eraser)
    rows.load()
    for each in records:
        note(rows, each)
    return rows, eraser


def test_events_up_to_the_time_are_dropped_of_this_customer_only() -> None:
    rows, _ = erased_rows(ORDER)
    for event, dropped in (
        (call(T), True),
        (profile(T - 1), True),
        (call(T + 1), False),
        (call(T, customer="c2"), False),
        (call(T, customer=None), False),
    ):
        assert rows.drops(*row(event)) is dropped


def test_what_was_decided_or_published_before_the_word_came_is_dropped() -> None:
    for published_at, ordered_at, dropped in (
        (T + 2 * HOUR, T + HOUR, True),  # decided at T + 1 h, when the word came
        (T + 2 * HOUR, T, False),
        (T, T, True),  # of a clock that ran ahead
    ):
        rows, _ = erased_rows(erasure(T - 1, ingested=ordered_at))
        opened = triggers(published_at)[0]
        assert rows.drops(*opened) is dropped


def test_the_word_of_an_erasure_is_for_dialers_and_never_a_row() -> None:
    rows, _ = erased_rows()
    opened, retracted = triggers(T + 6 * HOUR)
    assert not rows.drops(*opened)
    assert rows.drops(*retracted)


def test_a_removal_writes_no_row_for_somebody_who_was_erased() -> None:
    rows, eraser = erased_rows(ORDER)
    gone = decode(Record(topics.PROFILES, 0, 9, T + 2 * HOUR, b"c1", None))
    other = decode(Record(topics.PROFILES, 0, 10, T + 2 * HOUR, b"c2", None))
    assert rows.drops(*row(gone), removal=True)
    assert not rows.drops(*row(other), removal=True)
    rows.carry_out()
    assert ("c1", T + 2 * HOUR) in eraser.told


def test_it_is_carried_out_once_and_again_only_after_an_outage() -> None:
    eraser = RecordingEraser(failures=1)
    rows = ErasedRows(ERASURE, eraser)
    note(rows, ORDER)
    assert eraser.told == []
    with pytest.raises(SinkUnavailable):
        rows.carry_out()
    rows.carry_out()
    rows.carry_out()
    assert eraser.told == [("c1", ERASURE.hash_of("c1"), Erased(T, T + HOUR, ERASURE.key_id))]


def test_who_was_erased_elsewhere_is_asked_anew_when_partitions_come() -> None:
    known: dict[str, Erased] = {}
    rows = ErasedRows(ERASURE, RecordingEraser(known))
    rows.load()
    known[ERASURE.hash_of("c1")] = Erased(T, T, ERASURE.key_id)
    rows.load()
    assert not rows.drops(*row(call(T)))
    rows.forget()
    rows.load()
    assert rows.drops(*row(call(T)))


def test_another_key_or_none_is_told() -> None:
    known = {ERASURE.hash_of("c1"): Erased(T, T, ERASURE.key_id)}
    for key in (b"", b"another key of a good length"):
        with pytest.raises(ErasureError, match="BEHOUDLIJN_ERASURE_KEY"):
            ErasedRows(Erasure(key), RecordingEraser(known)).load()
    with pytest.raises(ErasureError, match="BEHOUDLIJN_ERASURE_KEY"):
        note(ErasedRows(Erasure(), RecordingEraser()), ORDER)
    ErasedRows(Erasure(), RecordingEraser()).load()
