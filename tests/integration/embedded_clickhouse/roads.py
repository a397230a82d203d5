"""Every road of the engine's documentation out of its tables: to files, networks, programs, other databases.

Statements only, as data; the names of table functions, engines and sources come from the engine, so that the
next version's are on the list too. It must not judge: whether a road leads anywhere is seen at the canaries.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Goals:
    """What a statement may try to reach."""

    folder: Path
    """Holds `secret.txt`, `secret.csv`, the program `run.sh`; what is made there is made outside."""
    tcp: int
    udp: int

    @property
    def secret(self) -> Path:
        """A file that must not be read."""
        return self.folder / "secret.txt"

    def made(self, number: int) -> Path:
        """A file that must not come to be."""
        return self.folder / f"made-{number}"


def arguments(goals: Goals) -> list[str]:
    """What table functions, engines and databases take, one for each family; the wrong ones are refused."""
    secret, folder, host = goals.secret, goals.folder, f"127.0.0.1:{goals.tcp}"
    return [
        f"'{secret}', 'LineAsString'",
        f"'{secret}', 'LineAsString', 'x String'",
        f"'LineAsString', '{secret}'",
        "'CSV'",
        f"'{folder}'",
        f"'{secret}'",
        f"'{folder}', 'secret'",
        f"'file://{secret}', 'LineAsString'",
        "'/proc/self/environ', 'LineAsString'",
        f"'../../../../../../../../../../..{secret}', 'LineAsString'",
        f"'default', '{secret}', 'LineAsString'",
        f"'http://{host}/x', 'LineAsString'",
        f"'http://{host}/x', 'LineAsString', 'x String'",
        f"'http://{host}/bucket/x', 'key', 'secret', 'LineAsString'",
        f"'{host}', 'system', 'one'",
        f"'{host}', system, one, 'user', 'password'",
        f"'{host}', 'db', 'table', 'user', 'password'",
        f"'{host}', 'db', 'user', 'password'",
        f"'{host}', 'key', 'x String'",
        f"'mongodb://{host}/db', 'table', 'x String'",
        f"'DSN=x;Server={host}', 'db', 'table'",
        f"'hdfs://{host}/x', 'LineAsString', 'x String'",
        f"'DefaultEndpointsProtocol=http;AccountName=a;AccountKey=YQ==;BlobEndpoint=http://{host}/a', 'c', 'b'",
        f"'{goals.folder}/run.sh', 'LineAsString', 'x String'",
        "'run.sh', 'LineAsString', 'x String'",
        "'run.sh', 'LineAsString', 'x String', (SELECT 1)",
        f"'{host}', 'topic', 'group', 'LineAsString'",
        f"Disk('default', '{folder}/backup')",
        f"File('{folder}/backup')",
        "secret",
    ]


Road = tuple[str, ...]
"""Statements in order; each is only worth asking when the one before was not refused."""


def of_table_function(name: str, goals: Goals) -> Iterator[Road]:
    """Reading by it, and writing through it."""
    for given in arguments(goals):
        yield (f"SELECT * FROM {name}({given}) LIMIT 5",)
        if str(goals.secret) in given:
            given = given.replace("secret.txt", f"made-by-{name}")
            yield (f"INSERT INTO FUNCTION {name}({given}) SELECT 'x'",)


def of_table_engine(name: str, goals: Goals) -> Iterator[Road]:
    """A table with it, written and read."""
    for number, given in enumerate(arguments(goals)):
        table = f"road_{name}_{number}"
        yield (
            f"CREATE TABLE {table} (x String) ENGINE = {name}({given})",
            f"INSERT INTO {table} SELECT 'x'",
            f"SELECT * FROM {table} LIMIT 5",
        )


def of_database_engine(name: str, goals: Goals) -> Iterator[Road]:
    """A database with it, and a table of that."""
    for number, given in enumerate(arguments(goals)):
        database = f"road_{name}_{number}"
        yield f"CREATE DATABASE {database} ENGINE = {name}({given})", f"SELECT * FROM {database}.`secret.txt`"


def of_dictionary_source(name: str, goals: Goals) -> Iterator[Road]:
    """A dictionary from it, loaded."""
    sources = (
        f"PATH '{goals.secret}' FORMAT 'LineAsString'",
        f"URL 'http://127.0.0.1:{goals.tcp}/' FORMAT 'LineAsString'",
        f"COMMAND '{goals.folder}/run.sh' FORMAT 'LineAsString'",
        f"COMMAND '{goals.folder}/run.sh' FORMAT 'LineAsString' EXECUTE_DIRECT 0",
        f"HOST '127.0.0.1' PORT {goals.tcp} USER 'u' PASSWORD 'p' DB 'd' TABLE 't'",
    )
    for number, given in enumerate(sources):
        made = f"dictionary_{name}_{number}"
        columns = "(k String, v String DEFAULT '') PRIMARY KEY k"
        source = f"SOURCE({name}({given})) LAYOUT(COMPLEX_KEY_HASHED()) LIFETIME(1)"
        yield f"CREATE DICTIONARY {made} {columns} {source}", f"SELECT * FROM {made}"


def outfiles(goals: Goals) -> list[str]:
    """INTO OUTFILE, as people write it and as scanners misread it."""
    blank = [
        "\u00a0",
        "\u2003",
        "\u3000",
        "\ufeff",
        "/**/",
        "/* /* */ */",
        "--\n",
        "-- '\n",
        "#!\n",
        "# \n",
        "\v",
        "\f",
    ]
    number = itertools.count(1000)
    spelled = [f"SELECT 7 INTO{each}OUTFILE '{goals.made(next(number))}'" for each in blank]
    return [
        *spelled,
        f"SELECT 7 INTO OUTFILE '{goals.made(next(number))}'",
        f"SELECT 7 into outfile $${goals.made(next(number))}$$",
        f"SELECT 7 AS `'` INTO OUTFILE '{goals.made(next(number))}'",
        f"SELECT 7 AS \"`\" INTO OUTFILE '{goals.made(next(number))}'",
        f"SELECT '\\\\' INTO OUTFILE '{goals.made(next(number))}'",
        f"SELECT 7 UNION ALL SELECT 8 INTO\u00a0OUTFILE '{goals.made(next(number))}'",
        f"(SELECT 7) INTO\u00a0OUTFILE '{goals.made(next(number))}'",
        f"WITH 7 AS x SELECT x INTO\u00a0OUTFILE '{goals.made(next(number))}' FORMAT CSV",
        f"SELECT 7 INTO\u00a0OUTFILE '{goals.made(next(number))}' TRUNCATE",
        f"SELECT 7 INTO\u00a0OUTFILE '{goals.made(next(number))}' APPEND",
        f"SELECT 7 INTO\u00a0OUTFILE '{goals.made(next(number))}' AND STDOUT",
        f"SELECT 7 INTO\u00a0OUTFILE '{goals.made(next(number))}' COMPRESSION 'gzip'",
        f"SELECT 7 INTO\u00a0OUTFILE '{goals.secret}' TRUNCATE",
        f"SELECT 7 INTO\u00a0OUTFILE '{goals.folder}/run.sh' APPEND",
        f"EXPLAIN SELECT 7 INTO\u00a0OUTFILE '{goals.made(next(number))}'",
        f"DESCRIBE (SELECT 7) INTO\u00a0OUTFILE '{goals.made(next(number))}'",
        f"SHOW DATABASES INTO\u00a0OUTFILE '{goals.made(next(number))}'",
        f"EXISTS system.one INTO\u00a0OUTFILE '{goals.made(next(number))}'",
        f"SHOW CREATE TABLE system.one INTO\u00a0OUTFILE '{goals.made(next(number))}'",
        f"CREATE TABLE road_out ENGINE = Memory AS SELECT 7 AS x INTO\u00a0OUTFILE '{goals.made(next(number))}'",
        f"CREATE VIEW road_view AS SELECT 7 AS x INTO\u00a0OUTFILE '{goals.made(next(number))}'",
        f"KILL QUERY WHERE 0 INTO\u00a0OUTFILE '{goals.made(next(number))}'",
        f"SELECT * FROM system.numbers LIMIT 100000 INTO\u00a0OUTFILE '{goals.made(next(number))}'",
        f"SELECT 7 INTO\u00a0OUTFILE '{goals.folder}/new/deep' SETTINGS into_outfile_create_parent_directories = 1",
    ]


def others(goals: Goals) -> list[str]:
    """Statements and functions that fit no family."""
    folder, secret, tcp = goals.folder, goals.secret, goals.tcp
    url = f"http://127.0.0.1:{tcp}/"
    table = "CREATE TABLE road_d (x String) ENGINE = MergeTree ORDER BY x SETTINGS"
    return [
        f"SELECT file('{secret}')",
        f"SELECT file('{secret}', 'none')",
        f"SELECT file('../../../../../../../../../../../../..{secret}')",
        *(f"SELECT file('{path}')" for path in INSIDE),
        f"SELECT file('/proc/self/root{secret}')",
        f"SELECT file('/dev/tcp/127.0.0.1/{tcp}')",
        f"INSERT INTO\u00a0road FROM\u00a0INFILE '{secret}' FORMAT LineAsString",
        f"INSERT INTO road FROM/**/INFILE '{secret}' FORMAT LineAsString",
        f"SELECT * FROM `{secret}`",
        f"SELECT * FROM default.`{secret}`",
        f"BACKUP DATABASE default TO File('{folder}/made-backup')",
        f"BACKUP DATABASE default TO Disk('default', '{folder}/made-backup')",
        f"BACKUP ALL TO S3('{url}', 'a', 'b')",
        f"RESTORE DATABASE default FROM File('{folder}')",
        f"RESTORE ALL FROM S3('{url}', 'a', 'b')",
        f"CREATE DATABASE road_b ENGINE = Backup('default', File('{folder}'))",
        f"ATTACH TABLE road_a FROM '{folder}' (x String) ENGINE = MergeTree ORDER BY x",
        f"ATTACH TABLE road_a FROM '{folder}/secret.txt' (x String) ENGINE = File(LineAsString)",
        f"{table} disk = '{folder}'",
        f"{table} disk = disk(type = local, path = '{folder}/made-disk/')",
        f"{table} disk = disk(type = local, path = '{folder}/made-disk/', name = 'from_env')",
        f"{table} disk = disk(type = s3, endpoint = '{url}b/', access_key_id = 'a', secret_access_key = 'b')",
        f"{table} disk = disk(type = local_blob_storage, metadata_type = plain, path = '{folder}/made-blobs/')",
        f"CREATE NAMED COLLECTION road_n AS url = '{url}', format = 'LineAsString'",
        "SELECT * FROM url(road_n)",
        "CREATE FUNCTION road_f AS (x) -> x",
        f"CREATE FUNCTION road_x (x String) RETURNS String ENGINE = Executable('{folder}/run.sh')",
        "SELECT road_f(1)",
        "SELECT * FROM executable('../../../../../../../../../../../bin/sh', TabSeparated, 'x String')",
        f"SELECT catboostEvaluate('{secret}', 1)",
        "SELECT * FROM Python(secret)",
        "SELECT * FROM `Python`(password) SETTINGS allow_python_table_function = 1",
        "SET allow_python_table_function = 1",
        "SELECT * FROM python('os')",
        "CREATE VIEW road_p AS SELECT * FROM python('x') SETTINGS allow_python_table_function = 1",
        "SELECT * FROM arrowstream('x')",
        "SELECT getClientHTTPHeader('Authorization'), currentRequestURL()",
        "SELECT showCertificate(), serverUUID(), filesystemAvailable()",
        "SELECT addressToLine(1), addressToSymbol(1)",
        "SELECT * FROM system.stack_trace",
        "SELECT * FROM loop(system.one) LIMIT 3",
        "SELECT * FROM merge('default', 'road') LIMIT 3",
        f"SELECT aiGenerate('{url}', 'x')",
        f"SELECT * FROM eval('SELECT file(''{secret}'')') SETTINGS allow_experimental_eval_table_function = 1",
        "SELECT getMacro('x'), getServerSetting('path')",
        *(
            f"SYSTEM {what}"
            for what in (
                "SHUTDOWN",
                "KILL",
                "RELOAD CONFIG",
                "RELOAD USERS",
                "RELOAD FUNCTIONS",
                "RELOAD DICTIONARIES",
                "FLUSH LOGS",
                "DROP DNS CACHE",
                "RESTART DISK default",
                "STOP LISTEN HTTP",
                "START LISTEN HTTP",
                "ENABLE FAILPOINT x",
                "STOP MERGES",
                "JEMALLOC PURGE",
                "SYNC FILE CACHE",
                f"INSTRUMENT ADD 'x' LOG '{secret}'",
                f"UNFREEZE WITH NAME '../../../../{folder}'",
            )
        ),
        f"ALTER TABLE road FREEZE WITH NAME '../../../../../../../../..{folder}/made-freeze'",
        f"ALTER TABLE road FETCH PARTITION 1 FROM '/{tcp}'",
        f"ALTER TABLE road MOVE PARTITION 1 TO DISK '{folder}'",
        "CREATE USER road_u IDENTIFIED BY 'x'",
        "GRANT ALL ON *.* TO default",
        "EXECUTE AS default SELECT 1",
        "CREATE HANDLER road_h AS SELECT 1",
        f"SET format_schema_path = '{folder}'",
        f"SELECT 1 SETTINGS format_schema_path = '{folder}', format_schema = 'secret:x' FORMAT Protobuf",
        f"SELECT 1 FORMAT Template SETTINGS format_template_resultset = '{secret}', format_template_row = '{secret}'",
        f"SELECT 1 FORMAT CapnProto SETTINGS format_schema = '{secret}:x'",
        "SELECT * FROM system.zookeeper WHERE path = '/'",
        "SELECT * FROM system.certificates, system.user_directories, system.named_collections",
        "SELECT * FROM system.processes",
        "SELECT * FROM system.errors",
        "SELECT * FROM system.server_settings, system.build_options, system.macros",
        "SET dialect = 'prql'",
        "SET log_queries = 1, query_profiler_real_time_period_ns = 1000000",
    ]


INSIDE = (
    "/proc/self/environ",
    "/proc/thread-self/environ",
    "/proc/1/environ",
    "/proc/self/cmdline",
    "/proc/self/mem",
    "/proc/self/maps",
    "/proc/net/tcp",
    "/etc/passwd",
    "/etc/shadow",
    "/etc/hosts",
)
