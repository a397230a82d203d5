"""The topics as Kafka must hold them, and the step that makes or checks them.

Owns partition counts, replication, retention, compaction and who stamps records. Of a topic that exists it changes `ALTERABLE` alone,
and only when asked to: what else does not fit is explained and refused, because repartitioning would send a customer's events elsewhere.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal
from uuid import UUID

from kafka.admin import ConfigResource, KafkaAdminClient

from schemas import topics as names
from streams.cluster import topic_reader
from streams.cluster.access import check_door
from streams.cluster.topic_reader import kafka_errors
from streams.settings import Settings
from streams.telemetry.amounts import amount

COMPACTED = frozenset({names.PROFILES, names.OBJECTIONS, names.SIGNALS, names.CHANGELOG})
ALL = (*names.INPUTS, *names.OUTPUTS, names.CHANGELOG, names.REPARTITION)

TIMESTAMP_TYPE = "message.timestamp.type"
ALTERABLE = (TIMESTAMP_TYPE, "min.compaction.lag.ms")
"""What `alter` may set on a topic that exists: no record is moved, rewritten or removed by it."""

_CHECKED = ("cleanup.policy", "retention.ms", "min.insync.replicas", *ALTERABLE)
_AT_LEAST = frozenset({"min.compaction.lag.ms"})
_ALREADY_EXISTS = 36
_TIMEOUT_MS = 20_000
_PAUSE_SECONDS = 0.1
_NO_ID: Final = UUID(int=0)
"""What a broker without ids says."""


class TopicsError(Exception):
    """Topics that do not fit, or that could not be made; `problems` has one sentence each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Wanted:
    """How a topic must be. `configs` are Kafka's names and values."""

    name: str
    partitions: int
    replication: int
    configs: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Found:
    """How a topic is. `configs` holds what the broker reports: the embedded one reports little."""

    name: str
    partitions: int
    replication: int
    configs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TopicReport:
    """What became of one topic. `unchecked`: configurations that the broker did not report. `altered`: before and after, by name."""

    name: str
    result: Literal["created", "altered", "ok", "absent"]
    found: Found | None
    unchecked: tuple[str, ...] = ()
    altered: Mapping[str, tuple[str, str]] = field(default_factory=dict)


def wanted(settings: Settings) -> tuple[Wanted, ...]:
    """Return every topic of this installation, inputs first."""
    return tuple(
        Wanted(settings.topic(name), settings.partitions, settings.replication, _configs(name, settings))
        for name in ALL
    )


def mismatches(topic: Wanted, found: Found) -> list[str]:
    """Return why an existing topic does not fit, a sentence each; empty when it does. More replicas are fine."""
    problems = []
    if found.partitions != topic.partitions:
        problems.append(
            f"{topic.name} has {amount(found.partitions, 'partition')}, but every topic must have {topic.partitions}. "
            f"Set BEHOUDLIJN_PARTITIONS={found.partitions} if all topics have that many, or make the topic "
            "anew; adding partitions would send a customer's events to another worker than its state."
        )
    if found.replication < topic.replication:
        problems.append(
            f"{topic.name} has {amount(found.replication, 'replica')}, but {topic.replication} are asked for. "
            "Reassign its partitions (kafka-reassign-partitions), or lower BEHOUDLIJN_REPLICATION."
        )
    return problems + [misset(topic, key, *pair) for key, pair in differing(topic, found).items()]


def misset(topic: Wanted, key: str, have: str, want: str) -> str:
    """Return what is wrong with one configuration of a topic, and what to do."""
    how = f"Change it: kafka-configs --alter --entity-type topics --entity-name {topic.name} --add-config {key}={want}"
    if key in ALTERABLE:
        how = "Run `behoudlijn topics ensure --alter`, which sets it"
    other = f", or set BEHOUDLIJN_{_SETTING_OF[key]}" if key in _SETTING_OF else ""
    at_least = "at least " if key in _AT_LEAST else ""
    return f"{topic.name} has {key}={have}, but must have {at_least}{want}. {how}{other}."


def differing(topic: Wanted, found: Found) -> dict[str, tuple[str, str]]:
    """Return the configurations of an existing topic that do not fit, each with what it is and what it must be."""
    pairs = {key: (found.configs.get(key), topic.configs.get(key)) for key in _CHECKED}
    return {
        key: (have, want)
        for key, (have, want) in pairs.items()
        if have is not None and want is not None and not _fits(key, have, want)
    }


def _fits(key: str, have: str, want: str) -> bool:
    return have == want or (key in _AT_LEAST and have.isdigit() and int(have) >= int(want))


def ensure(settings: Settings, *, alter: bool = False) -> tuple[TopicReport, ...]:
    """Make the topics that are absent, check those that exist. `alter`: set what does not fit and is `ALTERABLE`.

    Raises TopicsError when one does not fit (then nothing has been made or set) or when the broker refuses, BrokerError when Kafka cannot be reached.
    """
    with _admin(settings) as admin:
        required = wanted(settings)
        before = _found(admin, [topic.name for topic in required])
        changes = _changes(required, before) if alter else {}
        _refuse(required, before, changes)
        _alter(admin, required, changes)
        absent = [topic for topic in required if topic.name not in before]
        _create(admin, absent)
        # Somebody else may have made one at the same moment, in another way.
        after = _found(admin, [topic.name for topic in required]) if absent or changes else before
        _refuse(required, after, {})
    created = {topic.name for topic in absent}
    return tuple(
        _report(topic, after.get(topic.name), topic.name in created, changes.get(topic.name, {}))
        for topic in required
    )


def inspect(settings: Settings) -> tuple[TopicReport, ...]:
    """Return the topics as they are; changes nothing. Raises BrokerError when Kafka cannot be reached."""
    with _admin(settings) as admin:
        required = wanted(settings)
        found = _found(admin, [topic.name for topic in required])
    return tuple(_report(topic, found.get(topic.name), False, {}) for topic in required)


def topic_ids(settings: Settings, topics: Sequence[str]) -> dict[str, str]:
    """Return Kafka's id of each of these topics (full names), without those that have none. Raises BrokerError when Kafka cannot be reached."""
    with _admin(settings) as admin:
        described: list[dict[str, Any]] = admin.describe_topics(sorted(topics))
    return {each["name"]: own for each in described if not each["error_code"] and (own := id_of(each))}


def id_of(described: Mapping[str, Any]) -> str:
    """Return the id of a topic as a client describes it; empty where the brokers have none."""
    own = described.get("topic_id")
    return str(own) if own and str(own) != str(_NO_ID) else ""


_SETTING_OF = {"retention.ms": "RETENTION_MS (for dead letters BEHOUDLIJN_DEAD_LETTER_RETENTION_MS)"}


def _configs(name: str, settings: Settings) -> dict[str, str]:
    configs = {"cleanup.policy": "compact" if name in COMPACTED else "delete"}
    if name == names.DEAD_LETTERS:
        configs["retention.ms"] = str(settings.dead_letter_retention_ms)
    elif name not in COMPACTED:
        configs["retention.ms"] = str(settings.retention_ms)
    # Times of records bound partition time, and choose versions, retention and compaction: no client's clock must set them.
    configs[TIMESTAMP_TYPE] = "LogAppendTime"
    if name == names.CHANGELOG:
        configs["min.cleanable.dirty.ratio"] = "0.2"  # recovery reads all of it: keep it short
        configs["segment.bytes"] = str(64 * 1024 * 1024)
        # Time to set right what a worker wrote that had lost the partition, before compaction could prefer it.
        configs["min.compaction.lag.ms"] = "60000"
    if settings.replication >= 3:
        configs["min.insync.replicas"] = "2"
    return configs


@contextmanager
def _admin(settings: Settings) -> Iterator[KafkaAdminClient]:
    """Provide a client for administration; its errors become BrokerError."""
    with kafka_errors(settings):
        check_door(settings)
        admin = KafkaAdminClient(
            client_id="behoudlijn-topics",
            bootstrap_timeout_ms=topic_reader.CONNECT_MS,
            **settings.kafka_python_options(),
        )
        try:
            yield admin
        finally:
            admin.close()


def _found(admin: KafkaAdminClient, wanted_names: Sequence[str]) -> dict[str, Found]:
    existing = set(admin.list_topics()).intersection(wanted_names)
    if not existing:  # asking for no topic by name would mean all of them
        return {}
    described: list[dict[str, Any]] = admin.describe_topics(sorted(existing))
    # No keys are named: the embedded broker drops the connection on a request that names some.
    reported = admin.describe_configs(
        [ConfigResource("topic", name) for name in sorted(existing)], config_filter="all"
    ).get("topic", {})
    result = {}
    for topic in described:
        if topic["error_code"]:
            continue
        partitions = topic["partitions"]
        result[topic["name"]] = Found(
            topic["name"],
            len(partitions),
            min((len(partition["replica_nodes"]) for partition in partitions), default=0),
            {key: item["value"] for key, item in reported.get(topic["name"], {}).items()},
        )
    return result


def _create(admin: KafkaAdminClient, absent: Sequence[Wanted]) -> None:
    if not absent:
        return
    response = admin.create_topics(
        {
            topic.name: {
                "num_partitions": topic.partitions,
                "replication_factor": topic.replication,
                "configs": dict(topic.configs),
            }
            for topic in absent
        },
        timeout_ms=_TIMEOUT_MS,
        raise_errors=False,
    )
    problems = [
        f"{topic['name']} could not be made: {topic.get('error_message') or ''} (error {topic['error_code']})"
        for topic in response["topics"]
        if topic["error_code"] not in (0, _ALREADY_EXISTS)
    ]
    if problems:
        raise TopicsError(problems)
    admin.wait_for_topics([topic.name for topic in absent])


_Changes = Mapping[str, Mapping[str, tuple[str, str]]]


def _changes(required: Sequence[Wanted], found: Mapping[str, Found]) -> _Changes:
    """Return by topic what is to be set, each with what it is and what it is to be."""
    alterable = {
        topic.name: {
            key: pair for key, pair in differing(topic, found[topic.name]).items() if key in ALTERABLE
        }
        for topic in required
        if topic.name in found
    }
    return {name: own for name, own in alterable.items() if own}


def _alter(admin: KafkaAdminClient, required: Sequence[Wanted], changes: _Changes) -> None:
    """Set what `changes` says. On return the brokers go by it, as far as they report."""
    if not changes:
        return
    resources = [
        ConfigResource("topic", name, {key: want for key, (_, want) in own.items()})
        for name, own in changes.items()
    ]
    answers: Mapping[str, str] = admin.alter_configs(resources).get("topic", {})
    problems = [
        f"{name} could not be altered: {answer}" for name, answer in answers.items() if answer != "OK"
    ]
    if problems:
        raise TopicsError(problems)
    until = time.monotonic() + _TIMEOUT_MS / 1000
    # The controller says that it is done before the brokers have read it in the controller's log.
    while _changes(required, _found(admin, list(changes))) and time.monotonic() < until:
        time.sleep(_PAUSE_SECONDS)


def _refuse(required: Sequence[Wanted], found: Mapping[str, Found], changes: _Changes) -> None:
    """Raise TopicsError for what does not fit, apart from what `changes` sets right."""
    problems = []
    for topic in required:
        if topic.name in found:
            there = found[topic.name]
            set_right = {key: want for key, (_, want) in changes.get(topic.name, {}).items()}
            problems += mismatches(topic, replace(there, configs={**there.configs, **set_right}))
    if problems:
        raise TopicsError(problems)


def _report(
    topic: Wanted,
    found: Found | None,
    created: bool,
    altered: Mapping[str, tuple[str, str]],
) -> TopicReport:
    if found is None:
        return TopicReport(topic.name, "absent", None)
    unchecked = tuple(key for key in _CHECKED if key in topic.configs and key not in found.configs)
    result: Literal["created", "altered", "ok"] = "created" if created else "altered" if altered else "ok"
    return TopicReport(topic.name, result, found, unchecked, altered)
