"""No SQL gets out of the data directory: seen at canaries, for the whole server and for each layer alone.

The server is asked every road of `roads` as writer, as reader and as nobody. That the canaries would sing is
seen with the engine that has all rights and no confinement, and that the kernel alone is enough with the one
that has all rights and the confinement.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from deploy.embedded.clickhouse.process import EmbeddedClickHouse
from tests.integration.embedded_clickhouse import roads
from tests.integration.embedded_clickhouse.canaries import Canaries, canaries

ROOT = Path(__file__).resolve().parents[3]
BARE = [sys.executable, "-m", "tests.integration.embedded_clickhouse.bare_engine"]
ENVIRONMENT = "canary-of-the-environment"
NAMES = {
    "table_functions": roads.of_table_function,
    "table_engines": roads.of_table_engine,
    "database_engines": roads.of_database_engine,
    "dictionary_sources": roads.of_dictionary_source,
}
SINGLE = {"outfiles": roads.outfiles, "others": roads.others}
ACCOUNTS = ("writer", "reader", "nobody")


class Guarded:
    """A server among canaries, and how to speak to it as one of its accounts."""

    def __init__(self, server: EmbeddedClickHouse, around: Canaries) -> None:
        self.server = server
        self.canaries = around
        self._logins = {
            "writer": {"X-ClickHouse-User": server.user, "X-ClickHouse-Key": server.password},
            "reader": {"X-ClickHouse-User": "bi", "X-ClickHouse-Key": "look"},
            "nobody": {},
        }
        self._local = threading.local()

    def ask(self, account: str, sql: str, how: str = "POST", **settings: str) -> str:
        """The answer's text."""
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
        given: dict[str, object] = {"headers": self._logins[account], "timeout": 60}
        if how == "GET":
            return str(
                self._local.session.get(self.server.url, params={"query": sql, **settings}, **given).text
            )
        return str(
            self._local.session.post(self.server.url, params=settings, data=sql.encode(), **given).text
        )

    def names(self, kind: str) -> list[str]:
        """What the engine has of a kind."""
        return self.ask("writer", f"SELECT name FROM system.{kind} ORDER BY name").splitlines()

    def roads(self, kind: str) -> list[roads.Road]:
        """Every road of a kind."""
        goals = self.canaries.goals
        if kind == "files it holds":
            held = Path(f"/proc/{self.server.child.pid}/fd").iterdir()
            files = {
                each.name: each.readlink() for each in held
            }  # of the engine's code we know what it holds
            numbers = [name for name, file in files.items() if file.is_absolute() and file.suffix != ".so"]
            return [(f"SELECT file('/proc/self/fd/{number}')",) for number in numbers]
        if kind in SINGLE:
            return [(sql,) for sql in SINGLE[kind](goals)]
        return [road for name in self.names(kind) for road in NAMES[kind](name, goals)]

    def walk(self, account: str, road: roads.Road, how: str = "POST") -> list[str]:
        """The answers on a road, to the first refusal."""
        answers = []
        for sql in road:
            answers.append(self.ask(account, sql, how))
            if answers[-1].startswith("Code:"):
                break
        return answers

    def assert_untouched(self, answers: list[str]) -> None:
        """No canary has moved, no answer holds a secret, and the server still serves."""
        secret = [
            self.canaries.token,
            ENVIRONMENT,
            self.server.password,
            "root:x:0:0",
            "127.0.0.1\tlocalhost",
        ]
        assert [text for text in answers if any(each in text for each in secret)] == []
        assert self.canaries.changes() == []
        assert self.ask("writer", "SELECT count() FROM road") == "3\n"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("guarded")
    (folder / "reader").write_text("look")
    arguments = ["--exit-with-parent", "--reader", "bi", "--reader-password-file", str(folder / "reader")]
    with pytest.MonkeyPatch.context() as patch, canaries(folder / "outside") as around:
        patch.setenv("BEHOUDLIJN_CANARY", ENVIRONMENT)
        patch.setenv("AWS_SECRET_ACCESS_KEY", ENVIRONMENT)
        with EmbeddedClickHouse(path=folder / "data", arguments=arguments) as server:
            made = Guarded(server, around)
            made.ask("writer", "CREATE TABLE road (x String) ENGINE = MergeTree ORDER BY x")
            made.ask("writer", "INSERT INTO road VALUES ('1'), ('2'), ('3')")
            yield made


@pytest.mark.parametrize("kind", [*NAMES, *SINGLE, "files it holds"])
@pytest.mark.parametrize("how", ["POST", "GET"])
@pytest.mark.parametrize("account", ACCOUNTS)
def test_no_road_leads_out(guarded: Guarded, account: str, how: str, kind: str) -> None:
    def walk(road: roads.Road) -> list[str]:
        return guarded.walk(account, road, how)

    with ThreadPoolExecutor(4) as threads:
        answers = [text for told in threads.map(walk, guarded.roads(kind)) for text in told]
    assert answers
    guarded.assert_untouched(answers)
    if account == "nobody":
        assert {text.partition(". ")[0] for text in answers} == {"Code: 516"}


def test_the_reader_makes_no_file_in_the_data_directory_either(guarded: Guarded) -> None:
    data = Path(guarded.ask("writer", "SELECT path FROM system.disks").strip())
    inside = roads.Goals(data, guarded.canaries.goals.tcp, guarded.canaries.goals.udp)
    for sql in roads.outfiles(inside):
        guarded.ask("reader", sql)
    for name in (f"max_threads=1 INTO OUTFILE '{data}/made-n' --", "profile"):
        guarded.ask("reader", "SELECT 1", **{name: f"x' INTO OUTFILE '{data}/made-v' --"})
    guarded.ask("reader", "SELECT 1", database=f"x` INTO OUTFILE '{data}/made-d' --")
    assert list(data.glob("made*")) == []
    assert list(data.glob("new")) == []


READS = (
    "SELECT x FROM road ORDER BY x",
    "WITH 1 AS a SELECT a, {p:String}",
    "SHOW TABLES",
    "DESCRIBE TABLE road",
    "EXISTS TABLE road",
    "CHECK TABLE road",
    "EXPLAIN SELECT * FROM road",
    "SELECT name FROM system.databases ORDER BY name",
    "SELECT name, total_rows FROM system.tables WHERE database = 'default'",
    "SELECT name, type FROM system.columns WHERE table = 'road'",
    "SELECT count() > 0 FROM system.functions",
    "SELECT value FROM system.settings WHERE name = 'max_threads'",
    "SELECT table_name FROM information_schema.tables WHERE table_schema = 'default'",
    "SELECT a.x FROM road AS a JOIN road AS b USING (x) WHERE a.x = 'it''s' FORMAT JSONEachRow",
)
CHANGES = (
    "INSERT INTO road VALUES ('4')",
    "INSERT INTO road SELECT '4'",
    "WITH '4' AS x INSERT INTO road SELECT x",
    "ALTER TABLE road DELETE WHERE 1",
    "DELETE FROM road WHERE 1",
    "UPDATE road SET x = '' WHERE 1",
    "TRUNCATE TABLE road",
    "OPTIMIZE TABLE road FINAL",
    "DROP TABLE road",
    "RENAME TABLE road TO gone",
    "DETACH TABLE road",
    "CREATE TABLE mine (x Int8) ENGINE = Memory",
    "CREATE TEMPORARY TABLE mine (x Int8)",
    "CREATE VIEW mine AS SELECT 1",
    "CREATE DATABASE mine",
    "KILL QUERY WHERE 1",
    "KILL QUERY WHERE 1 SYNC",
    "/* SELECT */ kill/**/query where 1",
    "KILL MUTATION WHERE 1",
    "SYSTEM FLUSH LOGS",
    "BACKUP TABLE road TO Null",
    "SET readonly = 0",
    "SELECT 1 SETTINGS readonly = 0",
    "SET dialect = 'kusto'",
    "GRANT ALL ON *.* TO default",
    "ATTACH TABLE road",
    "exit",
    "",
)


@pytest.mark.parametrize("sql", READS)
def test_the_reader_reads(guarded: Guarded, sql: str) -> None:
    for settings in ({}, {"max_execution_time": "5", "session_id": "reader"}):
        answer = guarded.ask("reader", sql, param_p="p", **settings)
        assert answer == guarded.ask("writer", sql, param_p="p")
        assert "Code:" not in answer


@pytest.mark.parametrize("sql", CHANGES)
def test_the_reader_changes_nothing(guarded: Guarded, sql: str) -> None:
    answers = [guarded.ask("reader", sql), guarded.ask("reader", sql, session_id="reader")]
    assert all(text.startswith("Code: ") for text in answers), answers
    assert guarded.ask("reader", "SELECT getSetting('readonly')") == "2\n"
    assert guarded.ask("reader", sql, readonly="0").startswith("Code: ")
    guarded.assert_untouched(answers)


@pytest.mark.parametrize("layer", ["server", "engine"])
def test_the_reader_neither_sees_nor_ends_the_writers_queries(guarded: Guarded, layer: str) -> None:
    """`engine`: what would happen if KILL QUERY did come to the engine, in a session like the reader's."""
    marked = "SELECT count() FROM numbers(1e12) SETTINGS max_threads = 1, log_comment = 'the long one'"
    with ThreadPoolExecutor(1) as thread:
        long = thread.submit(guarded.ask, "writer", marked)
        running = "SELECT count() FROM system.processes WHERE Settings['log_comment'] = 'the long one'"
        deadline = time.monotonic() + 30
        while guarded.ask("writer", running) != "1\n":
            assert time.monotonic() < deadline, "the query does not run"
        account = {"server": "reader", "engine": "writer"}[layer]
        session = {"server": {}, "engine": {"readonly": "2"}}[layer]
        for sql in ("KILL QUERY WHERE 1 SYNC", "KILL QUERY WHERE user = 'default' ASYNC"):
            guarded.ask(account, sql, **session)
        for sql in ("SELECT query FROM system.processes", "SHOW PROCESSLIST", "SELECT * FROM system.errors"):
            assert guarded.ask(account, sql, **session) == ""
        assert guarded.ask("writer", running) == "1\n"
        guarded.ask("writer", "KILL QUERY WHERE Settings['log_comment'] = 'the long one' SYNC")
        assert "Code: 394" in long.result()


def test_every_thread_has_the_filter(guarded: Guarded) -> None:
    guarded.ask("writer", "SELECT sum(number) FROM numbers_mt(1000000) GROUP BY number % 100")
    states = [
        dict(line.split(":\t", 1) for line in (task / "status").read_text().splitlines() if ":\t" in line)
        for task in Path(f"/proc/{guarded.server.child.pid}/task").iterdir()
    ]
    assert len(states) > 10
    assert {(state["NoNewPrivs"], state["Seccomp"], state["Seccomp_filters"]) for state in states} == {
        ("1", "2", "1")
    }


LATE = """
import threading
from pathlib import Path
from deploy.embedded.clickhouse.confinement import confine
threading.Thread(target=threading.Event().wait, daemon=True).start()
try:
    confine(Path.cwd())
except RuntimeError as error:
    print(error)
"""


def test_a_process_with_threads_is_not_taken_for_confined(tmp_path: Path) -> None:
    """Landlock would leave them free, and shows nowhere; that there are none yet is therefore a condition."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", LATE],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "before it has a second thread" in done.stdout


def engine_threads_read(guarded: Guarded) -> list[str]:
    """Reads that the engine hands to threads of its own, many at once."""
    many = f"SELECT file(concat('{guarded.canaries.goals.secret}', if(number < 0, 'x', ''))) FROM numbers_mt(100000)"
    return [guarded.ask("writer", many, max_threads="8", max_block_size="100") for _ in range(5)]


def test_the_engines_own_threads_read_nothing_either(guarded: Guarded) -> None:
    answers = engine_threads_read(guarded)
    assert all("Permission denied" in text for text in answers), answers
    guarded.assert_untouched(answers)


def bare(mode: str, data: Path, asked: object) -> object:
    """What the program of `bare_engine` says."""
    done = subprocess.run(
        [*BARE, mode, str(data)],
        input=json.dumps(asked),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "BEHOUDLIJN_CANARY": ENVIRONMENT},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture
def around(tmp_path: Path) -> Iterator[Canaries]:
    (tmp_path / "data").mkdir()
    with canaries(tmp_path / "outside") as made:
        yield made


def proofs(around: Canaries) -> dict[str, str]:
    """A statement of each kind that leads out of an engine with all rights, and what it leaves behind."""
    goals = around.goals
    return {
        f"SELECT file('{goals.secret}')": "",
        f"SELECT * FROM file('{goals.secret}', 'LineAsString')": "",
        "SELECT file('/proc/self/environ')": "",
        f"SELECT 7 INTO OUTFILE '{goals.made(1)}'": str(goals.made(1)),
        f"INSERT INTO FUNCTION file('{goals.made(2)}', 'CSV', 'x Int8') SELECT 7": str(goals.made(2)),
        f"SELECT * FROM url('http://127.0.0.1:{goals.tcp}/', 'CSV', 'x Int8') SETTINGS http_max_tries = 1": "tcp",
        "SELECT * FROM executable('run.sh', 'TabSeparated', 'x String')": str(goals.folder / "made-by-run"),
    }


def test_the_canaries_sing_without_rights_and_confinement(around: Canaries, tmp_path: Path) -> None:
    asked = proofs(around)
    answers = bare("free", tmp_path / "data", [[sql] for sql in asked])
    assert isinstance(answers, list)
    for needle in (around.token, ENVIRONMENT):
        assert any(needle in text for text in answers)
    assert {left for left in asked.values() if left} <= set(around.changes())


def test_the_kernel_alone_is_enough(around: Canaries, tmp_path: Path) -> None:
    """The engine has all rights here: it is what it would be if it were talked out of them."""
    goals = around.goals
    single = [*proofs(around), *roads.outfiles(goals), *roads.others(goals)]
    asked: list[roads.Road] = [(sql,) for sql in single if sql not in ("SYSTEM SHUTDOWN", "SYSTEM KILL")]
    for name in ("file", "fileCluster", "url", "sqlite", "executable", "icebergLocal", "deltaLakeLocal"):
        asked += roads.of_table_function(name, goals)
    for name in ("File", "FileLog", "SQLite", "URL", "Executable", "ExecutablePool", "EmbeddedRocksDB"):
        asked += roads.of_table_engine(name, goals)
    for name in ("file", "http", "executable", "executable_pool", "clickhouse"):
        asked += roads.of_dictionary_source(name, goals)
    answers = bare("confined", tmp_path / "data", asked)
    assert isinstance(answers, list)
    denied = [text for text in answers if "Permission denied" in text or "not permitted" in text]
    assert len(denied) > 50  # not a mistake in the statement
    for needle in (around.token, ENVIRONMENT, "root:x:0:0"):
        assert [text for text in answers if needle in text] == []
    assert around.changes() == []


ALLOWED = {
    "a pair made before",
    "a pair of streams",
    "a thread",
    "executable memory",
    "signal to itself",
    "addresses",
}
"""What a confined process may still do: it needs the first and the last, and the others reach nobody."""


@pytest.mark.parametrize("mode", ["free", "confined", "confined-by-2", "confined-by-4"])
def test_what_a_process_may_do(around: Canaries, tmp_path: Path, mode: str) -> None:
    goals = around.goals
    asked = {
        "folder": str(goals.folder),
        "tcp": goals.tcp,
        "udp": goals.udp,
        "unix": around.unix,
        "abstract": around.abstract,
    }
    found = bare(mode, tmp_path / "data", asked)
    assert isinstance(found, dict)
    done = {name for name, result in found.items() if result == "done"}
    allowed = ALLOWED | {f"{name}-thread" for name in ALLOWED - {"a pair made before"}}
    if mode != "free":
        assert done == allowed
        assert around.changes() == []
    else:  # some need root, or are closed to everybody on some machines
        assert {
            "read",
            "write",
            "rename",
            "truncate",
            "tcp",
            "udp",
            "unix",
            "abstract",
            "exec",
            "fork",
        } <= done
        assert {"tcp", "udp", "unix", "abstract", str(goals.folder / "made-by-run")} <= set(around.changes())
