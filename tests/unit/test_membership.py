"""Who is in the group, where nobody tells."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiokafka.errors import GroupCoordinatorNotAvailableError

from streams.cluster.topic_reader import BrokerError
from streams.policies import load_policy
from streams.settings import Settings
from streams.state.agreement import agreed_of
from streams.workers import membership
from streams.workers.membership import Membership


@pytest.mark.parametrize("trouble", [GroupCoordinatorNotAvailableError(), OSError("reset"), TimeoutError()])
def test_nobody_joins_before_it_is_known_who_is_there(
    trouble: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ask(*_: Any) -> list[str]:
        raise trouble

    monkeypatch.setattr(membership, "members_of", ask)
    settings = Settings()
    asked = Membership(settings, "group", "signals", agreed_of(settings, load_policy("default")))
    with pytest.raises(BrokerError, match=type(trouble).__name__):
        asyncio.run(asked.check_before_joining())
    asyncio.run(asked.check_after_joining())  # it is in already, and whoever comes must ask first
