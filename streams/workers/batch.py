"""One batch of a partition of the signals workers: records, or only time, through the core, and what comes of it through `writer`.

Owns what of a result goes where. It must not choose what is in a batch (`micro_batch_handler`, `timers`), nor for how long one computes
(`computation`), nor in which order effects are carried out (`writer`).
"""

from collections.abc import Iterable, Mapping, Sequence

from streams.core.dead_letter_limit import Tallies, differs
from streams.core.engine import Batch
from streams.core.policy import Policy
from streams.core.published import Output
from streams.core.records import Decoded
from streams.core.state import NEVER
from streams.core.wording import Wording
from streams.lane.micro_batch import TP
from streams.settings import Settings
from streams.state.broker_time import BrokerTime
from streams.state.changelog import Mode, Sending
from streams.state.store import SignalsStore
from streams.workers.computation import Computed, compute
from streams.workers.desk_sendings import DeskSendings
from streams.workers.effects import Effects
from streams.workers.fence import Fence
from streams.workers.home import Misrouted
from streams.workers.writer import NOWHERE, Decided, Writer


class Batches:
    """Decides and carries out batches. The caller holds the partition's turn: its batches follow one another.

    `idle_timers`: the brokers' time counts, so a trigger whose validity is over is told to nobody.
    """

    def __init__(
        self,
        settings: Settings,
        policy: Policy,
        wording: Wording,
        fence: Fence,
        writer: Writer,
        effects: Effects,
        broker_time: BrokerTime,
        *,
        idle_timers: bool,
        desks: Mapping[str, int] | None = None,
    ) -> None:
        """`desks`: by skill the partition of the desk that publishes its triggers; None: they are published here."""
        self._desks = None if desks is None else DeskSendings(desks)
        self._mode: Mode = settings.mode
        self._policy = policy
        self._wording = wording
        self._erasure = settings.erasure()
        self._fence = fence
        self._writer = writer
        self._effects = effects
        self._broker_time = broker_time
        self._idle_timers = idle_timers

    async def forward(self, partition: SignalsStore, misrouted: Sequence[Misrouted]) -> None:
        """Send misrouted records of `partition` to their homes, before the batch they came with; delivered on return."""
        if misrouted:
            self._fence.check(partition)
            await self._effects.forward(misrouted)

    async def carry_out(
        self,
        partition: SignalsStore,
        records: Sequence[Decoded] = (),
        *,
        advance_to: int | None = None,
        tallies: Tallies | None = None,
        ends: Mapping[TP, int] = NOWHERE,
    ) -> Computed:
        """Judge records, as many as a batch has time for, and timers that are due; every effect of them is confirmed on return.

        `advance_to`: partition time (ms) to go on to. `tallies`: what the limit of dead letters has counted with these records, and with
        those that are left of them. `ends`: up to where the states hold the inputs when none of the records is left. Raises
        `StaleError` and `EffectsError` before a step that must not be taken.
        """
        clock, before = partition.clock, partition.clock.now
        # Until the last effect the clock, and what is due, are ahead of what is written.
        partition.whole = False
        batch = Batch(
            partition.states,
            self._policy,
            clock,
            self._erasure,
            self._wording,
            desks=self._desks is not None,
        )
        computed = await compute(batch, records, advance_to)
        result = computed.result
        told = clock.now != before or bool(result.rejects)
        if tallies is not None:
            told = told or differs(partition.dead_letters, tallies)
            partition.dead_letters = tallies
        partition.note_overdue()
        outboxes = self._outboxes(partition.number, result.outputs)
        inputs = self._writer.plain(ends) if computed.records == len(records) else {}
        await self._writer.carry_out(
            partition, Decided(result.states, outboxes, result.rejects, inputs, told)
        )
        return computed

    def _outboxes(self, partition: int, outputs: Iterable[Output]) -> dict[str, list[Sending]]:
        outboxes: dict[str, list[Sending]] = {}
        # Replayed history has its own time.
        now = self._broker_time.now(partition) if self._idle_timers else NEVER
        for output in outputs:
            sendings = self._sendings(output, partition, now)
            if sendings:
                outboxes.setdefault(output.customer_id, []).extend(sendings)
        return outboxes

    def _sendings(self, output: Output, partition: int, now: int) -> list[Sending]:
        if self._desks is None or output.kind == "signals" or output.useful_until <= now:
            return [self._sending(output, now)]
        return self._desks.of(output, partition)

    def _sending(self, output: Output, now: int) -> Sending:
        # What no dialer can act upon any more is only recorded.
        mode: Mode = "shadow" if output.useful_until <= now else self._mode
        return Sending(output.kind, mode, output.customer_id, output.caused_at, output.value, output.identity)
