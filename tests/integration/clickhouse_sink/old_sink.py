"""What a sink worker of 0.2.0 inserts: no column of later, and a version that it computes itself."""

from __future__ import annotations

from typing import Any, Final

from schemas.revisions import arrival_of
from sinks.clickhouse import tables
from sinks.clickhouse.connection import ClickHouse
from sinks.contract import Row

LATER: Final = (
    *("revised_at", "cause_event_id", "evidence_language"),
    *("contract_id", "whole_relation", "consented_at", "customer_since", "started_at", "callback_at"),
    *("callable_from", "callable_until"),
)
"""Columns that it does not know."""


class OldSink:
    """Writes rows as 0.2.0 does: it asks for the types of a table's columns once."""

    def __init__(self, store: ClickHouse) -> None:
        self._store = store
        self._types: dict[str, list[Any]] = {}

    def add(self, row: Row) -> None:
        """Write one row."""
        values = dict(zip(tables.COLUMNS[row.table], row.values, strict=True))
        for later in LATER:
            values.pop(later, None)
        counts = "occurred_at" if row.table == tables.CUSTOMERS else "ingested_at"
        values["version"] = arrival_of(values[counts], values["source_offset"])
        columns = list(values)
        if row.table not in self._types:
            self._types[row.table] = self._store.column_types(row.table, columns)
        written = self._store.insert(
            row.table, columns, [tuple(values.values())], types=self._types[row.table]
        )
        assert written == 1
