"""Who a customer is and whether calls are welcome: the whole profile stands until a later one replaces it."""

from typing import Final

import orjson

from schemas.base import Event
from schemas.profile import ProfileEvent
from streams.core.events.rules import EventRules
from streams.core.state import NEVER, State

_FIELDS: Final = set(ProfileEvent.model_fields) - set(Event.model_fields) - {"type"}


def _register(state: State, event: ProfileEvent, at: int, horizon_start: int) -> bool:
    new_json = orjson.dumps(event.model_dump(include=_FIELDS, exclude_none=True), option=orjson.OPT_SORT_KEYS)
    if new_json == b"{}":
        new_json = b""  # a profile that says nothing is none: so a removal, too, is the latest by time
    if not new_json and state.profile_at == NEVER and at <= horizon_start:
        return False  # nothing to take away, and whoever left the store and came back would not know of it
    if (at, new_json) <= (state.profile_at, state.profile_json):
        return False
    state.profile_at, state.profile_json = at, new_json
    return True


RULES: Final[EventRules] = EventRules(register=_register)
