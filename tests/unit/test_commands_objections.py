"""`behoudlijn objections load`: what it refuses before anything is written, and what it makes of a list against what is known."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from itertools import permutations
from pathlib import Path

import pytest
from typer.testing import CliRunner

from schemas import topics
from streams.cli import build
from streams.cluster.topics import Found
from streams.commands.explain import show
from streams.commands.screen import Screen
from streams.conversion.number_lists import Listed
from streams.core.decode import decode
from streams.core.objections import Objection, is_objection, united_objections, word_of
from streams.core.rebuilding import rebuilt
from streams.core.records import Record
from streams.core.replay import Replay
from streams.core.said import Told
from streams.core.state import FOREVER
from streams.files.backtest import backtest
from streams.files.ndjson import InputError, Line, read_lines
from streams.files.replay import outgoing_lines
from streams.operations.carrying import _homes
from streams.operations.erasure import Receipt, topic_part
from streams.operations.explanation import from_files
from streams.operations.objections import Loaded, _by_hash, _decided, _record
from streams.policies import load_policy
from streams.telemetry.exit_codes import ExitCode
from tests.builders import DAY, HOUR, PHONE, START, Partition, call, objection, profile, survey

NOW = START
RUNNER = CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1", "BEHOUDLIJN_KAFKA_BOOTSTRAP": "127.0.0.1:1"})
KEY = Partition().erasure


def test_without_a_key_nothing_is_read_or_written(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text(f"phone_e164\n{PHONE}\n")
    result = RUNNER.invoke(build(), ["objections", "load", str(path)])
    assert result.exit_code == ExitCode.MISFIT
    assert "BEHOUDLIJN_ERASURE_KEY" in result.stderr


def decided(
    said: Listed, last: Objection | None, *, remove: bool = False
) -> tuple[Objection | None, dict[str, int]]:
    done = Loaded()
    word = _decided(said, last, NOW, done, remove=remove)
    return word, {name: value for name, value in done.as_json().items() if value and isinstance(value, int)}


HOLDS = Objection(START - DAY, True, FOREVER)
ENDED = Objection(START - DAY, True, START)
LIFTED = Objection(START - DAY, False, START - DAY)


@pytest.mark.parametrize(
    ("said", "last", "remove", "word", "counted"),
    [
        ((None, None), None, False, Objection(NOW, True, FOREVER), "added"),
        ((None, None), LIFTED, False, Objection(NOW, True, FOREVER), "added"),
        ((None, None), ENDED, False, Objection(NOW, True, FOREVER), "added"),
        ((None, None), HOLDS, False, HOLDS, "unchanged"),
        ((START - DAY, None), HOLDS, False, HOLDS, "unchanged"),
        ((START - 2 * DAY, None), HOLDS, False, HOLDS, "unchanged"),
        ((START - 2 * DAY, None), LIFTED, False, LIFTED, "unchanged"),
        ((START - HOUR, None), HOLDS, False, Objection(START - HOUR, True, FOREVER), "renewed"),
        ((None, START + DAY), HOLDS, False, Objection(NOW, True, START + DAY), "renewed"),
        ((START - 2 * DAY, START - DAY), None, False, None, "over"),
        ((None, None), None, True, None, "unchanged"),
        ((None, None), LIFTED, True, LIFTED, "unchanged"),
        ((None, None), HOLDS, True, Objection(NOW, False, NOW), "lifted"),
        ((None, None), Objection(NOW, True, FOREVER), True, Objection(NOW + 1, False, NOW + 1), "lifted"),
    ],
)
def test_a_list_against_what_is_known(
    said: tuple[int | None, int | None],
    last: Objection | None,
    remove: bool,
    word: Objection | None,
    counted: str,
) -> None:
    found, counts = decided(Listed(PHONE, *said), last, remove=remove)
    assert (found, counts) == (word, {counted: 1})
    if word is not None:
        assert last is None or word >= last
        # What was loaded is known, and the same list says nothing new.
        assert decided(Listed(PHONE, *said), word, remove=remove) == (word, {"unchanged": 1})


def test_of_a_number_that_comes_twice_the_word_that_counts_is_taken() -> None:
    lines = [
        Listed(PHONE, START - DAY, None),
        Listed(PHONE, START - HOUR, START + DAY),
        Listed(PHONE, START - HOUR, None),
    ]
    for order in permutations(lines):
        done = Loaded()
        found = _by_hash([*order, "list:4: wrong"], KEY, done, NOW, remove=False)
        assert found == {KEY.number_hash(PHONE): Listed(PHONE, START - HOUR, None)}
        assert (done.numbers, done.refused) == (1, ["list:4: wrong"])


@pytest.mark.parametrize("word", [HOLDS, ENDED, LIFTED])
def test_a_record_says_its_word_and_no_number(word: Objection) -> None:
    value = _record(KEY.number_hash(PHONE), word, KEY.key_id)
    found = decode(Record(topics.OBJECTIONS, 0, 0, NOW, None, value))
    assert found.event is not None
    assert word_of(found.event) == word  # type: ignore[arg-type]
    assert PHONE.lstrip("+").encode() not in value


def line_of(decoded: object) -> Line:
    return Line("events.ndjson", 1, decoded.record.value)  # type: ignore[attr-defined]


def test_a_backtest_knows_of_objections_in_files_whatever_the_partition_of_a_customer() -> None:
    customers = [f"c{number}" for number in range(20)]
    events = [profile(START, phone_e164=PHONE, customer=each) for each in customers]
    events += [survey(START + HOUR, csat=1, callback_requested=True, customer=each) for each in customers]
    plain = backtest(map(line_of, events), load_policy("default"), partitions=5)
    barred = backtest(map(line_of, [*events, objection(START)]), load_policy("default"), partitions=5)
    assert (plain.summary.flagged_customers, barred.summary.flagged_customers) == (20, 0)
    assert (plain.summary.events, barred.summary.events) == (40, 41)


def test_explain_says_that_the_number_objected_and_tells_no_number() -> None:
    events = [
        profile(START, phone_e164=PHONE),
        survey(START + HOUR, csat=1, callback_requested=True),
        objection(START + 2 * HOUR),
    ]
    screen = Screen(file=io.StringIO(), width=120)
    show(from_files(map(line_of, events), load_policy("default"), "c1"), screen)
    text = screen.file.getvalue()  # type: ignore[attr-defined]
    assert "objected by number" in text
    assert PHONE not in text


def test_a_repair_keeps_what_is_known_of_numbers_and_takes_more_from_the_topic() -> None:
    before, policy = Partition(), load_policy("default")
    before.feed(objection(START, phone_e164="+31301234567"), profile(START, phone_e164=PHONE))
    old = before.states
    replay = Replay(policy, before.erasure, united_objections([old]))
    replay.feed([profile(START, phone_e164=PHONE), objection(START + HOUR), call(START + DAY)])
    states = rebuilt(
        replay, Told(), old, policy, bound=START + DAY, told_since=START, whole=True, pending=False
    )
    assert sum(map(is_objection, states)) == 2
    assert [key for key in states if not is_objection(key)] == ["c1"]


def test_replay_sends_no_number(tmp_path: Path) -> None:
    path = tmp_path / "events.ndjson"
    path.write_bytes((objection(START).record.value or b"") + b"\n")
    for keep in (False, True):
        with pytest.raises(InputError, match="behoudlijn objections load"):
            list(outgoing_lines(read_lines([str(path)]), keep_invalid=keep))


def test_what_is_carried_over_goes_to_every_partition_again() -> None:
    record = Record("", 1, 0, 0, b"a", b"")
    assert list(_homes(topics.OBJECTIONS, record, 4)) == [0, 1, 2, 3]
    assert len(list(_homes(topics.CALLS, record, 4))) == 1


def test_the_receipt_of_an_erasure_says_what_the_topic_holds() -> None:
    part = topic_part(
        topics.OBJECTIONS, Found("x", 1, 1), Receipt("c1", "", ""), datetime.fromtimestamp(0, UTC)
    )
    assert "numbers" in part.how
    assert part.by is None
