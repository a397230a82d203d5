"""What a repair of states would do, and whether it may be done: what is told, and asked, before.

Owns the conditions. It must not change anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from schemas import topics
from streams.cluster.topics import COMPACTED, inspect
from streams.core.policy import Policy
from streams.core.said import longest_rest_ms
from streams.operations.standing import INPUTS, RefusedError, refuse_members, standing
from streams.settings import SIGNALS_GROUP, Settings
from streams.state.recovery import ChangelogReader
from streams.state.store import SignalsStore
from streams.telemetry.amounts import amount

_DAY_MS: Final = 86_400_000
_KEPT_LONG_ENOUGH: Final = (topics.TRIGGERS, topics.SHADOW_TRIGGERS, topics.OUTCOMES)
"""What tells who was called and who rests."""


class Prospect(NamedTuple):
    """What a repair of one partition would do."""

    partition: int
    customers: int
    """Whom the changelog still knows."""
    markers: int
    unreadable: int
    """Records of the changelog that would be left behind."""
    ranges: Mapping[str, tuple[int, int]]
    """By input: from which offset up to which it is read."""
    lost: tuple[str, ...]
    """Inputs of which the beginning is gone."""
    anew: tuple[str, ...]
    """Inputs whose log is not the one that was read: nothing of it is taken into the states, and the workers read it from its beginning."""


async def prospects(settings: Settings, policy: Policy, numbers: Iterable[int]) -> list[Prospect]:
    """Return what a repair would do, by partition. Raises RefusedError when it must not be done, and what reading a changelog raises."""
    numbers = list(numbers)
    await refuse_members(settings, SIGNALS_GROUP, "signals")
    refuse_short_memory(settings, policy)
    now = await standing(settings, numbers)
    found = []
    async with changelog_of(settings, numbers) as reader:
        await reader.to_end()
        reader.finish()
        for number, reading in reader.readings.items():
            anew = now.anew[number]
            ranges = {
                name: (now.logs[number][name].start, offset)
                for name in INPUTS
                if name not in anew and (offset := now.read(number, name))
            }
            lost = tuple(name for name, (start, _) in ranges.items() if start and name not in COMPACTED)
            store = reading.store
            found.append(
                Prospect(
                    number,
                    store.customers,
                    store.clock.markers,
                    len(reading.unreadable),
                    ranges,
                    lost,
                    tuple(sorted(anew)),
                )
            )
    return found


def horizon_kept(settings: Settings, policy: Policy) -> tuple[float, int]:
    """Return for how many days the inputs keep events (infinite where for ever), and how many the policy looks back."""
    kept = [
        int(report.found.configs.get("retention.ms", settings.retention_ms)) / _DAY_MS
        for report in inspect(settings)
        if report.found is not None and settings.plain_topic(report.name) in topics.INPUTS
        and settings.plain_topic(report.name) not in COMPACTED
    ]  # fmt: skip
    return min((days if days >= 0 else float("inf") for days in kept), default=0.0), policy.shape.horizon_days


def changelog_of(settings: Settings, numbers: Iterable[int]) -> ChangelogReader[SignalsStore]:
    """Return a reader of these partitions that leaves out what it cannot read."""
    return ChangelogReader(
        SignalsStore, settings.topic(topics.CHANGELOG), numbers, settings.aiokafka_options(), lenient=True
    )


def refuse_short_memory(settings: Settings, policy: Policy) -> None:
    """Refuse where the topics forget who was called before the policy lets anybody be called again."""
    rest = longest_rest_ms(policy)
    for report in inspect(settings):
        name = settings.plain_topic(report.name)
        if name not in _KEPT_LONG_ENOUGH:
            continue
        if report.found is None:
            raise RefusedError(
                f"there is no topic {report.name}: run `behoudlijn topics ensure`, or check BEHOUDLIJN_TOPIC_PREFIX"
            )
        kept = int(report.found.configs.get("retention.ms", -1))
        if 0 <= kept < rest:
            raise RefusedError(
                f"{report.name} keeps records for {amount(kept / _DAY_MS, 'day')}, but the policy lets a customer rest, or a trigger count, for "
                f"{amount(rest / _DAY_MS, 'day')}: who was called before that would be forgotten, and called again. Choose a policy with a "
                "shorter cooldown, or go on with the states that are there (`behoudlijn state accept`)"
            )
        if int(report.found.configs.get("retention.bytes", -1)) >= 0:
            raise RefusedError(
                f"{report.name} is kept by its size too (retention.bytes), so that nobody can tell for how long: who was called may be "
                "forgotten, and called again. Take that limit away; or go on with the states that are there (`behoudlijn state accept`)"
            )
