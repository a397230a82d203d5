"""Of which records the sink believes Kafka's time: of every one that a broker stamped, and of a producer's that is not in the future."""

import time
from typing import NamedTuple

from streams.workers.timestamps import unbelieved

PRODUCER, BROKER = 0, 1


class Fetched(NamedTuple):
    """What the check looks at."""

    offset: int
    timestamp: int
    timestamp_type: int | None


def test_a_producers_stamp_of_the_future_is_not_believed_and_a_brokers_is() -> None:
    now = time.time_ns() // 1_000_000
    later = now + 3_600_000
    records = [
        Fetched(0, now, PRODUCER),
        Fetched(1, later, BROKER),
        Fetched(2, later, PRODUCER),
        Fetched(3, -1, PRODUCER),
    ]
    assert unbelieved(records, 300_000) == {2}
