"""Settings: where values come from, what is refused, what never shows."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from streams.settings import Settings, SettingsError, load_settings
from tests.attribute_reads import PACKAGE, attributes_read


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in [name for name in os.environ if name.startswith("BEHOUDLIJN_")]:
        monkeypatch.delenv(name)


def test_defaults_are_safe() -> None:
    settings = load_settings()
    assert settings.mode == "shadow"
    assert settings.metrics_host == "127.0.0.1"
    assert settings.ssl_context() is None
    assert settings.kafka_python_options() == {
        "bootstrap_servers": ["127.0.0.1:9092"],
        "security_protocol": "PLAINTEXT",
    }


def test_the_environment_is_read_and_an_option_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEHOUDLIJN_PARTITIONS", "4")
    monkeypatch.setenv("BEHOUDLIJN_TOPIC_PREFIX", "acme.")
    monkeypatch.setenv("BEHOUDLIJN_POLICY", "")  # empty, as compose files leave them: the default counts
    assert load_settings().partitions == 4
    assert load_settings(partitions=2).partitions == 2
    assert load_settings().policy == "default"
    assert load_settings().topic("contact.calls") == "acme.contact.calls"
    assert load_settings().plain_topic("acme.contact.calls") == "contact.calls"


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("PARTITIONS", "0", "BEHOUDLIJN_PARTITIONS: .*greater than or equal to 1"),
        ("MODE", "dry", "BEHOUDLIJN_MODE: .*'shadow' or 'live'"),
        ("KAFKA_BOOTSTRAP", "kafka", "BEHOUDLIJN_KAFKA_BOOTSTRAP"),
        ("HEARTBEAT_S", "20", "a third of session_timeout_s"),
        ("DRAIN_S", "30", "below session_timeout_s"),
        ("REQUEST_TIMEOUT_S", "10", "more than session_timeout_s"),
        ("KAFKA_SECURITY_PROTOCOL", "SASL_SSL", "needs kafka_sasl_username"),
        ("KAFKA_SSL_KEYFILE", "/key.pem", "belong together"),
        ("SECRETS_DIR", "/does/not/exist", "no directory"),
        ("CLICKHOUSE_DSN_FILE", "/does/not/exist", "BEHOUDLIJN_CLICKHOUSE_DSN_FILE"),
    ],
)
def test_a_mistake_is_named(monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str) -> None:
    monkeypatch.setenv(f"BEHOUDLIJN_{variable}", value)
    with pytest.raises(SettingsError, match=said):
        load_settings()


def test_a_secret_never_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEHOUDLIJN_KAFKA_SASL_PASSWORD", "hunter2")
    monkeypatch.setenv("BEHOUDLIJN_CLICKHOUSE_DSN", "clickhouse://me:hunter2@host:8123/x")
    assert "hunter2" not in repr(load_settings())
    monkeypatch.setenv("BEHOUDLIJN_KAFKA_SECURITY_PROTOCOL", "SASL_SSL")  # without a user: refused
    with pytest.raises(SettingsError) as raised:
        load_settings()
    assert "hunter2" not in str(raised.value)


def test_secrets_come_from_files_in_a_known_order(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "behoudlijn_kafka_sasl_password").write_text("from the directory\n")
    (tmp_path / "password").write_text("from the file\n")
    monkeypatch.setenv("BEHOUDLIJN_SECRETS_DIR", str(secrets))
    assert load_settings().kafka_sasl_password.get_secret_value() == "from the directory"
    monkeypatch.setenv("BEHOUDLIJN_KAFKA_SASL_PASSWORD_FILE", str(tmp_path / "password"))
    assert load_settings().kafka_sasl_password.get_secret_value() == "from the file"
    monkeypatch.setenv("BEHOUDLIJN_KAFKA_SASL_PASSWORD", "from the variable")
    assert load_settings().kafka_sasl_password.get_secret_value() == "from the variable"


def test_tls_checks_certificates_and_host_names() -> None:
    settings = Settings(
        kafka_security_protocol="SASL_SSL", kafka_sasl_username="me", kafka_sasl_password="secret"
    )
    context = settings.ssl_context()
    assert context is not None
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
    options = settings.aiokafka_options()
    assert options["sasl_mechanism"] == "SCRAM-SHA-512"
    assert options["sasl_plain_password"] == "secret"
    assert options["ssl_context"].check_hostname


def test_every_setting_is_described() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_every_setting_is_read_by_somebody() -> None:
    own = [PACKAGE / "settings.py"]
    used = attributes_read("settings", PACKAGE.rglob("*.py")) | attributes_read("self", own)
    assert sorted(Settings.model_fields.keys() - used) == []
