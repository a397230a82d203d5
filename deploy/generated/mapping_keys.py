"""The tables in docs/mappings.md of the keys that a mapping may have, from what each part of the language says of itself."""

from collections.abc import Iterator
from inspect import get_annotations
from typing import Final, get_args

from pydantic.fields import FieldInfo

from schemas.topics import EVENT_TYPES
from schemas.values import Whole
from streams.mappings.language import (
    ENVELOPE,
    MAPPED,
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
from streams.mappings.targets import Kind, Target, target_of

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
_TAKES: Final = {
    Kind.TEXT: "a text",
    Kind.TRUTH: "yes or no: `yes`, `no`, `true`, `false`, `1`, `0`, `ja`, `nee`",
    Kind.WHOLE: "a whole number",
    Kind.DURATION: "a duration: `90`, `12.5`, `1:30`, `0:01:30`, `PT1M30S`",
    Kind.NUMBER: "a number",
    Kind.TIME: "a time",
    Kind.PHONE: "a telephone number",
}
_DURATIONS: Final = ("linger", "timeout")


def mapping_keys() -> str:
    """Return the tables: the fields of events, and one for each part of the language, a row for each key."""
    tables = [line for title, part in _PARTS.items() for line in _table(title, part)]
    return "\n".join([*_fields(), *tables])


def _fields() -> Iterator[str]:
    yield "### The fields of events\n\nWhat stands under `fields`, by the type of the event.\n"
    yield "| type | field | takes |\n|---|---|---|"
    for kind in MAPPED:
        for name, field in EVENT_TYPES[kind].model.model_fields.items():
            if name not in ENVELOPE:
                needed = "; needed" if field.is_required() else ""
                bounds = next((f" from {each.ge} to {each.le}" for each in _wholes(field)), "")
                yield f"| `{kind}` | `{name}` | {_taken(target_of(kind, name), bounds)}{needed} |"
    yield ""


def _wholes(field: FieldInfo) -> list[Whole]:
    """Return what is said of a whole number, also of one that may be absent."""
    inner = [each for part in get_args(field.annotation) for each in get_args(part)]
    return [each for each in (*field.metadata, *inner) if isinstance(each, Whole)]


def _taken(target: Target, bounds: str) -> str:
    if target.kind is Kind.WORD:
        return f"one of {', '.join(f'`{word}`' for word in target.words.values())}"
    if target.kind is Kind.WHOLE:
        return _TAKES[target.kind] + bounds
    return _TAKES[target.kind]


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
