"""What must be true of a group that was given the time to read everything: all is committed, and it has told of losses what is so.

Owns the comparisons. It must not ask anybody. Topics, partitions and offsets are no secret, so they are shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from signal import SIGKILL, SIGTERM
from typing import Final

from schemas import topics
from streams.telemetry.exit_codes import ExitCode
from tests.chaos.fleet import Fleet
from tests.chaos.history import History
from tests.chaos.verifier import Difference

READ_BY: Final[dict[str, tuple[str, ...]]] = {
    "signals": (*topics.INPUTS, topics.REPARTITION),
    "sink": (*topics.INPUTS, *topics.OUTPUTS),
}
"""The topics that each group commits."""


def lag(group: str, missing: dict[str, str]) -> list[Difference]:
    """Uncommitted partitions as differences."""
    shown = tuple(f"{place} {how}" for place, how in sorted(missing.items()))
    return (
        [Difference(f"{group} commits", "partitions not at their end", len(shown), shown[:5])]
        if shown
        else []
    )


def ends(group: str, codes: Mapping[int, int]) -> list[Difference]:
    """Processes that ended with a code after which an orchestrator would leave them down, or which speaks of a bug. By a signal end
    those that were killed, and those that were told to leave before they had begun.
    """
    fine = {0, -SIGTERM, -SIGKILL, 128 + SIGKILL, *(code for code in ExitCode if code.again)}
    shown = tuple(f"{times} with code {code}" for code, times in sorted(codes.items()) if code not in fine)
    return [Difference(f"{group} ends", "codes that no fault gives", len(shown), shown[:5])] if shown else []


def false_alarms(group: str, fleet: Fleet, history: History) -> list[Difference]:
    """Workers that took a log for another one, although its topic was not made anew."""
    shown = tuple(
        f"{life.slot} {topic}[{number}]"
        for life in fleet.lives
        for topic, number in life.begun_anew
        if topic not in history.made_anew
    )
    return [Difference(f"{group} logs", "false alarms", len(shown), shown[:5])] if shown else []


def losses(lost: Mapping[tuple[str, int], int], counted: Mapping[tuple[str, int], int]) -> list[Difference]:
    """Partitions of which the workers count other losses than there were."""
    shown = tuple(
        f"{topic}[{number}] counted {counted.get((topic, number), 0)} of {lost.get((topic, number), 0)}"
        for topic, number in sorted({*lost, *counted})
        if counted.get((topic, number), 0) != lost.get((topic, number), 0)
    )
    return [Difference("lost records", "partitions counted wrongly", len(shown), shown[:5])] if shown else []
