"""How long a broker may hold a fetch for which it has nothing: short where another partition may need the broker soon, long where none can.

Owns that an idle worker asks seldom. A request that asks for all of a broker's partitions ends as soon as one of them has something, so
nobody waits for its end; one that leaves a partition out, whose records were not taken yet, would hold that partition up.
"""

from collections.abc import Iterable
from typing import Any, Final

IDLE_MS: Final = 500
"""The most that a broker holds a fetch. A rebalance may have to wait for it, since a broker answers a connection in order."""


def lengthen(requests: Iterable[tuple[int, Any]], fetcher: Any, assignment: Any) -> None:
    """Let the fetch requests (with their brokers) of aiokafka's `fetcher` wait long that ask for all that their broker has for us."""
    for broker, request in requests:
        asked = {(topic, partition) for topic, every in request.topics for partition, *_ in every}
        others = (
            place
            for place in assignment.tps
            if fetcher._select_read_replica(place) == broker and not assignment.state_value(place).paused  # noqa: SLF001
        )
        if asked.issuperset(others):
            request._max_wait_ms = IDLE_MS  # noqa: SLF001
