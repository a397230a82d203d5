"""What the engine counts about a query, as X-ClickHouse-Summary tells it; it must not add to that."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts of one query as the engine reports them; what it does not say is None, and left out."""

    read_rows: int | None = None
    read_bytes: int | None = None
    written_rows: int | None = None
    written_bytes: int | None = None
    result_rows: int | None = None
    result_bytes: int | None = None
    elapsed_ns: int | None = None

    def as_strings(self) -> dict[str, str]:
        """Return the JSON members of X-ClickHouse-Summary: ClickHouse writes each number as a string."""
        return {name: str(value) for name in self.__slots__ if (value := getattr(self, name)) is not None}
