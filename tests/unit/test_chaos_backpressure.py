"""The verdicts on back-pressure must be able to fail."""

from __future__ import annotations

from tests.chaos.backpressure import Seen, verdicts

GOOD = Seen(
    fed=2_400_000,
    fed_mib=620,
    base_mib=80,
    peak_mib=130,
    trickle=[2.0] * 100,
    backlog=2_200_000,
    hot_facts=100,
    most_facts=100,
)


def broken(**changed: object) -> list[int]:
    return [number for number, (good, _) in enumerate(verdicts(GOOD._replace(**changed))) if not good]


def test_a_bounded_worker_holds() -> None:
    assert broken() == []


def test_memory_that_grows_with_the_flood_is_broken() -> None:
    assert broken(peak_mib=700) == [0]


def test_a_starved_partition_is_broken() -> None:
    assert broken(trickle=[2.0] * 90 + [1_000.0] * 10) == [1]


def test_facts_without_a_limit_or_none_at_all_are_broken() -> None:
    assert broken(hot_facts=2_000) == [2]
    assert broken(hot_facts=0) == [2]
