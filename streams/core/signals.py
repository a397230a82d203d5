"""The signals: rolling measures of one customer's dissatisfaction, each a pure function of (facts, registers, time).

Adding one is a function here, a line in the default policy, and a test. A signal is a step function of time: it changes
only when a fact arrives or at `fact.at + edge` for one of its declared edges, so the moment at which a customer cools down
is known exactly. Decay is therefore in steps too: a decaying signal halves at each whole half-life.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from streams.core import facts as f
from streams.core.facts import Fact
from streams.core.state import NEVER, State

HOUR: Final = 3_600_000
DAY: Final = 24 * HOUR


@dataclass(frozen=True, slots=True)
class Parameters:
    """The policy's numbers that shape signals. Durations in ms."""

    horizon: int = 90 * DAY
    keep: int = 200
    repeat_within: int = 7 * DAY
    silent_after: int = 24 * HOUR
    half_life: int = 14 * DAY
    short_abandon_seconds: int = 5
    high_ivr_steps: int = 4
    complaint_codes: frozenset[int] = frozenset()


class View:
    """A state as signals see it at `now` (ms): the facts by kind, oldest first."""

    __slots__ = (
        "_recent",
        "calls",
        "cancellations",
        "inbound",
        "now",
        "parameters",
        "present",
        "state",
        "surveys",
    )

    def __init__(self, state: State, now: int, parameters: Parameters) -> None:
        self.state = state
        self.now = now
        self.parameters = parameters
        start = now - parameters.horizon
        self.calls: list[Fact] = []
        self.inbound: list[Fact] = []
        self.surveys: list[Fact] = []
        self.cancellations: list[Fact] = []
        self.present = 0
        """The kinds of facts that there are: bit `1 << kind` each."""
        self._recent: dict[int, list[Fact]] = {}
        for fact in state.facts:
            if fact.at <= start:
                continue
            kind = fact.kind
            self.present |= 1 << kind
            if kind == f.CALL:
                self.calls.append(fact)
                if fact.flags & f.INBOUND:
                    self.inbound.append(fact)
            elif kind == f.SURVEY:
                self.surveys.append(fact)
            elif kind == f.CANCELLATION:
                self.cancellations.append(fact)

    def recent_inbound(self, window: int) -> list[Fact]:
        """Contacts that the customer began within the last `window` ms."""
        recent = self._recent.get(window)
        if recent is None:
            start = self.now - window
            recent = self._recent[window] = [c for c in self.inbound if c.at > start]
        return recent

    def decayed(self, chosen: list[Fact]) -> float:
        """The sum over facts of 0.5 to the number of whole half-lives since."""
        half_life = self.parameters.half_life
        return sum([0.5 ** ((self.now - fact.at) // half_life) for fact in chosen])


Edges = Callable[[Parameters], tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Signal:
    """A named measure. `evidence` is a sentence for the agent with `{value}` in it."""

    name: str
    measure: Callable[[View], float]
    evidence: str
    edges: Edges
    rising: bool
    """An edge can raise it: it must be looked at also while the customer is calm."""
    kinds: int
    """The kinds of facts that it measures, as bits `1 << kind`; 0 when it reads registers only."""
    flags: int
    """Facts without any of these flags do not count; 0 when all do."""

    def concerns(self, kind: int, flags: int) -> bool:
        """Whether a fact of this kind and with these flags can move it."""
        return bool(self.kinds & 1 << kind) and (not self.flags or bool(self.flags & flags))


SIGNALS: Final[dict[str, Signal]] = {}


def signal(
    evidence: str, edges: Edges, *kinds: int, flags: int = 0, rising: bool = False
) -> Callable[[Callable[[View], float]], Callable[[View], float]]:
    """Register the decorated function under its own name."""
    mask = sum(1 << kind for kind in kinds)

    def add(measure: Callable[[View], float]) -> Callable[[View], float]:
        SIGNALS[measure.__name__] = Signal(measure.__name__, measure, evidence, edges, rising, mask, flags)
        return measure

    return add


def _days(*days: int) -> Edges:
    return lambda _: tuple(day * DAY for day in days)


def _half_lives(p: Parameters) -> tuple[int, ...]:
    return (*range(p.half_life, p.horizon, p.half_life), p.horizon)


def _none(_: Parameters) -> tuple[int, ...]:
    return ()


@signal("{value:.0f} contacts in 7 days", _days(7), f.CALL)
def contacts_7d(view: View) -> float:
    """Contacts that the customer began in 7 days."""
    return len(view.recent_inbound(7 * DAY))


@signal("{value:.0f} contacts in 30 days", _days(30), f.CALL)
def contacts_30d(view: View) -> float:
    """Contacts that the customer began in 30 days."""
    return len(view.recent_inbound(30 * DAY))


@signal("{value:.0f} contacts in 90 days", _days(90), f.CALL)
def contacts_90d(view: View) -> float:
    """Contacts that the customer began in 90 days."""
    return len(view.recent_inbound(90 * DAY))


@signal(
    "called back {value:.0f} times on the same matter",
    lambda p: (30 * DAY, 30 * DAY + p.repeat_within),
    f.CALL,
)
def repeat_contacts(view: View) -> float:
    """Contacts in 30 days that follow one on the same reason within `repeat_within`."""
    start, within = view.now - 30 * DAY, view.parameters.repeat_within
    last: dict[int, int] = {}
    count = 0
    for call in view.recent_inbound(30 * DAY + within):
        before = last.get(call.topic)
        if before is not None and call.at > start and call.at - before <= within:
            count += 1
        last[call.topic] = call.at
    return count


@signal("had to contact us a third time within 30 days", _days(30), f.CALL)
def third_contact(view: View) -> float:
    """1 from the third contact in 30 days."""
    return float(len(view.recent_inbound(30 * DAY)) >= 3)


@signal("had to contact us a fourth time within 30 days", _days(30), f.CALL)
def fourth_contact(view: View) -> float:
    """1 from the fourth contact in 30 days."""
    return float(len(view.recent_inbound(30 * DAY)) >= 4)


@signal("{value:.0f} unresolved contacts in 30 days", _days(30), f.CALL, flags=f.UNRESOLVED)
def unresolved_30d(view: View) -> float:
    """Contacts in 30 days that ended unresolved."""
    return len([c for c in view.recent_inbound(30 * DAY) if c.flags & f.UNRESOLVED])


@signal("{value:.0f} unresolved contacts in 90 days", _days(90), f.CALL, flags=f.UNRESOLVED)
def unresolved_90d(view: View) -> float:
    """Contacts in 90 days that ended unresolved."""
    return len([c for c in view.recent_inbound(90 * DAY) if c.flags & f.UNRESOLVED])


@signal(
    "gave up waiting {value:.0f} times and was not heard since",
    lambda p: (p.silent_after, 30 * DAY),
    f.CALL,
    flags=f.ABANDONED,
    rising=True,
)
def silent_after_abandon(view: View) -> float:
    """Abandoned calls of 30 days (short ones apart) without an answered contact within `silent_after`, once that has passed."""
    p, start, ripe = view.parameters, view.now - 30 * DAY, view.now - view.parameters.silent_after
    count = 0
    answered_at = view.now + p.silent_after  # the first answered contact after the call looked at
    for call in reversed(view.calls):
        if call.at <= start:
            break
        if not call.flags & f.ABANDONED:
            answered_at = call.at
        elif call.flags & f.INBOUND and call.amount >= p.short_abandon_seconds and call.at <= ripe:
            count += answered_at > call.at + p.silent_after
    return count


@signal("waited {value:.0f} minutes for an answer", _days(30), f.CALL)
def longest_wait_minutes(view: View) -> float:
    """The longest wait, in whole minutes, of an answered call in 30 days. An abandoned call's wait is never counted: giving up cuts it short."""
    waits = [c.amount for c in view.recent_inbound(30 * DAY) if not c.flags & f.ABANDONED]
    return max(waits, default=0) // 60


@signal("{value:.0f} menu choices too many", _days(30), f.CALL)
def excess_ivr_steps(view: View) -> float:
    """Menu choices above `high_ivr_steps` in the worst call of 30 days."""
    steps = max([c.b for c in view.recent_inbound(30 * DAY)], default=0)
    return max(0, steps - view.parameters.high_ivr_steps)


@signal("transferred {value:.0f} times in 30 days", _days(30), f.CALL)
def transfers_30d(view: View) -> float:
    """Transfers in the contacts of 30 days."""
    return sum([c.c for c in view.recent_inbound(30 * DAY)])


@signal("had to change channel {value:.0f} times in 7 days", _days(7), f.CALL)
def channel_switches_7d(view: View) -> float:
    """Successive contacts of 7 days in different channels; a call after trying online counts as one more."""
    recent = view.recent_inbound(7 * DAY)
    switches = sum([a.a != b.a for a, b in pairwise(recent)])
    return switches + len([c for c in recent if c.flags & f.TRIED_ONLINE])


@signal("gave a low satisfaction grade", _half_lives, f.SURVEY)
def low_csat(view: View) -> float:
    """Surveys with CSAT 1 or 2, decaying."""
    return view.decayed([s for s in view.surveys if 0 < s.a <= 2])


@signal("would not recommend us", _half_lives, f.SURVEY)
def detractor(view: View) -> float:
    """Surveys with NPS 0-6, decaying."""
    return view.decayed([s for s in view.surveys if 0 < s.b <= 7])


@signal("said that it took much effort", _half_lives, f.SURVEY)
def high_effort(view: View) -> float:
    """Surveys with CES 1-3 (difficult), decaying."""
    return view.decayed([s for s in view.surveys if 0 < s.c <= 3])


@signal("said that the question was not answered", _half_lives, f.SURVEY, flags=f.NOT_ANSWERED)
def not_answered(view: View) -> float:
    """Surveys that say that the question was not answered, decaying."""
    return view.decayed([s for s in view.surveys if s.flags & f.NOT_ANSWERED])


@signal("asked to be called back", _none)
def callback_pending(view: View) -> float:
    """1 while a callback was asked for and not given."""
    return float(view.state.request_open)


@signal("spoke of leaving", _half_lives, f.CALL, flags=f.CANCEL_INTENT)
def cancel_intent(view: View) -> float:
    """Contacts in which the customer spoke of leaving, decaying."""
    return view.decayed([c for c in view.calls if c.flags & f.CANCEL_INTENT])


@signal("asked how to cancel", _half_lives, f.CANCELLATION)
def cancellation_inquiry(view: View) -> float:
    """Inquiries about cancelling, decaying."""
    return view.decayed([c for c in view.cancellations if c.a == f.INQUIRY])


@signal("has asked to cancel", _none)
def cancellation_requested(view: View) -> float:
    """1 while a cancellation is requested and neither withdrawn nor confirmed."""
    return float(view.state.stage == f.REQUESTED)


@signal("{value:.0f} further complaint within 30 days", _days(30), f.CALL, f.SURVEY)
def repeated_complaint(view: View) -> float:
    """Complaints of 30 days beyond the first: low grades, unanswered questions, contacts on a complaint reason."""
    start, codes = view.now - 30 * DAY, view.parameters.complaint_codes
    complaints = [s for s in view.surveys if s.at > start and (0 < s.a <= 2 or s.flags & f.NOT_ANSWERED)]
    complaints += [c for c in view.inbound if c.at > start and c.topic in codes]
    return max(0, len(complaints) - 1)


@signal("customer for {value:.0f} years", _none)
def tenure_years(view: View) -> float:
    """Whole years as a customer, where known: a buffer."""
    return int(view.state.profile().get("tenure_months", 0)) // 12 if view.state.profile_at != NEVER else 0.0


def measure(view: View, names: tuple[str, ...]) -> dict[str, float]:
    """The chosen signals that are not zero, by name, in the order of `names`."""
    readings: dict[str, float] = {}
    present = view.present
    for name in names:
        each = SIGNALS[name]
        if not each.kinds or each.kinds & present:
            value = each.measure(view)
            if value:
                readings[name] = float(value)
    return readings


def evidence(name: str, value: float) -> str:
    """The sentence that tells an agent what a signal's value means."""
    return SIGNALS[name].evidence.format(value=value)
