"""`behoudlijn erase`: what it refuses before anything is sent, and what a receipt looks like."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from schemas import topics
from streams.cli import build
from streams.cluster.topics import Found
from streams.commands.erase import show
from streams.commands.screen import Screen
from streams.operations.erasure import Receipt, TopicPart, topic_part
from streams.telemetry.exit_codes import ExitCode
from tests.builders import START

RUNNER = CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"})
DAY_MS = "86400000"
AT = datetime.fromtimestamp(START / 1000, UTC)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["a b"], "a customer id has"),
        (["unknown"], "names somebody"),
        (["c1", "--until", "yesterday"], "no time of ISO 8601"),
        (["c1", "--until", "2026-01-01T00:00:00"], "has no zone"),
        (["c1", "--until", "2999-01-01T00:00:00Z"], "lies in the future"),
    ],
)
def test_a_mistake_is_told_and_nothing_is_sent(
    arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BEHOUDLIJN_KAFKA_BOOTSTRAP", "127.0.0.1:1")
    result = RUNNER.invoke(build(), ["erase", *arguments])
    assert result.exit_code == 2
    assert said in result.stderr


def test_without_a_key_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEHOUDLIJN_KAFKA_BOOTSTRAP", "127.0.0.1:1")
    result = RUNNER.invoke(build(), ["erase", "c1"])
    assert result.exit_code == ExitCode.MISFIT
    assert "BEHOUDLIJN_ERASURE_KEY" in result.stderr


def receipt(**more: object) -> Receipt:
    given = {"known_in": ["state"], **more}
    return Receipt("c1", "2026-09-07T08:00:00.000Z", "2026-09-07T08:00:01.000Z", **given)  # type: ignore[arg-type]


def shown(made: Receipt) -> str:
    screen = Screen(file=io.StringIO(), width=200)
    show(made, screen)
    return screen.file.getvalue()  # type: ignore[attr-defined,no-any-return]


def test_a_receipt_names_every_store_and_what_is_not_done() -> None:
    done = receipt(
        state_gone=True,
        signals_gone=True,
        rows_left={"fct_calls": 0},
        topics=[TopicPart("contact.calls", "its retention", "2026-10-14T08:00:01.000Z")],
    )
    assert all(
        text in shown(done) for text in ("state", "fct_calls", "0 rows", "2026-10-14 08:00:01", "Complete")
    )
    late = shown(receipt(problems=["the sink worker has not yet read 3 records"]))
    assert "Not done: the sink worker has not yet read 3 records." in late
    assert "Complete" not in late
    assert "ClickHouse" in late
    assert "not looked at" in late


def test_an_id_of_nobody_is_said_to_be_so_instead_of_complete() -> None:
    nobody = receipt(state_gone=True, signals_gone=True, rows_left={"fct_calls": 0}, known_in=[])
    assert nobody.complete, "everything was seen to be gone"
    assert nobody.as_json()["known"] is False
    assert "Nobody of the id c1 was known" in shown(nobody)
    assert "Complete" not in shown(nobody)


def test_an_order_that_finds_an_erasure_in_force_and_nothing_more_says_so() -> None:
    again = receipt(state_gone=True, signals_gone=True, known_in=[], erased_before="2026-09-06T08:00:00.000Z")
    assert again.as_json()["known"] is False
    said = shown(again)
    assert (
        "An erasure of c1 up to 2026-09-06T08:00:00.000Z was in force already, and nothing was found now"
        in said
    )
    assert "Complete" not in said
    assert "Nobody" not in said
    more = receipt(state_gone=True, signals_gone=True, erased_before="2026-09-06T08:00:00.000Z")
    assert "Complete" in shown(more), "an order that was broken off, or a customer who came again"


def test_each_topic_says_what_removes_the_rest_and_when() -> None:
    made = receipt(order_removed=True)

    def part(name: str, **configs: str) -> TopicPart:
        found = Found(name, 1, 1, {key.replace("_", "."): value for key, value in configs.items()})
        return topic_part(name, found, made, AT)

    dated = part(topics.CALLS, retention_ms=DAY_MS, segment_ms=DAY_MS)
    assert dated.by == "2026-09-09T08:00:00.000Z"
    assert "1 day," in dated.how
    assert part(topics.CALLS, retention_ms=DAY_MS).by == "2026-09-15T08:00:00.000Z"
    for_ever = part(topics.CALLS, retention_ms="-1")
    assert for_ever.by is None
    assert "Set a retention" in for_ever.how
    assert "compaction" in part(topics.SIGNALS).how
    assert "does not tell" in part(topics.OUTCOMES).how
    assert topic_part(topics.CALLS, None, made, AT).how == "there is no such topic"
    made.order_removed = False
    assert "once the erasure is complete" in part(topics.PROFILES).how
