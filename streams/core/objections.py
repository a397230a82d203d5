"""Objections by telephone number: what a partition knows of numbers, and which of its customers have them (decision 36).

Owns the entry that stands among the states of every partition for a number, under a reserved key that no customer id can be: a zero
byte, then a keyed hash of the number. It says since and until when somebody objects, and nothing else of the number. Of several words
about one number the greatest counts, so that neither order nor repetition matters. Whether an objection bars a customer, `barred` knows.
"""

from collections.abc import Iterable, Iterator, Mapping
from struct import Struct
from typing import Final, NamedTuple

import orjson

from schemas.instants import ms_of
from schemas.objection import ObjectionEvent
from streams.core.erasure import FOR_EVER, OBJECTION, Erasure, ErasureError, is_reserved
from streams.core.state import FOREVER, NEVER, State, profile_of

_VERSION: Final = 129
"""No state's, so that release 0.2.0, which takes an entry for a customer's state, refuses it by name and does not start."""
_ENTRY: Final = Struct("<B2xIqqqB")
"""Version, the key's own name, due time, since when, until when, whether somebody objects. The due time lies where a state has it
(`state.due_of`), the key's name where a marker of an erased customer has it."""
_SHORT: Final = 16


class Objection(NamedTuple):
    """The last word about a number. Times in ms. The greater of two counts: the later one, of one time an objection before its end, then
    the one that holds longest."""

    at: int
    """When somebody objected, or ceased to."""
    objects: bool
    until: int
    """From when on an objection holds no longer, `FOREVER` without an end; of an end of objecting, its own time."""

    def holds(self, now: int) -> bool:
        """Return whether nobody may call the number at `now` (ms)."""
        return self.objects and now < self.until

    def due(self, keep: int) -> int:
        """Return when (ms) it may be forgotten: `keep` ms after it ceased to hold, since an older word may be read again until then."""
        return FOREVER if keep == FOR_EVER or self.until == FOREVER else max(self.at, self.until) + keep


def word_of(event: ObjectionEvent) -> Objection:
    """Return what an event says of its number."""
    at = ms_of(event.occurred_at)
    if event.lifted:
        return Objection(at, False, at)
    return Objection(at, True, FOREVER if event.until is None else ms_of(event.until))


def number_key(name: str) -> str:
    """Return the key among the states of the number of this hash."""
    return OBJECTION + name


def is_objection(key: str) -> bool:
    """Return whether a key among the states is a number's."""
    return key.startswith(OBJECTION)


def encode_objection(word: Objection, key_id: int, due: int) -> bytes:
    """Return the bytes of an entry, which are its value in the changelog."""
    return _ENTRY.pack(_VERSION, key_id, due, word.at, word.until, word.objects)


def decode_objection(data: bytes) -> Objection:
    """Return what an entry says. Raises ErasureError for bytes that are none, or of a version that this release does not know."""
    return _decoded(data)[0]


def _decoded(data: bytes) -> tuple[Objection, int, int]:
    if not data or data[0] != _VERSION:
        raise ErasureError(
            f"an objection by number has version {data[0] if data else 'none'}, this release reads version {_VERSION}: run the release "
            "that wrote it, or newer"
        )
    if len(data) != _ENTRY.size:
        raise ErasureError("an objection by number is shorter or longer than it must be")
    _, key_id, due, at, until, objects = _ENTRY.unpack(data)
    return Objection(at, bool(objects), until), key_id, due


def united_objections(parts: Iterable[Mapping[str, bytes]]) -> dict[str, bytes]:
    """Return the entries of numbers among the states of all `parts`, by key; of several for one number the greatest counts."""
    found: dict[str, tuple[Objection, int, bytes]] = {}
    for states in parts:
        for key, data in states.items():
            if is_objection(key):
                word, _, due = _decoded(data)
                if key not in found or (word, due) > found[key][:2]:
                    found[key] = word, due, data
    return {key: data for key, (_, _, data) in found.items()}


def recall(state: State, states: Mapping[str, bytes], erasure: Erasure, now: int) -> None:
    """Have a state know of the objection by its profile's number that holds at `now` (ms), from the entries among `states`."""
    Numbers(states, erasure).recall(state, now)


class Numbers:
    """What a partition knows of numbers, as one batch sees and changes it."""

    def __init__(self, states: Mapping[str, bytes], erasure: Erasure) -> None:
        self._states = states
        self._erasure = erasure
        self._names: dict[str, str] = {}  # by number, so that a batch hashes each once
        self.changed: dict[str, bytes | None] = {}
        """New bytes by key; None for an entry that goes."""

    def name_of(self, event: ObjectionEvent) -> str | None:
        """Return the hash of an event's number; None when another key made it. Raises ErasureError without a key."""
        if event.phone_e164 is not None:
            return self._name(event.phone_e164)
        return event.number_hash if event.key_id == self._erasure.key_id else None

    def take(self, name: str, word: Objection) -> tuple[int, bool] | None:
        """Take a word about a number: when it is due to be forgotten (ms), and whether it is the first; None when it changes nothing."""
        key = number_key(name)
        old = self._get(key)
        if old is not None and word <= old:
            return None
        due = word.due(self._erasure.keep)
        self.changed[key] = encode_objection(word, self._erasure.key_id, due)
        return due, old is None

    def forget(self, key: str, due: int) -> bool:
        """Let an entry go if it is due at `due` (ms); False when it stays longer, or has gone."""
        data = self.changed[key] if key in self.changed else self._states.get(key)
        if data is None or _decoded(data)[2] != due:
            return False
        self.changed[key] = None
        return True

    def name_in(self, state: State) -> str | None:
        """Return the hash of a customer's number; None where no number is known."""
        phone = state.profile().get("phone_e164")
        return None if phone is None else self._name(phone)

    def recall(self, state: State, now: int) -> None:
        """Have a state know of the objection by its number that holds at `now` (ms)."""
        state.number_objected_at, state.number_objected_until = NEVER, FOREVER
        name = self.name_in(state)
        word = None if name is None else self._get(number_key(name))
        if word is not None and word.holds(now):
            state.number_objected_at, state.number_objected_until = word.at, word.until

    def _name(self, phone: str) -> str:
        name = self._names.get(phone)
        if name is None:
            name = self._names[phone] = self._erasure.number_hash(phone)
        return name

    def _get(self, key: str) -> Objection | None:
        data = self.changed[key] if key in self.changed else self._states.get(key)
        return None if data is None else decode_objection(data)


class Holders:
    """Who may have which number, of a whole partition: made when the first word about a number comes, and kept from then on.

    It may name customers who have another number by now, or have left: whoever asks looks at their states.
    """

    def __init__(self) -> None:
        self._by_name: dict[int, str | tuple[str, ...]] = {}

    def look_through(self, states: Mapping[str, bytes | None], erasure: Erasure) -> None:
        """Note the numbers of all customers among `states`."""
        for customer, data in states.items():
            profile = b"" if data is None or is_reserved(customer) else profile_of(data)
            if profile:
                phone = orjson.loads(profile).get("phone_e164")
                if phone is not None:
                    self.add(erasure.number_hash(phone), customer)

    def add(self, name: str, customer: str) -> None:
        """Note that a customer has the number of this hash."""
        short = int(name[:_SHORT], 16)
        known = self._by_name.get(short)
        if known is None:
            self._by_name[short] = customer
        elif isinstance(known, str):
            if known != customer:
                self._by_name[short] = known, customer
        elif customer not in known:
            self._by_name[short] = (*known, customer)

    def of(self, name: str) -> Iterator[str]:
        """Yield who may have the number of this hash, in the order of their ids."""
        known = self._by_name.get(int(name[:_SHORT], 16), ())
        yield from (known,) if isinstance(known, str) else sorted(known)
