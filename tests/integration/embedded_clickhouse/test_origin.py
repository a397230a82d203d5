"""Whom the server takes for a guest of its own: programs, and pages that it has served itself; no other page."""

from __future__ import annotations

import socket

import clickhouse_connect
import pytest
import requests
import sqlalchemy

from deploy.embedded.clickhouse.process import EmbeddedClickHouse

EVERYTHING = [
    ("GET", "/"),
    ("POST", "/"),
    ("GET", "/ping"),
    ("OPTIONS", "/"),
    ("PUT", "/x"),
]
OWN = [
    {"Host": "{own}"},
    {"Host": "LocalHost:{port}"},
    {"Host": "localhost"},
    {"Host": "[::1]:{port}"},
    {"Host": "{own}", "Origin": "http://{own}"},
    {
        "Host": "{own}",
        "Origin": "http://{own}",
        "Sec-Fetch-Site": "same-origin",
        "Referer": "http://{own}/x?y",
    },
    {"Host": "{own}", "Sec-Fetch-Site": "none"},
]
FOREIGN = [
    {"Host": "{own}", "Origin": "https://attacker.example"},
    {"Host": "{own}", "Origin": "null"},
    {"Host": "{own}", "Origin": "http://localhost:1"},
    {"Host": "{own}", "Origin": "https://{own}"},
    {"Host": "{own}", "Origin": "http://{own}.attacker.example"},
    {"Host": "{own}", "Origin": ""},
    {"Host": "{own}", "Sec-Fetch-Site": "cross-site"},
    {"Host": "{own}", "Sec-Fetch-Site": "same-site"},
    {"Host": "{own}", "Sec-Fetch-Site": "same-origin, cross-site"},
    {"Host": "{own}", "Referer": "https://attacker.example/"},
    {"Host": "{own}", "Referer": "http://{own}@attacker.example/"},
    {"Host": "attacker.example"},
    {"Host": "attacker.example:{port}", "Origin": "http://attacker.example:{port}"},
    {"Host": "127.0.0.1.attacker.example:{port}"},
    {"Host": "localhost.:{port}"},
    {"Host": "127.1:{port}"},
    {"Host": "2130706433:{port}"},
    {"Host": "user@{own}"},
    {"Host": "{own}@attacker.example"},
    {"Host": "{own}:80"},
    {"Host": "[::1"},
    {"Host": "[::ffff:127.0.0.1]:{port}"},
    {"Host": ""},
    {},
]


def filled(headers: dict[str, str], server: EmbeddedClickHouse) -> dict[str, str]:
    own = f"{server.host}:{server.port}"
    return {name: value.format(own=own, port=server.port) for name, value in headers.items()}


def raw(server: EmbeddedClickHouse, request: str) -> bytes:
    """What the server sends to these very bytes, up to the end of the connection."""
    with socket.create_connection((server.host, server.port), timeout=10) as connection:
        connection.sendall(request.encode())
        return b"".join(iter(lambda: connection.recv(65536), b""))


def asked(
    server: EmbeddedClickHouse, method: str, path: str, headers: dict[str, str], more: str = ""
) -> bytes:
    login = (
        f"X-ClickHouse-User: {server.user}\r\nX-ClickHouse-Key: {server.password}\r\nConnection: close\r\n"
    )
    lines = "".join(f"{name}: {value}\r\n" for name, value in filled(headers, server).items())
    return raw(server, f"{method} {path} HTTP/1.1\r\n{lines}{more}{login}Content-Length: 8\r\n\r\nSELECT 7")


@pytest.mark.parametrize("headers", FOREIGN)
def test_foreign_requests_are_refused_whatever_they_ask(
    server: EmbeddedClickHouse, headers: dict[str, str]
) -> None:
    for method, path in EVERYTHING:
        answer = asked(server, method, path, headers)
        assert answer.split(b" ")[1] in (b"403", b"400"), (method, path, answer)
        assert b"7\n" not in answer.partition(b"\r\n\r\n")[2]
        assert b"access-control" not in answer.lower()


@pytest.mark.parametrize("headers", OWN)
def test_own_requests_are_served(server: EmbeddedClickHouse, headers: dict[str, str]) -> None:
    answer = asked(server, "POST", "/", headers)
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert answer.endswith(b"7\n")


def test_they_are_refused_before_a_password_is_looked_at(server: EmbeddedClickHouse) -> None:
    for login in ({}, {"X-ClickHouse-Key": server.password}, {"X-ClickHouse-Key": "wrong"}):
        headers = {"Origin": "https://attacker.example", **login}
        answer = requests.post(server.url, data="SELECT 1", headers=headers, timeout=5)
        assert (answer.status_code, "X-ClickHouse-Exception-Code" in answer.headers) == (403, False)


@pytest.mark.parametrize(
    ("line", "more"),
    [
        ("POST http://attacker.example/ HTTP/1.1", "Host: localhost\r\n"),
        ("POST / HTTP/1.1", "Host: localhost\r\nHost: attacker.example\r\n"),
        ("POST / HTTP/1.1", "Host: attacker.example\r\nHost: localhost\r\n"),
        ("POST / HTTP/1.0", ""),
        ("CONNECT localhost:80 HTTP/1.1", "Host: localhost\r\n"),
        ("POST / HTTP/1.1", "Host: localhost\r\n Origin: x\r\n"),
        ("POST / HTTP/1.1", "Host: localhost\r\nTransfer-Encoding: chunked\r\n"),
        ("POST / HTTP/1.1", "Host: localhost\r\nTransfer-Encoding: identity, chunked\r\n"),
        ("POST / HTTP/1.1", "Host: localhost\r\nTransfer-Encoding : chunked\r\n"),
        ("POST / HTTP/1.1", "Host: localhost\r\nContent-Length: 9\r\n"),
    ],
)
def test_odd_requests_are_refused(server: EmbeddedClickHouse, line: str, more: str) -> None:
    """Two readings of one request would let a page hide a second one in its body."""
    login = f"X-ClickHouse-User: {server.user}\r\nX-ClickHouse-Key: {server.password}\r\n"
    answer = raw(server, f"{line}\r\n{more}{login}Content-Length: 8\r\nConnection: close\r\n\r\nSELECT 7")
    assert answer.split(b" ")[1:2] in ([b"403"], [b"400"], []), answer
    assert b"\r\n7\n" not in answer


def test_no_body_is_read_for_a_second_request(server: EmbeddedClickHouse) -> None:
    login = f"X-ClickHouse-User: {server.user}\r\nX-ClickHouse-Key: {server.password}\r\n"
    hidden = f"POST / HTTP/1.1\r\nHost: localhost\r\n{login}Content-Length: 8\r\n\r\nSELECT 7"
    outer = (
        f"POST / HTTP/1.1\r\nHost: localhost\r\nOrigin: null\r\nContent-Length: {len(hidden)}\r\n\r\n{hidden}"
    )
    last = "GET /ping HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    answer = raw(server, outer + last)
    assert answer.startswith(b"HTTP/1.1 403")
    assert b"7\n" not in answer
    assert answer.count(b"HTTP/1.1") <= 2


def test_a_preflight_gets_no_permission(server: EmbeddedClickHouse) -> None:
    for origin in ({"Origin": "https://attacker.example"}, {"Origin": server.url}, {}):
        wanted = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Private-Network": "true"}
        answer = requests.options(server.url, headers={**origin, **wanted}, timeout=5)
        assert answer.status_code in (403, 404)
        assert not [name for name in answer.headers if name.lower().startswith("access-control")]


def test_the_tools_of_analysts_are_served_by_every_name(server: EmbeddedClickHouse) -> None:
    for host in ("127.0.0.1", "localhost"):
        login = {"username": server.user, "password": server.password}
        with clickhouse_connect.get_client(host=host, port=server.port, **login) as client:
            assert client.command("SELECT 1") == 1
        address = f"clickhousedb://{server.user}:{server.password}@{host}:{server.port}/default"
        engine = sqlalchemy.create_engine(address)
        with engine.connect() as connection:
            assert connection.execute(sqlalchemy.text("SELECT 1")).scalar() == 1
        engine.dispose()


def test_a_server_on_every_address_is_asked_by_its_address_or_its_name() -> None:
    arguments = ["--exit-with-parent", "--host", "0.0.0.0"]
    with EmbeddedClickHouse(arguments=arguments) as running:
        for host, status in (("127.0.0.2", b"200"), ("localhost", b"200"), ("attacker.example", b"403")):
            with socket.create_connection(("127.0.0.2", running.port), timeout=10) as connection:
                connection.sendall(
                    f"GET /ping HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
                )
                assert connection.recv(4096).split(b" ")[1] == status
