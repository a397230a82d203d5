"""What is sent: requests of customers, and the events of one who never rests. Owns their bytes, which say the present time."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from random import Random
from typing import NamedTuple

import orjson

from schemas import topics
from streams.cluster.partitioning import partition_of


class Sent(NamedTuple):
    """A record to be sent. `topic` without its prefix."""

    topic: str
    partition: int
    key: bytes
    value: bytes


def now_ms() -> int:
    """The wall clock."""
    return time.time_ns() // 1_000_000


def request(customer: str, event_id: str, partitions: int, at: int) -> Sent:
    """A survey in which the customer asks to be called back, which opens a trigger at once."""
    event = _head("survey", customer, event_id, at) | {"csat": 3, "callback_requested": True}
    return _sent(topics.SURVEYS, customer, partitions, event)


def costly(customer: str, number: int, partitions: int, at: int) -> Sent:
    """One of the events that cost most of a customer with as many facts as are kept: it is judged, and measured by every signal."""
    random = Random(number)
    if random.random() < 0.3:
        fields: dict[str, object] = {
            "csat": random.randint(1, 5),
            "nps": random.randint(0, 10),
            "answered": False,
            "callback_requested": True,
        }
        return _sent(
            topics.SURVEYS, customer, partitions, _head("survey", customer, f"s-{number}", at) | fields
        )
    fields = {
        "channel": random.choice(("phone", "chat", "web")),
        "reason": random.choice(("complaint", "fault", "billing", "question")),
        "wait_seconds": random.randrange(900),
        "transfers": random.randrange(3),
        "ivr_steps": random.randrange(8),
        "abandoned": random.random() < 0.2,
        "resolved": random.random() < 0.5,
        "cancel_intent": random.random() < 0.1,
    }
    return _sent(topics.CALLS, customer, partitions, _head("call", customer, f"k-{number}", at) | fields)


def _head(kind: str, customer: str, event_id: str, at: int) -> dict[str, object]:
    when = datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds")
    return {
        "type": kind,
        "schema_version": 1,
        "event_id": event_id,
        "customer_id": customer,
        "occurred_at": when,
    }


def _sent(topic: str, customer: str, partitions: int, event: dict[str, object]) -> Sent:
    key = customer.encode()
    return Sent(topic, partition_of(key, partitions), key, orjson.dumps(event))
