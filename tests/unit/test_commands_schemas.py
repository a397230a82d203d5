"""`behoudlijn schemas export`: one JSON Schema a topic, the same bytes each time."""

import json
from pathlib import Path

from typer.testing import CliRunner

from schemas import topics
from streams.cli import build


def test_export_writes_a_schema_for_each_topic(tmp_path: Path) -> None:
    target = tmp_path / "a" / "b"
    result = CliRunner().invoke(build(), ["schemas", "export", str(target)])
    assert result.exit_code == 0, result.output
    written = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in target.iterdir()}
    assert set(written) == {f"{topic}.v1.json" for topic in (*topics.MODELS, *topics.RELEASE)}
    call = written["contact.calls.v1.json"]
    assert call["$id"] == "urn:behoudlijn:contact.calls:v1"
    assert {"type", "schema_version", "event_id", "customer_id", "occurred_at"} <= set(call["required"])
    assert call["additionalProperties"] is True
    assert written["callback.triggers.v1.json"]["additionalProperties"] is False


def test_a_second_export_writes_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert CliRunner().invoke(build(), ["schemas", "export", str(tmp_path / name)]).exit_code == 0
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_a_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    result = CliRunner().invoke(build(), ["schemas", "export", str(tmp_path / "file" / "inside")])
    assert result.exit_code == 2
    assert "cannot be written" in result.output
    assert "Traceback" not in result.output
