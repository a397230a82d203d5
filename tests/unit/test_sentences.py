"""What an agent reads of a signal is true and grammatical, whatever the value, in every language that comes along."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as some

from streams.core.history import DAY, HOUR, Parameters
from streams.core.signals import SIGNALS, evidence
from streams.core.wording import CODES, UNDETERMINED
from streams.phrases import built_in_languages, load_phrases
from tests.sentences import REVIEWED, table

PHRASES = load_phrases()
_WRONG = re.compile(
    r"\b1 (times|days|hours|minutes|choices|contacts|years|dagen|minuten|keuzes)\b|  |[{}$]|\?\?\?"
)


def test_the_sentences_are_those_that_were_reviewed() -> None:
    """When a difference is meant, write the table anew by `python -m tests.sentences`, and read it."""
    assert table() == REVIEWED.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "sentence", ["gave up 1 times", "in 1 dagen", "two  spaces", "{ $count } times", "{???}", "1 contacts"]
)
def test_a_wrong_sentence_would_be_noticed(sentence: str) -> None:
    assert _WRONG.search(sentence)


parameters = some.builds(
    Parameters,
    horizon=some.integers(1, 400).map(lambda days: days * DAY),
    repeat_within=some.integers(1, 30).map(lambda days: days * DAY),
    silent_after=some.integers(1, 240).map(lambda hours: hours * HOUR),
    high_ivr_steps=some.integers(0, 50),
)


@given(
    some.sampled_from(sorted(SIGNALS)),
    some.floats(0, 1_000_000) | some.integers(0, 300).map(float),
    parameters,
    some.sampled_from(built_in_languages()),
)
def test_every_value_has_a_whole_sentence(name: str, value: float, shape: Parameters, language: str) -> None:
    sentence = evidence(name, value, shape, PHRASES, language)
    assert sentence == sentence.strip()
    assert 5 < len(sentence) <= 200
    assert not _WRONG.search(sentence), sentence


def test_a_window_that_the_horizon_cuts_is_told_as_long_as_it_is() -> None:
    """Six contacts of two weeks are no six contacts of a month."""
    two_weeks = Parameters(horizon=14 * DAY)
    assert evidence("contacts_30d", 6.0, two_weeks, PHRASES, "en") == "reached out 6 times in 14 days"
    assert evidence("contacts_7d", 6.0, two_weeks, PHRASES, "en") == "reached out 6 times in 7 days"


def test_silence_is_told_for_as_long_as_the_policy_asks_and_no_longer() -> None:
    """Who called an hour after that was heard, so nothing is said of the time since."""
    half_a_day = Parameters(silent_after=12 * HOUR)
    assert (
        evidence("silent_after_abandon", 1.0, half_a_day, PHRASES, "en")
        == "gave up waiting and got no answer within 12 hours (once in 30 days)"
    )


def test_whoever_reads_no_sentences_is_told_codes() -> None:
    assert CODES.language("nl") == UNDETERMINED
    assert evidence("contacts_7d", 2.0, Parameters(), CODES, UNDETERMINED) == "contacts_7d count=2 days=7"
