"""One batch of a partition: records, or only time, through the core, and its effects in the order that loses nothing.

Owns that order: the states are written to the changelog, then the outputs are published, then the dead letters; each step is
confirmed before the next. It must not choose what is in a batch (`micro_batch_handler`, `timers`), nor for how long one computes
(`computation`), nor acknowledge: the lane does, when the run is done.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence

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
from streams.state.fencing import Change, FencedChangelog
from streams.state.ground import Inputs, held, more_of
from streams.state.store import PartitionStore
from streams.workers.computation import Computed, compute
from streams.workers.effects import Effects
from streams.workers.fail_point import FailPoint
from streams.workers.fence import Fence
from streams.workers.home import Misrouted

_UNCHANGED: Mapping[str, bytes | None] = {}
_NOWHERE: Mapping[TP, int] = {}


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
        fenced: FencedChangelog,
        effects: Effects,
        fail_point: FailPoint,
        broker_time: BrokerTime,
        *,
        idle_timers: bool,
        on_written: Callable[[float], object] = lambda _: None,
    ) -> None:
        self._settings = settings
        self._mode: Mode = settings.mode
        self._policy = policy
        self._wording = wording
        self._erasure = settings.erasure()
        self._fence = fence
        self._fenced = fenced
        self._effects = effects
        self._fail_point = fail_point
        self._broker_time = broker_time
        self._idle_timers = idle_timers
        self._written = on_written

    async def forward(self, partition: PartitionStore, misrouted: Sequence[Misrouted]) -> None:
        """Send misrouted records of `partition` to their homes, before the batch they came with; delivered on return."""
        if misrouted:
            self._fence.check(partition)
            await self._effects.forward(misrouted)

    async def carry_out(
        self,
        partition: PartitionStore,
        records: Sequence[Decoded] = (),
        *,
        advance_to: int | None = None,
        tallies: Tallies | None = None,
        ends: Mapping[TP, int] = _NOWHERE,
    ) -> Computed:
        """Judge records, as many as a batch has time for, and timers that are due; every effect is confirmed on return.

        `advance_to`: partition time (ms) to go on to. `tallies`: what the limit of dead letters has counted with these records, and with
        those that are left of them. `ends`: up to where the states hold the inputs when none of the records is left. Raises
        `StaleError` and `EffectsError` before a step that must not be taken.
        """
        clock, before = partition.clock, partition.clock.now
        # Until the last effect the clock, and what is due, are ahead of what is written.
        partition.whole = False
        batch = Batch(partition.states, self._policy, clock, self._erasure, self._wording)
        computed = await compute(batch, records, advance_to)
        result = computed.result
        outboxes = self._outboxes(partition.number, result.outputs)
        told = bool(result.rejects)
        if tallies is not None:
            told = told or differs(partition.dead_letters, tallies)
            partition.dead_letters = tallies
        partition.note_overdue()
        inputs = self._plain(ends) if computed.records == len(records) else {}
        # Also where nothing changed: a commit must never be ahead of what the changelog says that the states hold.
        if result.states or outboxes or clock.now != before or told or more_of(partition.inputs, inputs):
            await self._write_states(partition, result.states, outboxes, inputs)
            self._fail_point("after_changelog")
        if result.outputs:
            self._fence.check(partition)
            await self._effects.publish(partition.number, [s for box in outboxes.values() for s in box])
        if result.rejects:
            self._fence.check(partition)
            await self._effects.publish_dead_letters(result.rejects)
        self._fail_point("after_outputs")
        partition.whole = True
        return computed

    async def mark(self, partition: PartitionStore, positions: Mapping[TP, int] = _NOWHERE) -> None:
        """Write a batch of nothing: it says that the outputs of the batch before were delivered, and asks the broker for the time.

        `positions`: up to where all is acknowledged, offsets without records included.
        """
        departed = dict.fromkeys(partition.departed)
        await self._write(partition, departed, inputs=self._plain(positions), departed=set(), outputs=False)

    def behind(self, partition: PartitionStore, positions: Mapping[TP, int]) -> bool:
        """Return whether the changelog does not say yet that the states hold the inputs up to these positions.

        What holds no records is committed without a batch. Where retention removes it before the changelog says so, nobody could tell
        whether it held any.
        """
        return more_of(partition.inputs, self._plain(positions))

    def _plain(self, positions: Mapping[TP, int]) -> dict[str, int]:
        return {self._settings.plain_topic(tp.topic): offset for tp, offset in positions.items()}

    async def _write_states(
        self,
        partition: PartitionStore,
        states: Mapping[str, bytes | None],
        outboxes: Mapping[str, Sequence[Sending]],
        inputs: Inputs,
    ) -> None:
        changes: dict[str, Change | None] = dict.fromkeys(partition.departed)
        departed: set[str] = set()
        for customer_id in states.keys() | outboxes.keys():  # some came and left within this batch
            state, outbox = states.get(customer_id), outboxes.get(customer_id, ())
            changes[customer_id] = None if state is None and not outbox else Change(state or b"", outbox)
            if state is None and outbox:
                departed.add(customer_id)
        await self._write(
            partition, changes, states, inputs=inputs, departed=departed, outputs=bool(outboxes)
        )

    async def _write(
        self,
        partition: PartitionStore,
        changes: Mapping[str, Change | None],
        states: Mapping[str, bytes | None] = _UNCHANGED,
        *,
        inputs: Inputs,
        departed: set[str],
        outputs: bool,
    ) -> None:
        """Make the next batch durable, and take it over into the store."""
        self._fence.check(partition)
        partition.inputs = held(partition.inputs, inputs)
        self._fail_point("before_changelog")
        number = partition.batch + 1
        began, whole, partition.whole = time.monotonic(), partition.whole, False
        await self._fenced.write(partition, changes, number, partition.clock.now, self._policy.label)
        self._written(time.monotonic() - began)
        partition.apply(number, states, departed, outputs=outputs)
        partition.whole = whole
        partition.written_at = time.monotonic()

    def _outboxes(self, partition: int, outputs: Iterable[Output]) -> dict[str, list[Sending]]:
        outboxes: dict[str, list[Sending]] = {}
        # Replayed history has its own time.
        now = self._broker_time.now(partition) if self._idle_timers else NEVER
        for output in outputs:
            outboxes.setdefault(output.customer_id, []).append(self._sending(output, now))
        return outboxes

    def _sending(self, output: Output, now: int) -> Sending:
        # What no dialer can act upon any more is only recorded.
        mode: Mode = "shadow" if output.useful_until <= now else self._mode
        return Sending(output.kind, mode, output.customer_id, output.caused_at, output.value, output.identity)
