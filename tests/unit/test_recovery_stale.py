"""A recovery that a rebalance overtakes, where the cancellation is not heard of: it claims nothing, and the next one begins anew."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from streams.lane.lane import Lane
from streams.lane.micro_batch import TP, LaneSettings
from streams.settings import Settings
from streams.state.store import SignalsStore, Store
from streams.workers import recovery
from streams.workers.recovery import Recovery
from streams.workers.turns import Turns

CALLS = TP("contact.calls", 0)


class Reader:
    """Of a changelog; `during` happens while it is read."""

    def __init__(self, during: Any) -> None:
        self._during = during

    async def __aenter__(self) -> Reader:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def to_end(self) -> None:
        self._during()

    def finish(self) -> list[Any]:
        return []


@pytest.mark.parametrize("when", ["while the changelog is read", "while its ground is looked at"])
def test_a_recovery_whose_assignment_is_gone_claims_nothing(
    when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lane: Lane[Any] = Lane(
        LaneSettings(("contact.calls",), merged=True, idle_ms=0, max_batch=9), lambda _, __: [], lambda: 0
    )
    lane.assign({CALLS: 7}, {CALLS: 7})
    claimed: list[Any] = []
    looked: list[Any] = []

    async def claim(reader: Any) -> None:
        claimed.append(reader)

    async def check(_: Any, committed: Any, __: Any) -> None:
        looked.append(committed)
        if when == "while its ground is looked at":
            lane.forget()

    async def alone() -> None:
        return None

    reader = Reader(lane.forget if when == "while the changelog is read" else lambda: None)
    monkeypatch.setattr(recovery, "ChangelogReader", lambda *_, **__: reader)
    fence: Any = SimpleNamespace(assignment=1)
    fenced: Any = SimpleNamespace(held=lambda _: None, claim=claim)
    kind: Any = SimpleNamespace(new=SignalsStore)
    recovers = Recovery(
        Settings(),
        "changelog",
        kind,
        Store(),
        Turns(),
        fence,
        fenced,
        publisher=None,  # type: ignore[arg-type]
        membership=SimpleNamespace(check_after_joining=alone),  # type: ignore[arg-type]
        footing=SimpleNamespace(check=check),  # type: ignore[arg-type]
        lane=lane,
    )
    asyncio.run(recovers.recover(lane.assignment))
    assert not claimed
    assert looked == ([] if when == "while the changelog is read" else [{0: {"contact.calls": 7}}])
