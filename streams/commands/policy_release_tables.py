"""What `behoudlijn policy show` tells of what becomes of a decision: the skills with their hours, times, retries, and what each end means."""

from __future__ import annotations

from collections.abc import Iterator

from rich.table import Table

from streams.commands.screen import listing, whole, words
from streams.core.policy import Policy
from streams.core.policy_release import END_MEANINGS, Release, Shift, SkillRelease
from streams.core.policy_release_rules import AGAIN, DAYS


def release_sentences(policy: Policy) -> Iterator[str]:
    """Yield how decisions go out."""
    release = policy.release
    if release is None:
        yield "It has no `release`: every skill goes out at all hours, and without a ceiling."
        return
    yield f"What becomes of a decision is told below (source: {release.source})."
    if len(release.desks) > 1:
        yield f"Its desks are {', '.join(release.desks)}, in the order of their partitions."


def release_tables(policy: Policy) -> Iterator[Table]:
    """Yield what the desks go by; nothing where the policy does not say it."""
    if policy.release is not None:
        yield _skills(policy.release)
        yield _times(policy.release)
        yield _retries(policy.release)
    yield _ends(policy)


def _skills(release: Release) -> Table:
    table = listing(
        words("skill", narrowest=9),
        words("hours, and attempts that may begin in each quarter of one"),
        whole("a week", right=True),
        whole("most out", right=True),
        title=f"Skills, in hours of {release.time_zone}",
    )
    table.caption = "a week: attempts that may begin; most out: calls that are out and not finished"
    table.caption_justify = "left"
    for name, skill in release.skills.items():
        on = f"\ndesk {skill.desk}" if len(release.desks) > 1 else ""
        hours = "\n".join([*map(_shift, skill.staffed), f"source: {skill.source}"])
        table.add_row(
            f"{name}\n{_mode(skill)}{on}", hours, f"{skill.in_week():,}", f"{skill.most_outstanding:,}"
        )
    return table


def _mode(skill: SkillRelease) -> str:
    return skill.mode if skill.a_day is None else f"{skill.mode}: {skill.a_day:,} a day"


def _shift(shift: Shift) -> str:
    return f"{_days(shift)} {_clock(shift.opens)}-{_clock(shift.closes)}: {shift.attempts:,}"


def _days(shift: Shift) -> str:
    """Days that follow one another as the first and the last of them."""
    numbers, names = sorted(DAYS[day] for day in shift.days), [name.capitalize() for name in DAYS]
    if len(numbers) > 2 and numbers == [*range(numbers[0], numbers[-1] + 1)]:
        return f"{names[numbers[0]]}-{names[numbers[-1]]}"
    return ", ".join(names[number] for number in numbers)


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _times(release: Release) -> Table:
    table = listing(
        words("what"), words("how long, or in which order"), title="What goes out, and for how long"
    )
    for what, shown in (
        ("goes out first", ", ".join(release.order)),
        ("is told once when it is late", ", ".join(release.escalate) or "nothing"),
        ("a claim, unless it is renewed (lease)", _span(release.lease_seconds)),
        ("after a lease, for a report that is under way", _span(release.grace_seconds)),
        ("handed over, without any report, until it is given up", _span(release.hand_over_hours * 3600)),
        ("a request to stop, until it is given up", _span(release.request_seconds)),
        ("a contact in progress holds calls back at most", _span(release.contact_minutes * 60)),
        ("nothing goes out when unread events are older than", _span(release.stale_after_minutes * 60)),
        ("a command is refused when it is older than", _span(release.command_ttl_seconds)),
    ):
        table.add_row(what, shown)
    return table


def _retries(release: Release) -> Table:
    table = listing(words("disposition"), words("next attempt after"), title="Retries")
    given = {str(name): minutes for name, minutes in release.retries.items()}
    for name in AGAIN:
        minutes = given.get(name)
        table.add_row(name, "the delay of its purpose" if minutes is None else _span(minutes * 60))
    return table


def _ends(policy: Policy) -> Table:
    table = listing(whole("end"), words("what it means"), words("the same ground"), title="Ends")
    for end, each in END_MEANINGS.items():
        counts = "counts again" if policy.again_after[end] else "does not count again"
        table.add_row(end, each.meaning, counts)
    return table


def _span(seconds: float) -> str:
    """Return so many seconds in the largest unit that is whole."""
    for unit, length in (("h", 3600), ("min", 60)):
        if seconds >= length and seconds % length == 0:
            return f"{seconds / length:g} {unit}"
    return f"{seconds:g} s"
