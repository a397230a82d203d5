"""The mappings that come with Behoudlijn, and how a mapping file is read: every mistake is told with its line.

Begin with `load_mapping`; `language` has what a mapping may say.
"""

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from streams.documents import DocumentError, Problem, place_of, place_of_text, plain, read, repeated
from streams.mappings.language import Mapping, MisplacedError

_NO_KEYS = frozenset({"[key]", "Hint", "bool"})
"""What pydantic puts into a location beside keys: the names of alternatives."""
HERE = Path(__file__).parent


def built_in_mappings() -> tuple[str, ...]:
    """Return the names of the mappings that come with the program."""
    return tuple(sorted(path.stem for path in HERE.glob("*.yaml")))


def mapping_path(name_or_path: str) -> Path:
    """Return the file of a built-in mapping, or the path itself. Raises `DocumentError` when there is neither."""
    path = HERE / f"{name_or_path}.yaml" if name_or_path in built_in_mappings() else Path(name_or_path)
    if not path.is_file():
        known = ", ".join(built_in_mappings())
        raise DocumentError([Problem(name_or_path, None, f"no such mapping or file; built in: {known}")])
    return path


def load_mapping(name_or_path: str) -> Mapping:
    """Read and check a mapping by name or path. Raises `DocumentError` with every mistake."""
    path = mapping_path(name_or_path)
    try:
        root = read(path, "mapping")
    except OSError as error:
        said = f"cannot be read: {error.strerror or error}"
        raise DocumentError([Problem(str(path), None, said)]) from None
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


def _problem(root: yaml.MappingNode, error: Any) -> Problem:
    location = [part for part in error["loc"] if part not in _NO_KEYS]
    message: str = error["msg"].removeprefix("Value error, ")
    cause = error.get("ctx", {}).get("error")
    place = None
    if isinstance(cause, MisplacedError):
        location += cause.location
        place = None if cause.text is None else place_of_text(root, cause.text)
    place = place or place_of(root, location)
    where = ".".join(map(str, location))
    return Problem(place.source, place.line, f"{where}: {message}" if where else message)
