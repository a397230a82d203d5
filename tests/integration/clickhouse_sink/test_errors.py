"""ClickHouse in trouble, played by a double before the real engine: on every road the trouble is told as what it is, and no row of
the sink is lost or written twice."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit, urlunsplit

import pytest

from schemas import topics
from schemas.call import CallEvent
from schemas.survey import SurveyEvent
from sinks.clickhouse.connection import ClickHouse
from sinks.clickhouse.erasure import ClickHouseEraser
from sinks.clickhouse.error_codes import REASONS, reason_of
from sinks.clickhouse.migrations import Migration, available, migrate
from sinks.clickhouse.reports import table_counts
from sinks.clickhouse.rows import row_of_event
from sinks.clickhouse.tables import COLUMNS
from sinks.clickhouse.writer import ClickHouseSink
from sinks.contract import Erased, Row, SinkRefused, SinkUnavailable
from tests.clickhouse_double import Double, doubled
from tests.clickhouse_troubles import CUT_WITHIN, EMPTY, GARBLED, SILENT, TROUBLES, Trouble, error, late, page
from tests.integration.clickhouse_sink.messages import At, event


class Scene(NamedTuple):
    """A store that is reached through the double, and the same one reached directly."""

    double: Double
    through: ClickHouse
    direct: ClickHouse
    away: list[str]
    """Reasons that the store through the double has told."""


@contextmanager
def played(dsn: str, direct: ClickHouse) -> Iterator[Scene]:
    parts = urlsplit(dsn)
    assert parts.port is not None
    with doubled(str(parts.hostname), parts.port) as double:
        user = (parts.netloc.rpartition("@")[0] + "@") if "@" in parts.netloc else ""
        away: list[str] = []
        through = ClickHouse(
            urlunsplit(parts._replace(netloc=f"{user}127.0.0.1:{double.port}")),
            timeout=3,
            on_unavailable=away.append,
        )
        through.query("SELECT 1")  # the driver has asked its own questions
        yield Scene(double, through, direct, away)
        through.close()


@pytest.fixture
def scene(dsn: str, own_database: ClickHouse) -> Iterator[Scene]:
    """A database of the test's own."""
    with played(dsn, own_database) as made:
        yield made


@pytest.fixture(scope="module")
def stage(server_dsn: str) -> Iterator[Scene]:
    """One database for tests that keep out of each other's way."""
    dsn = urlunsplit(urlsplit(server_dsn)._replace(path="/trouble_on_every_road"))
    direct = ClickHouse(dsn)
    direct.create_database()
    migrate(direct)
    with played(dsn, direct) as made:
        yield made
    direct.command("DROP DATABASE trouble_on_every_road")
    direct.close()


def rows_of(name: str, count: int) -> list[Row]:
    """As many calls and as many surveys, whose ids begin with `name`."""
    found = []
    for n in range(count):
        found.append(row_of_event(event(CallEvent, name=f"{name}/c{n}"), At(topics.CALLS, offset=n)))
        found.append(
            row_of_event(event(SurveyEvent, name=f"{name}/s{n}", csat=2), At(topics.SURVEYS, offset=n))
        )
    return found


def held(store: ClickHouse, name: str) -> list[tuple[str, str]]:
    """Every row of such a name that the tables hold, before any view makes one of two."""
    return sorted(
        (table, str(row[0]))
        for table in ("fct_calls", "fct_surveys")
        for row in store.query(
            f"SELECT event_id FROM {table} WHERE startsWith(event_id, {{name:String}})", {"name": f"{name}/"}
        )
    )


def sent(rows: list[Row]) -> list[tuple[str, str]]:
    return sorted(
        (row.table, str(dict(zip(COLUMNS[row.table], row.values, strict=True))["event_id"])) for row in rows
    )


WITHOUT_A_CODE = {
    "page": "not_clickhouse",
    "empty": "not_clickhouse",
    "silent": "unreadable",
    "garbled": "not_clickhouse",
    "cut before": "no_answer",
    "cut after": "no_answer",
    "cut within": "not_clickhouse",
    "cut body": "no_answer",
    "hangs": "no_answer",
}


@pytest.mark.parametrize("trouble", TROUBLES, ids=str)
def test_nothing_is_lost_and_nothing_doubled(stage: Scene, trouble: Trouble) -> None:
    """The first insert meets the trouble twice, over two flushes; more rows come meanwhile; then all is well."""
    reason = reason_of(trouble.code).name if trouble.code else WITHOUT_A_CODE[trouble.name]
    rows = rows_of(str(trouble), 7)
    sink = ClickHouseSink(stage.through, batch_rows=4, attempts=1, wait_initial=0.01)
    for row in rows[:10]:
        sink.add(*row)
    stage.double.play(trouble, trouble, at="INSERT INTO `fct_calls`")
    with pytest.raises(SinkUnavailable, match="Nothing is lost"):
        sink.flush()
    for row in rows[10:]:
        sink.add(*row)
    with pytest.raises(SinkUnavailable, match="is not available for the insert into fct_calls") as caught:
        sink.flush()
    assert caught.value.reason == reason
    assert [stage.away.pop(), stage.away.pop()] == [reason, reason]
    assert "double" not in str(caught.value), "the words of the server stay with it"
    assert stage.double.left == 0, "each try is one request, which the sink has counted"
    assert sink.flush().total == len(rows)
    assert held(stage.direct, str(trouble)) == sent(rows)


HASH = "0123456789abcdef" * 2

OPENING = "the query, on a new connection"
ROADS: dict[str, Callable[[ClickHouse], Any]] = {
    "the query": lambda store: store.query("SELECT event_id FROM fct_calls"),
    "the statement": lambda store: store.command("CREATE VIEW IF NOT EXISTS one AS SELECT 1"),
    "describing fct_calls": lambda store: store.column_types("fct_calls", ("event_id",)),
    "describing erasures": lambda store: ClickHouseEraser(store).erase("c", "h", Erased(1, 1, 1)),
    "creating the database": lambda store: store.create_database(),
    OPENING: lambda store: (store.close(), store.query("SELECT 1")),  # the driver's own questions come first
}
"""Everything that is asked of a store beside inserts, by the words that tell it."""


@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize("trouble", [each for each in TROUBLES if each not in (SILENT, GARBLED)], ids=str)
def test_no_road_takes_a_trouble_for_an_answer(stage: Scene, road: str, trouble: Trouble) -> None:
    stage.double.play(*[trouble] * 4)  # the driver asks a second and third time where nothing is written
    with pytest.raises(SinkUnavailable, match=f"is not available for {road.split(',')[0]}: ") as caught:
        ROADS[road](stage.through)
    assert caught.value.reason == stage.away.pop()
    stage.double.forget()
    ROADS[road](stage.through)


@pytest.mark.parametrize("trouble", [EMPTY, page(200), CUT_WITHIN, late(241, "MEMORY_LIMIT_EXCEEDED")])
def test_an_answer_that_is_none_does_not_say_that_nobody_was_erased(scene: Scene, trouble: Trouble) -> None:
    ClickHouseEraser(scene.direct).erase("c", HASH, Erased(1, 1, 1))
    scene.double.play(*[trouble] * 4)
    with pytest.raises(SinkUnavailable):
        ClickHouseEraser(scene.through).known()
    scene.double.forget()
    assert list(ClickHouseEraser(scene.through).known()) == [HASH]


@pytest.mark.parametrize("trouble", [page(200), late(252, "TOO_MANY_PARTS"), error(76, "CANNOT_OPEN_FILE")])
def test_a_migration_that_met_trouble_is_run_again(scene: Scene, trouble: Trouble) -> None:
    known = available()
    one_more = Migration(
        len(known) + 1, "one_more", "CREATE VIEW IF NOT EXISTS one_more AS SELECT 1 AS one;\n"
    )
    scene.double.play(trouble, at="VIEW")
    with pytest.raises(SinkUnavailable, match="for the statement"):
        migrate(scene.through, [*known, one_more])
    assert migrate(scene.through, [*known, one_more]) == [one_more]
    assert scene.through.query("SELECT one FROM one_more") == [(1,)]


def test_reports_name_the_trouble(stage: Scene) -> None:
    stage.double.play(error(202, "TOO_MANY_SIMULTANEOUS_QUERIES"))
    with pytest.raises(SinkUnavailable, match="for the query: error 202 TOO_MANY_SIMULTANEOUS_QUERIES"):
        table_counts(stage.through)
    assert stage.away.pop() == "busy"


@pytest.mark.parametrize(
    ("code", "name", "advice"),
    [
        (60, "UNKNOWN_TABLE", "behoudlijn clickhouse migrate"),
        (16, "NO_SUCH_COLUMN_IN_TABLE", "behoudlijn clickhouse migrate"),
        (81, "UNKNOWN_DATABASE", "behoudlijn clickhouse migrate"),
        (497, "ACCESS_DENIED", "deploy/clickhouse/users.xml"),
        (164, "READONLY", "deploy/clickhouse/users.xml"),
        (516, "AUTHENTICATION_FAILED", "start this again"),
        (117, "INCORRECT_DATA", "please report it"),
    ],
)
def test_a_refusal_is_not_tried_again_and_the_rows_are_kept(
    scene: Scene, code: int, name: str, advice: str
) -> None:
    sink = ClickHouseSink(scene.through, attempts=5, wait_initial=0.01)
    row = rows_of("e", 1)[0]
    sink.add(*row)
    scene.double.play(error(code, name, "near 'geheim'"), at="INSERT INTO `fct_calls`")
    with pytest.raises(SinkRefused, match=advice) as caught:
        sink.flush()
    assert f"refused the insert into fct_calls: error {code} {name}" in str(caught.value)
    assert "geheim" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert scene.away == []
    assert sink.flush().total == 1
    assert held(scene.direct, "e") == sent([row])


def test_a_value_that_the_driver_cannot_send_is_no_outage(scene: Scene) -> None:
    types = scene.through.column_types("fct_calls", ("event_id", "occurred_at"))
    with pytest.raises(Exception) as caught:  # noqa: PT011 - whichever the driver raises, but for one
        scene.through.insert("fct_calls", ("event_id", "occurred_at"), [("e", object())], types=types)
    assert not isinstance(caught.value, SinkUnavailable)
    assert scene.away == []


@pytest.mark.parametrize("road", ["the query", "describing fct_calls"])
@pytest.mark.parametrize("trouble", [GARBLED, EMPTY], ids=str)
def test_an_answer_that_cannot_be_read_is_an_outage(stage: Scene, road: str, trouble: Trouble) -> None:
    """Of a statement without rows the head says that it is done, whatever follows."""
    stage.double.play(trouble)
    with pytest.raises(SinkUnavailable):
        ROADS[road](stage.through)
    assert stage.away.pop() in ("unreadable", "not_clickhouse")


def test_the_engine_calls_each_code_by_the_name_that_is_declared(store: ClickHouse) -> None:
    declared = {code: name for reason in REASONS for code, name in reason.codes.items()}
    asked = ", ".join(f"({code}, errorCodeToName({code}))" for code in declared)
    [(found,)] = store.query(f"SELECT [{asked}]")
    known = {int(code): str(name) for code, name in found if name}
    assert len(known) > 0.9 * len(declared), "an older engine does not know the newest"
    assert {code: declared[code] for code in known} == known, json.dumps(known)
