"""What people see at 80 columns and at 60: no line is longer, what decides is whole, and a pipe gets everything in one line."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from rich.cells import cell_len

from schemas.dead_letter import DeadLetter
from streams.cluster.topics import Found, TopicReport
from streams.commands import (
    backtest,
    check,
    dead_letters,
    dial,
    erase,
    explain,
    info,
    objections,
    policy_tables,
    state,
    topics,
)
from streams.commands.screen import Screen, shown
from streams.files.backtest import backtest as judged
from streams.files.ndjson import Line
from streams.operations.dead_letters import Redriven
from streams.operations.erasure import Receipt, TopicPart
from streams.operations.explanation import from_files
from streams.operations.objections import Loaded
from streams.operations.repair_prospect import Prospect
from streams.operations.standing import Log
from streams.operations.state_check import Checked, Input
from streams.operations.state_repair import Rebuilt
from streams.policies import built_in, load_policy
from tests.builders import DAY, START, call, survey

LONG = "C-" + "0123456789abcdef" * 7
WIDE = "電話番号が空欄です、もう一度送ってください"
AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
WIDTHS = (60, 80)


def letter(**more: Any) -> DeadLetter:
    fields = {
        "topic": "a-long-prefix-of-an-installation.contact.cancellations",
        "partition": 31,
        "offset": 12_345_678,
        "reason_code": "invalid_customer_id",
        "message": f"customer_id: {WIDE} {LONG}",
        "ingested_at": AT,
        "key_base64": None,
        "payload_base64": "",
        "payload_size": 65_536,
        "payload_sha256": "0" * 64,
    }
    return DeadLetter.model_validate(fields | more)


def lines_of(customer: str) -> list[Line]:
    """A customer whom three unresolved contacts about something make one to be called, and a request."""
    events = [
        call(START + n * DAY, customer_id=customer, resolved=False, reason="storing_internet")
        for n in range(4)
    ]
    events.append(survey(START + 5 * DAY, customer_id=customer, csat=1, callback_requested=True))
    return [Line("file", n, each.record.value or b"") for n, each in enumerate(events)]


def explained(screen: Screen) -> None:
    explain.show(from_files(lines_of(LONG), load_policy("default"), LONG), screen)


def listed(screen: Screen) -> None:
    letters = (
        letter(),
        letter(topic="contact.cancellations", reason_code="not_json", message="\x1b[31mred\x1b[0m [/bold]"),
    )
    screen.print(dead_letters._summary(letters))
    screen.print(dead_letters._letters(letters, 2))
    screen.print(dead_letters._failed([Redriven(letter(), None, f"the original is gone: {WIDE}")]))


def policy_shown(screen: Screen) -> None:
    for name in built_in():
        policy = load_policy(name)
        for each in (*policy_tables.sentences(policy, "default"), *policy_tables.tables(policy)):
            screen.print(each)


def topics_shown(screen: Screen) -> None:
    configs = {"retention.ms": "2592000000"}
    for name, kept in (
        ("behoudlijn.signals.repartition", "delete"),
        ("a-long-prefix-of-an-installation.behoudlijn.signals.repartition", "compact,delete"),
    ):
        found = Found(name, 1024, 3, configs | {"cleanup.policy": kept})
        screen.print(topics._table((TopicReport(name, "created", found),)))


def judged_shown(screen: Screen) -> None:
    found = judged(lines_of(LONG), load_policy("default"))
    check.show(found.census, screen)
    backtest._show(found.summary, load_policy("four-unresolved-calls").label, screen)


def receipt_shown(screen: Screen) -> None:
    part = TopicPart(
        "a-long-prefix.contact.cancellations",
        "its retention of 30 days, by segments of 7",
        "2026-10-14T08:00:01.000Z",
    )
    erase.show(
        Receipt(LONG, "2026-09-07T08:00:00.000Z", "2026-09-07T08:00:01.000Z", topics=[part], problems=[WIDE]),
        screen,
    )


def loaded_shown(screen: Screen) -> None:
    refused = [f"a-long-name-of-a-register.csv:{number}: phone_e164: {WIDE}" for number in range(30)]
    objections.show(Loaded(1_234_567, 912_345, 12, 0, 321, 7, 4, 98_765_432, refused=refused), screen)


def dialled_shown(screen: Screen) -> None:
    screen.print(dial._table(Counter({name: 1_000_000 for name, _ in dial._ROWS}), 12))


def installed_shown(screen: Screen) -> None:
    screen.print(info._table(info.installation()))


def states_shown(screen: Screen) -> None:
    name = "a-long-prefix.contact.cancellations"
    log = Log(12_345_678, 912_345_678)
    one = Input(name, *log, 912_345_600, None)
    checked = Checked(
        1023,
        1_234_567,
        1_234,
        1_772_442_000_000,
        "shadow",
        "default/1@f28e1d60",
        12_345,
        log,
        (one, one),
        3,
        7_200_000,
        (WIDE,),
    )
    state.show([checked], screen)
    screen.print(state.rebuilt_table([Rebuilt(1023, 912_345_678, 3, 1_234_567, 1_234, 2, None)]))
    for line in state.plan(
        [Prospect(1023, 1_234_567, 12, 3, {name: log}, (name,), (name,))],
        (30.0, 90),
        None,
        "default/1@f28e1d60",
    ):
        screen.print(line)


SCREENS: dict[str, tuple[Callable[[Screen], None], tuple[str, ...]]] = {
    "explain": (
        explained,
        ("2026-", "requested_callback", "episode", "about storing_internet", "not before", "expires"),
    ),
    "dead-letters": (
        listed,
        ("2026-03-02", "09:00:00", "65,536", "not_json", "contact.cancellations/31/12345678"),
    ),
    "policy show": (policy_shown, ("cancellation_requested", "Mon-Fri 09:00-22:00", "valid for 336 h")),
    "topics list": (topics_shown, ("created", "1024", "30 days", "behoudlijn.signals.repartition")),
    "backtest": (judged_shown, ("customers", "triggers", "candidates")),
    "erase": (receipt_shown, ("2026-10-14", "not looked at", "Not done")),
    "objections": (loaded_shown, ("1,234,567", "912,345", "98,765,432", "csv:19:", "10 lines more")),
    "dial": (dialled_shown, ("1,000,000", "still waiting")),
    "state": (
        states_shown,
        ("1,234,567", "912,345,600", "2026-03-02", "09:00:00", "12,345", "Topics keep 30"),
    ),
    "info": (installed_shown, ("aiokafka", "policies")),
}
"""By command, what it prints with data that are long and wide, and what must be whole."""


def printed(show: Callable[[Screen], None], **options: Any) -> str:
    screen = Screen(file=io.StringIO(), **options)
    show(screen)
    text: str = screen.file.getvalue()  # type: ignore[attr-defined]
    return text


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", SCREENS)
def test_no_line_is_longer_than_the_terminal(name: str, width: int) -> None:
    text = printed(SCREENS[name][0], width=width)
    assert [line for line in text.splitlines() if cell_len(line) > width] == []
    assert "…" not in text, "nothing is cut"


@pytest.mark.parametrize("name", SCREENS)
def test_what_decides_is_whole_at_80_columns(name: str) -> None:
    show, parts = SCREENS[name]
    text = printed(show, width=80)
    assert [part for part in parts if part not in text] == []


@pytest.mark.parametrize("name", SCREENS)
def test_a_pipe_gets_whole_lines(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    text = printed(SCREENS[name][0])
    assert "…" not in text
    if name in ("explain", "erase"):
        assert LONG in text
    if name == "dead-letters":
        assert f"invalid_customer_id: customer_id: {WIDE} {LONG}" in text


def test_texts_of_strangers_neither_command_the_terminal_nor_style_it() -> None:
    text = printed(listed, width=200)
    assert "\x1b" not in text
    assert "\\x1b[31mred\\x1b[0m [/bold]" in text


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("a\x07b", "a\\x07b"),
        ("a\x9bm", "a\\x9bm"),
        ("\u202egnp", "\\u202egnp"),
        ("é 電話\n\tx", "é 電話\n\tx"),
    ],
)
def test_controls_are_written_out(text: str, seen: str) -> None:
    assert shown(text) == seen


def test_an_episode_keeps_its_day_and_its_id() -> None:
    found = from_files(lines_of(LONG), load_policy("default"), LONG)
    text = printed(lambda screen: explain.show(found, screen), width=80)
    assert found.changes
    for trigger, _ in found.changes:
        assert trigger.trigger_id in text
        assert f"{trigger.expires_at:%Y-%m-%d}" in text


@pytest.mark.parametrize(("reason", "of_policy"), [("billing_dispute", True), ("storing_internet", False)])
def test_a_reason_shows_as_its_word_where_it_can_be_known(reason: str, of_policy: bool) -> None:
    found = from_files(
        [Line("f", 1, call(START, reason=reason).record.value or b"")], load_policy("default"), "c1"
    )
    assert f"about {reason}" in printed(lambda screen: explain.show(found, screen), width=80)
    of_topics = printed(lambda screen: explain.show(replace(found, words=frozenset()), screen), width=80)
    assert (f"about {reason}" in of_topics) == of_policy
    assert ("known by its digest only" in of_topics) == (not of_policy)
