"""Where a record that was sent once more came from, as its headers tell: so that a dead letter of it is the same letter once more.

Owns the headers' names and format. It must not trust them: whoever may write to a topic may write headers. What they name must lie
before the record itself, in its topic and partition; anything else is as if there were none.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

REDRIVEN: Final = "behoudlijn-redriven-from"
"""`topic/partition/offset` of the record that is repeated."""
TRIES: Final = "behoudlijn-tries"
"""`tries/ingestion time in ms`: for the how-manieth time it is judged now, and when the original came."""
MOST_TRIES: Final = 1_000

Headers = Sequence[tuple[str, bytes]]


class Origin(NamedTuple):
    """The record that is repeated, of the same topic and partition. `tries`: how often it was sent, this time included."""

    offset: int
    ingested_at: int
    tries: int


def headers_of(topic: str, partition: int, origin: Origin) -> list[tuple[str, bytes]]:
    """Return the headers of a repeated record."""
    place = f"{topic}/{partition}/{origin.offset}"
    return [(REDRIVEN, place.encode()), (TRIES, f"{origin.tries}/{origin.ingested_at}".encode())]


def origin_of(topic: str, partition: int, offset: int, timestamp: int, headers: Headers) -> Origin | None:
    """Return what the headers of a record tell; None where they tell nothing, or what cannot be.

    >>> origin_of("contact.calls", 3, 41, 9_000, headers_of("contact.calls", 3, Origin(7, 1_500, 2)))
    Origin(offset=7, ingested_at=1500, tries=2)
    """
    told = dict(headers)
    place, tries = told.get(REDRIVEN), told.get(TRIES)
    if (
        place is None or tries is None
    ):  # a release of before gave the place alone, and its letters a place of their own
        return None
    try:
        named, number, at = place.decode().rsplit("/", 2)
        times, ingested_at = map(int, tries.decode().split("/"))
        origin = Origin(int(at), ingested_at, times)
    except ValueError:
        return None
    possible = (
        (named, number) == (topic, str(partition))
        and 0 <= origin.offset < offset
        and 0 <= origin.ingested_at <= timestamp
        and 1 < origin.tries <= MOST_TRIES
    )
    return origin if possible else None
