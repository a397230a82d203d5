"""What a scenario is: its name, the requests of others beside it, and what strikes. Owns the shape; each has a module of its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from streams.settings import Settings
from tests.soak.stage import Stage


async def nothing(_: Settings) -> None:
    """Prepare nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """`strike` returns when it is over; it notes in the stage what of its own was lost or doubled."""

    name: str
    says: str
    rate: float
    """Requests of others a second, before, during and after."""
    strike: Callable[[Stage], Awaitable[None]]
    prepare: Callable[[Settings], Awaitable[None]] = nothing
    """Before the workers start: what their changelog holds."""
    until: Callable[[Stage], Awaitable[None]] | None = None
    """Waits for its moment; the others that are beside it begin then."""
    check: Callable[[Stage], Awaitable[None]] | None = None
    """Afterwards, as `strike`."""
    workers: int = 1
    with_store: bool = False
    """With a sink worker and ClickHouse."""
    settings: Mapping[str, object] = field(default_factory=dict)
