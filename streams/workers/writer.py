"""The effects of a batch, in the order that loses nothing: the states are written to the changelog, then the outputs are published, then
the dead letters; each step is confirmed before the next.

Owns that order, for every worker with states. It must not compute a batch (`batch`), nor acknowledge: the lane does,
when the run is done.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from streams.core.records import Decoded
from streams.lane.micro_batch import TP
from streams.settings import Settings
from streams.state.changelog import Sending
from streams.state.fencing import Change, FencedChangelog
from streams.state.ground import Inputs, held, more_of
from streams.state.store import PartitionStore
from streams.workers.fail_point import FailPoint
from streams.workers.fence import Fence

_UNCHANGED: Mapping[str, bytes | None] = {}
NOWHERE: Mapping[TP, int] = {}


class Publisher(Protocol):
    """Where outputs and dead letters go; delivered on return."""

    async def publish(self, partition: int, sendings: Sequence[Sending]) -> None: ...
    async def publish_dead_letters(self, rejects: Sequence[Decoded]) -> None: ...


class Decided(NamedTuple):
    """What a batch of a partition has come to. `told`: something of the partition's own record must be written down."""

    states: Mapping[str, bytes | None]
    outboxes: Mapping[str, Sequence[Sending]]
    """By the key of the changelog that holds them until they are delivered."""
    rejects: Sequence[Decoded]
    inputs: Inputs
    """Up to where the states hold the inputs, by topic without prefix."""
    told: bool


class Writer:
    """Of one worker. `label`: the policy by which it decides. `on_written` hears of how many seconds a write took."""

    def __init__(
        self,
        settings: Settings,
        label: str,
        fence: Fence,
        fenced: FencedChangelog,
        publisher: Publisher,
        fail_point: FailPoint,
        on_written: Callable[[float], object] = lambda _: None,
    ) -> None:
        self._settings = settings
        self._label = label
        self._fence = fence
        self._fenced = fenced
        self._publisher = publisher
        self._fail_point = fail_point
        self._written = on_written

    async def carry_out(self, partition: PartitionStore, decided: Decided) -> None:
        """Carry out what was decided; every effect is confirmed on return. The caller holds the partition's turn.

        Raises `StaleError` and `EffectsError` before a step that must not be taken.
        """
        partition.whole = False
        states, outboxes = decided.states, decided.outboxes
        # Also where nothing changed: a commit must never be ahead of what the changelog says that the states hold.
        if states or outboxes or decided.told or more_of(partition.inputs, decided.inputs):
            await self._write_states(partition, states, outboxes, decided.inputs)
            self._fail_point("after_changelog")
        if outboxes:
            self._fence.check(partition)
            await self._publisher.publish(partition.number, [s for box in outboxes.values() for s in box])
        if decided.rejects:
            self._fence.check(partition)
            await self._publisher.publish_dead_letters(decided.rejects)
        self._fail_point("after_outputs")
        partition.whole = True

    async def bury(self, partition: PartitionStore, rejects: Sequence[Decoded]) -> None:
        """Publish dead letters before the batch they came with, where a record that was judged is not read again; delivered on return."""
        if rejects:
            self._fence.check(partition)
            await self._publisher.publish_dead_letters(rejects)

    async def mark(self, partition: PartitionStore, positions: Mapping[TP, int] = NOWHERE) -> None:
        """Write a batch of nothing: it says that the outputs of the batch before were delivered, and asks the broker for the time.

        `positions`: up to where all is acknowledged, offsets without records included.
        """
        departed = dict.fromkeys(partition.departed)
        await self._write(partition, departed, inputs=self.plain(positions), departed=set(), outputs=False)

    def behind(self, partition: PartitionStore, positions: Mapping[TP, int]) -> bool:
        """Return whether the changelog does not say yet that the states hold the inputs up to these positions.

        What holds no records is committed without a batch. Where retention removes it before the changelog says so, nobody could tell
        whether it held any.
        """
        return more_of(partition.inputs, self.plain(positions))

    def plain(self, positions: Mapping[TP, int]) -> dict[str, int]:
        """Return positions by topic without prefix."""
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
        for key in states.keys() | outboxes.keys():  # some came and left within this batch
            state, outbox = states.get(key), outboxes.get(key, ())
            changes[key] = None if state is None and not outbox else Change(state or b"", outbox)
            if state is None and outbox:
                departed.add(key)
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
        await self._fenced.write(partition, changes, number, partition.now, self._label)
        self._written(time.monotonic() - began)
        partition.apply(number, states, departed, outputs=outputs)
        partition.whole = whole
        partition.written_at = time.monotonic()
