"""The store of a desk of the release stage: the lives of its triggers, answers to commands, its skills and its own record.

Owns what is derived of them, and up to where the inputs must be read before anything is released. It must not judge (`core.release`).
"""

from collections.abc import Mapping

from streams.core.release.plan import ReleaseRules
from streams.core.release.process import check_value, restore
from streams.core.state import NEVER
from streams.state.changelog import NOTHING
from streams.state.store import PartitionStore


class DeskStore(PartitionStore):
    """Desk number `number`, which goes by `rules`."""

    def __init__(self, number: int, rules: ReleaseRules) -> None:
        super().__init__(number)
        self.rules = rules
        self.state = restore(rules, NEVER, self.states)
        self.starting: Mapping[str, int] = NOTHING
        """By input topic, without prefix: where it ended when this worker took over. Until all is read up to there nothing is released."""
        self.taken_over = True
        """No batch was carried out since this worker has it."""
        self._now = NEVER

    @property
    def now(self) -> int:
        """The desk's time (ms): that of the last tick."""
        return max(self._now, self.state.desk.now)

    @property
    def settled(self) -> bool:
        """Whether all timers that are due are judged, and what may go out has gone out."""
        desk = self.state.desk
        return not desk.overdue and desk.paced_at >= desk.now and not self.answers_due

    @property
    def answers_due(self) -> bool:
        """Whether an answer is kept that may go."""
        answers = self.state.answers
        return bool(answers) and answers[0][0] <= self.state.desk.now

    def check(self, key: str, state: bytes) -> None:
        """Raise BrokenStateError or UnknownVersionError for what is no state of this key."""
        check_value(key, state)

    def restore(self, now: int) -> None:
        """Derive from the states who waits, who is out and what is due."""
        self._now = now
        self.state = restore(self.rules, now, self.states)

    def _take_time(self, now: int) -> None:
        self._now = now
