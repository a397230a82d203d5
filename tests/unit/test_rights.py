"""The rights of the workers: `topics acls` grants them and no more (the page on security shows the same, `test_generated`)."""

from __future__ import annotations

import re

from typer.testing import CliRunner

from streams.cluster.rights import signals_rights, sink_rights
from streams.commands.topics import app
from streams.settings import Settings


def test_the_sink_may_write_nothing() -> None:
    assert {right.operation for right in sink_rights(Settings())} == {"Read", "DescribeConfigs"}


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


def test_who_loads_objections_may_read_and_write_their_topic_and_nothing_else() -> None:
    whole, without = (
        CliRunner().invoke(app, ["acls", *more]).output.splitlines()
        for more in (["--objections", "User:c"], [])
    )
    added = [line for line in whole if line not in without]
    assert [re.findall(r"--allow-principal (\S+) --operation (\S+)", line)[0] for line in added] == [
        ("User:c", "Read"),
        ("User:c", "Write"),
    ]
    assert all(
        re.findall(r"--(topic|group) (\S+)", line) == [("topic", "customer.objections")] for line in added
    )
