"""What the states of a partition rest on, and what is wrong where that is gone: the changelog, and the offsets up to which they hold the inputs.

Owns the comparison and its words, for workers and `behoudlijn state check` alike. It must not ask Kafka (`streams.workers.footing`
does). Committed offsets say what was processed; the partition's record in the changelog says what its states hold. Where the first
are ahead, events are in no state, and no restart would bring them back.
"""

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

from streams.state.changelog import NOTHING
from streams.telemetry.amounts import amount

Inputs = Mapping[str, int]
"""By input topic, without prefix: an offset of one partition."""

ADVICE: Final = (
    "`behoudlijn state check` shows positions, states and logs side by side, `behoudlijn state repair` rebuilds the states from what the "
    "topics hold, `behoudlijn state accept` goes on with those that are there"
)


class StatesError(Exception):
    """A partition's states are not those that the committed offsets rest on; nothing was written or committed."""


class Ground(NamedTuple):
    """One partition at its assignment. `begins` and `accepted`: where its changelog begins, and where it did as it was accepted.

    `recorded`: whether the changelog holds a record of the partition at all; `inputs` are the positions in it.
    """

    partition: int
    recorded: bool
    begins: int
    accepted: int
    inputs: Inputs
    committed: Inputs
    starts: Inputs = NOTHING
    """Where reading begins, as far as it is known: less than what was committed where a log was made anew, more where retention passed."""

    written_to: str = ""
    """Kafka's id of the changelog into which the record was written, and of the one that is there (`now`); empty for not known."""
    now: str = ""

    @property
    def positions(self) -> Inputs:
        """Up to where the group has read what the inputs hold now."""
        return {
            topic: min(offset, self.starts.get(topic, offset)) for topic, offset in self.committed.items()
        }


Between = Literal["record", "nothing", "gone", "anew"]
"""What an input's log holds between two positions: a record; only markers and gaps; not that range any more, so that nobody can tell; or
it ends before the second one, and is read from its beginning.
"""


def ahead(ground: Ground) -> dict[str, range]:
    """Return the offsets, by topic, that the group has passed and the states may not hold: look whether records lie there.

    Of a topic that the record does not name nothing is known: an older worker wrote it.
    """
    known = ground.inputs if ground.recorded else dict.fromkeys(ground.positions, 0)
    return {
        topic: range(known[topic], position)
        for topic, position in sorted(ground.positions.items())
        if topic in known and position > known[topic]
    }


def lacking(ground: Ground, between: Mapping[str, Between]) -> list[str]:
    """Return what is missing of a partition, a sentence each; empty when its states may be used. `between` answers `ahead`."""
    number = ground.partition
    missing = {t: offsets for t, offsets in ahead(ground).items() if between[t] in ("record", "gone")}
    if not ground.recorded:
        read = ", ".join(f"{topic} up to {offsets.stop}" for topic, offsets in missing.items())
        none = f"partition {number} of the changelog holds no states, although the group has read {read}: "
        return [f"{none}the topic was deleted, or somebody set the committed offsets"] if missing else []
    said = []
    if ground.begins > ground.accepted:
        said.append(
            f"partition {number} of the changelog begins at offset {ground.begins}, not at {ground.accepted}: somebody deleted records "
            "from it, or its cleanup.policy was not compact alone"
        )
    for topic, offsets in missing.items():
        known = (
            "and records lie between"
            if between[topic] == "record"
            else "and that part of the log is gone, so nobody can tell what it held"
        )
        said.append(
            f"the states of partition {number} hold {topic}[{number}] up to offset {offsets.start}, but the group has committed "
            f"{offsets.stop}, {known} ({amount(len(offsets), 'offset')}): the changelog lost its end, or somebody moved the "
            "committed offsets forward"
        )
    if not said and ground.written_to and ground.now and ground.written_to != ground.now:
        said.append(
            f"the changelog is another topic than the one to which the states of partition {number} were written: it was made anew under a "
            "worker, and holds what changed since only, or it is a copy"
        )
    return said


def held(inputs: Inputs, more: Inputs) -> Inputs:
    """Return the positions of states that hold `inputs`, and now `more`; what is read again takes nothing back."""
    return {**inputs, **{topic: max(offset, inputs.get(topic, 0)) for topic, offset in more.items()}}


def more_of(inputs: Inputs, more: Inputs) -> bool:
    """Return whether `more` goes beyond `inputs` anywhere."""
    return any(offset > inputs.get(topic, -1) for topic, offset in more.items())


def begun(ground: Ground) -> Inputs:
    """Return the positions with which a partition begins whose states may be used, of every topic that it reads.

    Of a log that was made anew the old positions mean nothing any more.
    """
    anew = {topic for topic, start in ground.starts.items() if start < ground.committed.get(topic, 0)}
    known = {topic: offset for topic, offset in ground.inputs.items() if topic not in anew}
    return held(known, ground.starts)
