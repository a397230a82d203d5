"""The policies that come with Behoudlijn, and how a policy file is read: every mistake is told with its line.

A policy may extend one that comes along (docs/policies.md). Begin with `load_policy`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import yaml
from pydantic import ValidationError

from streams.core.policy import BROKEN_RULES, Policy
from streams.core.policy_rules import RULES, broken
from streams.documents import (
    DocumentError,
    Place,
    Problem,
    beginning,
    place_of,
    plain,
    read,
    repeated,
    written,
)
from streams.policies.extension import Extended, base_of, extend

HERE = Path(__file__).parent


class PolicyFile(NamedTuple):
    """A policy as it was read."""

    policy: Policy
    extends: str
    """The name of the policy that it extends; empty when it stands alone."""
    text: str
    """A file that stands alone and says the same: the file itself where it does."""


def built_in() -> list[str]:
    """Return the names of the policies that come along."""
    return sorted(path.stem for path in HERE.glob("*.yaml"))


def policy_path(name_or_path: str) -> Path:
    """Return the file of a built-in policy, or the path itself. Raises `DocumentError` when there is neither."""
    path = _packaged(name_or_path) if name_or_path in built_in() else Path(name_or_path)
    if not path.is_file() and not path.is_dir():  # of a directory, reading tells
        known = ", ".join(built_in())
        raise DocumentError([Problem(name_or_path, None, f"no such policy or file; built in: {known}")])
    return path


def load_policy(name_or_path: str) -> Policy:
    """Read and check a policy by name or path. Raises `DocumentError` with every mistake."""
    return read_policy(name_or_path).policy


def read_policy(name_or_path: str) -> PolicyFile:
    """Read and check a policy, with what it extends and its text. Raises `DocumentError` with every mistake."""
    path = policy_path(name_or_path)
    own = read(path, "policy")
    root, problems = _extended(own)
    problems += repeated(own)
    policy = None
    try:
        policy = Policy.model_validate(plain(root))
    except ValidationError as error:
        problems += [
            _problem(own, root, each["loc"], each["msg"])
            for each in error.errors(include_url=False)
            if each["type"] != BROKEN_RULES
        ]
    problems += [_problem(own, root, each.location, each.said) for each in broken(plain(root), RULES)]
    if problems or policy is None:
        raise DocumentError(sorted(problems, key=lambda each: (each.source != str(path), each.line or 0)))
    base = base_of(own)
    if base is None:
        return PolicyFile(policy, "", path.read_text(encoding="utf-8"))
    return PolicyFile(
        policy, base.value, f"# {policy.name}, with all that it takes from {base.value}.\n{written(root)}"
    )


def _packaged(name: str) -> Path:
    return HERE / f"{name}.yaml"


def _extended(own: yaml.MappingNode, above: tuple[str, ...] = ()) -> Extended:
    """Return a file with what it takes from others; `above` are those that led here. Raises `DocumentError` for one that cannot be taken."""
    base = base_of(own)
    if base is None:
        return Extended(own, [])
    known, (_, source, line) = built_in(), beginning(base)
    if not isinstance(base, yaml.ScalarNode) or base.value not in known:
        said = f"extends: no such policy; built in: {', '.join(known)}"
        raise DocumentError([Problem(source, line, said)])
    if base.value in above:
        said = f"extends: a circle: {' -> '.join((*above, base.value))}"
        raise DocumentError([Problem(source, line, said)])
    below = _extended(read(_packaged(base.value), "policy"), (*above, base.value))
    root, problems = extend(below.root, own)
    return Extended(root, [*below.problems, *problems])


def _problem(own: yaml.MappingNode, root: yaml.MappingNode, where: Sequence[str | int], said: str) -> Problem:
    location = [part for part in where if part != "[key]"]
    place: Place = max(place_of(own, location), place_of(root, location), key=lambda each: each.depth)
    message = said.removeprefix("Value error, ")
    return Problem(
        place.source, place.line, f"{'.'.join(map(str, location))}: {message}" if location else message
    )
