"""What the outlook reads of a policy, made once: edges, gains, and whether anything may be left out at all."""

from streams.core.events.table import ALWAYS_JUDGED
from streams.core.outlook.edges import Edges
from streams.core.outlook.gains import MOST_SIGNALS, Gains
from streams.core.plan import Plan, Weighed


class Outlook:
    """The outlook's tables of one policy. Owns no rule: all follows from the policy and from what the signals declare."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.edges = Edges(plan)
        self.gains = Gains(plan)
        self.fading = {
            name: each for name, each in plan.weighed.items() if each.weight < 0 and each.signal.kinds
        }
        """What lowers the score and is moved by facts, by name."""
        self.shortcuts = (
            len(plan.weighed) <= MOST_SIGNALS
            # If a fact could lower the score unseen, an episode or a band could end before the due time.
            and all(map(_fades_only, self.fading.values()))
            and plan.scored_episodes_last
        )
        """Whether events may be folded without a judgement; otherwise every one is judged."""


def _fades_only(each: Weighed) -> bool:
    """Return whether a signal can rise at a judgement only: neither by time, nor by a fact that is folded without one."""
    return not each.signal.kinds & ~ALWAYS_JUDGED and each.signal.rising is None
