"""`behoudlijn explain CUSTOMER`: why a customer is, or is not, to be called. It shows what
`streams.operations.explanation` gathers.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from itertools import groupby
from math import log
from typing import TYPE_CHECKING, Annotated, Final

import typer

from schemas.ids import ID_PATTERN, ID_WORDS
from streams.commands.ending import fail
from streams.commands.options import Bootstrap, counted, settings_of, spinner
from streams.commands.screen import Screen, listing, moment, whole, words
from streams.telemetry.amounts import amount

if TYPE_CHECKING:
    from rich.table import Table

    from streams.operations.explanation import Change, Explanation

_ORDER: Final = {"cancellation": 0, "contact": 0, "survey": 0, "callback": 0, "score": 1, "episode": 2}


def register(app: typer.Typer) -> None:
    """Add `explain` to the command line."""
    app.command()(explain)


def explain(
    customer: Annotated[str, typer.Argument(help="The customer's id.")],
    file: Annotated[
        list[str] | None,
        typer.Option(
            "--file", help="Decide the events of this NDJSON file instead (may be repeated; `-`: stdin)."
        ),
    ] = None,
    policy: Annotated[
        str | None, typer.Option("--policy", help="Name or file of the policy; default BEHOUDLIJN_POLICY.")
    ] = None,
    language: Annotated[
        str | None, typer.Option("--language", help="Language of the evidence; default BEHOUDLIJN_LANGUAGE.")
    ] = None,
    bootstrap: Bootstrap = None,
) -> None:
    """Show a customer's timeline, signals, score with its drivers, and episodes.

    From the running pipeline's topics, or with --file from events on disk. No phone number is shown.

    Example: behoudlijn explain c-000123 --file events.ndjson --policy four-unresolved-calls
    """
    if re.fullmatch(ID_PATTERN, customer) is None:
        fail(f"a customer id has {ID_WORDS}")

    from streams.files.ndjson import read_lines
    from streams.operations.explanation import from_files, from_topics
    from streams.phrases import load_phrases
    from streams.policies import load_policy

    settings = settings_of(bootstrap)
    chosen = load_policy(policy or settings.policy)
    phrases = load_phrases(language or settings.language, settings.phrases)
    if file:
        with spinner() as progress:
            lines = counted(read_lines(file), progress, "lines read")
            now = time.time_ns() // 1_000_000
            found = from_files(lines, chosen, customer, settings.reading(), now, wording=phrases)
    else:
        found = from_topics(settings, chosen, customer, phrases)
    if found.rejected:
        typer.echo(
            f"explain: {amount(found.rejected, 'line is no event, and is', 'lines are no events, and are')} left out; "
            "`behoudlijn check` tells why",
            err=True,
        )
    if found.unreadable:
        typer.echo(
            f"explain: {amount(found.unreadable, 'record')} of this customer among triggers and signals cannot be read (foreign, or of another "
            "release): left out",
            err=True,
        )
    if not found.known:
        fail(_unknown(found, "the files" if file else "the pipeline's topics"))
    show(found, Screen())


def show(found: Explanation, screen: Screen) -> None:
    """Print the explanation."""
    screen.print(_head(found))
    if found.decided_by != found.policy.label:
        screen.print(
            f"The worker decided by {found.decided_by}; score and signals below are by {found.policy.label}. "
            "Choose the same with --policy.",
            style="yellow",
        )
    screen.print(_timeline(found))
    if _hidden(found):
        screen.print(
            "A reason that is shown as #… is known by its digest only: states keep no more of it. It shows as its word where the policy "
            "names it among complaint_reasons, or the events are given with --file."
        )
    screen.print(_score(found))
    if found.changes:
        for (trigger_id, mode), changes in groupby(
            found.changes, lambda each: (each.trigger.trigger_id, each.mode)
        ):
            screen.print(_episode(trigger_id, mode, list(changes)))
    else:
        screen.print("No episode: nothing was published for a dialer.")


def _head(found: Explanation) -> Table:
    from streams.core.barred import BARS
    from streams.core.facts import STAGES
    from streams.core.state import NEVER

    state = found.state
    table = listing(words(""), words(""), title=f"customer {found.customer_id}")
    table.show_header = False
    table.add_row("as of", f"{moment(found.now)} UTC, the newest event time seen")
    table.add_row("policy", found.decided_by)
    table.add_row(
        "score", f"{found.seen.score:.3f}" + ("" if found.policy.calibrated else " (a risk, no probability)")
    )
    table.add_row("band", found.band)
    if found.seen.rule is not None:
        table.add_row("rule", f"{found.seen.rule.name} holds")
    if state.requested_at != NEVER:
        given = "not given yet" if state.request_open else f"given {moment(state.given_at)}"
        table.add_row("callback asked for", f"{moment(state.requested_at)}, {given}")
    steps = [(state.ended_at, "confirmed")] if state.ended_at != NEVER else []
    steps += [(state.stage_at, STAGES[state.stage - 1])] if state.stage else []
    steps += [(step.at, f"{STAGES[step.stage - 1]} (one contract)") for step in state.contracts]
    if steps:
        table.add_row("cancellation", ", ".join(f"{what} {moment(at)}" for at, what in sorted(steps)))
    barred = [bar.word for bar in BARS if bar.holds(state)]
    if found.numbers_unread:
        barred.append("by number: not known without BEHOUDLIJN_ERASURE_KEY")
    if barred:
        table.add_row("not to be called", ", ".join(barred))
    if state.cooldown_until > found.now:
        table.add_row("rests until", f"{moment(state.cooldown_until)} (no call for the score alone)")
    if found.erased_until is not None:
        table.add_row("erased", f"everything up to {moment(found.erased_until)}; what is shown came later")
    if not found.stored:
        table.add_row("state", "none any more: silent for a whole horizon")
    return table


def _unknown(found: Explanation, where: str) -> str:
    """Return why nothing can be shown: erased, or never known; or that nobody, or only the key, could tell."""
    if found.erased_until is not None:
        until = f"up to {moment(found.erased_until)} UTC"
        if found.erased_traces:
            return f"{found.customer_id} was erased, with everything {until}; nothing has come since"
        return (
            f"an erasure of {found.customer_id} is in force, of everything {until}, and nothing has come since; whether anything was known "
            "before cannot be told any more"
        )
    said = f"nothing is known of {found.customer_id} in {where}"
    if found.markers_unread:
        return said + ", whether erased or never known: set BEHOUDLIJN_ERASURE_KEY to be told which"
    return said + ", and it was not erased either: is the id right?" if where != "the files" else said


def _timeline(found: Explanation) -> Table:
    table = listing(words("time (UTC)", narrowest=10), whole("what"), words("details"), title="timeline")
    for _, _, at, what, text in sorted(_rows(found), key=lambda row: row[:2]):
        table.add_row(at, what, text)
    return table


def _hidden(found: Explanation) -> bool:
    return any("reason #" in text for *_, text in _rows(found))


def _rows(found: Explanation) -> Iterator[tuple[int, int, str, str, str]]:
    from schemas.instants import ms_of
    from streams.core.facts import GONE
    from streams.operations.fact_text import noun_of, text_of

    for fact in found.state.facts:
        if fact.kind == GONE:
            continue
        kind = noun_of(fact)
        text = text_of(fact, found.reasons)
        yield fact.at, _ORDER.get(kind, 0), moment(fact.at), kind, text
    for record in found.signals:
        at = ms_of(record.as_of)
        text = f"{record.score:.3f}, {record.band}" + (
            f" (before: {record.previous_band})" if record.band != record.previous_band else ""
        )
        yield at, _ORDER["score"], moment(at), "score", text
    for trigger, mode in found.changes:
        at = ms_of(trigger.updated_at)
        where = " (shadow)" if mode == "shadow" else ""
        text = f"{trigger.purpose} {trigger.status}: {trigger.status_reason}{where}"
        yield at, _ORDER["episode"], moment(at), "episode", text


def _score(found: Explanation) -> Table:
    seen, scoring = found.seen, found.policy.score
    table = listing(
        words("signal"), whole("value", right=True), whole("share", right=True), words("evidence")
    )
    table.heading = "signals that are not zero" + (", with their share of logit(score)" if scoring else "")
    for name in sorted(seen.readings, key=lambda n: (-seen.contributions.get(n, 0.0), n)):
        share = seen.contributions.get(name)
        value = seen.readings[name]
        table.add_row(name, f"{value:.4g}", "" if share is None else f"{share:+.3f}", seen.evidence(name))
    if scoring is not None:
        table.add_section()
        table.add_row("intercept", "", f"{scoring.intercept.value:+.3f}", "a customer without any sign")
        logit = log(seen.score / (1 - seen.score)) if 0 < seen.score < 1 else float("inf")
        table.add_row("logit(score)", "", f"{logit:+.3f}", f"opens from score {scoring.open_at:g}")
    return table


def _episode(trigger_id: str, mode: str, changes: list[Change]) -> Table:
    table = listing(
        whole("no.", right=True),
        whole("status"),
        words("purpose, priority, reason", narrowest=12),
        words("not before (UTC)", narrowest=10),
        words("expires (UTC)", narrowest=10),
        title=f"episode {trigger_id}, {mode}",
    )
    for trigger, _ in changes:
        table.add_row(
            str(trigger.sequence),
            trigger.status,
            f"{trigger.purpose}, {trigger.priority}, {trigger.status_reason}",
            f"{trigger.not_before:%Y-%m-%d %H:%M}",
            f"{trigger.expires_at:%Y-%m-%d %H:%M}",
        )
    return table
