"""What the topics must be, and why an existing one does not fit."""

from __future__ import annotations

import pytest

from schemas import topics as names
from streams.cluster.topics import ALTERABLE, TIMESTAMP_TYPE, Found, mismatches, wanted
from streams.settings import Settings

SETTINGS = Settings(topic_prefix="acme.", partitions=6, replication=3)
BY_NAME = {topic.name: topic for topic in wanted(SETTINGS)}


def test_every_topic_has_the_same_partitions_and_replication() -> None:
    assert {topic.partitions for topic in BY_NAME.values()} == {6}
    assert {topic.configs["min.insync.replicas"] for topic in BY_NAME.values()} == {"2"}
    assert set(BY_NAME) == {f"acme.{name}" for name in (*names.MODELS, names.CHANGELOG, names.REPARTITION)}


@pytest.mark.parametrize("name", [names.PROFILES, names.SIGNALS, names.CHANGELOG])
def test_what_is_a_table_is_compacted_and_never_expires(name: str) -> None:
    configs = BY_NAME[f"acme.{name}"].configs
    assert configs["cleanup.policy"] == "compact"
    assert "retention.ms" not in configs


def test_the_brokers_stamp_every_record() -> None:
    assert {topic.configs[TIMESTAMP_TYPE] for topic in BY_NAME.values()} == {"LogAppendTime"}


def test_the_changelog_may_wait_longer_before_it_is_compacted_and_not_shorter() -> None:
    changelog = BY_NAME[f"acme.{names.CHANGELOG}"]
    for lag, fits in (("59999", False), ("60000", True), ("86400000", True)):
        found = Found(changelog.name, 6, 3, {"min.compaction.lag.ms": lag})
        assert (not mismatches(changelog, found)) == fits


def test_nothing_that_may_be_altered_moves_or_removes_a_record() -> None:
    assert set(ALTERABLE) == {TIMESTAMP_TYPE, "min.compaction.lag.ms"}


def test_what_was_sent_on_is_kept_as_long_as_the_events_and_has_the_brokers_time() -> None:
    configs = BY_NAME[f"acme.{names.REPARTITION}"].configs
    assert configs == BY_NAME[f"acme.{names.CALLS}"].configs
    assert configs["message.timestamp.type"] == "LogAppendTime"


def test_dead_letters_are_kept_shorter_than_events() -> None:
    dead = BY_NAME[f"acme.{names.DEAD_LETTERS}"].configs["retention.ms"]
    assert int(dead) < int(BY_NAME[f"acme.{names.CALLS}"].configs["retention.ms"])


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"partitions": 8}, "has 8 partitions, but every topic must have 6"),
        ({"replication": 1}, "has 1 replica, but 3"),
        ({"configs": {"cleanup.policy": "compact"}}, "cleanup.policy=compact, but must have delete"),
        ({"configs": {"retention.ms": "5"}}, "BEHOUDLIJN_RETENTION_MS"),
        ({"configs": {"min.insync.replicas": "1"}}, "--add-config min.insync.replicas=2"),
        (
            {"configs": {TIMESTAMP_TYPE: "CreateTime"}},
            "Run `behoudlijn topics ensure --alter`, which sets it.",
        ),
    ],
)
def test_a_mismatch_is_explained_with_the_way_out(found: dict[str, object], said: str) -> None:
    topic = BY_NAME["acme.contact.calls"]
    values: dict[str, object] = {"partitions": 6, "replication": 3, "configs": dict(topic.configs), **found}
    problems = mismatches(topic, Found(topic.name, **values))  # type: ignore[arg-type]
    assert len(problems) == 1
    assert said in problems[0]
    assert topic.name in problems[0]


def test_more_replicas_and_unreported_configurations_are_fine() -> None:
    topic = BY_NAME["acme.contact.calls"]
    assert mismatches(topic, Found(topic.name, 6, 5)) == []
