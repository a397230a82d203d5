"""Erasure: a customer is forgotten up to a time, and stays forgotten whatever is read again.

Owns the marker that an erasure leaves, what it stands in the states for, and what an erasure does to a state. A marker is an
entry among the states of a partition, under a reserved key that no customer id can be: a zero byte, then a keyed hash of the
customer. It says until when the customer is erased and nothing else of the customer; without the key nobody can tell whose
it is. It leaves by timer when no topic can hold an older event any more. Every rule here is a maximum, so that neither the
order of erasures and events nor their repetition matters.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from struct import Struct
from typing import Final, NamedTuple

from schemas.revisions import NO_REVISION
from schemas.trigger import Purpose
from streams.core.episodes import close
from streams.core.events.cancellation import forget_steps
from streams.core.published import Cause, Output, signals_output
from streams.core.purposes import GROUNDS, PURPOSES, serve, served
from streams.core.state import FOREVER, NEVER, RESERVED, State

ERASED: Final = "erased"
"""Result of an event that happened before its customer was erased; reason of a retraction by erasure."""
FOR_EVER: Final = -1
_PREFIX: Final = RESERVED + "erased:"
OBJECTION: Final = RESERVED + "objection:"
"""Beginning of the keys of what is known of numbers (`objections`), whose bytes hold the key's name where a marker's do."""
_VERSION: Final = 1
_MARKER: Final = Struct("<B2xIqq")
"""Version, the key's own name, due time, erased until. The due time lies where a state has it (`state.due_of`)."""
_KEY_ID: Final = Struct("<3xI")
_HASH_BYTES: Final = 16
_LONGEST_KEY: Final = 64


class ErasureError(Exception):
    """An erasure, or a marker of one, cannot be honoured with the key that is set; the message says what to set."""


class Marker(NamedTuple):
    """What remains of an erased customer. Times in ms."""

    until: int
    """Events up to this event time are erased."""
    due: int
    """When the marker itself may go."""
    key_id: int
    """Which key made the hash."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """How erasures are honoured: the key of the markers' hashes, and how long (ms) a marker stays; -1 is for ever.

    `keep` must be at least as long as the longest time for which a topic may hold an event.
    """

    key: bytes = b""
    keep: int = FOR_EVER

    @property
    def key_id(self) -> int:
        """32 bits that name the key, so that a marker of another key is noticed."""
        return int.from_bytes(self._digest(b"\x00key", 4), "little")

    def hash_of(self, customer_id: str) -> str:
        """Return the keyed hash of a customer, hexadecimal. Raises ErasureError without a key."""
        return self._digest(customer_id.encode(), _HASH_BYTES).hex()

    def marker_key(self, customer_id: str) -> str:
        """Return the key of a customer's marker among the states."""
        return _PREFIX + self.hash_of(customer_id)

    def number_hash(self, phone_e164: str) -> str:
        """Return the keyed hash of a telephone number, hexadecimal. Raises ErasureError without a key."""
        return self._digest(phone_e164.encode(), _HASH_BYTES, b"number").hex()

    def check(self, states: Mapping[str, bytes]) -> None:
        """Raise ErasureError when `states` hold a marker, or an objection by number, of another key: nobody could honour it."""
        for key, data in states.items():
            if key.startswith((_PREFIX, OBJECTION)) and _KEY_ID.unpack_from(data)[0] != self.key_id:
                raise ErasureError(
                    "the states hold markers of erased customers, or objections by number, that were made with another key: set "
                    "BEHOUDLIJN_ERASURE_KEY (or BEHOUDLIJN_ERASURE_KEY_FILE) to that key, or what was erased comes back, and who "
                    "objected is called"
                )

    def _digest(self, data: bytes, size: int, person: bytes = b"erasure") -> bytes:
        if not self.key:
            raise ErasureError(
                "an erasure, or an objection by number, needs a key for the hash that stays of the customer or the number: set "
                "BEHOUDLIJN_ERASURE_KEY (or BEHOUDLIJN_ERASURE_KEY_FILE) to a secret of 16 characters or more, the same one for "
                "every worker and command, and start again; nothing of it was acknowledged"
            )
        key = self.key if len(self.key) <= _LONGEST_KEY else blake2b(self.key).digest()
        return blake2b(data, digest_size=size, key=key, person=person).digest()


NO_ERASURE: Final = Erasure()
"""Without a key: the first erasure, or marker, is an ErasureError."""
IN_FILES: Final = Erasure(b"events from files: nothing is kept")
"""For a backtest, whose markers end with it: the key decides nothing but the names of markers and numbers."""


def is_marker(key: str) -> bool:
    """Return whether a key among the states is a marker's and no customer's."""
    return key.startswith(_PREFIX)


def is_reserved(key: str) -> bool:
    """Return whether a key among the states is no customer's: a marker's, or a number's."""
    return key[:1] == RESERVED


def encode_marker(marker: Marker) -> bytes:
    """Return a marker's bytes, which are its value in the changelog."""
    return _MARKER.pack(_VERSION, marker.key_id, marker.due, marker.until)


def decode_marker(data: bytes) -> Marker:
    """Return the marker of its bytes. Raises ErasureError for a version that this release does not know."""
    if data[0] != _VERSION:
        raise ErasureError(
            f"a marker of an erased customer has version {data[0]}, this release reads version {_VERSION}: "
            "run the release that wrote it, or newer"
        )
    _, key_id, due, until = _MARKER.unpack(data)
    return Marker(until, due, key_id)


def check_marker(data: bytes) -> None:
    """Raise ErasureError for bytes that are no marker, or one of a newer version."""
    if len(data) != _MARKER.size:
        raise ErasureError("a marker of an erased customer is shorter or longer than it must be")
    decode_marker(data)


def markers_of(erased: Mapping[str, tuple[int, int]], erasure: Erasure, now: int) -> dict[str, bytes]:
    """Return the markers, by key, of customers whose hashes are known, with up to when each is erased and when that was ordered.

    Without those that would have gone by `now`. Times in ms.
    """
    made = {}
    for name, (until, ordered_at) in erased.items():
        due = FOREVER if erasure.keep == FOR_EVER else max(until, ordered_at) + erasure.keep
        if due > now:
            made[_PREFIX + name] = encode_marker(Marker(until, due, erasure.key_id))
    return made


def united(parts: Iterable[Mapping[str, bytes]]) -> dict[str, bytes]:
    """Return the markers among the states of all `parts`, by key; of several for one customer the greatest times count."""
    markers: dict[str, Marker] = {}
    for states in parts:
        for key, data in states.items():
            if is_marker(key):
                new, old = decode_marker(data), markers.get(key)
                if old is not None:
                    new = Marker(max(old.until, new.until), max(old.due, new.due), new.key_id)
                markers[key] = new
    return {key: encode_marker(marker) for key, marker in markers.items()}


class Added(NamedTuple):
    """What an erasure did to the customer's marker."""

    key: str
    due: int
    """When (ms) to look at it; FOREVER when there is nothing new to look at."""
    first: bool
    """The customer had none."""
    more: bool
    """It erases more than was erased before."""


class Markers:
    """The markers of a partition as one batch sees and changes them."""

    def __init__(self, states: Mapping[str, bytes], erasure: Erasure) -> None:
        self._states = states
        self._erasure = erasure
        self._until: dict[str, int] = {}  # by customer, so that a batch hashes each once
        self.changed: dict[str, bytes | None] = {}
        """New bytes by key; None for a marker that goes."""

    def covers(self, customer_id: str, at: int) -> bool:
        """Return whether an event of this customer at `at` (ms) is erased."""
        return at <= self.until(customer_id)

    def until(self, customer_id: str) -> int:
        """Return up to when (ms) this customer is erased; `NEVER` for one who is not."""
        until = self._until.get(customer_id)
        if until is None:
            marker = self._get(self._erasure.marker_key(customer_id))
            until = self._until[customer_id] = NEVER if marker is None else marker.until
        return until

    def add(self, customer_id: str, at: int, ingested_at: int) -> "Added":
        """Erase a customer up to `at` (ms), by a record that arrived at `ingested_at`."""
        erasure = self._erasure
        key = erasure.marker_key(customer_id)
        due = FOREVER if erasure.keep == FOR_EVER else max(at, ingested_at) + erasure.keep
        old = self._get(key)
        new = Marker(at, due, erasure.key_id)
        if old is not None:
            new = Marker(max(old.until, at), max(old.due, due), new.key_id)
        if new == old:
            return Added(key, FOREVER, first=False, more=False)
        self.changed[key] = encode_marker(new)
        self._until[customer_id] = new.until
        return Added(key, new.due, first=old is None, more=old is None or at > old.until)

    def expire(self, key: str, due: int) -> bool:
        """Let the marker go if it is due at `due` (ms); False when it stays longer, or has gone."""
        marker = self._get(key)
        if marker is None or marker.due != due:
            return False
        self.changed[key] = None
        self._until.clear()
        return True

    def _get(self, key: str) -> Marker | None:
        data = self.changed[key] if key in self.changed else self._states.get(key)
        return None if data is None else decode_marker(data)


def retraction(state: State, cause: Cause, now: int) -> Output | None:
    """Take back the open episode, if there is one, with a last record that holds no telephone number and names no event; `state` changes."""
    return close(state, cause, now, "erased", phone_e164=None, cause_event_id=None) if state.episode else None


def tombstone(cause: Cause) -> Output:
    """Return what removes the customer's last picture from `customer.signals`: a record without a value."""
    return signals_output(cause, None)


def unserve(state: State, purpose: Purpose) -> None:
    """Let the ground of a withdrawn episode count again: what still stands of it opens an episode of its own."""
    serve(state, PURPOSES[purpose].ground, NEVER)


def forget(state: State, until: int) -> None:
    """Take out of a state, in place, what happened up to `until` (ms), where the customer has done more since.

    Each register holds its newest entry only. Where that one is erased, an older one would be too, so the register is empty again.
    """
    state.drop_before(until)
    if state.requested_at <= until:
        state.requested_at, state.requested_id = NEVER, 0
    if state.given_at <= until:
        state.given_at = NEVER
    if state.objected_at <= until:
        state.objected_at = NEVER
    if state.profile_at <= until:
        state.profile_at, state.profile_json = NEVER, b""
        state.profile_revision, state.profile_arrival = NO_REVISION, 0
    forget_steps(state, until)
    _forget_ledger(state, until)


def _forget_ledger(state: State, until: int) -> None:
    """Forget what was decided upon erased grounds. The rest from calls stays while something after `until` gave it."""
    for ground in GROUNDS:
        if served(state, ground) <= until:
            serve(state, ground, NEVER)
            if ground.scored and state.given_at == NEVER:
                state.cooldown_until = NEVER
    state.band = 0  # so that a picture is published again, after the tombstone of the old one
