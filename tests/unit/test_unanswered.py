"""The callback that has been owed longest, over the partitions of a worker."""

from __future__ import annotations

from streams.core.erasure import NO_ERASURE
from streams.state.store import SignalsStore, Store
from streams.workers.unanswered import Unanswered
from tests.builders import HOUR, Partition, default_policy, ms, profile, survey

NOW = ms("2026-09-08T20:00+02:00")
WHERE = {"country_code": "NL", "time_zone": "Europe/Amsterdam", "phone_e164": "+31201234567"}


def asked(customer: str, hours_ago: int, **more: object) -> dict[str, bytes]:
    partition, at = Partition(), NOW - hours_ago * HOUR
    who = {"customer_id": customer}
    partition.feed(
        profile(at - HOUR, **who, **(WHERE | more)), survey(at, callback_requested=True, csat=1, **who)
    )
    return partition.states


def store_of(*states: dict[str, bytes]) -> Store:
    store = Store()
    for number, each in enumerate(states):
        part = SignalsStore(number)
        part.apply(1, dict(each), set(), outputs=False)
        store.put(part)
    return store


def test_nobody_waits() -> None:
    assert Unanswered(store_of({}), default_policy(), NO_ERASURE).longest_ms(NOW) == 0


def test_the_longest_of_all_partitions_counts_and_who_may_not_be_called_does_not() -> None:
    store = store_of(asked("a", 2), asked("b", 5) | asked("c", 9, do_not_call=True))
    unanswered = Unanswered(store, default_policy(), NO_ERASURE)
    assert unanswered.longest_ms(NOW) == 5 * HOUR
    part = store.get(1)
    assert part is not None
    part.apply(2, {"b": None}, set(), outputs=False)
    assert unanswered.longest_ms(NOW) == 2 * HOUR


def test_an_earlier_request_may_have_waited_less() -> None:
    honolulu = asked(
        "far", 11, time_zone="Pacific/Honolulu", country_code=None
    )  # asked at eleven in the evening there
    unanswered = Unanswered(store_of(honolulu | asked("near", 6)), default_policy(), NO_ERASURE)
    assert unanswered.longest_ms(NOW) == 6 * HOUR
