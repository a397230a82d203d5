"""Emptying a Kafka cluster between tests: topics are fixed names, so a test starts from none of them.

Owns deletion. It must only be pointed at a cluster that a test started.
"""

from __future__ import annotations

import contextlib
import time

from kafka.admin import KafkaAdminClient, MemberToRemove
from kafka.errors import KafkaError


def wipe(bootstrap: str, timeout: float = 30.0) -> None:
    """Delete every topic and consumer group, members that were killed included. Raises `TimeoutError`."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap, client_id="wipe")
    try:
        deadline = time.monotonic() + timeout
        while left := _delete(admin):
            if time.monotonic() > deadline:
                raise TimeoutError(f"still there after {timeout:g} s: {', '.join(left)}")
            time.sleep(0.1)
    finally:
        admin.close()


def _delete(admin: KafkaAdminClient) -> list[str]:
    """Delete what can be deleted now; what was there before, so an empty answer means that all is gone."""
    groups = [group["group_id"] for group in admin.list_groups()]
    with contextlib.suppress(KafkaError):  # a group that is rebalancing or just left: the next round sees it
        for name, group in admin.describe_groups(groups).items():
            members = [MemberToRemove(member_id=member["member_id"]) for member in group["members"]]
            if members:
                admin.remove_group_members(name, members)
        if groups:
            admin.delete_groups(groups)
    topics = [topic for topic in admin.list_topics() if not topic.startswith("__")]
    if topics:
        with contextlib.suppress(KafkaError):
            admin.delete_topics(topics)
    return groups + topics
