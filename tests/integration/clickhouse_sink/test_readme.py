"""The queries of the README, run as they stand there: whom to call now is who may be called now."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from schemas import topics
from schemas.call import CallEvent
from schemas.trigger import Consent
from sinks.clickhouse.connection import ClickHouse
from sinks.clickhouse.reports import most_urgent
from sinks.clickhouse.rows import row_of_event, row_of_output
from sinks.clickhouse.writer import ClickHouseSink
from tests.integration.clickhouse_sink.messages import At, dead_letter, event, trigger, wire

README: Final = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
QUERIES: Final = [
    query.strip()
    for block in re.findall(r"^```sql\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    for query in block.split(";")
    if query.strip()
]
NOW: Final = datetime.now(UTC).replace(microsecond=0)
HOUR: Final = timedelta(hours=1)
WHEN: Final = {
    "not_before": NOW - HOUR,
    "callable": ((NOW - HOUR, NOW + HOUR),),
    "due_at": NOW + HOUR,
    "expires_at": NOW + 2 * HOUR,
}


def objection(answer: bool | None) -> Consent:
    return Consent(basis="service_without_offer", do_not_call=answer, as_of=NOW)


NEVER: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "too-early": (topics.TRIGGERS, {"not_before": NOW + HOUR}),
    "too-late": (topics.TRIGGERS, {"expires_at": NOW - timedelta(minutes=1)}),
    "no-hour-is-open": (topics.TRIGGERS, {"not_before": NOW + 2 * HOUR, "callable": ()}),
    "held-past-closing-time": (
        topics.TRIGGERS,
        {"callable": ((NOW - HOUR, NOW - HOUR / 2), (NOW + HOUR, NOW + 2 * HOUR))},
    ),
    "no-number": (topics.TRIGGERS, {"phone_e164": None}),
    "objects": (topics.TRIGGERS, {"consent": objection(True)}),
    "in-shadow": (topics.SHADOW_TRIGGERS, {}),
    "retracted": (topics.TRIGGERS, {"status": "retracted", "status_reason": "do_not_call"}),
    "completed": (topics.TRIGGERS, {"status": "completed", "status_reason": "customer_reached"}),
}
"""Who must not be called now, the most urgent of all."""


def written(sink: ClickHouseSink, *messages: tuple[str, Any]) -> None:
    for offset, (topic, message) in enumerate(messages):
        row = row_of_output(wire(message), At(topic, offset=offset))
        assert row is not None
        sink.add(*row)
    sink.flush()


def test_whom_to_call_now(sink: ClickHouseSink, store: ClickHouse) -> None:
    callable_now = {
        "urgent": {"priority": 60},
        "opened-by-0.2": {"priority": 55, "callable": None},
        "objection-unknown": {"priority": 50, "consent": objection(None)},
        "less-urgent": {"priority": 40},
    }
    written(
        sink,
        *((topic, trigger(name, priority=90, **WHEN | more)) for name, (topic, more) in NEVER.items()),
        *((topics.TRIGGERS, trigger(name, **WHEN | more)) for name, more in callable_now.items()),
    )
    found = store.query(QUERIES[0])
    assert [row[0] for row in found] == list(callable_now)
    assert found[0][-1] == ["4 contacts in 7 days"]
    assert {each.customer_id for each in most_urgent(store, "live", 20)} == {
        *callable_now,
        "too-early",
        "too-late",
        "held-past-closing-time",
    }


def test_the_other_queries_tell_shadow_from_live(sink: ClickHouseSink, store: ClickHouse) -> None:
    written(
        sink,
        (topics.TRIGGERS, trigger("a")),
        (topics.SHADOW_TRIGGERS, trigger("b")),
        (topics.DEAD_LETTERS, dead_letter(1)),
    )
    sunday = datetime.now(UTC) - timedelta(days=7)
    for name, waited, gave_up in (("e1", 30, False), ("e2", 90, False), ("e3", 300, True)):
        call = event(
            CallEvent,
            "c",
            name,
            sunday,
            direction="inbound",
            queue="billing",
            wait_seconds=waited,
            abandoned=gave_up,
        )
        sink.add(*row_of_event(call, At(topics.CALLS)))
    sink.flush()
    opens, waiting, episodes, unread = (store.query(query) for query in QUERIES[1:])
    assert sorted(row[0] for row in opens) == ["live", "shadow"]
    assert [row[1:] for row in waiting] == [("billing", 1 / 3, 60.0)]
    assert [row[1:] for row in episodes] == [(1, 0, 0)], "that of shadow mode was told to nobody"
    assert unread == [("contact.calls", "not_json", 1)]
