"""Which share of a partition's records the busiest customer has."""

from __future__ import annotations

from streams.workers.busiest_customer import BusiestCustomer
from tests.builders import HOUR, call

T = 1_000 * HOUR


def test_one_customer_among_many_shows_after_ten_seconds() -> None:
    busiest = BusiestCustomer()
    for n in range(100):
        busiest.add(
            [call(T, customer="hot"), call(T, customer="hot"), call(T, customer=f"c{n}")], now=100 + n / 20
        )
    assert busiest.share(105) == 0, "nothing is counted to its end"
    assert busiest.share(111) == 2 / 3
    assert busiest.share(122) == 0, "and nothing came since"


def test_a_flood_is_not_waited_for() -> None:
    busiest = BusiestCustomer()
    busiest.add([call(T, customer="hot")] * 10_000, now=100)
    assert busiest.share(100.1) == 1


def test_of_few_records_nobody_is_the_busiest() -> None:
    busiest = BusiestCustomer()
    busiest.add([call(T)] * 20, now=100)
    assert busiest.share(111) == 0


def test_nobodys_records_are_not_one_customers() -> None:
    busiest = BusiestCustomer()
    busiest.add([call(T, customer="unknown"), call(T, customer="c1")] * 100, now=100)
    assert busiest.share(111) == 0.5
