"""Files of other systems as events, in the order of time, as `behoudlijn convert` writes them. For tests."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from streams.conversion.refusals import Refusal
from streams.conversion.run import Conversion, Counts
from streams.files.sorting import Sorter
from streams.mappings import load_mapping
from streams.mappings.language import Mapping


class Outcome(NamedTuple):
    """What became of files."""

    events: list[dict[str, Any]]
    counts: Counts
    refused: list[Refusal]

    @property
    def messages(self) -> list[str]:
        """What was said of the records that were refused, with their codes."""
        return [f"{each.code}: {each.message}" for each in self.refused]


def converted(
    mapping: str, *paths: str, refuse: Callable[[Refusal], None] | None = None, key: bytes = b""
) -> list[bytes]:
    """Return the events of files by a mapping (a name or a path)."""
    return converted_with_counts(mapping, *paths, refuse=refuse, key=key)[0]


def converted_with_counts(
    mapping: str, *paths: str, refuse: Callable[[Refusal], None] | None = None, key: bytes = b""
) -> tuple[list[bytes], Counts]:
    """Return the events, and what became of the records."""
    return _run(load_mapping(mapping), *paths, refuse=refuse, key=key)


def outcome(mapping: str | Mapping, folder: Path, *files: str | bytes, key: bytes = b"") -> Outcome:
    """Return what a mapping (its YAML) makes of files with these contents, which are written to `folder`."""
    chosen = mapping_of(mapping) if isinstance(mapping, str) else mapping
    paths = [folder / f"f{number}" for number in range(1, len(files) + 1)]
    for path, content in zip(paths, files, strict=True):
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    refused: list[Refusal] = []
    lines, counts = _run(chosen, *map(str, paths), refuse=refused.append, key=key)
    return Outcome([json.loads(line) for line in lines], counts, refused)


def mapping_of(text: str) -> Mapping:
    """Return the mapping that a YAML text is."""
    return Mapping.model_validate(yaml.load(text, yaml.BaseLoader))


def _run(
    mapping: Mapping, *paths: str, refuse: Callable[[Refusal], None] | None, key: bytes
) -> tuple[list[bytes], Counts]:
    conversion = Conversion(mapping, key, refuse)
    with Sorter() as sorter:
        for each in conversion.events(paths):
            sorter.add(each.made)
        return [line[:-1] for line in sorter.lines()], conversion.counts
