"""The values of the changelog: customers' states with their last outputs, and the partition's own record.

Owns this encoding (version 2) and what it means. It must not read or write Kafka.

A state's value is a header (version, the stamp of who wrote it, length of the state), the state, and the
*outbox*: the outputs which that batch decided with it. A missing value is a state that left; its
stamp is a header of the record. Signals workers have a state, and an outbox, for each customer; where the order of outputs across keys
counts, one outbox is kept for the partition, under a key of its own. A reserved key, written last in each batch, holds the clock.
"""

import struct
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple, get_args

import orjson

from streams.core.published import Kind, identity_of

PARTITION_KEY: Final = b"\x00partition"
"""Key of the partition's own record: no customer id can hold a zero byte."""
OUTBOX: Final = "\x00outbox"
"""Key of the outbox of a whole partition; it has no state."""
AS_ITS_KEY_SAYS: Final = -1
"""For the partition of an output: the one to which Kafka's own partitioner sends its key."""

VERSION: Final = 2
_HEADER: Final = struct.Struct(">BIQI")
_LENGTH: Final = struct.Struct(">I")
_STAMP: Final = struct.Struct(">IQ")
_STAMP_HEADER: Final = "behoudlijn-stamp"
NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
"""What a record of a worker up to 0.3 says of settings and positions: it is not known."""

Mode = Literal["shadow", "live"]
_MODES: Final = get_args(Mode)
_KINDS: Final = get_args(Kind)


_LAST_TIME: Final = 2**62
_END_OF_CALENDAR: Final = 253_402_300_800_000
"""The year 10000, in ms."""
_EPOCHS: Final = 2**32 - 1
_BATCHES: Final = 2**63


class ChangelogError(Exception):
    """A value of the changelog that this version cannot read; the worker must not start from it."""


class Unreadable(NamedTuple):
    """A record of the changelog that this release cannot read. `what` quotes nothing of it."""

    offset: int
    what: str
    key: bytes | None = None


def refusal(topic: str, partition: int, found: Sequence[Unreadable]) -> ChangelogError:
    """Return what to raise for records (not empty) that cannot be read: where they are, and what helps."""
    first, more = found[0], len(found) - 1
    others = f" (and {more} more behind it)" if more else ""
    return ChangelogError(
        f"{topic}[{partition}]@{first.offset}{others} cannot be read: {first.what}. If a newer release wrote it, upgrade this one. "
        "Else find the program that writes to this topic and take away its right to do so; then stop the workers, and "
        f"`behoudlijn state repair --partition {partition}` rebuilds the partition without it."
    )


class Stamp(NamedTuple):
    """Who wrote a value: in which fencing epoch of the partition (see `fencing`), and in which batch."""

    epoch: int
    batch: int


class Sending(NamedTuple):
    """One output as it was, or has to be, published. Times are ms since the epoch, UTC; -1 for none."""

    kind: Kind
    mode: Mode
    """In which mode it was decided: a restart in the other mode must not publish it elsewhere."""
    key: str
    """Of the record: a customer, or a claimant."""
    caused_at: int
    value: bytes
    """JSON; empty for a tombstone."""
    identity: str
    """As in `Output`; not stored, since it follows from the rest."""
    partition: int | None = None
    """Where it goes; None: with the states. What has a place of its own is stored with its key and that place."""


class Entry(NamedTuple):
    """One value: who wrote it, the state (empty when it left), the outbox."""

    stamp: Stamp
    state: bytes = b""
    outbox: bytes = b""
    """Still encoded: recovery reads millions of entries, and decodes the outboxes of one batch."""


class PartitionRecord(NamedTuple):
    """What belongs to the partition and to no customer. `clock`: partition time in ms, `NEVER` for none.

    `owner` is a random word that tells two claims of the same epoch apart.
    """

    stamp: Stamp
    clock: int
    policy: str
    owner: str = ""
    dead_letters: tuple[tuple[str, int, int, float], ...] = ()
    """What `dead_letter_limit` counted: topic, offset, run, ratio."""
    agreed: Mapping[str, str] = NOTHING
    """The settings on which the states rest, by name (`agreement`)."""
    inputs: Mapping[str, int] = NOTHING
    """By input topic, without prefix: the offset of this partition up to which the states hold it."""
    changelog_start: int = 0
    """Where the changelog of this partition begins, as it was accepted; compaction does not move that."""
    begins: int = 0
    """From this offset on the partition's records count: a repair has replaced what lies before."""
    repairing: bool = False
    """A repair has begun and not ended: the states are not whole."""
    changelog_id: str = ""
    """Kafka's id of the topic that holds the states: of a changelog made anew under its writer, another one. Empty for not known."""


def encode_entry(stamp: Stamp, state: bytes, outputs: Sequence[Sending]) -> bytes:
    """Return the value of one key."""
    header = _HEADER.pack(VERSION, *stamp, len(state))
    if not outputs:
        return header + state
    parts = [header, state]
    for output in outputs:
        place = () if output.partition is None else (output.key, output.partition)
        about = orjson.dumps([output.kind, output.mode, output.caused_at, *place])
        parts += (_LENGTH.pack(len(about)), about, _LENGTH.pack(len(output.value)), output.value)
    return b"".join(parts)


def decode_entry(value: bytes) -> Entry:
    """Return the entry of a value. Raises `ChangelogError` for another version and for bytes that were cut short."""
    try:
        version, epoch, batch, length = _HEADER.unpack_from(value)
    except struct.error as error:
        raise ChangelogError("a value is shorter than its header") from error
    if version != VERSION:
        raise ChangelogError(f"a value of version {version}, where this release reads version {VERSION}")
    if epoch >= _EPOCHS or batch >= _BATCHES:
        raise ChangelogError("a value has numbers beyond all bounds")
    end = _HEADER.size + length
    if len(value) < end:
        raise ChangelogError("a value is shorter than its header says")
    return Entry(Stamp(epoch, batch), value[_HEADER.size : end], value[end:])


def tombstone_headers(stamp: Stamp) -> list[tuple[str, bytes]]:
    """Return the headers of a record without a value: its stamp has no other place."""
    return [(_STAMP_HEADER, _STAMP.pack(*stamp))]


def tombstone_stamp(headers: Iterable[tuple[str, bytes]]) -> Stamp:
    """Return the stamp of a tombstone. Raises `ChangelogError` for one that no worker wrote."""
    for name, value in headers:
        if name == _STAMP_HEADER and len(value) == _STAMP.size:
            return Stamp(*_STAMP.unpack(value))
    raise ChangelogError("a tombstone without a stamp, as another program writes it")


def decode_outbox(key: str, outbox: bytes) -> list[Sending]:
    """Return the outputs of the entry of this key, in the order of their decision. Raises `ChangelogError` for broken bytes."""
    outputs: list[Sending] = []
    rest = memoryview(outbox)
    try:
        while rest:
            about, rest = _split(rest)
            value, rest = _split(rest)
            kind, mode, caused_at, *place = orjson.loads(about)
            if kind not in _KINDS or mode not in _MODES or type(caused_at) is not int:
                raise ChangelogError("an outbox names no output")
            own, partition = place or (key, None)
            if type(own) is not str or not (
                partition is None or (type(partition) is int and partition >= -1)
            ):
                raise ChangelogError("an outbox has a place that is none")
            if not -1 <= caused_at < _END_OF_CALENDAR:
                raise ChangelogError("an outbox has a time that is none")
            content = bytes(value)
            identity = identity_of(kind, content, own, caused_at)
            outputs.append(Sending(kind, mode, own, caused_at, content, identity, partition))
    except (struct.error, ValueError, KeyError, TypeError) as error:
        raise ChangelogError("an outbox cannot be read") from error
    return outputs


def _split(rest: memoryview) -> tuple[memoryview, memoryview]:
    (length,) = _LENGTH.unpack_from(rest)
    end = _LENGTH.size + length
    if len(rest) < end:
        raise ValueError("cut short")
    return rest[_LENGTH.size : end], rest[end:]


def encode_partition(record: PartitionRecord) -> bytes:
    """Return the value of the reserved key."""
    fields = record._asdict()
    epoch, batch = fields.pop("stamp")
    fields["agreed"], fields["inputs"] = dict(record.agreed), dict(record.inputs)
    return orjson.dumps({"version": VERSION, "epoch": epoch, "batch": batch, **fields})


def decode_partition(value: bytes) -> PartitionRecord:
    """Return the partition's record of a value. Raises `ChangelogError`."""
    try:
        fields = orjson.loads(value)
        if fields["version"] != VERSION:
            raise ChangelogError(f"the partition's record has another version than {VERSION}")
        stamp = Stamp(int(fields["epoch"]), int(fields["batch"]))
        clock = int(fields["clock"])
        if not (0 <= stamp.epoch < _EPOCHS and 0 <= stamp.batch < _BATCHES and abs(clock) <= _LAST_TIME):
            raise ChangelogError("the partition's record has numbers beyond all bounds")
        tallies = tuple((str(t), int(o), int(n), float(r)) for t, o, n, r in fields.get("dead_letters", ()))
        return PartitionRecord(
            stamp,
            clock,
            str(fields["policy"]),
            str(fields["owner"]),
            tallies,
            {str(name): str(value) for name, value in fields.get("agreed", NOTHING).items()},
            {str(topic): int(offset) for topic, offset in fields.get("inputs", NOTHING).items()},
            int(fields.get("changelog_start", 0)),
            int(fields.get("begins", 0)),
            bool(fields.get("repairing", False)),
            str(fields.get("changelog_id", "")),
        )
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ChangelogError("the partition's record cannot be read") from error
