"""Whether the topics remember for long enough who was called: a repair takes that from them."""

from __future__ import annotations

import pytest

from schemas import topics
from streams.cluster.topics import Found, TopicReport
from streams.operations import repair_prospect
from streams.operations.repair_prospect import refuse_short_memory
from streams.operations.standing import RefusedError
from streams.policies import load_policy
from streams.settings import Settings

DAY = 86_400_000
LONG = {"retention.ms": str(30 * DAY), "retention.bytes": "-1"}


@pytest.mark.parametrize(
    ("configs", "said"),
    [
        (LONG, ""),
        ({"retention.ms": "-1"}, ""),
        ({}, ""),
        (LONG | {"retention.ms": str(5 * DAY)}, "keeps records for 5 days"),
        (LONG | {"retention.bytes": "1073741824"}, "by its size too"),
    ],
    ids=str,
)
@pytest.mark.parametrize("topic", [topics.TRIGGERS, topics.SHADOW_TRIGGERS, topics.OUTCOMES])
def test_a_topic_that_forgets_too_early_is_refused(
    configs: dict[str, str], said: str, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def inspect(settings: Settings) -> list[TopicReport]:
        return [
            TopicReport(settings.topic(name), "ok", Found(name, 1, 1, configs if name == topic else LONG))
            for name in (topics.TRIGGERS, topics.SHADOW_TRIGGERS, topics.OUTCOMES)
        ]

    monkeypatch.setattr(repair_prospect, "inspect", inspect)
    settings, policy = Settings(topic_prefix="p."), load_policy("default")
    if not said:
        refuse_short_memory(settings, policy)
        return
    with pytest.raises(RefusedError, match=f"p.{topic} .*{said}"):
        refuse_short_memory(settings, policy)
