"""What `behoudlijn policy show` tells of a policy: every field that decides, in sentences and tables that fit a narrow terminal.

Owns the wording only. A field that is not shown is listed, with why, by the test that walks all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, time
from math import exp

from rich.table import Table

from streams.commands.policy_release_tables import release_sentences, release_tables
from streams.commands.screen import listing, whole, words
from streams.core.policy import Policy
from streams.core.policy_fields import openers
from streams.core.policy_parts import CallingHours, Handling, Opening, Scoring, Shortened
from streams.telemetry.amounts import amount


def sentences(policy: Policy, extends: str) -> Iterator[str]:
    """Yield what holds for the policy as a whole. `extends`: the name of the policy that it extends, or nothing."""
    yield policy.description
    if extends:
        yield f"It extends {extends}."
    if policy.score is None:
        yield "It has no score."
    elif policy.calibrated:
        yield "Its score is a probability: it was calibrated."
    else:
        yield "Its score is a risk score, no probability: it was not calibrated."
    if policy.act_on_requests:
        yield "A callback that was asked for, and a cancellation that can be withdrawn, open an episode at once."
    else:
        yield "Neither a callback that was asked for nor a cancellation opens an episode."
    yield f"After an episode that the score or a rule opened, neither opens another one for {policy.cooldown_days:g} days."
    yield from release_sentences(policy)


def tables(policy: Policy) -> Iterator[Table]:
    """Yield the rest, the most telling first."""
    if policy.score is not None:
        yield _score(policy.score)
    if policy.rules:
        yield _rules(policy)
    yield _bands(policy)
    yield _purposes(policy)
    yield _hours(policy)
    yield from release_tables(policy)
    yield _shape(policy)


def _score(score: Scoring) -> Table:
    table = listing(
        words("signal, and the source of its weight"),
        whole("weight", right=True),
        whole("at most", right=True),
        whole("odds", right=True),
        title=f"Score: an episode opens from {score.open_at:g}, and ends below {score.close_below:g}",
    )
    table.caption = "weight: of logit(score), for each unit of the signal up to the value `at most`; odds: times so much for each unit"
    table.caption_justify = "left"
    table.add_row(f"(intercept)\n  {score.intercept.source}", f"{score.intercept.value:+g}", "", "")
    for name, each in score.weights.items():
        table.add_row(
            f"{name}\n  {each.source}", f"{each.weight:+g}", f"{each.cap:g}", f"x {exp(each.weight):.2f}"
        )
    return table


def _rules(policy: Policy) -> Table:
    table = listing(
        words("rule, and its source"), words("signal"), whole("from", right=True), title="Plain rules"
    )
    for rule in policy.rules:
        table.add_row(f"{rule.name}\n  {rule.source}", rule.signal, f"{rule.at_least:g}")
    return table


def _bands(policy: Policy) -> Table:
    table = listing(
        words("band"),
        whole("from score", right=True),
        whole("left below", right=True),
        title=f"Bands (hysteresis {policy.band_hysteresis:g})",
    )
    for band in policy.bands:
        left = f"{band.starts_at - policy.band_hysteresis:g}" if band.starts_at else ""
        table.add_row(band.name, f"{band.starts_at:g}", left)
    return table


def _purposes(policy: Policy) -> Table:
    opened = dict(openers(policy.model_dump()))
    table = listing(words("purpose", narrowest=10), words("how it is called"), title="Purposes")
    for purpose, handling in policy.purposes.items():
        opener = opened.get(purpose, "nothing in this policy")
        table.add_row(purpose, f"{_handling(handling)}\nopened by {opener}; source: {handling.source}")
    return table


def _handling(handling: Handling) -> str:
    return (
        f"skill {handling.skill}, priority {handling.priority}, {'with' if handling.offer_allowed else 'without'} an offer\n"
        f"due after {handling.due_hours:g} h, valid for {handling.valid_hours:g} h; at most {amount(handling.max_attempts, 'attempt')}, "
        f"{_duration(handling.retry_delay_seconds)} apart"
    )


def _hours(policy: Policy) -> Table:
    table = listing(
        whole("country"),
        words("since", narrowest=10),
        words("when customers may be called, local time"),
        title="Calling hours",
    )
    table.caption = (
        "of several that fit: the country's before others', of these the purpose's own, of these the latest"
    )
    table.caption_justify = "left"
    for each in policy.calling_hours:
        table.add_row(
            "others" if each.country == "*" else each.country, each.effective_from.isoformat(), _week(each)
        )
    return table


def _week(hours: CallingHours) -> str:
    days = (("Mon-Fri", hours.weekdays), ("Sat", hours.saturday), ("Sun", hours.sunday))
    lines = [] if hours.purposes is None else [f"only for {', '.join(hours.purposes)}:"]
    lines.append(", ".join(f"{name} {_day(opening)}" for name, opening in days))
    if hours.holidays is not None:
        lines.append(f"public holidays of {hours.holidays}: {_day(hours.holiday_hours)}")
    lines += [f"{_shortened(each)}; source: {each.source}" for each in hours.shortened]
    if hours.closed_on:
        lines.append(f"closed on {', '.join(map(str, hours.closed_on))}")
    return "\n".join([*lines, f"source: {hours.source}"])


def _shortened(day: Shortened) -> str:
    every = f"{date(2000, day.month, day.day):%-d %b}"
    return f"{every}: closed from {day.closes:%H:%M}" if day.closes > time() else f"{every}: closed"


def _day(opening: Opening) -> str:
    return "closed" if opening.opens >= opening.closes else f"{opening.opens:%H:%M}-{opening.closes:%H:%M}"


def _shape(policy: Policy) -> Table:
    table = listing(words("shape"), words("value"), title="What shapes the signals")
    for name, value in policy.shape:
        shown = ", ".join(value) if isinstance(value, tuple) else f"{value:,}"
        table.add_row(name, shown or "none")
    return table


def _duration(seconds: int) -> str:
    return (
        f"{seconds / 3600:g} h"
        if seconds % 3600 == 0
        else f"{seconds / 60:g} min"
        if seconds % 60 == 0
        else f"{seconds} s"
    )
