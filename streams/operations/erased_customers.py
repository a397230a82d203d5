"""Who was erased, as the changelog tells it: for tools that must not bring a customer back.

Owns reading the markers. It must not read a customer's state, nor decide what an erasure covers.
"""

from __future__ import annotations

from schemas import topics
from streams.cluster.topic_reader import TopicReader
from streams.core.erasure import Erasure, Marker, decode_marker, is_marker
from streams.core.records import Decoded
from streams.settings import Settings
from streams.state.changelog import decode_entry


class ErasedCustomers:
    """The markers of the changelog, read when they are first asked for: that reads the whole changelog."""

    def __init__(self, reader: TopicReader, settings: Settings) -> None:
        self._reader = reader
        self._settings = settings
        self._erasure: Erasure = settings.erasure()
        self._markers: dict[str, Marker] | None = None

    def covers(self, decoded: Decoded) -> bool:
        """Return whether an event was erased, with its customer. Raises BrokerError, and ErasureError without the right key."""
        event = decoded.event
        if event is None or decoded.anonymous or event.customer_id is None:
            return False
        if self._markers is None:
            self._markers = self._read()
        if not self._markers:
            return False
        marker = self._markers.get(self._erasure.marker_key(event.customer_id))
        return marker is not None and decoded.at <= marker.until

    def _read(self) -> dict[str, Marker]:
        values: dict[str, bytes] = {}
        for record in self._reader.to_end(self._settings.topic(topics.CHANGELOG)):
            key = (record.key or b"").decode("utf-8", "replace")
            if not is_marker(key):
                continue
            if record.value is None:
                values.pop(key, None)
            else:
                values[key] = decode_entry(record.value).state
        self._erasure.check(values)
        return {key: decode_marker(value) for key, value in values.items()}
