"""Up to when a partition has read everything, as desks are told."""

from __future__ import annotations

import pytest

from streams.lane.micro_batch import Lag
from streams.workers.progress import read_to

READ = Lag(0, None, 900)


@pytest.mark.parametrize(
    ("lags", "told"),
    [
        ([(READ, 5_000), (READ, 4_000)], 4_000),
        ([(Lag(3, 1_000, 2_000), 5_000), (READ, 4_000)], 1_000),
        ([(Lag(3, None, None), 5_000), (READ, 4_000)], None),
        ([(Lag(None, None, None), None), (READ, 4_000)], None),
        ([(READ, None), (READ, 4_000)], None),
        ([], None),
    ],
    ids=[
        "all read",
        "something waits",
        "nobody knows what waits",
        "before the first fetch",
        "no end told",
        "no topic",
    ],
)
def test_it_is_what_the_slowest_topic_has_read(lags: list[tuple[Lag, int | None]], told: int | None) -> None:
    assert read_to(lags) == told
