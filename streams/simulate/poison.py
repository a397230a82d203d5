"""Broken records among the good ones, of the kinds that producers really send.

Owns the kinds; the good ones stay as they are.
"""

from __future__ import annotations

from random import Random
from typing import Final

import orjson

from streams.simulate.journal import SimulatedRecord

KINDS: Final = ("truncated", "wrong_type", "future_dated", "unknown_version", "bad_customer_id", "empty")


def break_record(record: SimulatedRecord, kind: str, number: int) -> SimulatedRecord:
    """Return a broken copy of a record, with an id of its own. ValueError for an unknown kind."""
    event_id = f"{record.event_id}-x{number}"
    event = orjson.loads(record.value) | {"event_id": event_id}
    if kind == "wrong_type":
        event["occurred_at" if "wait_seconds" not in event else "wait_seconds"] = "een halve minuut"
    elif kind == "future_dated":
        event["occurred_at"] = f"21{event['occurred_at'][2:]}"
    elif kind == "unknown_version":
        event["schema_version"] = 99
    elif kind == "bad_customer_id":
        event["customer_id"] = "klant nummer één"
    elif kind not in ("truncated", "empty"):
        raise ValueError(f"no kind of poison: {kind}")
    value = b"" if kind == "empty" else orjson.dumps(event)
    if kind == "truncated":
        value = value[: len(value) // 2]
    return record._replace(event_id=event_id, value=value, poison=kind)


def with_poison(records: list[SimulatedRecord], share: float, seed: int) -> list[SimulatedRecord]:
    """Return the records with broken ones put after random places, the kinds in turn."""
    random = Random(f"poison/{seed}")  # noqa: S311 - repeatable, not secret
    count = round(len(records) * share)
    places = sorted(random.sample(range(len(records)), count))
    mixed: list[SimulatedRecord] = []
    last = 0
    for number, place in enumerate(places):
        mixed += records[last : place + 1]
        mixed.append(break_record(records[place], KINDS[number % len(KINDS)], number))
        last = place + 1
    mixed += records[last:]
    return mixed
