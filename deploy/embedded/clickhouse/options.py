"""The command line of the embedded ClickHouse server, and the files that it names."""

from __future__ import annotations

import argparse
import ssl
from collections.abc import Sequence
from pathlib import Path

from deploy.embedded.clickhouse.credentials import Account, Credentials


def options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line; ends the process with code 2 and an explanation when it is wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m deploy.embedded.clickhouse",
        description="A ClickHouse server over the chDB engine. Prints one JSON line when it serves.",
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    add("--port", type=int, default=8123, help="port, 0 for a free one (default: %(default)s)")
    add("--path", type=Path, help="data directory that lasts (default: a temporary one, removed at the end)")
    add("--user", default="default", help="name of the user who may write (default: `%(default)s`)")
    add("--password-file", type=Path, required=True, help="file with the password of --user")
    add("--reader", help="name of a second user who may only read, for reports")
    add("--reader-password-file", type=Path, help="file with the password of --reader")
    add("--tls-cert", type=Path, help="PEM file with the certificate chain: serve https")
    add("--tls-key", type=Path, help="PEM file with the private key of --tls-cert")
    add(
        "--grace",
        type=float,
        default=5.0,
        help="seconds for running queries at the end (default: %(default)s)",
    )
    add("--exit-with-parent", action="store_true", help="end when the process that started this one ends")
    add("--unconfined", action="store_true", help="serve without the kernel's confinement, at your own risk")
    chosen = parser.parse_args(arguments)
    if bool(chosen.tls_cert) != bool(chosen.tls_key):
        parser.error("--tls-cert and --tls-key go together")
    if bool(chosen.reader) != bool(chosen.reader_password_file):
        parser.error("--reader and --reader-password-file go together")
    return chosen


def credentials(chosen: argparse.Namespace) -> Credentials:
    """Return the accounts, with passwords from their files. Raises UnicodeDecodeError and OSError, also for an
    empty file."""

    def account(name: str, file: Path, readonly: bool) -> Account:
        password = file.read_text().rstrip("\r\n")
        if not password:
            raise OSError(f"the password file {file} is empty")
        return Account.of(name, password, readonly=readonly)

    accounts = [account(chosen.user, chosen.password_file, False)]
    if chosen.reader:
        accounts.append(account(chosen.reader, chosen.reader_password_file, True))
    return Credentials(tuple(accounts))


def tls(chosen: argparse.Namespace) -> ssl.SSLContext | None:
    """Return the TLS side of the listener, None for plain HTTP. Raises OSError (ssl.SSLError included)."""
    if chosen.tls_cert is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(chosen.tls_cert, chosen.tls_key)
    return context
