"""Daily figures are exact at every moment, whatever comes, in whatever order, and whenever they are stored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas import topics
from schemas.call import CallEvent
from schemas.outcome import OutcomeEvent
from schemas.survey import SurveyEvent
from sinks.clickhouse.connection import ClickHouse
from sinks.clickhouse.declarations.rollups import ROLLUPS
from sinks.clickhouse.erasure import ClickHouseEraser
from sinks.clickhouse.rollups import refresh
from sinks.clickhouse.writer import ClickHouseSink
from sinks.contract import Erased
from tests.integration.clickhouse_sink.daily_figures import Cells, Delivery, Written
from tests.integration.clickhouse_sink.messages import At, day, event, trigger



def ms(number: float) -> int:
    """That many days after the start, as Kafka tells time."""
    return int(day(number).timestamp() * 1000)


ARRIVED = ms(100)
"""After everything that happens."""
TOPICS = {CallEvent: topics.CALLS, SurveyEvent: topics.SURVEYS, OutcomeEvent: topics.OUTCOMES}


class Story:
    """What is written, beside what it comes to."""

    def __init__(self, store: ClickHouse) -> None:
        self.store = store
        self.sink = ClickHouseSink(store, attempts=1)
        self.written = Written()
        self.offset = 0

    def of(self, kind: type[Any], customer: str, name: str, at: float, **more: Any) -> Delivery:
        """The next delivery of an event."""
        return self._next(event(kind, customer, name, day(at), **more), TOPICS[kind])

    def trigger(
        self,
        customer: str,
        at: float,
        sequence: int = 1,
        *,
        live: bool = True,
        late: bool = False,
        **more: Any,
    ) -> Delivery:
        """The next delivery of a change of a trigger; `late`: its time is over when it comes."""
        made = trigger(customer, sequence, day(at), **more)
        topic = topics.TRIGGERS if live else topics.SHADOW_TRIGGERS
        return self._next(made, topic, ARRIVED if late else ms(at + 0.1))

    def _next(self, message: Any, topic: str, arrived: int = ARRIVED) -> Delivery:
        self.offset += 1
        return Delivery(message, At(topic, 0, self.offset, arrived + self.offset))

    def write(self, *deliveries: Delivery) -> None:
        """In one flush."""
        for each in deliveries:
            self.sink.add(*each.row)
        self.sink.flush()
        self.written.deliveries += deliveries

    def erase(self, customer: str, until: float) -> None:
        """Erase that customer up to that day."""
        ClickHouseEraser(self.store).erase(customer, "ab" * 16, Erased(ms(until), ms(until), 7))
        self.written.erase(customer, day(until))

    def refresh(self) -> int:
        """Store what has changed, but for what an erasure has just touched; returns how many days of figures."""
        return refresh(self.store, quiet_s=0, budget_s=600)

    def shown(self, view: str) -> Cells:
        """What a view shows. No cell is shown twice, and none without anything in it."""
        [rollup] = [each for each in ROLLUPS if each.view == view]
        keys = 1 + len(rollup.keys)
        rows = self.store.query(f"SELECT * FROM {view}")
        found = {row[:keys]: tuple(map(float, row[keys:])) for row in rows}
        assert len(found) == len(rows), f"{view} shows a cell twice"
        return found

    def holds(self) -> None:
        """Every view shows what a person would count."""
        for view, expected in self.written.all().items():
            assert self.shown(view) == expected, view


@pytest.fixture
def story(store: ClickHouse) -> Story:
    return Story(store)


CUSTOMERS = st.sampled_from(("c1", "c2"))
NAMES = st.sampled_from(("e1", "e2", "e3"))
DAYS = st.sampled_from((0.0, 1.0, 6.9, 7.0, 8.0, 14.0, 15.0, 22.0))
"""About the borders of how long a survey looks back to its contact, and an attempt to its trigger."""
REVISED = st.sampled_from((None, None, day(30), day(31)))


@st.composite
def deliveries(draw: st.DrawFn) -> Callable[[Story], Delivery]:
    """One of any kind, which a story gives its place in Kafka."""
    customer, name, at, revised = draw(CUSTOMERS), draw(NAMES), draw(DAYS), draw(REVISED)
    kind = draw(st.sampled_from(("call", "call", "survey", "outcome", "trigger")))
    if kind == "call":
        fields: dict[str, Any] = {
            "department": draw(st.sampled_from(("sales", ""))),
            "wait_seconds": draw(st.sampled_from((0, 5, 90))),
            "abandoned": draw(st.booleans()),
            "resolved": draw(st.sampled_from((True, False, None))),
        }
        return lambda story: story.of(CallEvent, customer, name, at, revised_at=revised, **fields)
    if kind == "survey":
        fields = {
            "contact_id": draw(st.none() | NAMES),
            "csat": draw(st.integers(1, 5)),
            "nps": draw(st.none() | st.sampled_from((0, 6, 7, 9))),
        }
        return lambda story: story.of(SurveyEvent, customer, name, at, revised_at=revised, **fields)
    number = draw(st.sampled_from((1, 2)))
    if kind == "outcome":
        fields = {
            "trigger_id": f"{customer}-{number}",
            "attempt": 1,
            "disposition": draw(st.sampled_from(("ANSWERED_HUMAN", "BUSY"))),
            "agent_minutes": draw(st.sampled_from((None, 0.5, 4.0))),
        }
        return lambda story: story.of(OutcomeEvent, customer, name, at, revised_at=revised, **fields)
    sequence, live = draw(st.integers(1, 3)), draw(st.booleans())
    fields = {
        "trigger_id": f"{customer}-{number}",
        "status": ("open" if live or number == 1 else "expired", "open", "completed")[sequence - 1],
        "late": number == 1 and sequence == 2,
        "reason_code": ("repeat_contact", "low_csat", "low_csat")[sequence - 1],
    }
    opened = (1.0, 8.0)[number - 1]
    return lambda story: story.trigger(customer, opened, sequence, live=live, **fields)


@st.composite
def steps(draw: st.DrawFn) -> Callable[[Story], object]:
    """Something that happens."""
    kind = draw(st.sampled_from(("new", "new", "new", "again", "refresh", "refresh", "erase", "merge")))
    if kind == "new":
        made = draw(st.lists(deliveries(), min_size=1, max_size=5))
        return lambda story: story.write(*(each(story) for each in made))
    if kind == "again":
        chosen = draw(st.lists(st.integers(0, 99), min_size=1, max_size=3))

        def again(story: Story) -> None:
            known = story.written.deliveries
            if known:
                story.write(*(known[number % len(known)] for number in chosen))

        return again
    if kind == "erase":
        customer, until = draw(CUSTOMERS), draw(DAYS)
        return lambda story: story.erase(customer, until)
    if kind == "merge":
        table = draw(st.sampled_from(("fct_calls", "fct_surveys", "event_days", "daily_contacts")))
        return lambda story: story.store.command(f"OPTIMIZE TABLE {table} FINAL")
    return Story.refresh


@pytest.mark.slow
@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(happening=st.lists(steps(), min_size=3, max_size=9))
def test_figures_are_those_of_what_counts_after_every_step(
    store: ClickHouse, happening: Sequence[Callable[[Story], object]]
) -> None:
    empty(store)
    story = Story(store)
    for step in happening:
        step(story)
        story.holds()


def empty(store: ClickHouse) -> None:
    """As the fixture does it: a table that was truncated would still know the tokens of what was written."""
    used = store.query(
        "SELECT DISTINCT table FROM system.parts WHERE database = currentDatabase() AND table != 'schema_migrations'"
    )
    for (name,) in used:
        store.command(f"CREATE TABLE {name}__fresh AS {name}")
        store.command(f"EXCHANGE TABLES {name} AND {name}__fresh")
        store.command(f"DROP TABLE {name}__fresh")
