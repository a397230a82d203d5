"""What a desk reads, record by record: each with what its bytes mean, in the shape that the lane merges.

Owns that shape. What bytes mean is `core.release.decode`'s.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from schemas import topics
from streams.core.records import Record, Reject, size_of
from streams.core.release import decode
from streams.core.release.inputs import Body


class DeskRecord(NamedTuple):
    """A record with what its bytes mean: something to judge, or the reason why there is nothing."""

    record: Record
    body: Body | None
    reject: Reject | None = None

    @property
    def topic(self) -> str:
        """See `Placed`, as for all below."""
        return self.record.topic

    @property
    def offset(self) -> int:
        return self.record.offset

    @property
    def timestamp(self) -> int:
        return self.record.timestamp

    @property
    def size(self) -> int:
        return size_of(self.record)

    @property
    def at(self) -> int:
        """The brokers' time: a desk takes what comes as it comes."""
        return self.record.timestamp


def read_record(plain: Callable[[str], str], desk_of: Mapping[str, int], record: Record) -> DeskRecord:
    """Return what a record means to the desk that reads it. `plain` takes the prefix off a topic; `desk_of`: by skill, the desk's partition."""
    candidate = plain(record.topic) == topics.CANDIDATES
    made = (decode.candidate if candidate else decode.command)(record.value, record.partition, desk_of)
    return DeskRecord(record, made.body, made.reject)
