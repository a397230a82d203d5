"""Instants: between ms since the epoch, UTC, in which the core computes, and the texts and datetimes of messages."""

from datetime import UTC, datetime


def from_text(text: str) -> int:
    """The ms of an ISO 8601 text with a zone."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def to_datetime(ms: int) -> datetime:
    """The datetime, in UTC."""
    return datetime.fromtimestamp(ms / 1000, UTC)
