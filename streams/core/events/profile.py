"""Who a customer is and whether calls are welcome: the whole profile stands until a later one replaces it, by (event time, revision,
arrival)."""

from typing import Final

import orjson

from schemas.base import Event
from schemas.profile import ProfileEvent
from schemas.revisions import revision_of
from streams.core.events.rules import EventRules
from streams.core.records import Decoded
from streams.core.state import NEVER, State

_FIELDS: Final = set(ProfileEvent.model_fields) - set(Event.model_fields) - {"type"}


def _stand(state: State, decoded: Decoded, horizon_start: int) -> bool | None:
    event, at = decoded.event, decoded.at
    assert event is not None
    new_json = orjson.dumps(event.model_dump(include=_FIELDS, exclude_none=True), option=orjson.OPT_SORT_KEYS)
    if new_json == b"{}":
        new_json = b""  # a profile that says nothing is none: so a removal, too, is the latest by time
    if not new_json and state.profile_at == NEVER and at <= horizon_start:
        return None  # nothing to take away, and whoever left the store and came back would not know of it
    new = (at, revision_of(event.revised_at), decoded.arrival, new_json)
    old = (state.profile_at, state.profile_revision, state.profile_arrival, state.profile_json)
    if new <= old:
        return None
    state.profile_at, state.profile_revision, state.profile_arrival, state.profile_json = new
    return at != old[0] or new_json != old[3]


RULES: Final[EventRules] = EventRules(stand=_stand)
