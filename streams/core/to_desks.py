"""What signals workers tell the desks: their decisions about triggers, and the outcomes that name one.

Owns which record that is; the form is `schemas.candidate`'s. Of a trigger whose time is over nothing is said, since a desk finds that by
its own clock. An outcome is for every desk, since only a desk knows what is out: one that does not have the trigger lets it be.
"""

from typing import Any, Final

import orjson

from schemas.instants import from_text, ms_of
from schemas.outcome import OutcomeEvent
from streams.core.erasure import ERASED
from streams.core.published import Cause, Output, candidate_output
from streams.core.release.decode import WRITTEN_BY_DESK
from streams.core.release.encode import encode
from streams.core.release.inputs import Decided, Erased, Reported, Withdrawn
from streams.core.state import NEVER, State

EXPIRED: Final = "expired"
OTHER_DESK: Final = "other_desk"
"""Why a desk is to let a trigger go that goes out at another one from now on."""
_SECOND: Final = 1_000


def relayed(event: OutcomeEvent, cause: Cause) -> Output:
    """Return the record that passes an outcome on."""
    placed, wanted = event.started_at, event.callback_at
    body = Reported(
        event.trigger_id,
        event.attempt,
        event.disposition,
        NEVER if placed is None else ms_of(placed),
        NEVER if wanted is None else ms_of(wanted),
        cause.customer_id,
    )
    return candidate_output(cause, encode(body))


def forgotten(cause: Cause) -> Output:
    """Return the record that has every desk forget a customer, in triggers too whose episode is over here and not yet there."""
    return candidate_output(cause, encode(Erased(customer_id=cause.customer_id)))


def decision_of(output: Output, partition: int) -> Decided | Withdrawn | Erased | None:
    """Return what a decision says to its desk; None where it says nothing. `partition`: the customer's own."""
    fields: dict[str, Any] = orjson.loads(output.value)
    trigger_id, sequence = fields["trigger_id"], fields["sequence"]
    if output.status == "open":
        return Decided(
            trigger_id,
            sequence,
            output.customer_id,
            partition,
            fields["skill"],
            fields["purpose"],
            from_text(fields["due_at"]),
            from_text(fields["expires_at"]),
            [[from_text(opens), from_text(closes)] for opens, closes in fields["callable"]],
            fields["score"],
            0.0,
            fields["max_attempts"],
            fields["retry_delay_seconds"] * _SECOND,
            {name: value for name, value in fields.items() if name not in WRITTEN_BY_DESK},
        )
    if output.status == EXPIRED:
        return None
    if fields["status_reason"] == ERASED:
        return Erased(trigger_id)
    return Withdrawn(trigger_id, sequence, fields["status_reason"])


def adopted_json(state: State, partition: int) -> bytes:
    """Return the record that hands an open episode to its desk, whose trigger a signals worker has published itself. The desk goes on with the
    sequence that comes next; of one that it knows it takes no notice.
    """
    trigger = state.open_trigger()
    about = {"type": "decided", "schema_version": 1, "partition": partition, "trigger": trigger}
    return orjson.dumps(about | {"adopted_sequence": trigger["sequence"]}, option=orjson.OPT_UTC_Z)


def decision_json(output: Output, partition: int) -> bytes | None:
    """Return the record of what `decision_of` returns: an open trigger goes along byte for byte."""
    if output.status == "open":
        about = {"type": "decided", "schema_version": 1, "partition": partition}
        return orjson.dumps(about | {"trigger": orjson.Fragment(output.value)})
    body = decision_of(output, partition)
    return None if body is None else encode(body)
