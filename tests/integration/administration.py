"""What an operator, or an accident, does to a broker's topics and to what groups have committed of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any

from kafka import OffsetAndMetadata, TopicPartition
from kafka.admin import ConfigResource, KafkaAdminClient
from kafka.errors import KafkaError

from schemas import topics
from streams.cluster.topics import ensure
from streams.settings import Settings
from tests.kafka.broker import KafkaBroker


class Admin:
    """A client of the broker's own for each act."""

    def __init__(self, kafka: KafkaBroker) -> None:
        self._bootstrap = kafka.bootstrap

    def __call__(self, act: Callable[[Any], Any]) -> Any:
        with closing(KafkaAdminClient(bootstrap_servers=self._bootstrap)) as admin:
            return act(admin)

    def remove_before(self, topic: str, offset: int, partition: int = 0) -> None:
        """As retention does; -1: everything."""
        self(lambda admin: admin.delete_records({TopicPartition(topic, partition): offset}))

    def commit(self, group: str, offsets: Mapping[tuple[str, int], int]) -> None:
        """As a restored or mirrored group does."""
        at = {TopicPartition(*tp): OffsetAndMetadata(offset, "", -1) for tp, offset in offsets.items()}
        self._patiently(
            lambda admin: admin.alter_group_offsets(group, at)
        )  # a new cluster first makes the topic of offsets

    def committed(self, group: str) -> Any:
        """All that a group has committed, as it can be given back."""
        return self(lambda admin: admin.list_group_offsets(group))[group]

    def restore(self, group: str, offsets: Any) -> None:
        """Gives it back."""
        self(lambda admin: admin.alter_group_offsets(group, offsets))

    def delete(self, topic: str) -> None:
        """Deletes a topic; it may be shown for a moment yet."""
        self(lambda admin: admin.delete_topics([topic]))

    def make_anew(self, topic: str, partitions: int = 1) -> None:
        """Deletes a topic and makes it again, as soon as the broker lets it."""
        self.delete(topic)
        options = {"num_partitions": partitions, "replication_factor": 1}
        self._patiently(lambda admin: admin.create_topics({topic: options}, wait_for_metadata=True))

    def make_changelog_anew(self, settings: Settings) -> None:
        """Deletes the changelog, and makes it again as `topics ensure` does."""
        changelog = settings.topic(topics.CHANGELOG)
        self.delete(changelog)
        deadline = time.monotonic() + 30
        while changelog in self(lambda admin: admin.list_topics()) and time.monotonic() < deadline:
            time.sleep(0.2)
        ensure(settings)

    def _patiently(self, act: Callable[[Any], Any]) -> None:
        deadline = time.monotonic() + 30
        while True:
            try:
                self(act)
                return
            except KafkaError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)


def alter(settings: Settings, name: str, **configs: str) -> None:
    """Sets configurations of one topic, with `_` for their dots; on a real broker, which goes by them on return."""
    named = {key.replace("_", "."): value for key, value in configs.items()}
    topic = settings.topic(name)
    with closing(KafkaAdminClient(**settings.kafka_python_options())) as admin:
        admin.alter_configs([ConfigResource("topic", topic, named)])
        deadline = time.monotonic() + 60
        while True:  # the controller is done before the broker has read of it in the controller's log
            found = admin.describe_configs([ConfigResource("topic", topic)], config_filter="all")
            if all(found["topic"][topic][key]["value"] == value for key, value in named.items()):
                return
            assert time.monotonic() < deadline, f"the broker does not follow: {named}"
            time.sleep(0.05)
