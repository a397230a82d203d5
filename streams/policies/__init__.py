"""The policies that come with Behoudlijn, and how a policy file is read: every mistake is told with its line."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from streams.core.policy import Policy

HERE = Path(__file__).parent


class PolicyError(Exception):
    """A policy cannot be used; `problems` holds a sentence for each mistake, with its line."""

    def __init__(self, source: str, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(f"{source}:{problem}" for problem in problems))


def built_in() -> list[str]:
    """The names of the policies that come along."""
    return sorted(path.stem for path in HERE.glob("*.yaml"))


def policy_path(name_or_path: str) -> Path:
    """The file of a built-in policy, or the path itself. Raises `PolicyError` when there is neither."""
    path = HERE / f"{name_or_path}.yaml" if name_or_path in built_in() else Path(name_or_path)
    if not path.is_file():
        raise PolicyError(name_or_path, [f" no such policy or file; built in: {', '.join(built_in())}"])
    return path


def load_policy(name_or_path: str) -> Policy:
    """Read and check a policy by name or path. Raises `PolicyError` with every mistake."""
    path = policy_path(name_or_path)
    try:
        text = path.read_text(encoding="utf-8")
        # Scalars stay text until the model reads them, so that an impossible date too is told with its line.
        root, document = yaml.compose(text, Loader=yaml.BaseLoader), yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - makes text only
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise PolicyError(str(path), [f"{line}: not YAML: {error.problem}"]) from None
    except (UnicodeDecodeError, yaml.YAMLError):
        raise PolicyError(str(path), ["1: not YAML: the file is no UTF-8 text"]) from None
    if not isinstance(root, yaml.MappingNode):
        raise PolicyError(str(path), ["1: a policy is a mapping; start with `name:`"])
    problems = list(_repeated(root))
    try:
        policy = Policy.model_validate(document)
    except ValidationError as error:
        problems += [_problem(root, each) for each in error.errors(include_url=False)]
    if problems:
        raise PolicyError(str(path), sorted(problems, key=lambda problem: int(problem.split(":", 1)[0])))
    return policy


def _repeated(node: yaml.Node) -> Iterator[str]:
    """A problem for each key that a mapping holds twice: the last would win in silence."""
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, value in node.value:
            line = int(key.start_mark.line) + 1
            if key.value in seen:
                yield f"{line}: {key.value} is given twice, first in line {seen[key.value]}"
            seen[str(key.value)] = line
            yield from _repeated(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _repeated(value)


def _problem(root: yaml.Node, error: Any) -> str:
    location = tuple(part for part in error["loc"] if part != "[key]")
    message: str = error["msg"].removeprefix("Value error, ")
    return f"{_line(root, location)}: {'.'.join(map(str, location))}: {message}"


def _line(node: Any, location: tuple[Any, ...]) -> int:
    """The line (from 1) of the deepest part of `location` that the file holds."""
    line = int(node.start_mark.line) + 1
    for part in location:
        if isinstance(node, yaml.MappingNode):
            found = next(((k, v) for k, v in node.value if k.value == str(part)), None)
            if found is None:
                break
            line, node = int(found[0].start_mark.line) + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = int(node.start_mark.line) + 1
        else:
            break
    return line
