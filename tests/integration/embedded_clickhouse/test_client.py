"""clickhouse-connect against the embedded server: what the sink and the reports do all day."""

from __future__ import annotations

import asyncio
import datetime as dt
import threading

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError, StreamFailureError

from deploy.embedded.clickhouse.process import EmbeddedClickHouse

START = dt.datetime(2025, 3, 1, 12, tzinfo=dt.UTC)
EVERY_TYPE = """
    CREATE TABLE every_type (
        id String, queue LowCardinality(String), at DateTime64(3, 'UTC'), resolved Bool, flag UInt8,
        transfers Int32, wait Float64, drivers Array(String), weights Map(String, Float64),
        score Nullable(Float64)
    ) ENGINE = MergeTree ORDER BY id
"""
NAMES = ["id", "queue", "at", "resolved", "flag", "transfers", "wait", "drivers", "weights", "score"]


def row(number: int) -> list[object]:
    return [
        f"call-{number:07}",
        f"queue {number % 7}",
        START + dt.timedelta(milliseconds=number),
        number % 2 == 0,
        number % 3,
        -number,
        number / 4,
        ["é", "it's", f"{number}"][: number % 4],
        {"a": 0.5, "b'\\": float(number)},
        None if number % 5 else number / 8,
    ]


def connect(server: EmbeddedClickHouse, **options: object) -> Client:
    return clickhouse_connect.get_client(dsn=server.dsn, **options)


@pytest.mark.parametrize("compress", [False, "lz4", "zstd", "gzip"])
def test_every_type_makes_the_round_trip_with_every_compression(
    server: EmbeddedClickHouse, database: str, compress: str | bool
) -> None:
    with connect(server, database=database, compress=compress) as client:
        client.command(EVERY_TYPE)
        # More rows than a block of the client holds, so that a body has several blocks and, with lz4, frames.
        rows = [row(number) for number in range(70_000)]
        summary = client.insert("every_type", rows, column_names=NAMES)
        assert summary.written_rows == len(rows)
        assert int(summary.summary["elapsed_ns"]) > 0
        found = client.query("SELECT * FROM every_type ORDER BY id", column_formats={"at": "datetime"})
        expected = [[*before[:2], before[2].replace(tzinfo=None), *before[3:]] for before in rows]
        assert [list(after) for after in found.result_rows] == expected
        assert int(found.summary["read_rows"]) == len(rows)
        assert int(found.summary["result_rows"]) == len(rows)


def test_parameters_are_bound_by_the_server(client: Client) -> None:
    tricky = "it's a \\ tab\t and\nline {x:String}"
    found = client.query(
        "SELECT {n:Int64} + 1, {s:String}, {many:Array(String)}, {at:DateTime64(3)}",
        parameters={"n": 41, "s": tricky, "many": ["a'b", "c,d"], "at": START},
    )
    assert found.result_rows[0][:3] == (42, tricky, ["a'b", "c,d"])
    client.command("CREATE TABLE {t:Identifier} (a String) ENGINE = Memory", parameters={"t": "named"})
    client.command("INSERT INTO named VALUES ({s:String}), ('b;c')", parameters={"s": tricky})
    assert client.query("SELECT a FROM named ORDER BY a").result_rows == [("b;c",), (tricky,)]


@pytest.mark.parametrize(
    ("sql", "code", "name"),
    [
        ("SELECT * FROM nowhere", 60, "UNKNOWN_TABLE"),
        ("SELECT nothing FROM system.one", 47, "UNKNOWN_IDENTIFIER"),
        ("SELEC 1", 62, "SYNTAX_ERROR"),
        ("SELECT no_such_function(1)", 46, "UNKNOWN_FUNCTION"),
        ("SELECT * FROM no_such_database.t", 81, "UNKNOWN_DATABASE"),
        ("SELECT 1 SETTINGS no_such_setting = 1", 115, "UNKNOWN_SETTING"),
        ("SELECT throwIf(1)", 395, "FUNCTION_THROW_IF_VALUE_IS_NON_ZERO"),
        ("SELECT 1; SELECT 2", 62, "SYNTAX_ERROR"),
        ("SELECT sleep(3) SETTINGS max_execution_time = 0.2", 159, "TIMEOUT_EXCEEDED"),
        ("SELECT 1 INTO OUTFILE '/tmp/x'", 36, "BAD_ARGUMENTS"),
        ("SELECT * FROM `Python`(secret)", 446, "FUNCTION_NOT_ALLOWED"),
    ],
)
def test_errors_keep_their_code_and_text(client: Client, sql: str, code: int, name: str) -> None:
    with pytest.raises(DatabaseError) as caught:
        client.query(sql)
    assert caught.value.code == code
    assert caught.value.name == name
    assert f"Code: {code}. DB::Exception: " in str(caught.value)
    assert client.query("SELECT 1").result_rows == [(1,)]


def test_an_insert_that_does_not_fit_writes_nothing(client: Client) -> None:
    client.command("CREATE TABLE t (a Int8) ENGINE = MergeTree ORDER BY a")
    with pytest.raises(DatabaseError) as caught:
        client.raw_insert("t", ["a"], "1\n2\nthree\n", fmt="CSV")
    assert caught.value.code == 117
    with pytest.raises(DatabaseError) as caught:
        client.raw_insert("nowhere", ["a"], "1\n", fmt="CSV")
    assert caught.value.code == 60
    assert client.command("SELECT count() FROM t") == 0


def test_the_same_token_is_inserted_once_whole_and_across_partitions(client: Client) -> None:
    client.command(
        "CREATE TABLE t (id UInt64, month UInt8) ENGINE = MergeTree PARTITION BY month ORDER BY id "
        "SETTINGS non_replicated_deduplication_window = 100"
    )
    rows = [[number, number % 3] for number in range(100_000)]
    for token, expected in (("one", 100_000), ("one", 100_000), ("two", 200_000)):
        settings = {"insert_deduplication_token": token, "async_insert": 0}
        written = client.insert("t", rows, column_names=["id", "month"], settings=settings)
        assert written.written_rows == len(rows)  # what reached the table, before it looks at tokens
        assert client.command("SELECT count() FROM t") == expected


def test_replacing_merge_tree_keeps_the_last_version(client: Client) -> None:
    client.command(
        "CREATE TABLE t (id String, v UInt32, s String) ENGINE = ReplacingMergeTree(v) ORDER BY id"
    )
    for version, status in ((1, "open"), (3, "closed"), (2, "dialled")):
        client.insert("t", [["x", version, status]], column_names=["id", "v", "s"])
    assert client.query("SELECT id, v, s FROM t FINAL").result_rows == [("x", 3, "closed")]


def test_settings_hold_for_their_request(client: Client) -> None:
    ask = "SELECT getSetting('max_threads'), getSetting('max_block_size')"
    before = client.query(ask).result_rows
    assert client.query(ask, settings={"max_threads": 2, "max_block_size": 77}).result_rows == [(2, 77)]
    assert client.query(ask).result_rows == before
    with pytest.raises(DatabaseError) as caught:
        client.query("SELECT 1", settings={"max_threads": "many"})
    assert caught.value.code in (6, 27, 72)
    with pytest.raises(DatabaseError) as caught:
        client.command("SET max_threads = 3")
    assert caught.value.code == 48


def test_what_dbt_asks_of_a_server(server: EmbeddedClickHouse, database: str) -> None:
    """In a session of its own, which nothing but a SET would need: it sends that only where the setting is off."""
    sent = {"session_id": "dbt::1", "mutations_sync": "3", "lightweight_deletes_sync": "3", "alter_sync": "3"}
    with connect(server, database=database, settings=sent) as client:
        assert client.server_settings["allow_nondeterministic_mutations"].value == "1"
        for name in ("a", "b"):
            client.command(f"CREATE TABLE {name} ENGINE = MergeTree ORDER BY n AS SELECT '{name}' AS n")
        client.command("EXCHANGE TABLES a AND b")
        assert client.command("SELECT n FROM a") == "b"
        client.command("DELETE FROM a WHERE n IN (SELECT n FROM a)")
        assert client.command("SELECT count() FROM a") == 0
        client.command("RENAME TABLE a TO c")
        assert client.command(f"EXISTS DATABASE {database}") == 1


def test_a_large_answer_comes_in_pieces_and_may_be_left(client: Client) -> None:
    with client.query_row_block_stream("SELECT number FROM numbers(1000000)") as blocks:
        assert sum(len(block) for block in blocks) == 1_000_000
    with client.query_row_block_stream("SELECT number FROM numbers(100000000)") as blocks:
        next(iter(blocks))
    assert client.query("SELECT 1").result_rows == [(1,)]


def test_an_error_in_the_middle_of_an_answer_is_an_error(client: Client) -> None:
    sql = "SELECT number, throwIf(number = 900000) FROM numbers(1000000)"
    with pytest.raises(StreamFailureError, match="Code: 395"), client.query_row_block_stream(sql) as blocks:
        for _ in blocks:
            pass


def test_threads_query_while_others_insert(server: EmbeddedClickHouse, database: str, client: Client) -> None:
    client.command("CREATE TABLE t (worker UInt8, n UInt32) ENGINE = MergeTree ORDER BY (worker, n)")
    problems: list[Exception] = []

    def insert(worker: int) -> None:
        try:
            with connect(server, database=database) as own:
                for batch in range(5):
                    rows = [[worker, batch * 1000 + number] for number in range(1000)]
                    assert own.insert("t", rows, column_names=["worker", "n"]).written_rows == 1000
        except Exception as error:  # noqa: BLE001 - handed to the main thread
            problems.append(error)

    def ask() -> None:
        try:
            with connect(server, database=database) as own:
                for _ in range(20):
                    for _, rows in own.query("SELECT worker, count() FROM t GROUP BY worker").result_rows:
                        assert rows % 1000 == 0
        except Exception as error:  # noqa: BLE001 - handed to the main thread
            problems.append(error)

    threads = [threading.Thread(target=insert, args=(worker,)) for worker in range(4)]
    threads += [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert client.command("SELECT count() FROM t") == 20_000


def test_the_asynchronous_client(server: EmbeddedClickHouse, database: str) -> None:
    async def talk() -> None:
        client = await clickhouse_connect.get_async_client(dsn=server.dsn, database=database)
        try:
            await client.command(EVERY_TYPE)
            summary = await client.insert("every_type", [row(n) for n in range(20_000)], column_names=NAMES)
            assert summary.written_rows == 20_000
            counts = await asyncio.gather(*(client.query("SELECT count() FROM every_type") for _ in range(8)))
            assert [found.result_rows for found in counts] == [[(20_000,)]] * 8
            with pytest.raises(DatabaseError) as caught:
                await client.query("SELECT * FROM nowhere")
            assert caught.value.code == 60
        finally:
            await client.close()

    asyncio.run(talk())
