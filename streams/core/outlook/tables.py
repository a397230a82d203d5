"""What the outlook reads of a policy, made once: edges, gains, and whether anything may be left out at all."""

from streams.core.outlook.edges import Edges
from streams.core.outlook.gains import MOST_SIGNALS, Gains
from streams.core.plan import Plan


class Outlook:
    """The outlook's tables of one policy. Owns no rule: all follows from the policy and from what the signals declare."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.edges = Edges(plan)
        self.gains = Gains(plan)
        self.shortcuts = (
            len(plan.weighed) <= MOST_SIGNALS
            # If a fact could lower the score, an episode or a band could end before the due time.
            and all(each.weight >= 0 or not each.signal.kinds for each in plan.weighed.values())
            and plan.scored_episodes_last
        )
        """Whether events may be folded without a judgement; otherwise every one is judged."""
