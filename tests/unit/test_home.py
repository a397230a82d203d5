"""Who is at home: which events stay, which are sent on and why, and what never goes round."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as some

from schemas import topics
from streams.cluster.partitioning import partition_of
from streams.core.decode import decode
from streams.core.records import Decoded
from streams.core.repartition import decode_rekeyed, wrap
from streams.workers.home import Homes
from tests.builders import START, call, record

PARTITIONS = 4
HOME = partition_of(b"c1", PARTITIONS)
AWAY = (HOME + 1) % PARTITIONS


def homes() -> Homes:
    return Homes(PARTITIONS, topics.REPARTITION)


def on(partition: int, decoded: Decoded, key: bytes | None = b"c1") -> Decoded:
    return decoded._replace(record=decoded.record._replace(partition=partition, key=key))


@pytest.mark.parametrize("key", [b"c1", None, b"account-9"])
def test_what_matters_is_the_partition_not_the_key(key: bytes | None) -> None:
    records = [on(HOME, call(START), key)]
    split = homes().split(HOME, records, {})
    assert split.here is records
    assert split.misrouted == []


@pytest.mark.parametrize(
    ("key", "reason"), [(None, "no_key"), (b"account-9", "foreign_key"), (b"c1", "wrong_partition")]
)
def test_a_misrouted_record_is_sent_home_and_says_why_it_was_elsewhere(
    key: bytes | None, reason: str
) -> None:
    away = on(AWAY, call(START), key)
    split = homes().split(AWAY, [away], {})
    assert list(split.here) == []
    assert [(s.decoded, s.customer_id, s.home, s.reason) for s in split.misrouted] == [
        (away, "c1", HOME, reason)
    ]
    assert list(split.checked) == [away], "it was readable, which the limit of dead letters is told"


def test_a_customer_with_a_state_here_is_at_home_without_asking() -> None:
    split = homes().split(AWAY, [on(AWAY, call(START))], {"c1"})
    assert len(split.here) == 1


@pytest.mark.parametrize("customer", [None, "", "0", "unknown", " "])
def test_events_of_nobody_and_rejects_stay_where_they_are(customer: str | None) -> None:
    bad = record(topics.CALLS, b"?")

    records = [on(AWAY, call(START, customer=customer), None), decode(bad)]
    for partition in range(PARTITIONS):
        assert homes().split(partition, records, {}).here is records


def forwarded(partition: int) -> Decoded:
    envelope = record(topics.REPARTITION, wrap(on(AWAY, call(START)).record))
    return decode_rekeyed(envelope._replace(partition=partition, key=b"c1"))


def test_what_was_sent_on_is_judged_at_home() -> None:
    records = [forwarded(HOME)]
    assert homes().split(HOME, records, {}).here is records


def test_what_was_sent_on_and_is_not_at_home_becomes_a_reject_and_never_goes_round() -> None:
    split = homes().split(AWAY, [forwarded(AWAY)], {})
    assert not split.misrouted
    (found,) = split.here
    assert found.event is None
    assert found.reject is not None
    assert found.reject.code == "invalid_customer_id"
    assert f"belongs to {HOME}" in found.reject.message
    assert split.checked == split.here


@given(some.lists(some.tuples(some.integers(0, 20), some.booleans()), max_size=30))
def test_nothing_is_lost_or_doubled_and_order_is_kept(mixed: Sequence[tuple[int, bool]]) -> None:
    records = [on(0, call(START, customer=f"c{number}" if named else None), None) for number, named in mixed]
    split = homes().split(0, records, {})
    misrouted = [each.decoded for each in split.misrouted]
    assert [each for each in records if each in split.here] == list(split.here)
    assert [each for each in records if each in misrouted] == misrouted
    assert len(split.here) + len(misrouted) == len(records) == len(split.checked)
    for each in split.misrouted:
        assert each.home == partition_of(each.customer_id.encode(), PARTITIONS) != 0
