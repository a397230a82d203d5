"""The oldest callback request: opened by a survey, closed by a call, gone with its partition."""

from __future__ import annotations

from streams.core.state import State, encode
from streams.requests import OpenRequests

ASKED = encode(State(requested_at=1_000))
ASKED_LATER = encode(State(requested_at=5_000))
GIVEN = encode(State(requested_at=1_000, given_at=2_000))


def test_the_oldest_is_followed_through_batches() -> None:
    requests = OpenRequests()
    assert requests.oldest() is None
    assert requests.age_seconds(9_000) == 0.0
    requests.take(0, {"a": ASKED, "b": encode(State())})
    requests.take(1, {"c": ASKED_LATER})
    assert requests.age_seconds(9_000) == 8.0
    requests.take(0, {"a": GIVEN})
    assert requests.oldest() == 5_000
    requests.take(1, {"c": None})
    assert requests.oldest() is None


def test_a_partition_that_went_to_another_worker_no_longer_counts() -> None:
    requests = OpenRequests()
    requests.take(0, {"a": ASKED})
    requests.take(1, {"c": ASKED_LATER})
    requests.keep([1])
    assert requests.oldest() == 5_000
    assert requests.age_seconds(4_000) == 0.0  # a request that is ahead of our clock is not waiting
