"""Records that belong together become one contact: the lines of a queue log by call, the parts of a call that was passed on.

Owns when a contact is whole, when it is over, and what becomes of one that is neither: it is given out as unfinished, never dropped.
Memory holds the contacts that are open, at most `most_open`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from streams.conversion.conditions import Condition, condition
from streams.conversion.numbers import number_of
from streams.conversion.refusals import TIMED_OUT, TOO_MANY_OPEN, UNFINISHED, RecordError
from streams.conversion.shapes import Shape
from streams.conversion.texts import Text, path_text, source_text
from streams.conversion.times import FindInstant, instant
from streams.mappings.language import Mapping, Session, Take
from streams.telemetry.amounts import amount

_NEVER: Final = (-1, -1)
_MOST_PARTS: Final = 10_000
"""More records with one key are no contact: it is a word that many records have."""


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
    """Records of one contact that is over, or whole when the records end."""

    record: dict[str, Any]
    parts: list[Part]
    may_go_on: bool
    """It is not silent for long enough to be over."""


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
        self._key: Text = source_text(session.key, shape, mapping.blanks, gaps=True)
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


class _Open:
    """A contact that may go on."""

    __slots__ = ("_closed", "_opened", "parts")

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self._opened = self._closed = _NEVER

    def add(self, part: Part) -> None:
        """Take in its next record. By their times it is told what came last, and where these are equal, by their order."""
        place = part.at, len(self.parts)
        self.parts.append(part)
        if part.opens:
            self._opened = max(self._opened, place)
        if part.closes:
            self._closed = max(self._closed, place)

    def is_whole(self, key: str, session: Session) -> bool:
        """Return whether its end is there, and its beginning."""
        if session.chain is not None:
            return bool(_chained(key, self.parts))
        return _NEVER < self._opened <= self._closed


class Sessions:
    """The contacts of a source, as its records come."""

    def __init__(self, mapping: Mapping, session: Session) -> None:
        self._session = session
        self._decimal = mapping.decimal
        self._begun: OrderedDict[str, _Open] = OrderedDict()
        """Contacts that are not whole, the one that is silent for longest first."""
        self._whole: OrderedDict[str, _Open] = OrderedDict()
        """Those that are whole and may go on."""
        self._now = 0
        self._sure = False
        """Two records say that it is so late; one alone may be of a clock that runs ahead."""
        self._ahead: int | None = None
        """The time of the record before, if it is later than all others by more than `timeout`."""

    @property
    def open(self) -> int:
        """How many contacts are held."""
        return len(self._begun) + len(self._whole)

    def add(self, key: str, part: Part) -> Iterator[Over]:
        """Take a record in, and yield the contacts that are over by then."""
        self._advance(part.at)
        yield from self._silent(self._whole, self._session.linger)
        yield from self._silent(self._begun, self._session.timeout)
        if key in self._whole and part.at - self._whole[key].parts[-1].at > self._session.linger:
            yield self._over(key, self._whole.pop(key), "")
        contact = self._begun.pop(key, None) or self._whole.pop(key, None) or _Open()
        contact.add(part)
        if len(contact.parts) > _MOST_PARTS:
            yield NoContact(
                contact.parts,
                "malformed_record",
                f"more than {_MOST_PARTS:,} records have one session.key: is it that of a contact?",
            )
        else:
            (self._whole if contact.is_whole(key, self._session) else self._begun)[key] = contact
        while self.open > self._session.most_open:
            oldest = min(filter(None, (self._whole, self._begun)), key=_silent_since)
            key, contact = oldest.popitem(last=False)
            yield self._over(
                key,
                contact,
                f"more than {amount(self._session.most_open, 'contact is', 'contacts are')} open (session.most_open)",
                TOO_MANY_OPEN,
            )

    def _advance(self, at: int) -> None:
        """Tell by a record how late it is: one record with the clock of another year ends no contact but its own."""
        timeout, ahead = self._session.timeout, self._ahead
        self._ahead = None
        if not self._now or (not self._sure and at < self._now - timeout):
            self._now = at
        elif at <= self._now + timeout:
            self._now, self._sure = max(self._now, at), True
        elif ahead is not None and abs(at - ahead) <= timeout:
            self._now, self._sure = max(at, ahead), True
        else:
            self._ahead = at

    def end(self) -> Iterator[Over]:
        """Yield all that is left: nothing comes any more."""
        if self._ahead is not None:
            self._now = self._ahead
            yield from self._silent(self._whole, self._session.linger)
            yield from self._silent(self._begun, self._session.timeout)
        for held in (self._whole, self._begun):
            while held:
                key, contact = held.popitem(last=False)
                yield self._over(key, contact, "the records end before the contact does")

    def _silent(self, held: OrderedDict[str, _Open], how_long: int) -> Iterator[Over]:
        while held:
            key, contact = next(iter(held.items()))
            silent = self._now - contact.parts[-1].at
            if silent <= how_long:
                if -silent > self._session.timeout:
                    held.move_to_end(key)  # of a clock that runs ahead: it must not stand before the others
                return
            del held[key]
            yield self._over(key, contact, "it is silent for longer than session.timeout", TIMED_OUT)

    def _over(self, key: str, contact: _Open, reason: str, code: str = UNFINISHED) -> Over:
        parts = contact.parts
        if not contact.is_whole(key, self._session):
            if self._session.chain is None and not any(part.opens for part in parts):
                reason = "its beginning is not in these files: give the file before them too"
            elif self._session.chain is not None:
                reason = "parts of it are not in these files: give them together"
            return NoContact(parts, code, reason)
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
                self._now - parts[-1].at <= self._session.linger,
            )
        except RecordError as error:
            return NoContact(parts, error.code, str(error))


def _silent_since(held: OrderedDict[str, _Open]) -> int:
    return next(iter(held.values())).parts[-1].at


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
