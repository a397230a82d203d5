"""The policies that come with Behoudlijn, and how a policy file is read: every mistake is told with its line."""

from collections.abc import Sequence
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
    text = path.read_text(encoding="utf-8")
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        document = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise PolicyError(str(path), [f"{line}: not YAML: {error.problem}"]) from None
    if not isinstance(document, dict):
        raise PolicyError(str(path), ["1: a policy is a mapping; start with `name:`"])
    try:
        return Policy.model_validate(document)
    except ValidationError as error:
        problems = [_problem(root, each) for each in error.errors(include_url=False)]
        raise PolicyError(str(path), problems) from None


def _problem(root: Any, error: Any) -> str:
    message: str = error["msg"].removeprefix("Value error, ")
    location = tuple(error["loc"])
    if not location and ":" in message:  # checks across parts name the place themselves
        location = tuple(int(p) if p.isdigit() else p for p in message.split(":", 1)[0].split("."))
        shown = message
    else:
        shown = f"{'.'.join(map(str, location))}: {message}"
    return f"{_line(root, location)}: {shown}"


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
