"""What is published: each record as JSON, byte for byte what its model in `schemas` would write, with what a sender must know of it.

Owns the form. The fields come in the models' order, from events and policies that were validated when they were read, so
they are not validated again; tests hold every record to its model. A score that is none raises, since only arithmetic
stands before it.
"""

from datetime import datetime
from hashlib import blake2b
from typing import Any, Final, Literal, NamedTuple

import orjson

from schemas.instants import ms_of
from streams.core.state import FOREVER, NEVER

Kind = Literal["trigger", "signals", "reply", "candidate"]
TOMBSTONE: Final = b""
"""The value of a record without a value, which removes the customer from a compacted topic."""


class Cause(NamedTuple):
    """What made us look: an event, or a timer (`ingested_at` -1)."""

    customer_id: str
    at: int
    """Event time, ms."""
    identity: str
    """Of the event or the timer: it goes into the trigger's id."""
    ingested_at: int
    answered: bool = False
    """The event reports that the customer was reached."""
    event_id: str | None = None
    """Of the event, where dialers and reports may name it; none for a timer, and of an event that was erased."""


class Output(NamedTuple):
    """One record to publish. Times in ms; `ingested_at` is -1 when time itself was the cause."""

    customer_id: str
    kind: Kind
    value: bytes
    """JSON, or `TOMBSTONE`."""
    caused_at: int
    ingested_at: int
    purpose: str
    status: str
    identity: str
    """The same for the same record, another for every other one of its kind."""
    useful_until: int
    """Until when a dialer can act upon it: an open trigger until it expires, `NEVER` for one that was known too late, `FOREVER`
    for all else."""


def record_json(fields: dict[str, Any]) -> bytes:
    """Return the JSON of a record, whose datetimes are in UTC. Raises ValueError when its score is no probability."""
    if not 0.0 <= fields["score"] <= 1.0:
        raise ValueError(f"a score of {fields['score']} cannot be published: it must lie between 0 and 1")
    return orjson.dumps(fields, option=orjson.OPT_UTC_Z)


def trigger_output(cause: Cause, fields: dict[str, Any]) -> Output:
    """Return a trigger's record, made of the fields of `schemas.trigger.CallbackTrigger`; datetimes, or texts as they were published."""
    status, sequence = fields["status"], fields["sequence"]
    useful_until = FOREVER
    if status == "open":
        expires: datetime = fields["expires_at"]
        useful_until = ms_of(expires)
    elif status == "expired" and sequence == 1:
        useful_until = NEVER  # no dialer has heard of it
    return Output(
        cause.customer_id,
        "trigger",
        record_json(fields),
        cause.at,
        cause.ingested_at,
        fields["purpose"],
        status,
        _trigger_identity(fields),
        useful_until,
    )


def signals_output(cause: Cause, fields: dict[str, Any] | None) -> Output:
    """Return a picture's record, made of the fields of `schemas.signals.CustomerSignals`; None for its tombstone."""
    value = TOMBSTONE if fields is None else record_json(fields)
    identity = _content_identity(value, cause.customer_id, cause.at)
    return Output(cause.customer_id, "signals", value, cause.at, cause.ingested_at, "", "", identity, FOREVER)


def candidate_output(cause: Cause, value: bytes) -> Output:
    """Return what a desk is told beside decisions, as JSON of a kind of `schemas.candidate`."""
    identity = _content_identity(value, cause.customer_id, cause.at)
    return Output(
        cause.customer_id, "candidate", value, cause.at, cause.ingested_at, "", "", identity, FOREVER
    )


def identity_of(kind: Kind, value: bytes, key: str, caused_at: int) -> str:
    """Return the identity of a record that was stored with no more than this."""
    if kind == "trigger":
        return _trigger_identity(orjson.loads(value))
    if kind == "reply":
        return reply_identity(key, orjson.loads(value)["command_id"])
    return _content_identity(value, key, caused_at)


def reply_identity(claimant: str, command_id: str) -> str:
    """Return the identity of the answer to a command."""
    return f"{claimant}.{command_id}"


def _trigger_identity(fields: dict[str, Any]) -> str:
    return f"{fields['trigger_id']}.{fields['sequence']}"


def _content_identity(value: bytes, customer_id: str, caused_at: int) -> str:
    content = value or f"{customer_id}\0{caused_at}".encode()
    return blake2b(content, digest_size=16).hexdigest()
