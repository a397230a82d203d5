"""Output formats as HTTP sees them: the Content-Type of each, and which can be sent piece by piece."""

from __future__ import annotations

from typing import Final

# The engine encodes each piece of a stream on its own, so only formats without a head or foot may be joined.
STREAMABLE: Final = frozenset(
    {"Native", "TabSeparated", "TSV", "TabSeparatedRaw", "TSVRaw", "CSV", "RowBinary", "JSONEachRow"}
)

_TYPES: Final = (
    (
        ("JSONEachRow", "JSONLines", "NDJSON", "JSONStringsEachRow", "JSONCompactEachRow"),
        "application/x-ndjson; charset=UTF-8",
    ),
    (("JSON",), "application/json; charset=UTF-8"),
    (("TabSeparated", "TSV", "TSKV"), "text/tab-separated-values; charset=UTF-8"),
    (("CSVWithNames",), "text/csv; charset=UTF-8; header=present"),
    (("CSV",), "text/csv; charset=UTF-8; header=absent"),
    (("XML",), "application/xml; charset=UTF-8"),
    (("Pretty", "Vertical", "Values", "SQLInsert", "Null", "Hash"), "text/plain; charset=UTF-8"),
    (("Markdown",), "text/markdown; charset=UTF-8"),
)


def content_type(name: str) -> str:
    """Content-Type that goes with an output format; binary ones are octet streams."""
    return next((kind for starts, kind in _TYPES if name.startswith(starts)), "application/octet-stream")
