"""The road of a source's record: read, joined with others where a mapping says so, made into events, or refused with the reason.

Owns the counts: every record is used, passed over, refused or unfinished, and each of these is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from streams.conversion.conditions import condition
from streams.conversion.events import Made, Maker
from streams.conversion.readers import File
from streams.conversion.refusals import NOT_TOLD_TO_THE_END, UNFINISHED, RecordError, Refusal
from streams.conversion.sessions import Contact, Over, Part, Parts, Sessions
from streams.conversion.shapes import Joined
from streams.conversion.snapshots import Rows, SnapshotMaker
from streams.core.records import Reject
from streams.files.rejections import Rejections
from streams.mappings.language import Mapping


class Converted(NamedTuple):
    """An event, and the record that it is of (the first one of several)."""

    file: str
    number: int
    made: Made


@dataclass(slots=True)
class Counts:
    """What became of the records."""

    records: int = 0
    events: int = 0
    passed_over: int = 0
    """Records that the mapping has no event for."""
    unfinished: int = 0
    """Records of contacts that the files do not tell to their end (or from their beginning)."""
    unfinished_contacts: int = 0
    rejections: Rejections = field(default_factory=Rejections)

    @property
    def rejected_share(self) -> float:
        """Share of the records that are refused, 0-1."""
        return self.rejections.total / self.records if self.records else 0.0


class Conversion:
    """One run of a mapping over files."""

    def __init__(
        self,
        mapping: Mapping,
        key: bytes = b"",
        refuse: Callable[[Refusal], object] | None = None,
        later: Callable[[str], object] | None = None,
    ) -> None:
        """`key`: of hashed customers. `refuse` gets each record that gives no event although it should. `later` gets the texts of those
        that are to be read once more with the next file: of contacts without an end, and of whole ones that may go on.
        """
        self.counts = Counts()
        self._mapping, self._key, self._refuse, self._later = mapping, key, refuse, later
        self._again: list[Part] = []
        self._rows = Rows()

    def events(self, paths: Iterable[str]) -> Iterator[Converted]:
        """Yield the events of files in the order in which records give them. Raises InputError for a file that cannot be read."""
        session = self._mapping.session
        if session is None:
            for path in paths:
                yield from self._of_records(File(path, self._mapping))
            return
        sessions = Sessions(self._mapping, session)
        maker = Maker(self._mapping, Joined(), self._key)
        for path in self._by_time(list(paths)):
            file = File(path, self._mapping)
            parts = Parts(self._mapping, session, file.shape)
            for number, record in self._counted(file):
                try:
                    over = sessions.add(*parts.part(record, file.name, number, file.text()))
                except RecordError as error:
                    self._reject(file.name, number, error, file.text)
                else:
                    yield from self._of_contacts(over, maker)
        yield from self._of_contacts(sessions.end(), maker)
        if self._later is not None:
            for part in sorted(self._again, key=lambda part: part.at):
                self._later(part.text)

    def _of_records(self, file: File) -> Iterator[Converted]:
        mapping = self._mapping
        maker: Maker | SnapshotMaker = (
            SnapshotMaker(mapping, file.shape, self._rows)
            if mapping.snapshot is not None
            else Maker(mapping, file.shape, self._key)
        )
        counts, text, name, make = self.counts, file.text, file.name, maker.events
        for number, record in self._counted(file):
            try:
                made = make(record, text)
            except RecordError as error:
                self._reject(file.name, number, error, text)
                continue
            counts.events += len(made)
            counts.passed_over += not made
            for each in made:
                yield tuple.__new__(Converted, (name, number, each))  # for speed (docs/performance.md)

    def _of_contacts(self, over: Iterable[Over], maker: Maker) -> Iterator[Converted]:
        for each in over:
            first = each.parts[0]
            if not isinstance(each, Contact):
                self._reject_parts(each.parts, RecordError(each.code, each.message))
                continue
            if each.may_go_on:
                self._again += each.parts
            try:
                # Without an `id`, the first record makes it: the others may come with another file.
                made = maker.events(each.record, lambda first=first: first.text)  # type: ignore[misc]
            except RecordError as error:
                self._reject_parts(each.parts, error)
                continue
            self.counts.events += len(made)
            self.counts.passed_over += 0 if made else len(each.parts)
            for event in made:
                yield Converted(first.file, first.number, event)

    def _counted(self, file: File) -> Iterator[tuple[int, Any]]:
        """Yield the records that count, with their lines."""
        when = condition(self._mapping.when, file.shape, self._mapping)
        counts = self.counts
        for number, record in file:
            counts.records += 1
            try:
                if type(record) is RecordError:
                    raise record
                if when is not None and not when(record):
                    counts.passed_over += 1
                    continue
            except RecordError as error:
                self._reject(file.name, number, error, file.text)
            else:
                yield number, record

    def _by_time(self, paths: list[str]) -> list[str]:
        """Return the files in the order of their first records: contacts go on from one to the next.

        What can be read only once, standard input or a pipe, is not looked at beforehand: the order is the user's then.
        """
        if len(paths) < 2 or not all(Path(path).is_file() for path in paths):
            return paths
        return sorted(paths, key=self._begins)

    def _begins(self, path: str) -> int:
        session = self._mapping.session
        assert session is not None
        file = File(path, self._mapping)
        parts = Parts(self._mapping, session, file.shape)
        try:
            for number, record in file:
                try:
                    if type(record) is not RecordError:
                        return parts.part(record, file.name, number, "")[1].at
                except RecordError:
                    continue
        finally:
            file.close()
        return 0

    def _reject(self, file: str, number: int, error: RecordError, text: Callable[[], str]) -> None:
        self.counts.rejections.note(file, number, Reject(error.code, str(error)))
        if self._refuse is not None:
            self._refuse(Refusal(file, number, error.code, str(error), text()))

    def _reject_parts(self, parts: list[Part], error: RecordError) -> None:
        untold = error.code in NOT_TOLD_TO_THE_END
        if untold:
            self.counts.unfinished += len(parts)
            self.counts.unfinished_contacts += 1
        for part in parts:
            if not untold:
                self._reject(part.file, part.number, error, lambda part=part: part.text)  # type: ignore[misc]
            elif error.code == UNFINISHED and self._later is not None:
                self._again.append(part)
            elif self._refuse is not None:
                self._refuse(Refusal(part.file, part.number, error.code, str(error), part.text))
