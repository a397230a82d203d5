"""Daily figures are exact at every moment, whatever comes, in whatever order, and whenever they are stored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas import topics
from schemas.call import CallEvent
from schemas.cancellation import CancellationEvent
from schemas.outcome import OutcomeEvent
from schemas.survey import SurveyEvent
from sinks.clickhouse.connection import ClickHouse
from sinks.clickhouse.declarations.rollups import ROLLUPS
from sinks.clickhouse.erasure import ClickHouseEraser
from sinks.clickhouse.rollups import refresh
from sinks.clickhouse.writer import ClickHouseSink
from sinks.contract import Erased
from tests.integration.clickhouse_sink.daily_figures import Cells, Delivery, Written, identity_of
from tests.integration.clickhouse_sink.messages import At, day, event, trigger


def ms(number: float) -> int:
    """That many days after the start, as Kafka tells time."""
    return int(day(number).timestamp() * 1000)


ARRIVED = ms(100)
"""After everything that happens."""
TOPICS = {
    CallEvent: topics.CALLS,
    SurveyEvent: topics.SURVEYS,
    CancellationEvent: topics.CANCELLATIONS,
    OutcomeEvent: topics.OUTCOMES,
}


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
        rows = self.store.query(
            f"SELECT * FROM {view} SETTINGS join_use_nulls = 1"
        )  # as somebody may have set
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
            "disposition": draw(st.sampled_from(("ANSWERED_HUMAN", "BUSY", "REFUSED", "TECHNICAL_FAILURE"))),
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

        def new(story: Story) -> None:
            arrived = [each(story) for each in made]
            story.write(*(each for each in arrived if identity_of(each.message) not in story.written.gone))

        return new
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


def test_an_event_that_is_corrected_to_another_day_leaves_the_figures_of_the_first(story: Story) -> None:
    """Also where those were stored long before."""
    story.write(story.of(CallEvent, "c1", "e1", 0), story.of(CallEvent, "c2", "e2", 0))
    story.refresh()
    story.write(story.of(CallEvent, "c1", "e1", 3, revised_at=day(30)))
    story.holds()
    story.refresh()
    story.holds()
    story.write(story.of(CallEvent, "c2", "e2", 3, revised_at=day(30)))
    story.holds()
    assert {cell[0] for cell in story.shown("v_daily_contacts")} == {day(3).date()}, "the first day is empty"
    story.refresh()
    story.holds()
    story.write(story.of(CallEvent, "c1", "e1", 0))  # of before, read again: it counts nowhere
    story.refresh()
    story.holds()


def test_a_cell_that_vanishes_is_shown_no_more(story: Story) -> None:
    story.write(story.of(CallEvent, "c1", "e1", 0, department="sales", wait_seconds=90))
    story.write(story.of(CallEvent, "c2", "e2", 0, department="service"))
    story.refresh()
    story.write(story.of(CallEvent, "c1", "e1", 0, department="service", revised_at=day(1)))
    story.holds()
    story.refresh()
    story.holds()
    assert len(story.shown("v_daily_contacts")) == 1
    story.store.command("OPTIMIZE TABLE daily_contacts FINAL")
    story.holds()
    story.write(story.of(CallEvent, "c1", "e1", 0, department="sales", revised_at=day(2)))
    story.refresh()
    assert len(story.shown("v_daily_contacts")) == 2
    story.holds()


def test_a_survey_stands_by_its_contact_whenever_that_comes_and_however_it_is_corrected(story: Story) -> None:
    def department() -> str:
        story.holds()
        [(_, found, _, _)] = story.shown("v_daily_surveys")
        return str(found)

    story.write(story.of(SurveyEvent, "c1", "s1", 7, contact_id="e1", csat=2))
    story.refresh()
    assert department() == ""
    story.write(story.of(CallEvent, "c1", "e1", 0, department="sales"))
    assert department() == "sales"
    story.refresh()
    assert department() == "sales"
    story.write(story.of(CallEvent, "c1", "e1", 0, department="service", revised_at=day(30)))
    assert department() == "service"
    story.refresh()
    story.write(story.of(CallEvent, "c1", "e1", -1, department="service", revised_at=day(31)))
    assert department() == "", "more than seven days before"
    story.refresh()
    story.write(story.of(CallEvent, "c1", "e1", 8, department="service", revised_at=day(32)))
    assert department() == "", "after the survey"
    story.refresh()
    story.write(story.of(CallEvent, "c1", "e1", 7, department="service", revised_at=day(33)))
    assert department() == "service"
    story.write(story.of(CallEvent, "c2", "e1", 7, department="sales"))
    assert department() == "service", "another customer's event of the same id"


def test_a_trigger_counts_on_the_day_it_was_opened_as_it_stands_now(story: Story) -> None:
    story.write(
        story.trigger("c1", 0),
        story.trigger("c2", 0, live=False),
        story.trigger("c3", 0, live=False, late=True),
    )
    story.refresh()
    story.holds()
    assert {cell[1:3] for cell in story.shown("v_daily_triggers")} == {
        ("live", "yes"),
        ("shadow", "shadow"),
        ("shadow", "too_late"),
    }
    story.write(
        story.of(OutcomeEvent, "c1", "o1", 3, trigger_id="c1-1", attempt=1, disposition="ANSWERED_HUMAN")
    )
    story.refresh()
    done = {"status": "completed", "status_reason": "answered", "updated_at": day(3)}
    story.write(story.trigger("c1", 0, 2, **done), story.trigger("c3", 0, 2, live=True, **done))
    story.holds()
    story.refresh()
    story.holds()
    assert [cell[1:3] for cell in story.shown("v_daily_triggers") if cell[-1] == "completed"] != []


def test_an_attempt_stands_by_its_trigger_whichever_comes_first(story: Story) -> None:
    def purposes() -> list[Any]:
        story.holds()
        return sorted(cell[1] for cell in story.shown("v_daily_outcomes"))

    tried = {"attempt": 1, "disposition": "BUSY", "agent_minutes": 1.5}
    story.write(story.of(OutcomeEvent, "c1", "o1", 14, trigger_id="c1-1", **tried))
    story.write(story.of(OutcomeEvent, "c1", "o2", 15, trigger_id="c1-1", **tried))
    story.refresh()
    assert purposes() == ["", ""]
    story.write(story.trigger("c1", 0, purpose="save"))
    assert purposes() == ["", "save"], "one came more than fourteen days after it"
    story.refresh()
    assert purposes() == ["", "save"]


def test_erased_rows_leave_the_figures_while_they_are_going_and_afterwards(story: Story) -> None:
    for customer in ("c1", "c2"):
        story.write(story.of(CallEvent, customer, "e1", 0), story.trigger(customer, 0))
        story.write(story.of(SurveyEvent, customer, "s1", 1, contact_id="e1", csat=1))
    story.refresh()
    story.erase("c1", 3)
    story.holds()
    assert story.refresh() == 0, "not stored while rows may still be there"
    story.holds()
    story.erase("c2", 3)
    story.holds()
    assert story.shown("v_daily_contacts") == {}


class Interposed(ClickHouse):
    """A store to which something happens before each statement that begins in a certain way, once."""

    def __init__(self, store: ClickHouse, before: str, happens: Callable[[], object]) -> None:
        self._inner = store
        self._before = before
        self._happens: Callable[[], object] | None = happens

    def query(self, *given: Any, **more: Any) -> Any:
        return self._inner.query(*given, **more)

    def command(self, sql: str, *given: Any, **more: Any) -> None:
        if self._happens is not None and sql.startswith(self._before):
            happens, self._happens = self._happens, None
            happens()
        self._inner.command(sql, *given, **more)


class KilledError(Exception):
    """The end of a worker."""


def dies() -> None:
    raise KilledError


BETWEEN = ("INSERT INTO daily_contacts", "INSERT INTO changed_days")
"""The two statements of computing."""


@pytest.mark.parametrize("before", BETWEEN)
def test_who_dies_while_computing_leaves_figures_right(story: Story, before: str) -> None:
    story.write(story.of(CallEvent, "c1", "e1", 0, department="sales"), story.of(CallEvent, "c2", "e2", 0))
    story.refresh()
    story.write(story.of(CallEvent, "c1", "e1", 0, department="service", revised_at=day(1)))
    with pytest.raises(KilledError):
        refresh(Interposed(story.store, before, dies), quiet_s=0)
    story.holds()
    story.write(story.of(CallEvent, "c1", "e1", 0, department="sales", revised_at=day(2)))
    story.holds()
    story.refresh()
    story.holds()


@pytest.mark.parametrize("before", BETWEEN)
def test_a_row_that_is_written_while_a_day_is_computed_counts(story: Story, before: str) -> None:
    story.write(story.of(CallEvent, "c1", "e1", 0))

    def written() -> None:
        story.write(story.of(CallEvent, "c2", "e2", 0, wait_seconds=30))

    refresh(Interposed(story.store, before, written), quiet_s=0, budget_s=0)
    story.holds()
    assert story.refresh() > 0, "the day has changed since its computing began"
    story.holds()


@pytest.mark.parametrize("before", BETWEEN)
def test_two_that_compute_one_day_at_once_agree(story: Story, before: str) -> None:
    """The second does all of it between the first's question and its answer, and a cell has vanished in between."""
    story.write(story.of(CallEvent, "c1", "e1", 0, department="sales"), story.of(CallEvent, "c2", "e2", 0))

    def corrected_and_computed() -> None:
        story.write(story.of(CallEvent, "c1", "e1", 0, revised_at=day(1)))
        story.refresh()

    refresh(Interposed(story.store, before, corrected_and_computed), quiet_s=0)
    story.holds()
    story.refresh()
    story.holds()


@pytest.mark.parametrize("notes", [1, 2])
def test_a_worker_may_die_before_or_after_it_writes_rows(story: Story, notes: int) -> None:
    """It notes the change before them and afterwards, and dies before the first note or the second."""
    story.write(story.of(CallEvent, "c1", "e1", 0))
    story.refresh()
    another = story.of(CallEvent, "c2", "e2", 0, wait_seconds=30)
    dying = ClickHouseSink(Dying(story.store, notes), attempts=1)
    dying.add(*another.row)
    with pytest.raises(KilledError):
        dying.flush()
    if notes == 2:
        story.written.deliveries.append(another)
    story.holds()
    story.refresh()
    story.holds()


class Dying(ClickHouse):
    """A store whose worker dies when it notes what has changed for so many a time."""

    def __init__(self, store: ClickHouse, notes: int) -> None:
        self._inner = store
        self._left = notes

    def query(self, *given: Any, **more: Any) -> Any:
        return self._inner.query(*given, **more)

    def command(self, sql: str, *given: Any, **more: Any) -> None:
        self._left -= sql.startswith("INSERT INTO changed_days")
        if not self._left:
            raise KilledError
        self._inner.command(sql, *given, **more)

    def insert(self, *given: Any, **more: Any) -> int:
        return self._inner.insert(*given, **more)

    def column_types(self, *given: Any) -> list[Any]:
        return self._inner.column_types(*given)
