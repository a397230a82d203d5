"""The records that workers have refused because of what time it was: read later, they look like any other.

Owns finding them, by their dead letters. What is refused for what it holds is refused whenever it is read, and needs no letter for that.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Final

from schemas.dead_letter import DeadLetter, RejectCode
from streams.cluster.topic_reader import TopicReader
from streams.core.records import Decoded
from streams.operations.dead_letters import Filter, read_letters
from streams.settings import Settings

_OF_ITS_TIME: Final[RejectCode] = "ahead_of_broker"


class RefusedRecords:
    """Those of which there are `letters`. A letter that was driven again, and refused again, counts for each of its tries."""

    def __init__(self, letters: Iterable[DeadLetter]) -> None:
        self._tries: dict[tuple[str, int, int], dict[str, int]] = {}
        for letter in letters:
            place = letter.topic, letter.partition, letter.offset
            self._tries.setdefault(place, {})[letter.payload_sha256] = letter.tries

    def covers(self, decoded: Decoded) -> bool:
        """Return whether a record was refused. One that was re-keyed is asked for as what it was (`repartition.original_of`)."""
        record, origin = decoded.record, decoded.origin
        offset, tries = (record.offset, 1) if origin is None else (origin.offset, origin.tries)
        payloads = self._tries.get((record.topic, record.partition, offset))
        # A topic that was made anew holds other records at the same offsets.
        return payloads is not None and payloads.get(sha256(record.value or b"").hexdigest(), 0) >= tries


def read_refused(settings: Settings) -> RefusedRecords:
    """Return those of which `contact.dead-letters` still holds letters. Raises BrokerError."""
    with TopicReader(settings) as reader:
        return RefusedRecords(read_letters(reader, settings, Filter(_OF_ITS_TIME)).letters)
