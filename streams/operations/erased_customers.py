"""Who was erased, as the changelog tells it: for tools that must not bring a customer back.

Owns reading the markers. It must not read a customer's state, nor decide what an erasure covers.
"""

from __future__ import annotations

from schemas import topics
from streams.cluster.topic_reader import TopicReader
from streams.core.erasure import Erasure, ErasureError, Marker, check_marker, decode_marker, is_marker
from streams.core.records import Decoded
from streams.settings import Settings
from streams.state.changelog import (
    PARTITION_KEY,
    ChangelogError,
    Unreadable,
    decode_entry,
    decode_partition,
    refusal,
)


class ErasedCustomers:
    """The markers of the changelog, read when they are first asked for: that reads the whole changelog."""

    def __init__(self, reader: TopicReader, settings: Settings) -> None:
        self._reader = reader
        self._settings = settings
        self._erasure: Erasure = settings.erasure()
        self._markers: dict[str, Marker] | None = None

    def covers(self, decoded: Decoded) -> bool:
        """Return whether an event was erased, with its customer. Raises BrokerError, ChangelogError when it
        cannot be told, and ErasureError without the right key."""
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
        begins: dict[int, int] = {}
        broken: dict[int, list[Unreadable]] = {}
        topic = self._settings.topic(topics.CHANGELOG)
        for record in self._reader.to_end(topic):
            key = (record.key or b"").decode("utf-8", "replace")
            try:
                if record.key == PARTITION_KEY and record.value is not None:
                    begins[record.partition] = decode_partition(record.value).begins
                elif is_marker(key) and record.value is None:
                    values.pop(key, None)
                elif is_marker(key) and record.value is not None:
                    value = decode_entry(record.value).state
                    check_marker(value)
                    values[key] = value
            except (ChangelogError, ErasureError) as error:
                found = Unreadable(record.offset, str(error), record.key)
                broken.setdefault(record.partition, []).append(found)
        for number, every in sorted(broken.items()):
            if left := [each for each in every if each.offset >= begins.get(number, 0)]:
                raise refusal(topic, number, left)
        self._erasure.check(values)
        return {key: decode_marker(value) for key, value in values.items()}
