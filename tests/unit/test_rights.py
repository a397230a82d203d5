"""The rights of the workers: the page on security shows them, `topics acls` grants them, and neither shows more."""

from __future__ import annotations

import re
from pathlib import Path

from typer.testing import CliRunner

from streams.cluster.rights import signals_rights, sink_rights
from streams.commands.topics import app
from streams.settings import Settings

_PAGE = Path(__file__).parents[2] / "docs" / "security.md"


def table() -> list[str]:
    """The rows of the table of rights as they must be."""
    signals, sink = signals_rights(Settings()), sink_rights(Settings())
    rows = []
    for resource, name in dict.fromkeys((right.resource, right.name) for right in (*signals, *sink)):
        cells = [
            ", ".join(right.operation for right in rights if (right.resource, right.name) == (resource, name))
            for rights in (signals, sink)
        ]
        rows.append(f"| {resource} | `{name}` | {cells[0]} | {cells[1]} |")
    return rows


def test_the_page_shows_them() -> None:
    page = _PAGE.read_text(encoding="utf-8").splitlines()
    assert [line for line in page if line.startswith(("| topic |", "| group |"))] == table()


def test_the_sink_may_write_nothing() -> None:
    assert {right.operation for right in sink_rights(Settings())} == {"Read"}


def test_the_command_grants_exactly_them() -> None:
    settings = Settings(topic_prefix="eu.")
    done = CliRunner().invoke(
        app,
        ["acls", "--signals", "User:a", "--sink", "User:b"],
        env={"BEHOUDLIJN_TOPIC_PREFIX": "eu."},
    )
    assert done.exit_code == 0, done.output
    granted = set()
    for line in done.output.splitlines():
        who, operation = re.findall(r"--allow-principal (\S+) --operation (\S+)", line)[0]
        assert "--resource-pattern-type literal" in line
        granted |= {(who, operation, *pair) for pair in re.findall(r"--(topic|group) (\S+)", line)}
    assert granted == {
        (who, right.operation, right.resource, right.name)
        for who, rights in (("User:a", signals_rights(settings)), ("User:b", sink_rights(settings)))
        for right in rights
    }
