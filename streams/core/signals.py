"""The signals: rolling measures of one customer's dissatisfaction, each a pure function of (facts, registers, time).

Adding one is a function here, a sentence in each language (`streams/phrases`), a line in the default policy, and a test. A signal is
a step function of time: it changes only when a fact arrives or at `fact.at + edge` for one of its declared edges, so the moment at
which a customer cools down is known exactly. Decay is therefore in steps too: a decaying signal halves at each whole half-life.
"""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from streams.core import facts as f
from streams.core.barred import newest_request
from streams.core.facts import Fact
from streams.core.history import DAY, HOUR, History, Parameters, Peaks, Series, Times, View
from streams.core.references import contact_of
from streams.core.state import NEVER
from streams.core.talks import LEAVING, REACHED, SETTLED, UNSETTLED, ended_in
from streams.core.wording import COUNT, Numbers, Wording, told

Edges = Callable[[Parameters], tuple[int, ...]]
Bounds = Callable[[Parameters], dict[str, int]]


@dataclass(frozen=True, slots=True)
class Signal:
    """A named measure, with what it measures of."""

    name: str
    measure: Callable[[View], float]
    edges: Edges
    rising: Edges | None
    """The edges that can raise it: at these it must be looked at also while the customer is calm. None: no edge can."""
    kinds: int
    """The kinds of facts that it measures, as bits `1 << kind`; 0 when it reads registers only."""
    flags: int
    """Facts without any of these flags do not count; 0 when all do."""
    bounds: Bounds
    """The policy's numbers without which its value cannot be told truly, by the names that sentences call them."""

    def concerns(self, kind: int, flags: int) -> bool:
        """Return whether a fact of this kind and with these flags can move it."""
        return bool(self.kinds & 1 << kind) and (not self.flags or bool(self.flags & flags))

    def numbers(self, value: float, parameters: Parameters) -> Numbers:
        """Return what a sentence about this value may tell: `count`, and the bounds under this policy."""
        return {COUNT: told(value), **self.bounds(parameters)}

    def found_in(self, history: History) -> bool:
        """Return whether any fact there can move it, or it needs none."""
        return (not self.kinds or bool(self.kinds & history.present)) and (
            not self.flags or bool(self.flags & history.flags)
        )


SIGNALS: Final[dict[str, Signal]] = {}


def _none(_: Parameters) -> tuple[int, ...]:
    return ()


def _unbounded(_: Parameters) -> dict[str, int]:
    return {}


def signal(
    edges: Edges,
    *kinds: int,
    flags: int = 0,
    rising: Edges | None = None,
    bounds: Bounds = _unbounded,
) -> Callable[[Callable[[View], float]], Callable[[View], float]]:
    """Register the decorated function under its own name."""
    mask = sum(1 << kind for kind in kinds)

    def add(measure: Callable[[View], float]) -> Callable[[View], float]:
        SIGNALS[measure.__name__] = Signal(measure.__name__, measure, edges, rising, mask, flags, bounds)
        return measure

    return add


def _days(*days: int) -> Edges:
    return lambda _: tuple(day * DAY for day in days)


def _within(days: int, p: Parameters) -> int:
    """How far back (days) a window of so many reaches: what lies beyond the horizon is forgotten."""
    return min(days * DAY, p.horizon) // DAY


def _back(days: int) -> Bounds:
    return lambda p: {"days": _within(days, p)}


def _half_lives(p: Parameters) -> tuple[int, ...]:
    return (*range(p.half_life, p.horizon, p.half_life), p.horizon)


def _contacts(history: History) -> Times:
    return [call.at for call in history.inbound]


@signal(_days(7), f.CALL, bounds=_back(7))
def contacts_7d(view: View) -> float:
    """Contacts that the customer began in 7 days."""
    return view.count(_contacts, 7 * DAY)


@signal(_days(30), f.CALL, bounds=_back(30))
def contacts_30d(view: View) -> float:
    """Contacts that the customer began in 30 days."""
    return view.count(_contacts, 30 * DAY)


@signal(_days(90), f.CALL, bounds=_back(90))
def contacts_90d(view: View) -> float:
    """Contacts that the customer began in 90 days."""
    return view.count(_contacts, 90 * DAY)


def _repeats(history: History) -> Times:
    p = history.parameters
    # A horizon shorter than both windows forgets the first of the two sooner than the second.
    ahead = p.horizon - min(30 * DAY, p.horizon)
    within, in_order = p.repeat_within, ahead >= p.repeat_within
    last: dict[object, int] = {}
    repeats: Times = []
    for call in history.contacts(30 * DAY + within):
        topic: object = call.topic  # as an object: compiled, an int would be made anew for each look-up
        at, before = call.at, last.get(topic)
        if before is not None and at - before <= within:
            repeats.append(at if in_order else min(at, before + ahead))
        last[topic] = at
    return repeats if in_order else sorted(repeats)


@signal(
    lambda p: (30 * DAY, 30 * DAY + p.repeat_within),
    f.CALL,
    bounds=lambda p: {"days": _within(30, p), "apart": p.repeat_within // DAY},
)
def repeat_contacts(view: View) -> float:
    """Contacts in 30 days that follow one on the same reason within `repeat_within`."""
    return view.count(_repeats, 30 * DAY)


@signal(_days(30), f.CALL, bounds=_back(30))
def third_contact(view: View) -> float:
    """1 from the third contact in 30 days."""
    return view.began(3, 30 * DAY)


@signal(_days(30), f.CALL, bounds=_back(30))
def fourth_contact(view: View) -> float:
    """1 from the fourth contact in 30 days."""
    return view.began(4, 30 * DAY)


def _unresolved(history: History) -> Times:
    return [call.at for call in history.inbound if call.flags & f.UNRESOLVED]


@signal(_days(30), f.CALL, flags=f.UNRESOLVED, bounds=_back(30))
def unresolved_30d(view: View) -> float:
    """Contacts in 30 days that ended unresolved."""
    return view.count(_unresolved, 30 * DAY)


@signal(_days(90), f.CALL, flags=f.UNRESOLVED, bounds=_back(90))
def unresolved_90d(view: View) -> float:
    """Contacts in 90 days that ended unresolved."""
    return view.count(_unresolved, 90 * DAY)


def _unanswered(history: History) -> Times:
    p = history.parameters
    found: Times = []
    spoken_to = [each.at for each in history.of(f.OUTCOME) if each.a in REACHED]
    answered_at = NEVER  # the first answered contact after the call looked at
    for call in reversed(history.calls):
        if not call.flags & f.ABANDONED:
            answered_at = call.at
        elif (
            call.flags & f.INBOUND
            and call.amount >= p.short_abandon_seconds
            and not call.at <= answered_at <= call.at + p.silent_after
            and bisect_right(spoken_to, call.at + p.silent_after) == bisect_right(spoken_to, call.at)
        ):
            found.append(call.at)
    found.reverse()
    return found


@signal(
    lambda p: (p.silent_after, 30 * DAY),
    f.CALL,
    f.OUTCOME,
    flags=f.ABANDONED,
    rising=lambda p: (p.silent_after,),
    bounds=lambda p: {"days": _within(30, p), "hours": p.silent_after // HOUR},
)
def silent_after_abandon(view: View) -> float:
    """Abandoned calls of 30 days (short ones apart) without an answered contact, or a callback that reached the customer, within
    `silent_after`, once that has passed."""
    return view.count(_unanswered, 30 * DAY) - view.count(_unanswered, view.parameters.silent_after)


def _waits(history: History) -> Peaks:
    times: Times = []
    waits: list[int] = []
    longest = 0
    for call in reversed(history.contacts(30 * DAY)):
        if call.amount > longest and not call.flags & f.ABANDONED:
            longest = call.amount
            times.append(call.at)
            waits.append(longest)
    times.reverse()
    waits.reverse()
    return times, waits


@signal(_days(30), f.CALL, bounds=_back(30))
def longest_wait_minutes(view: View) -> float:
    """The longest wait, in whole minutes, of an answered call in 30 days. An abandoned call's wait is never counted: giving up cuts it short."""
    return view.highest(_waits, 30 * DAY) // 60


def _menu_choices(history: History) -> Peaks:
    times: Times = []
    steps: list[int] = []
    most = history.parameters.high_ivr_steps
    for call in reversed(history.contacts(30 * DAY)):
        if call.b > most:
            most = call.b
            times.append(call.at)
            steps.append(most)
    times.reverse()
    steps.reverse()
    return times, steps


@signal(
    _days(30),
    f.CALL,
    bounds=lambda p: {"days": _within(30, p), "many": p.high_ivr_steps},
)
def excess_ivr_steps(view: View) -> float:
    """Menu choices above `high_ivr_steps` in the worst call of 30 days."""
    return max(0, view.highest(_menu_choices, 30 * DAY) - view.parameters.high_ivr_steps)


def _transfers(history: History) -> Series:
    transferred = [call for call in history.contacts(30 * DAY) if call.c]
    return [call.at for call in transferred], [call.c for call in transferred]


@signal(_days(30), f.CALL, bounds=_back(30))
def transfers_30d(view: View) -> float:
    """Transfers in the contacts of 30 days."""
    return view.total(_transfers, 30 * DAY)


def _switches(history: History) -> Times:
    found: Times = []
    before: Fact | None = None
    for call in history.contacts(7 * DAY):
        if before is not None and call.a != before.a:
            found.append(before.at)  # it counts while both are in view
        if call.flags & f.TRIED_ONLINE:
            found.append(call.at)
        before = call
    return found


@signal(_days(7), f.CALL, bounds=_back(7))
def channel_switches_7d(view: View) -> float:
    """Successive contacts of 7 days in different channels; a call after trying online counts as one more."""
    return view.count(_switches, 7 * DAY)


def _low_grades(history: History) -> Times:
    return [survey.at for survey in history.of(f.SURVEY) if 0 < survey.a <= 2]


@signal(_half_lives, f.SURVEY)
def low_csat(view: View) -> float:
    """Surveys with CSAT 1 or 2, decaying."""
    return view.decayed(_low_grades)


def _detractors(history: History) -> Times:
    return [survey.at for survey in history.of(f.SURVEY) if 0 < survey.b <= 7]


@signal(_half_lives, f.SURVEY)
def detractor(view: View) -> float:
    """Surveys with NPS 0-6, decaying."""
    return view.decayed(_detractors)


def _efforts(history: History) -> Times:
    return [survey.at for survey in history.of(f.SURVEY) if 0 < survey.c <= 3]


@signal(_half_lives, f.SURVEY)
def high_effort(view: View) -> float:
    """Surveys with CES 1-3 (difficult), decaying."""
    return view.decayed(_efforts)


def _questions_left(history: History) -> Times:
    return [survey.at for survey in history.of(f.SURVEY) if survey.flags & f.NOT_ANSWERED]


@signal(_half_lives, f.SURVEY, flags=f.NOT_ANSWERED)
def not_answered(view: View) -> float:
    """Surveys that say that the question was not answered, decaying."""
    return view.decayed(_questions_left)


@signal(_none)
def callback_pending(view: View) -> float:
    """1 while a callback was asked for and not given."""
    return view.state.request_open


def _talks_of_leaving(history: History) -> Times:
    return [call.at for call in history.calls if call.flags & f.CANCEL_INTENT]


@signal(_half_lives, f.CALL, flags=f.CANCEL_INTENT)
def cancel_intent(view: View) -> float:
    """Contacts in which the customer spoke of leaving, decaying."""
    return view.decayed(_talks_of_leaving)


def _inquiries(history: History) -> Times:
    return [step.at for step in history.of(f.CANCELLATION) if step.a == f.INQUIRY]


@signal(_half_lives, f.CANCELLATION)
def cancellation_inquiry(view: View) -> float:
    """Inquiries about cancelling, decaying."""
    return view.decayed(_inquiries)


@signal(_none)
def cancellation_requested(view: View) -> float:
    """1 while a cancellation, of any contract, is requested and neither withdrawn nor confirmed."""
    return newest_request(view.state) is not None


def _settling_talks(history: History) -> Times:
    return [talk.at for talk in history.of(f.OUTCOME) if ended_in(talk, SETTLED)]


@signal(_half_lives, f.OUTCOME)
def recovered(view: View) -> float:
    """Callbacks in which the customer was reached and the matter settled, decaying: a buffer."""
    return view.decayed(_settling_talks)


def _unsettling_talks(history: History) -> Times:
    return [talk.at for talk in history.of(f.OUTCOME) if ended_in(talk, UNSETTLED)]


@signal(_half_lives, f.OUTCOME)
def unresolved_callback(view: View) -> float:
    """Callbacks in which the customer was reached and the matter left unresolved, decaying."""
    return view.decayed(_unsettling_talks)


def _talks_with_leavers(history: History) -> Times:
    return [talk.at for talk in history.of(f.OUTCOME) if ended_in(talk, LEAVING)]


@signal(_half_lives, f.OUTCOME)
def will_leave_said(view: View) -> float:
    """Callbacks in which the customer said that they will leave, or go to a competitor, decaying."""
    return view.decayed(_talks_with_leavers)


def complains(fact: Fact, p: Parameters) -> bool:
    """Return whether a contact or a survey is a complaint: a low grade, an unanswered question, a complaint reason."""
    if fact.kind == f.SURVEY:
        return 0 < fact.a <= 2 or bool(fact.flags & f.NOT_ANSWERED)
    return bool(fact.flags & f.INBOUND) and fact.topic in p.complaint_codes


def _complaints(history: History) -> Times:
    p = history.parameters
    # Of a contact, and all surveys about it, the last complaint: so that it counts while any of them is in view.
    # What complains is asked here as `complains` says it: of a customer with many facts it is a fifth of a judgement.
    last: dict[object, int] = {}
    contact: object
    for survey in history.of(f.SURVEY):
        if 0 < survey.a <= 2 or survey.flags & f.NOT_ANSWERED:
            contact = contact_of(survey)
            last[contact] = survey.at  # the oldest comes first
    for call in history.contacts(30 * DAY):
        if call.topic in p.complaint_codes:
            contact = contact_of(call)
            if call.at > last.get(contact, NEVER):
                last[contact] = call.at
    return sorted(last.values())


@signal(_days(30), f.CALL, f.SURVEY, bounds=_back(30))
def repeated_complaint(view: View) -> float:
    """Complaints of 30 days beyond the first (complaint reasons, low grades, unanswered questions); a contact and the surveys about it are one."""
    return max(0, view.count(_complaints, 30 * DAY) - 1)


@signal(_none)
def tenure_years(view: View) -> float:
    """Whole years as a customer, where known: a buffer."""
    return int(view.state.profile().get("tenure_months", 0)) // 12 if view.state.profile_at != NEVER else 0.0


def measure(view: View, signals: tuple[Signal, ...]) -> dict[str, float]:
    """Return the chosen signals that are not zero, by name, in the order of `signals`."""
    readings: dict[str, float] = {}
    for each in signals:
        if each.found_in(view.history):
            value = each.measure(view)
            if value:
                readings[each.name] = float(value)
    return readings


def evidence(name: str, value: float, parameters: Parameters, wording: Wording, language: str) -> str:
    """Return the sentence that tells an agent what a signal's value means, in a language that `wording` has."""
    return wording.sentence(name, SIGNALS[name].numbers(value, parameters), language)
