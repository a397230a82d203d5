"""The mappings that come with Behoudlijn, and how a mapping file is read: every mistake is told with its line.

Begin with `load_mapping`; `language` has what a mapping may say.
"""

from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import ValidationError

from streams.documents import DocumentError, Problem, place_of, place_of_text, plain, read, repeated
from streams.mappings.language import Mapping, MisplacedError, Part

_NO_KEYS = frozenset({"[key]", "Hint", "bool"})
"""What pydantic puts into a location beside keys: the names of alternatives."""
HERE = Path(__file__).parent


def built_in_mappings() -> tuple[str, ...]:
    """Return the names of the mappings that come with the program."""
    return tuple(sorted(path.stem for path in HERE.glob("*.yaml")))


def mapping_path(name_or_path: str) -> Path:
    """Return the file of a built-in mapping, or the path itself. Raises `DocumentError` when there is neither."""
    path = HERE / f"{name_or_path}.yaml" if name_or_path in built_in_mappings() else Path(name_or_path)
    if not path.is_file() and not path.is_dir():  # of a directory, reading tells
        known = ", ".join(built_in_mappings())
        raise DocumentError([Problem(name_or_path, None, f"no such mapping or file; built in: {known}")])
    return path


def load_mapping(name_or_path: str) -> Mapping:
    """Read and check a mapping by name or path. Raises `DocumentError` with every mistake."""
    path = mapping_path(name_or_path)
    root = read(path, "mapping")
    problems = list(repeated(root))
    try:
        mapping = Mapping.model_validate(plain(root))
    except ValidationError as error:
        problems += [_problem(root, each) for each in error.errors(include_url=False) if not _is_other(each)]
        raise DocumentError(sorted(problems, key=lambda each: each.line or 0)) from None
    if problems:
        raise DocumentError(problems)
    return mapping


def _is_other(error: Any) -> bool:
    """Return whether an error is of a word that could have stood in place of what is there; that has one of its own."""
    return any(str(part).startswith("literal[") for part in error["loc"])


def _near_or_known(location: list[Any]) -> str:
    """Return what to say of a key that a part does not have: the one that is likely meant, or those there are."""
    *above, key = location
    known = _keys_at(Mapping, above)
    near = get_close_matches(str(key), known, 1, 0.6)
    return f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"


def _keys_at(part: Any, location: list[Any]) -> list[str]:
    """Return the keys of the part of a mapping that stands at a location."""
    for step in location:
        parts = [each for each in _parts_in(part) if isinstance(each, type) and issubclass(each, Part)]
        owner = parts[0] if parts else Part
        field = next((info for name, info in owner.model_fields.items() if step in (name, info.alias)), None)
        part = part if field is None else field.annotation  # a number, or a name of the user's own
    return [
        info.alias or name
        for each in _parts_in(part)
        if isinstance(each, type) and issubclass(each, Part)
        for name, info in each.model_fields.items()
    ]


def _parts_in(annotation: Any) -> list[Any]:
    """Return the types of which an annotation is made."""
    inner = get_args(annotation)
    return [found for each in inner for found in _parts_in(each)] if inner else [annotation]


def _problem(root: yaml.MappingNode, error: Any) -> Problem:
    location = [part for part in error["loc"] if part not in _NO_KEYS]
    message: str = error["msg"].removeprefix("Value error, ")
    if error["type"] == "extra_forbidden" and location:
        message = f"no such key; {_near_or_known(location)}"
    cause = error.get("ctx", {}).get("error")
    place = None
    if isinstance(cause, MisplacedError):
        location += cause.location
        place = None if cause.text is None else place_of_text(root, cause.text)
    place = place or place_of(root, location)
    where = ".".join(map(str, location))
    return Problem(place.source, place.line, f"{where}: {message}" if where else message)
