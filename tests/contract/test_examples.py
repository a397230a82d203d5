"""Every example under `schemas/examples/<topic>/v1/` is what its folder and its name say.

A valid input decodes; an invalid one is rejected with the code before the first dot of its name. A valid
output survives a round trip; an invalid one is refused at the field before the first dot of its name.
"""

import json
from pathlib import Path
from typing import get_args

import pytest
from pydantic import ValidationError

from schemas import topics
from schemas.dead_letter import RejectCode
from schemas.reply import Reply
from streams.core.decode import decode
from streams.core.records import Record
from streams.core.release import decode as release

EXAMPLES = Path(__file__).resolve().parents[2] / "schemas" / "examples"
INGESTED_AT = 1_793_491_200_000
"""2026-11-01T00:00:00Z, after every valid example."""
OF_THE_RECORD = {"no_timestamp", "ahead_of_broker", "wrong_desk"}
"""Codes that no bytes deserve: they are about Kafka's time of the record, or its partition."""
READ_BY_DESKS = {topics.CANDIDATES: release.candidate, topics.COMMANDS: release.command}
WRITTEN = topics.OUTPUTS | {topics.REPLIES: Reply}
EVERY = (*topics.MODELS, *topics.RELEASE)


def examples(kind: str, names: dict[str, object]) -> list[object]:
    """The examples of one kind as pytest parameters: (topic, path)."""
    return [
        pytest.param(topic, path, id=f"{topic}/{path.stem}")
        for topic in sorted(names)
        for path in sorted((EXAMPLES / topic / "v1" / kind).glob("*.json"))
    ]


def record(topic: str, path: Path) -> Record:
    """The record of an example, stamped by a broker."""
    return Record(topic, 0, 0, INGESTED_AT, None, path.read_bytes())


def test_each_topic_has_valid_and_invalid_examples_and_nothing_else_lies_there() -> None:
    assert {path.name for path in EXAMPLES.iterdir()} == set(EVERY)
    for topic in EVERY:
        for kind in ("valid", "invalid"):
            assert len(list((EXAMPLES / topic / "v1" / kind).glob("*.json"))) >= 3, (
                f"{topic}: too few {kind} examples"
            )
    walked = {
        param.values[1]  # type: ignore[attr-defined]
        for kind in ("valid", "invalid")
        for param in examples(kind, dict.fromkeys(EVERY))
    }
    assert walked == {path for path in EXAMPLES.rglob("*") if path.is_file()}


@pytest.mark.parametrize(("topic", "path"), examples("valid", dict(topics.INPUTS)))
def test_a_valid_input_decodes(topic: str, path: Path) -> None:
    decoded = decode(record(topic, path))
    assert decoded.reject is None
    expected = topics.BESIDE[topic] if path.stem.startswith("erasure") else topics.INPUTS[topic]
    assert type(decoded.event) is expected
    assert decoded.anonymous == path.stem.startswith("anonymous")
    assert bool(decoded.unknown_fields) == path.stem.startswith("unknown-field")


@pytest.mark.parametrize(("topic", "path"), examples("invalid", dict(topics.INPUTS)))
def test_an_invalid_input_is_rejected_for_the_reason_in_its_name(topic: str, path: Path) -> None:
    decoded = decode(record(topic, path))
    assert decoded.event is None
    assert decoded.reject is not None
    assert decoded.reject.code == path.stem.split(".")[0]


@pytest.mark.parametrize(("topic", "path"), examples("valid", dict(READ_BY_DESKS)))
def test_what_a_desk_reads_decodes(topic: str, path: Path) -> None:
    read = READ_BY_DESKS[topic](path.read_bytes(), 0, {})
    assert read.reject is None
    assert read.body is not None
    assert bool(read.unknown_fields) == path.stem.startswith("unknown-field")


@pytest.mark.parametrize(("topic", "path"), examples("invalid", dict(READ_BY_DESKS)))
def test_what_a_desk_cannot_read_is_refused_for_the_reason_in_its_name(topic: str, path: Path) -> None:
    read = READ_BY_DESKS[topic](path.read_bytes(), 0, {})
    assert read.body is None
    assert read.reject is not None
    assert read.reject.code == path.stem.split(".")[0]


def test_every_kind_that_a_desk_reads_has_an_example() -> None:
    for topic in READ_BY_DESKS:
        found = {json.loads(path.read_bytes())["type"] for path in (EXAMPLES / topic).rglob("valid/*.json")}
        assert found == {model.model_fields["type"].default for model in topics.RELEASE[topic]}


@pytest.mark.parametrize(("topic", "path"), examples("valid", dict(WRITTEN)))
def test_a_valid_output_survives_a_round_trip(topic: str, path: Path) -> None:
    model = WRITTEN[topic]
    message = model.model_validate_json(path.read_bytes())
    assert model.model_validate_json(message.model_dump_json()) == message


@pytest.mark.parametrize(("topic", "path"), examples("invalid", dict(WRITTEN)))
def test_an_invalid_output_is_refused_at_the_field_in_its_name(topic: str, path: Path) -> None:
    with pytest.raises(ValidationError) as caught:
        WRITTEN[topic].model_validate_json(path.read_bytes())
    assert {error["loc"][0] for error in caught.value.errors()} == {path.stem.split(".")[0]}


def test_every_reject_code_has_an_example() -> None:
    found = {
        path.stem.split(".")[0]
        for topic in topics.INPUTS
        for path in (EXAMPLES / topic).rglob("invalid/*.json")
    }
    assert found | OF_THE_RECORD == set(get_args(RejectCode))
    assert not found & OF_THE_RECORD
