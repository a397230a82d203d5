"""Misspelt variables and secret files: named, before anything begins."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from streams.cli import build
from streams.settings import Settings, SettingsError, load_settings
from streams.telemetry.exit_codes import ExitCode
from streams.variables import PREFIX, slip

ALIKE = {("METRICS_HOST", "METRICS_PORT"), ("METRICS_PORT", "METRICS_HOST")}
"""Both have been there since the first release, so nobody takes the one for the other misspelt."""


@pytest.mark.parametrize(
    ("variable", "said"),
    [
        ("BEHOUDLIJNMODE", "BEHOUDLIJNMODE is no setting; is BEHOUDLIJN_MODE meant?"),
        ("BEHOUD_LIJN_MODE", "BEHOUD_LIJN_MODE is no setting; is BEHOUDLIJN_MODE meant?"),
        ("BEHOUDLIJN_PARTITION", "BEHOUDLIJN_PARTITION is no setting; is BEHOUDLIJN_PARTITIONS meant?"),
        ("BEHOUDLIJN_TOPIC_PREFX", "is BEHOUDLIJN_TOPIC_PREFIX meant"),
        ("BEHOUDLIJN_KAFKA_BOOTSRTAP", "is BEHOUDLIJN_KAFKA_BOOTSTRAP meant"),
        ("BEHOUDLIJN_MOD", "is BEHOUDLIJN_MODE meant"),
        ("BEHOUDLIN_MODE", "is BEHOUDLIJN_MODE meant"),
        ("behoudlijn_modes", "is BEHOUDLIJN_MODE meant"),
        ("BEHOUDLIJN_ERASURE_KEY_FILES", "is BEHOUDLIJN_ERASURE_KEY_FILE meant"),
        ("BEHOUDLIJN_SECRET_DIR", "is BEHOUDLIJN_SECRETS_DIR meant"),
        ("BEHOUDLIJN_PARTITIONS_FILE", "only secrets are read from files; set BEHOUDLIJN_PARTITIONS itself"),
    ],
)
def test_a_slip_of_the_pen_is_a_mistake(monkeypatch: pytest.MonkeyPatch, variable: str, said: str) -> None:
    monkeypatch.setenv(variable, "4")
    with pytest.raises(SettingsError, match=said):
        load_settings()


def test_every_mistake_is_named_at_once_and_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEHOUDLIJN_KAFKA_SASL_PASWORD", "hunter2")
    monkeypatch.setenv("BEHOUDLIJN_PARTITION", "4")
    with pytest.raises(SettingsError) as raised:
        load_settings()
    assert len(str(raised.value).splitlines()) == 2
    assert "hunter2" not in str(raised.value)


def test_a_misspelt_file_of_the_secrets_directory_is_a_mistake(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("BEHOUDLIJN_SECRETS_DIR", str(tmp_path))
    (tmp_path / "behoudlijn_kafka_sasl_pasword").write_text("hunter2")
    (tmp_path / "something_else").write_text("of another program")
    with pytest.raises(SettingsError, match="is behoudlijn_kafka_sasl_password meant"):
        load_settings()


def test_what_another_version_may_know_is_told_and_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEHOUDLIJN_BOOTSTRAP", "kafka:9092")
    monkeypatch.setenv("BEHOUDLIJN_SINK_BATCH_BYTES", "1")
    told: list[str] = []
    assert load_settings(tell=told.append).kafka_bootstrap == "127.0.0.1:9092"
    assert told == [
        "BEHOUDLIJN_BOOTSTRAP is no setting of this version, and has no effect; is BEHOUDLIJN_KAFKA_BOOTSTRAP meant?",
        (
            "BEHOUDLIJN_SINK_BATCH_BYTES is no setting of this version, and has no effect; is BEHOUDLIJN_SINK_BATCH_S or "
            "BEHOUDLIJN_SINK_BATCH_ROWS meant?"
        ),
    ]


def test_a_command_says_it_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEHOUDLIJN_PARTITION", "4")
    done = CliRunner().invoke(build(), ["topics", "list"])
    assert done.exit_code == ExitCode.MISTAKE
    assert "BEHOUDLIJN_PARTITIONS meant" in done.stderr
    monkeypatch.delenv("BEHOUDLIJN_PARTITION")
    monkeypatch.setenv("BEHOUDLIJN_OF_ANOTHER_VERSION", "4")
    monkeypatch.setenv("BEHOUDLIJN_KAFKA_BOOTSTRAP", "127.0.0.1:1")
    done = CliRunner().invoke(build(), ["topics", "list"])
    assert done.exit_code == ExitCode.UNAVAILABLE
    assert "BEHOUDLIJN_OF_ANOTHER_VERSION is no setting" in done.stderr


def test_what_is_set_on_purpose_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TEST_BROKER", "FAILPOINT", "SINK_PASSWORD", "CLICKHOUSE_DSN"):
        monkeypatch.setenv(f"{PREFIX}{name}", "" if name == "FAILPOINT" else "embedded")
    monkeypatch.setenv("BEHOLDEN_TO", "somebody")
    told: list[str] = []
    load_settings(tell=told.append)
    assert told == []


def test_no_two_settings_are_a_slip_apart() -> None:
    """Or a worker of before, in the same environment, would take a new setting for an old one misspelt, and end."""
    names = [name.upper() for name in Settings.model_fields]
    names += [
        f"{name.upper()}_FILE"
        for name, field in Settings.model_fields.items()
        if field.annotation is SecretStr
    ]
    assert {(a, b) for a, b in permutations(names, 2) if slip(PREFIX + a, PREFIX + b)} == ALIKE
