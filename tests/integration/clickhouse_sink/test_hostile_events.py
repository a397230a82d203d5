"""Events with extreme values that decoding accepts: ClickHouse takes each, for one that it refused would hold the sink."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from sinks.clickhouse.registration import WITHOUT_ROWS
from sinks.clickhouse.rows import row_of_event
from sinks.clickhouse.writer import ClickHouseSink
from streams.core.decode import decode
from streams.core.records import Record
from tests import hostile


@pytest.mark.timeout(600)
@settings(max_examples=8, suppress_health_check=list(HealthCheck))
@given(records=some.lists(hostile.RECORDS, min_size=60, max_size=60))
def test_every_accepted_event_can_be_written(sink: ClickHouseSink, records: list[tuple[str, bytes]]) -> None:
    for number, (topic, value) in enumerate(records):
        found = decode(Record(topic, 0, number, -1, None, value))
        if found.event is not None and type(found.event) not in WITHOUT_ROWS:
            sink.add(*row_of_event(found.event, found.record))
    sink.flush()
