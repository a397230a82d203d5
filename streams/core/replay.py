"""A partition's events once more, from their beginning: what they leave, and what they would have said.

Owns what is noted of them. Nothing is published of it: what was really said is elsewhere (`said`). Pure.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import orjson

from schemas.instants import from_text
from streams.core.engine import Clock, process_batch
from streams.core.erasure import Erasure, is_reserved
from streams.core.events.outcome import reached
from streams.core.policy import Policy
from streams.core.records import Decoded
from streams.core.said import Picture, WordId
from streams.core.state import NEVER
from streams.core.wording import CODES, Wording

NOTHING: Final[Mapping[WordId, int]] = {}


class Replay:
    """Of one partition. It begins with the `markers` of customers who were erased, and what is known of numbers, by key."""

    def __init__(
        self,
        policy: Policy,
        erasure: Erasure,
        markers: Mapping[str, bytes] | None = None,
        wording: Wording = CODES,
    ) -> None:
        self._policy = policy
        self.erasure = erasure
        self._wording = wording
        self.states: dict[str, bytes] = dict(markers or {})
        self.clock = Clock.restore(NEVER, self.states)
        self.seen: set[str] = set()
        """Who has been in the store at any time."""
        self.decided: dict[str, dict[WordId, int]] = {}
        """By customer: the names of the records that the events would have published, and when (ms) each was decided."""
        self.pictured: dict[str, Picture] = {}
        """By customer: the last picture that the events would have published."""
        self.answered: dict[str, int] = {}
        """When (ms) a customer was last spoken to."""

    def feed(self, records: Sequence[Decoded], *, advance_to: int | None = None) -> None:
        """Judge records in their order, and let time pass up to `advance_to` (ms). Raises ErasureError without a key."""
        for decoded in records:
            event = decoded.event
            if event is not None and event.customer_id is not None and reached(event):
                customer = event.customer_id
                self.answered[customer] = max(decoded.at, self.answered.get(customer, NEVER))
        result = process_batch(
            records,
            self.states,
            self._policy,
            self.clock,
            advance_to=advance_to,
            erasure=self.erasure,
            wording=self._wording,
        )
        for key, data in result.states.items():
            if data is None:
                self.states.pop(key, None)
            else:
                self.states[key] = data
            if not is_reserved(key):
                self.seen.add(key)
        for output in result.outputs:
            if output.kind == "trigger":
                fields = orjson.loads(output.value)
                decided = self.decided.setdefault(output.customer_id, {})
                decided[fields["trigger_id"], fields["sequence"]] = from_text(fields["updated_at"])
            elif output.value:
                fields = orjson.loads(output.value)
                picture = Picture(from_text(fields["as_of"]), fields["sequence"], fields["band"])
                self.pictured[output.customer_id] = picture
            else:
                self.pictured.pop(output.customer_id, None)
