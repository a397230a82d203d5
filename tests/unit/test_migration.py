"""Where states go when the number of partitions changes, and what becomes of the markers of erased customers."""

from __future__ import annotations

from itertools import chain

from streams.cluster.partitioning import partition_of
from streams.core.erasure import Erasure, Marker, decode_marker, encode_marker, is_marker
from streams.operations.migration import placed

ERASURE = Erasure(b"a key of sixteen bytes or more")
ERASED = ERASURE.marker_key("erased")
OLD = [
    {f"customer-{n}": f"state {n}".encode() for n in range(0, 100, 2)},
    {f"customer-{n}": f"state {n}".encode() for n in range(1, 100, 2)},
]


def marker(until: int, due: int) -> bytes:
    return encode_marker(Marker(until, due, ERASURE.key_id))


def test_every_customer_is_where_events_of_that_customer_go() -> None:
    new = placed(OLD, 7)
    assert set(new) == set(range(7))
    for number, states in new.items():
        assert all(partition_of(customer.encode(), 7) == number for customer in states)
    assert dict(chain.from_iterable(states.items() for states in new.values())) == OLD[0] | OLD[1]


def test_fewer_partitions_are_as_good_as_more() -> None:
    assert placed(OLD, 1) == {0: OLD[0] | OLD[1]}


def test_a_marker_goes_to_every_partition_since_nobody_can_tell_whose_it_is() -> None:
    new = placed([OLD[0] | {ERASED: marker(5, 50)}, OLD[1]], 3)
    assert [decode_marker(states[ERASED]) for states in new.values()] == [Marker(5, 50, ERASURE.key_id)] * 3
    assert sum(not is_marker(key) for states in new.values() for key in states) == 100


def test_of_two_markers_of_one_customer_the_greatest_times_count() -> None:
    """After one migration each partition has a copy, and an erasure changes the customer's own only."""
    new = placed([{ERASED: marker(5, 90)}, {ERASED: marker(7, 60)}], 2)
    assert decode_marker(new[1][ERASED]) == Marker(7, 90, ERASURE.key_id)
