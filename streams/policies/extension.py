"""What a policy takes from the one that it extends, before anybody looks at what it means.

Mappings are laid over one another key by key; a list or a value takes the place of the other one's; `null` takes a key away.
What says which policy this is does not pass on. Owns nothing of what the keys mean.
"""

from typing import Final, NamedTuple

import yaml

from streams.documents import Problem, beginning

KEY: Final = "extends"
OWN: Final = frozenset({"name", "version", "description", "calibrated"})
"""Keys that a policy has for itself or not at all: with one number changed, it is another policy and no longer calibrated."""


class Extended(NamedTuple):
    """A policy with what it takes from another one."""

    root: yaml.MappingNode
    problems: list[Problem]


def base_of(own: yaml.MappingNode) -> yaml.Node | None:
    """Return what a file says that it extends; none when it stands alone."""
    return next((value for key, value in own.value if key.value == KEY), None)


def extend(base: yaml.MappingNode, own: yaml.MappingNode) -> Extended:
    """`own` laid over `base`; neither is changed. Keys stand in the order of the base, then of one's own; what names the policy first."""
    inherited = [(key, value) for key, value in base.value if key.value not in OWN]
    changes = [(key, value) for key, value in own.value if key.value != KEY]
    problems: list[Problem] = []
    root = _over(_like(base, inherited), _like(own, changes), (), problems)
    root.value.sort(key=lambda pair: pair[0].value not in OWN)
    return Extended(root, problems)


def _over(
    base: yaml.MappingNode, own: yaml.MappingNode, above: tuple[str, ...], problems: list[Problem]
) -> yaml.MappingNode:
    pairs = {key.value: (key, value) for key, value in base.value}
    for key, value in own.value:
        name, location = key.value, (*above, key.value)
        before = pairs.get(name)
        if _removes(value):
            if before is None:
                _, source, line = beginning(key)
                said = f"{'.'.join(location)}: there is nothing that null could remove"
                problems.append(Problem(source, line, said))
            pairs.pop(name, None)
        elif isinstance(value, yaml.MappingNode):
            below = before[1] if before is not None else None
            under = below if isinstance(below, yaml.MappingNode) else _like(value, [])
            pairs[name] = key, _over(under, value, location, problems)
        else:
            pairs[name] = key, value
    return _like(own, list(pairs.values()))


def _removes(value: yaml.Node) -> bool:
    """Return whether it is `null`, unquoted: an empty value may be one that was forgotten."""
    return isinstance(value, yaml.ScalarNode) and value.value == "null" and value.style is None


def _like(node: yaml.MappingNode, pairs: list[tuple[yaml.Node, yaml.Node]]) -> yaml.MappingNode:
    return yaml.MappingNode(node.tag, pairs, node.start_mark, node.end_mark, node.flow_style)
