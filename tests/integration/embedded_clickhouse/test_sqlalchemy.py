"""SQLAlchemy with clickhouse-connect's dialect, as Superset and notebooks use it, on the tables and views that we make."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from clickhouse_connect.cc_sqlalchemy.datatypes.sqltypes import DateTime64, LowCardinality, String, UInt32
from clickhouse_connect.cc_sqlalchemy.ddl.tableengine import MergeTree

from deploy.embedded.clickhouse.process import EmbeddedClickHouse
from schemas import topics
from schemas.call import CallEvent
from sinks.clickhouse.connection import ClickHouse
from sinks.clickhouse.migrations import migrate
from sinks.clickhouse.rows import row_of_event
from sinks.clickhouse.tables import TABLES, VIEWS
from sinks.clickhouse.writer import ClickHouseSink
from tests.integration.clickhouse_sink.messages import START, At, day, event

DATABASE = "of_sqlalchemy"


@pytest.fixture(scope="module")
def engine(server: EmbeddedClickHouse) -> Iterator[sa.Engine]:
    """An engine on a database of ours with three calls, one of them delivered twice."""
    store = ClickHouse(server.dsn_of(DATABASE))
    store.create_database()
    migrate(store)
    sink = ClickHouseSink(store)
    for offset, (name, reason) in enumerate(
        [("e1", "billing"), ("e2", "fault"), ("e3", "fault"), ("e3", "fault")]
    ):
        sink.add(
            *row_of_event(
                event(CallEvent, name=name, at=day(offset), reason=reason), At(topics.CALLS, offset=offset)
            )
        )
    sink.flush()
    store.close()
    made = sa.create_engine(server.dsn_of(DATABASE).replace("clickhouse://", "clickhousedb://"))
    yield made
    made.dispose()


def test_every_table_and_view_is_found_with_its_columns(engine: sa.Engine) -> None:
    found = sa.inspect(engine)
    assert DATABASE in found.get_schema_names()
    assert {table.name for table in TABLES} <= set(found.get_table_names(schema=DATABASE))
    assert set(VIEWS) <= {
        *found.get_table_names(schema=DATABASE),
        *found.get_view_names(schema=DATABASE),
    }
    for table in TABLES:
        names = {column["name"] for column in found.get_columns(table.name, schema=DATABASE)}
        assert names >= {column.name for column in table.columns}
    assert found.has_table("v_calls", schema=DATABASE)
    assert not found.has_table("v_nothing", schema=DATABASE)


def test_a_reflected_view_is_asked_by_expressions(engine: sa.Engine) -> None:
    calls = sa.Table("v_calls", sa.MetaData(schema=DATABASE), autoload_with=engine)
    counted = (
        sa.select(calls.c.reason, sa.func.count().label("n"))
        .where(calls.c.occurred_at >= START, calls.c.reason.in_(["billing", "fault"]))
        .group_by(calls.c.reason)
        .order_by(sa.desc("n"))
        .limit(10)
    )
    with engine.connect() as connection:
        assert connection.execute(counted).all() == [("fault", 2), ("billing", 1)]
        first = connection.execute(sa.select(calls).order_by(calls.c.occurred_at).limit(1)).mappings().one()
        assert (first["event_id"], first["customer_id"]) == ("e1", "c1")


def test_values_are_bound_and_come_back_as_they_were(engine: sa.Engine) -> None:
    tricky = "it's a \\ and 100% {x:String} :y"
    with engine.connect() as connection:
        asked = sa.text("SELECT :text, :number, :nothing, toDateTime64(:at, 3, 'UTC')")
        given = {"text": tricky, "number": -3, "nothing": None, "at": "2024-03-01 09:30:15.123"}
        text, number, nothing, at = connection.execute(asked, given).one()
    assert (text, number, nothing) == (tricky, -3, None)
    assert at.replace(tzinfo=None) == dt.datetime(2024, 3, 1, 9, 30, 15, 123_000)  # noqa: DTZ001 - as it is stored


def test_a_table_is_made_filled_and_dropped(engine: sa.Engine) -> None:
    table = sa.Table(
        "notes",
        sa.MetaData(),
        sa.Column("id", String),
        sa.Column("kind", LowCardinality(String)),
        sa.Column("n", UInt32),
        sa.Column("at", DateTime64(3)),
        MergeTree(order_by="id"),
    )
    with engine.connect() as connection:
        table.create(connection)
        connection.execute(
            table.insert(),
            [{"id": f"n{n}", "kind": "a;b", "n": n, "at": dt.datetime(2024, 3, 1)} for n in range(3)],  # noqa: DTZ001
        )
        assert connection.execute(sa.select(sa.func.sum(table.c.n), sa.func.max(table.c.kind))).one() == (
            3,
            "a;b",
        )
        table.drop(connection)
    assert not sa.inspect(engine).has_table("notes")


def test_an_error_says_its_code(engine: sa.Engine) -> None:
    with engine.connect() as connection, pytest.raises(Exception, match="UNKNOWN_TABLE") as caught:
        connection.execute(sa.text("SELECT * FROM nowhere"))
    assert "Code: 60" in str(caught.value)
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT 1")).scalar() == 1


def test_connections_at_once(engine: sa.Engine) -> None:
    """Each names a session of its own, which the server does not keep, nor the transactions that ClickHouse has not."""
    asked = sa.text("SELECT currentDatabase()")
    with engine.begin() as first, engine.connect() as second:
        assert first.execute(asked).scalar() == second.execute(asked).scalar() == DATABASE
