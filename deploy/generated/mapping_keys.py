"""The tables in docs/mappings.md of the keys that a mapping may have, from what each part of the language says of itself."""

from collections.abc import Iterator
from inspect import get_annotations
from typing import Final

from streams.mappings.language import (
    Chain,
    Customer,
    EventId,
    EventPart,
    Hint,
    Mapping,
    Part,
    Records,
    Session,
    Snapshot,
    SnapshotChurn,
    SnapshotComplaint,
    SnapshotContacts,
    SnapshotCustomer,
    SnapshotProfile,
    Source,
    Take,
    Test,
    Time,
    Value,
)

_PARTS: Final[dict[str, type[Part]]] = {
    "the mapping": Mapping,
    "records": Records,
    "a source: `from`, or one of these": Source,
    "customer": Customer,
    "at, revision": Time,
    "doubled": Hint,
    "an event of events": EventPart,
    "id": EventId,
    "a field of fields": Value,
    "a condition of when": Test,
    "session": Session,
    "chain of a session": Chain,
    "a field of a session": Take,
    "snapshot": Snapshot,
    "customer of a snapshot": SnapshotCustomer,
    "profile of a snapshot": SnapshotProfile,
    "contacts of a snapshot": SnapshotContacts,
    "complaint of a snapshot": SnapshotComplaint,
    "churn of a snapshot": SnapshotChurn,
}
_DURATIONS: Final = ("linger", "timeout")


def mapping_keys() -> str:
    """Return the tables: one for each part of the language, a row for each key."""
    return "\n".join(line for title, part in _PARTS.items() for line in _table(title, part))


def _table(title: str, part: type[Part]) -> Iterator[str]:
    meaning = " ".join((part.__doc__ or "").split())
    yield f"### {title[0].upper()}{title[1:]}\n\n{meaning}\n\n| key | by default | meaning |\n|---|---|---|"
    for name in _own(part):
        field = part.model_fields[name]
        default = _default(field.is_required(), field.default)
        if name in _DURATIONS:
            default = f"`{field.default // 60_000} min`"
        yield f"| `{field.alias or name}` | {default} | {_said(part, name, field.description)} |"
    yield ""


def _own(part: type[Part]) -> list[str]:
    """Return the keys that a part says itself: those of a source have a table of their own."""
    said = get_annotations(part)
    return [name for name in part.model_fields if name in said]


def _default(required: bool, value: object) -> str:
    if required:
        return "needed"
    if value in (None, (), "", False) or isinstance(value, dict | Part):
        return ""
    if isinstance(value, tuple):
        return "the usual ones"
    return f"`{'true' if value is True else value}`"


def _said(part: type[Part], name: str, description: str | None) -> str:
    if description is None:
        raise ValueError(
            f"{part.__name__}.{name} says nothing of itself: give it a docstring in streams/mappings/language.py"
        )
    return " ".join(description.split()).replace("|", "\\|")
