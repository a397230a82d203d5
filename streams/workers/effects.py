"""What a batch publishes: its outputs and dead letters, to their topics, all awaited.

Owns what a published record looks like (key, partition, CloudEvents headers). It must not decide anything, and
`fencing` writes the states, before anything is published here.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Literal

from schemas import topics
from schemas.instants import to_datetime
from streams.cluster.partitioning import partition_of
from streams.core.decode import encode_dead_letter
from streams.core.published import Kind
from streams.core.records import Decoded
from streams.core.repartition import original_of, wrap
from streams.settings import Settings
from streams.state.changelog import AS_ITS_KEY_SAYS, Sending
from streams.state.delivery import Deliveries, Outgoing
from streams.workers.home import Misrouted

Stage = Literal["signals", "release"]

_MOST_KEY_BYTES = 1024
"""A dead letter keeps a longer key in its body only (cut), or it could exceed what the broker takes."""
_MESSAGE: Final[Mapping[Kind, str]] = {
    "trigger": "callback_trigger",
    "signals": "customer_signals",
    "reply": "callback_reply",
    "candidate": "callback_candidate",
}


class Effects:
    """Publishes for the partitions of this worker, which has made sure that they are its own. `stage`: which kind of worker it is."""

    def __init__(self, settings: Settings, deliveries: Deliveries, stage: Stage = "signals") -> None:
        self._deliveries = deliveries
        self._stage: Stage = stage
        self._partitions = settings.partitions
        self._dead_letters = settings.topic(topics.DEAD_LETTERS)
        self._rekeyed = settings.topic(topics.REPARTITION)
        self._topics = {
            ("trigger", "live"): settings.topic(topics.TRIGGERS),
            ("trigger", "shadow"): settings.topic(topics.SHADOW_TRIGGERS),
            ("signals", "live"): settings.topic(topics.SIGNALS),
            ("signals", "shadow"): settings.topic(topics.SIGNALS),
            ("reply", "live"): settings.topic(topics.REPLIES),
            ("candidate", "live"): settings.topic(topics.CANDIDATES),
        }

    async def publish(self, partition: int, sendings: Sequence[Sending]) -> None:
        """Publish outputs of the states of `partition`, those of each partition of a topic in order; delivered on return."""
        by_place: dict[tuple[str, int], list[Outgoing]] = {}
        for sending in sendings:
            key, value = sending.key.encode(), sending.value or None  # none: a tombstone
            number = partition if sending.partition is None else sending.partition
            if number == AS_ITS_KEY_SAYS:
                number = partition_of(key, self._partitions)
            place = self._topics[sending.kind, sending.mode], number
            by_place.setdefault(place, []).append((key, value, headers_of(sending, self._stage)))
        sent = []
        for (topic, number), own in by_place.items():
            sent += await self._deliveries.send_all(topic, number, own)
        await self._deliveries.confirmed(sent)

    async def forward(self, misrouted: Sequence[Misrouted]) -> None:
        """Send misrouted records to their homes, through the repartition topic, in order; delivered on return."""
        await self._deliveries.confirmed(
            [
                await self._deliveries.send(
                    self._rekeyed,
                    each.customer_id.encode(),
                    wrap(each.decoded.record),
                    headers=[],
                    partition=each.home,
                )
                for each in misrouted
            ]
        )

    async def publish_dead_letters(self, rejects: Sequence[Decoded]) -> None:
        """Publish what could not be read, under its own key; delivered on return."""
        sent = []
        for reject in rejects:
            if reject.record.topic == self._rekeyed:
                reject = original_of(reject)
            record = reject.record
            key = record.key if record.key is not None and len(record.key) <= _MOST_KEY_BYTES else None
            identity = f"{record.topic}.{record.partition}.{record.offset}"  # of a redriven record its own: another message
            headers = _headers(identity, "dead_letter", max(record.timestamp, 0), self._stage)
            letter = encode_dead_letter(reject)
            sent.append(
                await self._deliveries.send(self._dead_letters, key, letter, headers=headers, partition=None)
            )
        await self._deliveries.confirmed(sent)


def headers_of(sending: Sending, stage: Stage = "signals") -> list[tuple[str, bytes]]:
    """Return the CloudEvents headers (binary mode). The same output always has the same ones."""
    return _headers(sending.identity, _MESSAGE[sending.kind], sending.caused_at, stage)


def _headers(identity: str, kind: str, at: int, stage: Stage) -> list[tuple[str, bytes]]:
    instant = to_datetime(at).isoformat(timespec="milliseconds")
    return [
        ("ce_specversion", b"1.0"),
        ("ce_id", identity.encode()),
        ("ce_type", f"behoudlijn.{kind}.v1".encode()),
        ("ce_source", f"behoudlijn/{stage}".encode()),
        ("ce_time", instant.encode()),
        ("content-type", b"application/json"),
    ]
