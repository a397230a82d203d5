"""What the lane hands out, and how it is set: plain values for the lane, the transport and the agents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple

from streams.core.merge import ItemT


class TP(NamedTuple):
    """A partition of a topic; equal to, and hashed as, the same pair of Faust or aiokafka."""

    topic: str
    partition: int


@dataclass(frozen=True, slots=True)
class LaneSettings:
    """How the lane reads. `topics`: the inputs, in the order that breaks ties of event time."""

    topics: tuple[str, ...]
    merged: bool = True
    """Merge the topics of a partition number by event time. Off, for a sink: each goes its own way."""
    idle_ms: int = 0
    """How long a caught-up topic is waited for, in ms."""
    unawaited: frozenset[str] = frozenset()
    """Topics of a merge that are not waited for once they are caught up."""
    max_batch: int = 2000
    """The most items in one micro-batch, which are records unless several make one item."""
    max_buffer_bytes: int = 4 * 1024 * 1024
    """A partition of a topic is paused when it holds this much, and goes on below half."""
    max_total_bytes: int = 256 * 1024 * 1024
    """The same for the whole process: shared evenly by its partitions."""
    max_in_flight: int = 1
    """Micro-batches of one partition number that may be handed out before the first is acknowledged. Where that is more than one, none is
    handed out while they hold `max_buffer_bytes`."""
    drain_seconds: float = 10.0
    """How long a rebalance or a stop waits for micro-batches under work; well under the session time-out."""
    fetch_max_wait_ms: int = 50
    """How long a broker may hold an empty fetch that leaves some partition out: so late may that one be fetched again. One that leaves
    none out may take longer (`fetch_waits`)."""
    read_committed: bool = True
    """Leave out what a producer's transaction wrote and took back."""
    idempotent_producer: bool = True
    """Off for a broker that knows no producer ids."""


@dataclass(frozen=True, slots=True, eq=False)
class MicroBatch(Generic[ItemT]):
    """Records of one partition number, merged or of one topic: one unit of work and of acknowledgement."""

    partition: int
    records: Sequence[ItemT]
    """Or what was made of several records at once."""
    end_offsets: Mapping[TP, int]
    """Per partition of which the micro-batch holds records: the offset to commit when the micro-batch is done."""
    epoch: int
    number: int


class Assignment(NamedTuple):
    """What this worker reads since the last rebalance or seek."""

    partitions: tuple[int, ...]
    committed: Mapping[TP, int | None]
    """Where an earlier reader left off; None when nothing was committed."""


class Moved(NamedTuple):
    """A partition whose log did not hold the position from which it was to be read on; reading goes on at `first`.

    All are offsets. `anew`: the topic was deleted and made again, so nothing of what it holds was read.
    """

    tp: TP
    position: int
    first: int
    end: int
    anew: bool = False

    @property
    def lost(self) -> int:
        """Offsets that retention removed before they were read; none when the log ends before the position."""
        return max(0, self.first - (0 if self.anew else self.position))


class Lag(NamedTuple):
    """How far one partition is behind. Times are Kafka ingestion times, ms since the epoch.

    `records`: offsets not yet acknowledged (gaps of compacted topics count too), None before the first fetch.
    `oldest_at`: the oldest record fetched and not acknowledged. `newest_at`: the newest one fetched.
    """

    records: int | None
    oldest_at: int | None
    newest_at: int | None
