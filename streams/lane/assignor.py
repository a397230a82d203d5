"""The assignor: Faust's, which refuses topics whose numbers of partitions changed under it.

Owns that one check. Faust's own gives partitions that were added to whoever comes, or fails by an assertion that names nothing.
"""

from collections.abc import Callable, Mapping
from typing import Any

from faust.assignor.partition_assignor import PartitionAssignor

Counted = Callable[[Mapping[str, int]], None]
"""Takes the numbers of partitions by topic (of those that exist), and raises where they do not fit."""


def assignor_that_counts(counted: Counted) -> type[PartitionAssignor]:
    """Return a class of assignors that show `counted` the topics of a group before they assign them."""

    class CountingAssignor(PartitionAssignor):  # type: ignore[misc]
        """Faust makes one for each app."""

        def _perform_assignment(self, cluster: Any, member_metadata: Any) -> Any:
            topics = {topic for member in member_metadata.values() for topic in member.subscription}
            found = {topic: len(cluster.partitions_for_topic(topic) or ()) for topic in sorted(topics)}
            counted({topic: number for topic, number in found.items() if number})
            return super()._perform_assignment(cluster, member_metadata)

    return CountingAssignor
