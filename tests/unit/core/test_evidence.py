"""Evidence as a timeline: in which language a trigger and a picture tell it, and what becomes of it while an episode lasts."""

from base64 import decodebytes
from pathlib import Path

import pytest

from schemas.trigger import CallbackTrigger
from streams.core.engine import Clock
from streams.phrases import load_phrases
from tests.builders import DAY, HOUR, START, Partition, call, erasure, outcome, profile, survey

T = START
STATES = Path(__file__).parents[2] / "data" / "states"


def dissatisfied(language: str | None, default: str = "en") -> Partition:
    """A customer who speaks a language, grades us low, and gets a trigger at T."""
    partition = Partition(wording=load_phrases(default))
    if language is not None:
        partition.feed(profile(T - DAY, language=language))
    partition.feed(survey(T, csat=1, answered=False, ces=1))
    partition.feed(call(T + 1, resolved=False))
    return partition


@pytest.mark.parametrize(
    ("language", "default", "told", "sentence"),
    [
        ("nl", "en", "nl", "gaf een laag cijfer voor tevredenheid"),
        ("nl-BE", "en", "nl", "gaf een laag cijfer voor tevredenheid"),
        ("en-GB", "nl", "en", "gave a low grade for satisfaction"),
        ("fr", "en", "en", "gave a low grade for satisfaction"),
        ("fr", "nl", "nl", "gaf een laag cijfer voor tevredenheid"),
        (None, "nl", "nl", "gaf een laag cijfer voor tevredenheid"),
    ],
)
def test_a_trigger_speaks_the_customers_language_or_the_default_one(
    language: str | None, default: str, told: str, sentence: str
) -> None:
    opened = dissatisfied(language, default).triggers()[0]
    assert opened["evidence_language"] == told
    assert (opened["drivers"][0]["signal"], opened["drivers"][0]["value"]) == ("low_csat", 1.0)
    assert opened["drivers"][0]["evidence"] == sentence


def test_a_picture_speaks_the_default_language_whoever_it_is_of() -> None:
    """Pictures of many customers stand beside one another; the codes are the same in both."""
    partition = dissatisfied("nl")
    picture, opened = partition.signals()[-1], partition.triggers()[0]
    assert picture["drivers"][0]["evidence"] == "gave a low grade for satisfaction"
    codes = [[(each["signal"], each["value"]) for each in record["drivers"]] for record in (picture, opened)]
    assert codes[0] == codes[1]


def test_what_ends_an_episode_repeats_what_was_told() -> None:
    """The profile says another language meanwhile: what the agent was told stays as it was told."""
    partition = dissatisfied("nl")
    partition.feed(profile(T + HOUR, language="en"), outcome(T + 2 * HOUR))
    opened, ended = partition.triggers()
    assert (ended["status"], ended["evidence_language"]) == ("completed", "nl")
    assert ended["drivers"] == opened["drivers"]


def test_an_upgrade_is_told_in_the_language_of_now() -> None:
    partition = dissatisfied("nl")
    partition.feed(profile(T + HOUR, language="en"), survey(T + 2 * HOUR, callback_requested=True))
    upgraded = partition.triggers()[-1]
    assert (upgraded["sequence"], upgraded["evidence_language"]) == (2, "en")


@pytest.mark.parametrize("written_by", ["0.2.0", "layout-3"])
def test_an_episode_that_an_older_release_opened_goes_on(written_by: str) -> None:
    """Its record says no language: it ends as it was told, and a change of it is told anew."""
    state = decodebytes((STATES / f"open-episode.{written_by}.b64").read_bytes())
    events = {
        "completed": outcome(T + HOUR),
        "open": survey(T + HOUR, callback_requested=True),
        "retracted": erasure(T + HOUR),
    }
    for status, event in events.items():
        partition = Partition(wording=load_phrases())
        partition.states["c1"] = state
        partition.clock = Clock.restore(T + 1, partition.states)
        result = partition.feed(event)
        record = next(each.value for each in result.outputs if each.kind == "trigger")
        trigger = CallbackTrigger.model_validate_json(record)
        assert (trigger.status, trigger.sequence) == (status, 2)
        assert trigger.evidence_language == ("nl" if status == "open" else None)
        assert trigger.drivers[0].evidence == (
            "gaf een laag cijfer voor tevredenheid" if status == "open" else "gave a low satisfaction grade"
        )
