"""A record that was sent once more: its letter is the original's, and nobody's headers are believed beyond what can be."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from streams.core.decode import decode, encode_dead_letter
from streams.core.records import Record, with_origins
from streams.core.redriven import REDRIVEN, TRIES, Origin, headers_of, origin_of

TOPIC = "acme.contact.calls"
FIRST = Record(TOPIC, 3, 7, 1_500, b"c1", b"{broken")
AGAIN = FIRST._replace(offset=41, timestamp=9_000)


@dataclass(frozen=True)
class Fetched:
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


def letter(record: Record, headers: Any = ()) -> dict[str, Any]:
    fetched = Fetched(record.offset, record.timestamp, record.key, record.value, tuple(headers))
    [decoded] = with_origins([decode(record)], [fetched])
    made: dict[str, Any] = json.loads(encode_dead_letter(decoded))
    return made


def test_the_letter_of_the_second_try_is_that_of_the_first_with_one_try_more() -> None:
    first = letter(FIRST)
    assert "tries" not in first, "as releases of before wrote it, so that their sink workers read it"
    second = letter(AGAIN, headers_of(TOPIC, 3, Origin(7, 1_500, 2)))
    assert second == first | {"tries": 2}


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(REDRIVEN, b"acme.contact.calls/3/7")],  # of a release of before
        [(TRIES, b"2/1500")],
        [(REDRIVEN, b"acme.contact.surveys/3/7"), (TRIES, b"2/1500")],
        [(REDRIVEN, b"acme.contact.calls/2/7"), (TRIES, b"2/1500")],
        [(REDRIVEN, b"acme.contact.calls/3/41"), (TRIES, b"2/1500")],
        [(REDRIVEN, b"acme.contact.calls/3/-1"), (TRIES, b"2/1500")],
        [(REDRIVEN, b"acme.contact.calls/3/7"), (TRIES, b"2/9001")],
        [(REDRIVEN, b"acme.contact.calls/3/7"), (TRIES, b"1/1500")],
        [(REDRIVEN, b"acme.contact.calls/3/7"), (TRIES, b"1001/1500")],
        [(REDRIVEN, b"\xff"), (TRIES, b"2/1500")],
        [(REDRIVEN, b"acme.contact.calls/3/7"), (TRIES, b"two")],
    ],
)
def test_headers_that_cannot_be_true_are_as_none(headers: list[tuple[str, bytes]]) -> None:
    assert origin_of(TOPIC, 3, 41, 9_000, headers) is None
    assert letter(AGAIN, headers)["offset"] == 41
