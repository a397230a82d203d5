"""Which topics every member of the group reads, by the assignment that each of them was given.

Owns this one question, asked after each rebalance. During a rolling upgrade some workers know a topic that others do not. Kafka then
gives its partitions to those that know it, and the others' as ever, so that its events would be read by another worker than the one
that holds their customers' states. It must not change an assignment: any member may lead the group, one of before too.
"""

from collections.abc import Collection, Mapping
from typing import Any

Distribution = Mapping[str, Mapping[str, Collection[int]]]
"""By member the partitions of each topic that it reads, be they none; as Faust's leader sends it to everybody."""


def left_out(distribution: Distribution, topics: Collection[str]) -> frozenset[str]:
    """Return those of our `topics` that another member does not read: they wait until it does, or leaves.

    Members of before may share a name, since they are called after their host; one of them remains, and lacks the topic as they all do.
    """
    return frozenset(
        topic for topic in topics if not all(topic in member for member in distribution.values())
    )


def absent(distribution: Distribution, topics: Collection[str]) -> frozenset[str]:
    """Return those of our `topics` that nobody reads: since we do, the leader did not find them on the brokers."""
    return frozenset(
        topic for topic in topics if not any(topic in member for member in distribution.values())
    )


def distribution_of(assignor: Any) -> Distribution:
    """Return what Faust's assignor was told last."""
    found: Distribution = assignor.external_topic_distribution
    return found
