"""The day on which desks take over: what a partition has published itself, and is still open, is handed to them, once.

Owns that it happens before anything else is decided, and is written down when it is done. A crash before that has it done again: a desk
knows by its sequence what it has already. It must not be asked before the outbox of what was published last was sent again.
"""

from collections.abc import Mapping

import structlog

from streams.core import state as st
from streams.core.erasure import is_reserved
from streams.core.handed_over import HANDED_OVER, MARK
from streams.core.to_desks import adopted_json
from streams.state.changelog import Sending
from streams.state.ground import StatesError
from streams.state.store import SignalsStore
from streams.workers.desk_sendings import to_desk
from streams.workers.effects import Effects
from streams.workers.writer import Decided, Writer

log = structlog.get_logger(__name__)


class Adoption:
    """Of one worker. `desks`: by skill the partition of its desk; None: it publishes its triggers itself."""

    def __init__(self, desks: Mapping[str, int] | None, writer: Writer, effects: Effects) -> None:
        self._desks = desks
        self._writer = writer
        self._effects = effects

    def check(self, partition: SignalsStore) -> None:
        """Raise `StatesError` where desks publish the triggers of a partition, and this worker would as well."""
        if self._desks is None and partition.clock.handed_over:
            raise StatesError(
                f"the triggers of partition {partition.number} are published by the desks: a worker that publishes them itself must not go "
                "on with its states, or customers are called twice"
            )

    async def adopt(self, partition: SignalsStore) -> None:
        """Hand over what is open, unless that was done; the caller holds the partition's turn. Raises `StaleError` and `EffectsError`."""
        if self._desks is None or partition.clock.handed_over:
            return
        sendings = [
            self._sending(customer, state, partition.number)
            for customer, data in partition.states.items()
            if not is_reserved(customer) and (state := st.decode(data)).episode
        ]
        await self._effects.publish(partition.number, sendings)
        await self._writer.carry_out(partition, Decided({HANDED_OVER: MARK}, {}, [], {}, told=True))
        partition.clock.handed_over = True
        log.info("the desks publish the triggers from now on", partition=partition.number, open=len(sendings))

    def _sending(self, customer: str, state: st.State, partition: int) -> Sending:
        assert self._desks is not None
        skill = state.open_trigger()["skill"]  # which the policy may not know any more
        return to_desk(customer, -1, adopted_json(state, partition), self._desks.get(skill, 0))
