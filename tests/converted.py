"""Files of other systems as events, in the order of time, as `behoudlijn convert` writes them. For tests."""

from collections.abc import Callable

from streams.conversion.refusals import Refusal
from streams.conversion.run import Conversion, Counts
from streams.files.sorting import Sorter
from streams.mappings import load_mapping


def converted(
    mapping: str, *paths: str, refuse: Callable[[Refusal], None] | None = None, key: bytes = b""
) -> list[bytes]:
    """Return the events of files by a mapping (a name or a path)."""
    return converted_with_counts(mapping, *paths, refuse=refuse, key=key)[0]


def converted_with_counts(
    mapping: str, *paths: str, refuse: Callable[[Refusal], None] | None = None, key: bytes = b""
) -> tuple[list[bytes], Counts]:
    """Return the events, and what became of the records."""
    conversion = Conversion(load_mapping(mapping), key, refuse)
    with Sorter() as sorter:
        for each in conversion.events(paths):
            sorter.add(*each.made)
        return [line[:-1] for line in sorter.lines()], conversion.counts
