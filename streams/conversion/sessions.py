"""Records that belong together become one contact: the lines of a queue log by call, the parts of a call that was passed on.

Owns when a contact is whole, when it is over, and what becomes of one that is neither: it is given out as unfinished, never dropped.
Memory holds the contacts that are open, at most `most_open`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from streams.conversion.conditions import Condition, condition
from streams.conversion.numbers import number_of
from streams.conversion.readers import Shape
from streams.conversion.refusals import UNFINISHED, RecordError
from streams.conversion.texts import Text, path_text, source_text
from streams.conversion.times import FindInstant, instant
from streams.mappings.language import Mapping, Session, Take


class Part(NamedTuple):
    """One record of a contact."""

    file: str
    number: int
    at: int
    """When it was written, in ms."""
    text: str
    takes: list[str | None]
    """What each field of the session takes of it; None for nothing."""
    opens: bool
    closes: bool
    id: str
    """Of a chain."""
    next: str


class Contact(NamedTuple):
    """Records of one contact that is over."""

    record: dict[str, Any]
    parts: list[Part]


class NoContact(NamedTuple):
    """Records that are no whole contact, and why."""

    parts: list[Part]
    code: str
    message: str


Over = Contact | NoContact


class Parts:
    """Reads a file's records as parts of contacts. Compiled once a file."""

    def __init__(self, mapping: Mapping, session: Session, shape: Shape) -> None:
        """Compile a mapping for a file. Raises InputError for a column that the file has not."""
        self._key: Text = source_text(session.key, shape, mapping.blanks)
        self._at: FindInstant = instant(session.at, shape, mapping, "session.at")
        self._opens: Condition | None = condition(session.opens, shape, mapping)
        self._closes: Condition | None = condition(session.closes, shape, mapping)
        self._takes = [_taken(take, shape, mapping) for take in session.fields.values()]
        chain = session.chain
        self._id: Text | None = None if chain is None else _path(chain.id, shape, mapping)
        self._next: Text | None = None if chain is None else _path(chain.next, shape, mapping)

    def part(self, record: Any, file: str, number: int, text: str) -> tuple[str, Part]:
        """Return a record's key and the record as a part. Raises RecordError."""
        key, at = self._key(record), self._at(record)
        if not key:
            raise RecordError("malformed_record", "session.key: it is blank")
        if at is None:
            raise RecordError("invalid_time", "session.at: there is none")
        return key, Part(
            file,
            number,
            at.ms,
            text,
            [take(record) for take in self._takes],
            self._opens is not None and self._opens(record),
            self._closes is not None and self._closes(record),
            "" if self._id is None else self._id(record),
            "" if self._next is None else self._next(record),
        )


def _path(path: str, shape: Shape, mapping: Mapping) -> Text:
    return path_text(path, shape, mapping.blanks)


def _taken(take: Take, shape: Shape, mapping: Mapping) -> Callable[[Any], str | None]:
    text = source_text(take, shape, mapping.blanks) if take.all_paths else lambda _: "1"
    when = condition(take.when, shape, mapping)

    def found(record: Any) -> str | None:
        return None if when is not None and not when(record) else text(record) or None

    return found


class Sessions:
    """The contacts of a source, as its records come."""

    def __init__(self, mapping: Mapping, session: Session) -> None:
        self._session = session
        self._decimal = mapping.decimal
        self._begun: OrderedDict[str, list[Part]] = OrderedDict()
        """Contacts that are not whole, the one that is silent for longest first."""
        self._whole: OrderedDict[str, list[Part]] = OrderedDict()
        """Those that are whole and may go on."""
        self._now = 0

    @property
    def open(self) -> int:
        """How many contacts are held."""
        return len(self._begun) + len(self._whole)

    def add(self, key: str, part: Part) -> Iterator[Over]:
        """Take a record in, and yield the contacts that are over by then."""
        self._now = max(self._now, part.at)
        parts = self._begun.pop(key, None) or self._whole.pop(key, None) or []
        parts.append(part)
        (self._whole if self._is_whole(key, parts) else self._begun)[key] = parts
        yield from self._silent(self._whole, self._session.linger)
        yield from self._silent(self._begun, self._session.timeout)
        while self.open > self._session.most_open:
            oldest = self._begun or self._whole
            key, parts = oldest.popitem(last=False)
            yield self._over(
                key, parts, f"more than {self._session.most_open:,} contacts are open (session.most_open)"
            )

    def end(self) -> Iterator[Over]:
        """Yield all that is left: nothing comes any more."""
        for held in (self._whole, self._begun):
            while held:
                key, parts = held.popitem(last=False)
                yield self._over(key, parts, "the records end before the contact does")

    def _silent(self, held: OrderedDict[str, list[Part]], how_long: int) -> Iterator[Over]:
        while held:
            key, parts = next(iter(held.items()))
            if self._now - parts[-1].at <= how_long:
                return
            del held[key]
            yield self._over(key, parts, "it is silent for longer than session.timeout")

    def _is_whole(self, key: str, parts: list[Part]) -> bool:
        if self._session.chain is not None:
            return bool(_chained(key, parts))
        closed = opened = False
        for part in parts:
            if part.opens:
                opened, closed = True, False
            closed = part.closes or (closed and not part.opens)
        return opened and closed

    def _over(self, key: str, parts: list[Part], reason: str) -> Over:
        if not self._is_whole(key, parts):
            if self._session.chain is None and not any(part.opens for part in parts):
                reason = "its beginning is not in these files: give the file before them too"
            elif self._session.chain is not None:
                reason = "parts of it are not in these files: give them together"
            return NoContact(parts, UNFINISHED, reason)
        used = (
            _chained(key, parts)
            if self._session.chain is not None
            else sorted(parts, key=lambda part: part.at)
        )
        fields = enumerate(self._session.fields.items())
        try:
            return Contact(
                {
                    name: _put_together(
                        take.take, [part.takes[index] for part in _ordered(take.take, used)], self._decimal
                    )
                    for index, (name, take) in fields
                },
                parts,
            )
        except RecordError as error:
            return NoContact(parts, error.code, str(error))


def _chained(key: str, parts: list[Part]) -> list[Part]:
    """Return the parts of a chain from its first, of each the latest; empty while one is missing."""
    latest: dict[str, Part] = {}
    for part in parts:
        known = latest.get(part.id)
        if known is None or part.at >= known.at:
            latest[part.id] = part
    chain: list[Part] = []
    following = key
    while following:
        if following not in latest:
            return []
        chain.append(latest.pop(following))
        following = chain[-1].next
    return chain


def _ordered(how: str, parts: list[Part]) -> list[Part]:
    """Return the parts as `how` goes through them: in a chain the order of writing is another one."""
    return sorted(parts, key=lambda part: part.at) if how == "latest" else parts


def _put_together(how: str, values: list[str | None], decimal: str) -> Any:
    found = [value for value in values if value is not None]
    if how == "count":
        return len(found)
    if not found:
        return None
    if how in ("first", "last", "latest"):
        return found[0] if how == "first" else found[-1]
    numbers = [number for value in found if (number := number_of(value, decimal)) is not None]
    if len(numbers) < len(found):
        raise RecordError("invalid_value", "session: a number is expected")
    return sum(numbers) if how == "sum" else min(numbers) if how == "least" else max(numbers)
