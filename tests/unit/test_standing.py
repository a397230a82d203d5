"""Whether a log is the one of which a group has committed."""

from __future__ import annotations

import pytest
from aiokafka.structs import OffsetAndMetadata

from streams.operations.standing import Log, Standing, is_anew


@pytest.mark.parametrize(
    ("offset", "committed_of", "topic_id", "anew"),
    [
        (7, "id-1", "id-1", False),
        (7, "id-1", "id-2", True),
        (9, "id-1", "id-1", False),
        (10, "id-1", "id-1", True),
        (10, "", "", True),
        (7, "", "id-2", False),
        (7, "id-1", "", False),
        (1, "id-1", "id-1", False),
    ],
)
def test_a_log_is_another_one_by_its_id_or_by_its_end(
    offset: int, committed_of: str, topic_id: str, anew: bool
) -> None:
    assert is_anew(OffsetAndMetadata(offset, committed_of), Log(3, 9), topic_id) is anew


def test_of_another_log_nothing_has_been_read() -> None:
    logs = {name: Log(3, 9) for name in ("same", "anew", "anew and short", "not read")}
    committed = {"same": 7, "anew": 8, "anew and short": 2}
    now = Standing(0, {0: committed}, {0: logs}, {0: frozenset({"anew", "anew and short"})}, "")
    assert [now.read(0, name) for name in logs] == [7, 3, 2, 0]
