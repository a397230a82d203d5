"""From what a desk reads to a record's bytes: the inverse of `decode`, for whoever writes candidates and commands."""

from typing import Any

import orjson

from schemas.instants import to_datetime
from streams.core.release import inputs as i
from streams.core.state import NEVER


def encode(body: i.Body, at: int = 0) -> bytes:
    """Return the record, as JSON. `at`: when (ms) it was decided, of a decision only.

    >>> encode(i.Erased("t1"))
    b'{"type":"erased","schema_version":1,"trigger_id":"t1"}'
    """
    kind, fields = _fields(body, at)
    return orjson.dumps({"type": kind, "schema_version": 1} | fields, option=orjson.OPT_UTC_Z)


def _fields(body: i.Body, at: int) -> tuple[str, dict[str, Any]]:
    if isinstance(body, i.Tick):
        return "tick", {} if body.now == NEVER else {"now": to_datetime(body.now)}
    if isinstance(body, i.Progress):
        return "progress", {"partition": body.partition, "read_to": to_datetime(body.read_to)}
    if isinstance(body, i.Decided):
        return "decided", _decided(body, at)
    if isinstance(body, i.Withdrawn):
        about = {"trigger_id": body.trigger_id, "decision_sequence": body.sequence, "reason": body.reason}
        return "withdrawn", about
    if isinstance(body, i.Reported):
        return "outcome", {
            "trigger_id": body.trigger_id,
            "attempt": body.attempt,
            "disposition": body.disposition,
            "placed_at": _time(body.placed_at),
            "wanted_at": _time(body.wanted_at),
            "customer_id": body.customer_id or None,
        }
    if isinstance(body, i.Contact):
        about = {"trigger_id": body.trigger_id, "contact_id": body.contact_id}
        return "contact", about | {"over": body.over, "served": body.served}
    if isinstance(body, i.Erased):
        whom = {"customer_id": body.customer_id} if body.customer_id else {"trigger_id": body.trigger_id}
        return "erased", whom
    return _command(body)


def _command(body: i.Command) -> tuple[str, dict[str, Any]]:
    asked: dict[str, Any] = {"claimant": body.claimant, "command_id": body.command_id}
    if isinstance(body, i.Claim):
        return "claim", asked | ({"skill": body.skill} if body.skill else {"trigger_id": body.trigger_id})
    if isinstance(body, i.Renew):
        return "renew", asked | {"trigger_id": body.trigger_id}
    if isinstance(body, i.GiveBack):
        return "release", asked | {"trigger_id": body.trigger_id}
    if isinstance(body, i.Done):
        return "done", asked | {"trigger_id": body.trigger_id, "answer": body.answer or None}
    if isinstance(body, i.Capacity):
        return "capacity", asked | {"skill": body.skill, "free": body.free, "until": to_datetime(body.until)}
    if body.mode == "limited":
        return "limit", asked | {"skill": body.skill, "a_day": body.most_a_day}
    return "stop" if body.mode == "shadow" else "start", asked | {"skill": body.skill}


def _decided(body: i.Decided, at: int) -> dict[str, Any]:
    windows = [[to_datetime(opens), to_datetime(closes)] for opens, closes in body.windows]
    trigger = body.trigger | {
        "trigger_id": body.trigger_id,
        "sequence": body.sequence,
        "status": "open",
        "status_reason": body.trigger["reason_code"],
        "updated_at": to_datetime(at),
        "callable": windows,
    }
    return {
        "partition": body.partition,
        "trigger": trigger,
        "worth": body.worth,
        "rest_until": _time(body.rest_until),
        "contact_id": body.contact or None,
        "adopted_sequence": body.adopted_sequence,
    }


def _time(ms: int) -> Any:
    return None if ms == NEVER else to_datetime(ms)
