"""A YAML file of the user's, a policy or a mapping, as nodes: each knows the file and the line that it came from, so that every
mistake can be told with both.

Owns reading and writing; what a document means is its model's, what a policy takes from another one is `policies.extension`.
"""

from collections.abc import Iterator, Sequence
from math import inf
from pathlib import Path
from typing import Any, NamedTuple

import yaml


class Problem(NamedTuple):
    """One mistake: in which file, in which line (from 1; none for the file as a whole), and what is wrong."""

    source: str
    line: int | None
    said: str

    def __str__(self) -> str:
        return (
            f"{self.source}: {self.said}" if self.line is None else f"{self.source}:{self.line}: {self.said}"
        )


class DocumentError(Exception):
    """A document cannot be used; `problems` holds every mistake."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, problems)))


class Place(NamedTuple):
    """Where a part of a document stands: how many steps of its location the document holds, the file, and the line (from 1)."""

    depth: int
    source: str
    line: int


def read(path: Path, kind: str) -> yaml.MappingNode:
    """Return the nodes of a file that should hold a `kind` (policy, mapping).

    Raises `DocumentError` when it cannot be read, or is no YAML mapping.
    """
    source = str(path)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise DocumentError([Problem(source, 1, "not YAML: the file is no UTF-8 text")]) from None
    except OSError as error:
        raise DocumentError([Problem(source, None, f"cannot be read: {error.strerror or error}")]) from None
    try:
        # Scalars stay text until the model reads them, so that an impossible date too is told with its line.
        loader = yaml.BaseLoader(text)
        loader.name = source
        root = loader.get_single_node()
        if root is not None:
            plain(root)  # finds what is no tree: keys that are lists, and aliases of themselves
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        said = "a tab; indent by spaces" if "'\\t'" in str(error.problem) else error.problem
        raise DocumentError([Problem(source, line, f"not YAML: {said}")]) from None
    except RecursionError:
        raise DocumentError([Problem(source, 1, "it is nested too deeply")]) from None
    except yaml.YAMLError:  # of its reader: characters that YAML does not know
        raise DocumentError([Problem(source, 1, "not YAML: it holds control characters")]) from None
    if not isinstance(root, yaml.MappingNode):
        raise DocumentError(
            [Problem(source, 1, f"no {kind}: keys with values are expected; start with `name:`")]
        )
    return root


def plain(node: yaml.Node) -> Any:
    """Dicts, lists and text of a node."""
    return yaml.constructor.BaseConstructor().construct_document(node)


def written(node: yaml.Node) -> str:
    """Return the YAML text of a node, quoted as it was; comments are lost."""
    text: str = yaml.serialize(node, Dumper=yaml.BaseDumper, width=inf, allow_unicode=True)
    return text


def repeated(node: yaml.Node) -> Iterator[Problem]:
    """Yield a problem for each key that a mapping holds twice: the last would win in silence."""
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, value in node.value:
            _, source, line = beginning(key)
            if key.value in seen:
                yield Problem(source, line, f"{key.value} is given twice, first in line {seen[key.value]}")
            seen[key.value] = line
            yield from repeated(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from repeated(value)


def beginning(node: yaml.Node, depth: int = 0) -> Place:
    """Return where a node begins."""
    return Place(depth, node.start_mark.name, node.start_mark.line + 1)


def place_of_text(node: yaml.Node, text: str) -> Place | None:
    """Return the place where a text is first written, as a key or a value; None when it is nowhere."""
    if isinstance(node, yaml.ScalarNode):
        return beginning(node) if node.value == text else None
    parts = (
        node.value if isinstance(node, yaml.SequenceNode) else [each for pair in node.value for each in pair]
    )
    return next((place for part in parts if (place := place_of_text(part, text)) is not None), None)


def place_of(node: Any, location: Sequence[Any]) -> Place:
    """Return the place of the deepest part of `location` that the document holds."""
    place = beginning(node)
    for depth, part in enumerate(location, 1):
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == str(part)), None)
            if found is None:
                break
            key, node = found
            place = beginning(key, depth)
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            place = beginning(node, depth)
        else:
            break
    return place
