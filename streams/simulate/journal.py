"""Where one customer's events are written down, as bytes with their time. Owns event ids and the bounds."""

from __future__ import annotations

from random import Random
from typing import Any, Final, NamedTuple

import orjson

from schemas import topics
from streams.simulate.calendar import Calendar

ANONYMOUS: Final[tuple[str | None, ...]] = ("0", "0", "0", "unknown", None, "")
_TYPES: Final = {topic: name for name, (_, topic) in reversed(topics.EVENT_TYPES.items())}
"""The own type of each topic, which is its first."""


class SimulatedRecord(NamedTuple):
    """One record to send. Ordered by time, then by id."""

    at: int
    """Event time in ms since the epoch, UTC; of a broken record, the time of its neighbour."""
    event_id: str
    topic: str
    customer_id: str | None
    """None: nobody in particular, so no key."""
    value: bytes
    poison: str = ""
    """What is wrong with it; empty: nothing."""

    @property
    def routing(self) -> bytes:
        """What decides the partition."""
        return (self.customer_id or self.event_id).encode()


class Journal:
    """The events of one customer."""

    def __init__(self, customer_id: str, prefix: str, calendar: Calendar) -> None:
        self.customer_id = customer_id
        self.records: list[SimulatedRecord] = []
        self._prefix, self._calendar = prefix, calendar
        self._closed = calendar.end

    def close(self, at: int) -> None:
        """Nothing of this customer is written from `at` on."""
        self._closed = min(self._closed, at)
        self.records = [record for record in self.records if record.at < self._closed]

    def write(
        self, topic: str, at: int, fields: dict[str, Any], *, nobody: Random | None = None
    ) -> str | None:
        """Write one event down and return its id; None when it lies outside of the period.

        With `nobody` the customer was not recognised, in one of the ways in which records say so.
        """
        if not self._calendar.start <= at < self._closed:
            return None
        event_id = f"{self._prefix}-{len(self.records):04d}"
        customer: str | None = self.customer_id
        if nobody is not None:
            customer = ANONYMOUS[int(nobody.random() * len(ANONYMOUS))]
        event = {
            "type": _TYPES[topic],
            "schema_version": 1,
            "event_id": event_id,
            "customer_id": customer,
            "occurred_at": self._calendar.stamp(at),
        }
        event |= fields
        key = None if nobody is not None else customer
        # Copied, since the bytes of orjson keep their whole buffer (4 kB each) alive.
        value = bytes(memoryview(orjson.dumps(event)))
        self.records.append(SimulatedRecord(at, event_id, topic, key, value))
        return event_id
