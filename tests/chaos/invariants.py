"""What must hold whatever the order of arrival. Pure.

With late records in live arrival *when* a trigger fires may differ from the backlog's answer, so this run is not compared
output by output: facts and registers are equal to the oracle's, a customer has at most one open episode, sequences have no
gap and one content, and every trigger has its ground among the customer's events of before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import orjson

from schemas import topics
from schemas.cancellation import CancellationEvent
from schemas.survey import SurveyEvent
from streams.core import state as st
from streams.core.decode import decode
from streams.core.erasure import is_reserved
from streams.core.records import Record
from tests.chaos.history import Logs
from tests.chaos.verifier import Difference, compare, difference

REGISTERS: Final = (
    "requested_at",
    "requested_id",
    "given_at",
    "stage",
    "stage_reason",
    "stage_at",
    "effective_at",
    "ended_at",
    "ended_reason",
    "returned_at",
    "contracts",
    "deceased",
    "objected_at",
    "profile_at",
    "profile_json",
    "profile_revision",
    "profile_arrival",
)


def what_is_known(key: str, data: bytes) -> tuple[Any, ...]:
    """Facts and registers of a state, without the ledger of what was decided; of a number all of it."""
    if is_reserved(key):
        return (data,)
    state = st.decode(data)
    return (tuple(sorted(state.facts)), *(getattr(state, name) for name in REGISTERS))


def knowledge(expected: Mapping[str, bytes], found: Mapping[str, bytes]) -> list[Difference]:
    """Facts and registers of every customer."""
    return compare(
        "facts and registers",
        {customer: what_is_known(customer, data) for customer, data in expected.items()},
        {customer: what_is_known(customer, data) for customer, data in found.items()},
    )


def between(
    customers: Iterable[str],
    least: Mapping[str, bytes],
    found: Mapping[str, bytes],
    most: Mapping[str, bytes],
    max_facts: int,
) -> list[Difference]:
    """Customers of whom nobody knows which records were read know at least, and at most, these facts. Of those who have more
    facts than a state keeps nothing can be said.
    """
    missing, extra = [], []
    for customer in customers:
        low, now, high = (_identities(states.get(customer)) for states in (least, found, most))
        if len(high) >= max_facts:
            continue
        if low - now:
            missing.append(customer)
        if now - high:
            extra.append(customer)
    return [
        *difference("facts in doubt", "customers who lack one that was read", missing),
        *difference("facts in doubt", "customers who have one that there never was", extra),
    ]


def _identities(data: bytes | None) -> set[int]:
    return set() if data is None else {fact.identity for fact in st.decode(data).facts}


def episodes(records: Iterable[Record]) -> list[Difference]:
    """The triggers of one topic, each partition in log order."""
    contents: dict[tuple[str, int], bytes] = {}
    sequences: dict[str, set[int]] = defaultdict(set)
    open_now: dict[str, str] = {}
    conflicts, second, unknown = set(), set(), set()
    for record in records:
        value = record.value or b""
        trigger = orjson.loads(value)
        key = (trigger["trigger_id"], trigger["sequence"])
        if key in contents:
            if contents[key] != value:
                conflicts.add(key)
            continue  # sent again
        contents[key] = value
        sequences[key[0]].add(key[1])
        customer, current = trigger["customer_id"], open_now.get(trigger["customer_id"])
        if trigger["status"] == "open":
            if current not in (None, key[0]):
                second.add(key)
            open_now[customer] = key[0]
        elif current == key[0]:
            del open_now[customer]
        elif key[1] > 1:
            unknown.add(key)
    gaps = [key for key, seen in sequences.items() if seen != set(range(1, len(seen) + 1))]
    return [
        *difference("episodes", "with two contents for one (id, sequence)", conflicts),
        *difference("episodes", "opened while another was open", second),
        *difference("episodes", "ended that were not open", unknown),
        *difference("episodes", "with a gap in their sequences", gaps),
    ]


def justified(triggers: Sequence[Record], logs: Logs, horizon_ms: int) -> list[Difference]:
    """Every open trigger has its ground among the customer's events up to its own time."""
    asked: dict[str, list[int]] = defaultdict(list)
    cancelled: dict[str, list[int]] = defaultdict(list)
    anything: dict[str, list[int]] = defaultdict(list)
    for name in topics.INPUTS:
        for record in logs[name]:
            decoded = decode(record)
            event = decoded.event
            if event is None or event.customer_id is None:
                continue
            if name != topics.PROFILES:
                anything[event.customer_id].append(decoded.at)
            if isinstance(event, SurveyEvent) and event.callback_requested:
                asked[event.customer_id].append(decoded.at)
            if isinstance(event, CancellationEvent) and event.stage == "requested":
                cancelled[event.customer_id].append(decoded.at)
    grounds = {"requested_callback": asked, "save": cancelled}
    groundless = []
    for record in triggers:
        trigger = orjson.loads(record.value or b"")
        if trigger["status"] != "open":
            continue
        until = _ms(trigger["updated_at"])
        times = grounds.get(trigger["purpose"], anything)[trigger["customer_id"]]
        if not any(until - horizon_ms <= at <= until for at in times):
            groundless.append((trigger["trigger_id"], trigger["sequence"]))
    return difference("triggers", "without a ground among the customer's events", set(groundless))


def _ms(text: str) -> int:
    from datetime import datetime

    return int(datetime.fromisoformat(text).timestamp() * 1000)
