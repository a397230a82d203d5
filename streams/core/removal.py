"""The removal of a profile: a record of `customer.profiles` with a customer's key and no value, as tools that follow a
database's changes send it for a deleted row. It deletes the profile and no history (that is an erasure's work).

Owns what such a record means as an event: a profile that says nothing, as of the record's arrival in Kafka, which is the
only time it has. It moves no clock, since it tells when a row was deleted and not when a customer did anything.
"""

from re import compile as pattern
from typing import Final

from schemas import topics
from schemas.ids import ID_PATTERN, names_nobody
from schemas.instants import to_datetime
from schemas.profile import ProfileEvent
from schemas.revisions import arrival_of
from streams.core.records import Decoded, Record
from streams.core.state import OUTLOOK_FIELDS, PROFILE_TIMES, State

_IDENTIFIER: Final = pattern(ID_PATTERN)
_LATEST_MS: Final = 221_845_392_000_000
"""The year 9000, as for events."""


class RemovedProfile(ProfileEvent):
    """A profile that says nothing, since it was removed."""


def removal_of(record: Record) -> Decoded | None:
    """Return the removal that a record without a value is; none when the topic holds no profiles or the key names nobody."""
    if not record.topic.endswith(topics.PROFILES) or record.key is None:
        return None
    if not 0 <= record.timestamp < _LATEST_MS:
        return None  # of a topic whose producers set the time: as of when it was removed cannot be told
    customer_id = record.key.decode("utf-8", "replace")
    if not _IDENTIFIER.fullmatch(customer_id) or names_nobody(customer_id):
        return None
    at = record.timestamp
    event = RemovedProfile(
        type="profile",
        schema_version=1,
        event_id=f"removed.{record.partition}.{record.offset}",
        customer_id=customer_id,
        occurred_at=to_datetime(at),
    )
    return Decoded(record, at, event, None, (), False, arrival_of(at, record.offset))


def is_removal(decoded: Decoded) -> bool:
    """Return whether a profile event is the removal of one."""
    return isinstance(decoded.event, RemovedProfile)


def is_blank(state: State) -> bool:
    """Return whether a state holds nothing more than the time and the version of its profile."""
    kept = {name: getattr(state, name) for name in ("newest", *PROFILE_TIMES, *OUTLOOK_FIELDS)}
    return state == State(**kept)
