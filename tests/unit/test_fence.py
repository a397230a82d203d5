"""The fence: which partitions may still be written, and when nothing may be sent at all."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from streams.state.delivery import EffectsError
from streams.state.store import PartitionStore
from streams.workers.fence import Fence, StaleError

SESSION_SECONDS = 10.0


def fence(
    *, age: float = 0.0, crashed: bool = False, epoch: int = 1, partitions: tuple[int, ...] = (0,)
) -> Fence:
    app: Any = SimpleNamespace(crashed=crashed, consumer=SimpleNamespace(heartbeat_age=age))
    lane: Any = SimpleNamespace(epoch=epoch, assignment=SimpleNamespace(partitions=partitions))
    return Fence(app, lane, SESSION_SECONDS)


def recovered(assignment: int) -> PartitionStore:
    partition = PartitionStore(0)
    partition.assignment = assignment
    return partition


def test_a_partition_of_the_present_assignment_may_be_written() -> None:
    fence(epoch=1).check(recovered(1))


def test_a_partition_of_an_earlier_assignment_may_not() -> None:
    with pytest.raises(StaleError):
        fence(epoch=2).check(recovered(1))


def test_nothing_is_sent_once_half_the_session_passed_without_a_heartbeat() -> None:
    fence(age=5.0).alive()
    with pytest.raises(EffectsError, match="no heartbeat was confirmed for half the session time-out"):
        fence(age=5.1).alive()


def test_a_heartbeat_is_not_asked_for_before_we_take_part() -> None:
    assert fence(age=99.0, partitions=()).heartbeat_age == 0.0
    fence(age=99.0, partitions=()).alive()


def test_nothing_is_sent_after_a_crash() -> None:
    with pytest.raises(EffectsError, match="the app has crashed"):
        fence(crashed=True).check(recovered(1))
