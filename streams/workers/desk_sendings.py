"""What a signals worker sends to desks: which record of an output goes to which desk. Owns that; the records are `core.to_desks`'s."""

from collections.abc import Mapping

import orjson

from streams.core.published import Output, identity_of
from streams.core.release.encode import encode
from streams.core.release.inputs import Withdrawn
from streams.core.to_desks import OTHER_DESK, decision_json
from streams.state.changelog import Sending


def to_desk(customer_id: str, caused_at: int, value: bytes, desk: int) -> Sending:
    """Return a record for one desk."""
    identity = identity_of("candidate", value, customer_id, caused_at)
    return Sending("candidate", "live", customer_id, caused_at, value, identity, desk)


class DeskSendings:
    """`desks`: by skill the partition of its desk."""

    def __init__(self, desks: Mapping[str, int]) -> None:
        self._desk_of = desks
        self._desks = sorted(set(desks.values()))

    def of(self, output: Output, partition: int) -> list[Sending]:
        """Return what the desks are told of a trigger, or of what came of a call. `partition`: of the customer."""
        if output.kind == "candidate":
            return [self._to(output, output.value, desk) for desk in self._desks]
        told = decision_json(output, partition)
        if told is None:
            return []
        fields = orjson.loads(output.value)
        own = self._desk_of[fields["skill"]]
        sendings = [self._to(output, told, own)]
        if output.status == "open" and fields["sequence"] > 1:
            # A stronger ground may be another desk's: the one that had the trigger must let it go.
            withdrawn = encode(Withdrawn(fields["trigger_id"], fields["sequence"], OTHER_DESK))
            sendings += [self._to(output, withdrawn, desk) for desk in self._desks if desk != own]
        return sendings

    def _to(self, output: Output, value: bytes, desk: int) -> Sending:
        return to_desk(output.customer_id, output.caused_at, value, desk)
