"""The settings of every process: one frozen class, read from `BEHOUDLIJN_…` variables and from secret files.

Owns names, defaults, limits and what they mean to the Kafka clients. It must not connect or log a value.
A secret may come from the variable itself, from the file that `BEHOUDLIJN_<NAME>_FILE` names, or from a file
`behoudlijn_<name>` in the directory `BEHOUDLIJN_SECRETS_DIR`; in this order the first one counts.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
)

from schemas.topics import CHANGELOG
from streams.core.decode import Reading
from streams.core.erasure import FOR_EVER, Erasure
from streams.variables import PREFIX, SECRETS_DIR, strangers

SIGNALS_GROUP = "behoudlijn-signals"
RELEASE_GROUP = "behoudlijn-release"
SINK_GROUP = "behoudlijn-sink"

_DAY_MS = 86_400_000
_SHORTEST_KEY = 16
SEGMENT_MS = 7 * _DAY_MS
"""Kafka's own default of `segment.ms`: a record is removed with its whole segment, which may be filled for so long."""
_REMOVAL_MARGIN_MS = _DAY_MS
"""What is to outlast a record outlasts it by so much more: a broker looks for old segments from time to time only."""
Compression = Literal["none", "gzip", "snappy", "lz4", "zstd"]
"""Kafka's codecs, in the order of their numbers."""
_Seconds = Annotated[float, Field(gt=0, le=86_400)]


class SettingsError(ValueError):
    """A setting is missing or wrong; the message names the variable and what would be right."""


class Settings(BaseSettings):
    """Every setting. Wrong values raise pydantic's `ValidationError`, which names the variable's field."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="ignore", hide_input_in_errors=True, env_ignore_empty=True
    )

    # Kafka
    kafka_bootstrap: str = Field(
        "127.0.0.1:9092",
        min_length=3,
        pattern=r"^[^\s,]+:\d+(,[^\s,]+:\d+)*$",
        description="Brokers to begin with, `host:port`, several separated by commas.",
    )
    topic_prefix: str = Field(
        "",
        max_length=60,
        pattern=r"^[A-Za-z0-9._-]*$",
        description="Put before every topic and group, so that several installations can share a cluster.",
    )
    partitions: int = Field(
        8, ge=1, le=1024, description="Partitions of every topic; all topics have the same number."
    )
    replication: int = Field(
        1, ge=1, le=7, description="Copies of every partition. 3 in production (then 2 must be in sync)."
    )
    retention_ms: int = Field(
        30 * _DAY_MS, ge=-1, description="How long event and trigger topics keep records, in ms; -1 for ever."
    )
    dead_letter_retention_ms: int = Field(
        14 * _DAY_MS,
        ge=-1,
        description="How long dead letters are kept, in ms: they hold personal data of unknown shape.",
    )
    erasure_key: SecretStr = Field(
        SecretStr(""),
        description="Key of the hashes that stay of erased customers, and of numbers that object, 16 characters or more; the same for every "
        "worker and command, and never another one while such hashes are kept.",
    )
    mapping_key: SecretStr = Field(
        SecretStr(""),
        description="Key of the hashes by which a mapping replaces customers (`hash: true`), 16 characters or more; another key "
        "makes other customers of them.",
    )
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="How to talk to Kafka. In production SASL_SSL."
    )
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-512", description="How to log in, with a SASL protocol."
    )
    kafka_sasl_username: str = Field("", description="User for a SASL protocol.")
    kafka_sasl_password: SecretStr = Field(SecretStr(""), description="Its password.")
    kafka_ssl_cafile: Path | None = Field(
        None, description="Certificates (PEM) of the authority to trust; the system's when left out."
    )
    kafka_ssl_certfile: Path | None = Field(None, description="Our own certificate (PEM), for mutual TLS.")
    kafka_ssl_keyfile: Path | None = Field(None, description="The key of our own certificate (PEM).")
    idempotence: bool = Field(
        True, description="Produce idempotently. Off for the embedded broker, which knows no producer ids."
    )
    compression: Compression | Literal["auto"] = Field(
        "auto",
        description="Codec of all that is written. `auto`: lz4 for the changelog, which workers alone read, and none for "
        "what others read. Every codec is read, whatever stands here.",
    )
    session_timeout_s: _Seconds = Field(
        30.0, description="A worker that is silent for this long loses its partitions."
    )
    heartbeat_s: _Seconds = Field(
        1.0,
        description="Time between heartbeats; at most a third of the session time-out. A worker hears by them that the group changes: all "
        "others wait for it meanwhile.",
    )
    rebalance_timeout_s: _Seconds = Field(
        60.0, description="How long the group waits for its members to rejoin."
    )
    request_timeout_s: _Seconds = Field(
        40.0, description="How long one request to Kafka may take; more than the session time-out."
    )
    delivery_timeout_s: _Seconds = Field(
        60.0,
        description="How long Kafka may take to confirm a record, repeats included; then the worker ends "
        "unacknowledged.",
    )
    stall_timeout_s: _Seconds = Field(
        300.0,
        description="A worker ends when one of its partitions has records and its commits stand still for so "
        "long; more than merge_idle_ms, sink_outage_s and delivery_timeout_s.",
    )
    commit_interval_s: _Seconds = Field(1.0, description="Time between commits of offsets.")

    # Deciding
    policy: str = Field("default", min_length=1, description="Name of a built-in policy, or path of a file.")
    language: str = Field(
        "en",
        min_length=2,
        description="Language (BCP 47) of the evidence where the customer's own is unknown or has no sentences, and of the pictures of "
        "`customer.signals`. `en` and `nl` come along ([languages](languages.md)).",
    )
    phrases: Path | None = Field(
        None,
        description="Directory of `.ftl` files: sentences of further languages, or in place of those that come along "
        "([languages](languages.md)). The same for every worker and command.",
    )
    mode: Literal["shadow", "live"] = Field(
        "shadow", description="`shadow` records triggers only; `live` publishes them for dialers."
    )
    future_tolerance_s: float = Field(
        300.0,
        ge=0,
        le=86_400,
        description="How far an event's time may be ahead of its arrival in Kafka before it is rejected.",
    )
    nobody: str = Field(
        "",
        description="Customer ids that name nobody in particular, separated by commas, beside `anonymous`, `unknown`, `-`, zeros and the "
        "like (`schemas/ids.py`). The same for every worker and command.",
    )
    dead_letter_limit: Literal["on", "off"] = Field(
        "on",
        description="`off` lets a signals worker go on with a topic that has gone bad: all of it becomes dead letters.",
    )
    dead_letter_max_run: int = Field(
        500,
        ge=1,
        description="The most records of a topic's partition in a row that become dead letters; one more ends the worker.",
    )
    dead_letter_max_ratio: float = Field(
        0.5,
        gt=0,
        le=1,
        description="The largest share of dead letters among the last 2,000 records, or so, of a topic's partition.",
    )
    merge_idle_ms: int = Field(
        0,
        ge=0,
        le=3_600_000,
        description="How long a caught-up topic is waited for when topics are merged by event time, in ms.",
    )
    max_batch: int = Field(2000, ge=1, le=100_000, description="The most events decided in one batch.")
    buffer_bytes: int = Field(
        4 * 1024 * 1024,
        ge=65_536,
        description="Fetched bytes held per partition of a topic before it pauses.",
    )
    buffer_total_bytes: int = Field(
        256 * 1024 * 1024, ge=1024 * 1024, description="The same for the whole process."
    )
    drain_s: _Seconds = Field(
        10.0,
        description="How long a stop or a rebalance waits for work under way; below the session time-out.",
    )

    # ClickHouse
    clickhouse_dsn: SecretStr = Field(
        SecretStr("clickhouse://default@127.0.0.1:8123/behoudlijn"),
        description="Where the sink writes: `clickhouse://user:password@host:port/database`, or `chdb:///path`.",
    )
    sink_batch_rows: int = Field(10_000, ge=1, le=1_000_000, description="Rows per insert at most.")
    sink_batch_s: _Seconds = Field(
        1.0,
        description="A row waits at most this long for its insert, or for the end of the insert before, whichever is longer.",
    )
    sink_timeout_s: _Seconds = Field(30.0, description="How long one request to ClickHouse may take.")
    sink_retry_max_s: _Seconds = Field(
        30.0,
        description="Longest pause between attempts to write; meanwhile offsets are held.",
    )
    sink_outage_s: _Seconds = Field(
        240.0,
        description="How long ClickHouse may be away; then the sink worker ends unacknowledged, to be started "
        "again.",
    )

    # Seen from outside
    metrics_host: str = Field("127.0.0.1", description="Address of /metrics, /healthz and /readyz.")
    metrics_port: int = Field(9108, ge=0, le=65_535, description="Its port; 0 picks a free one.")
    log_format: Literal["json", "console"] = Field(
        "json", description="`json` for machines, `console` for eyes."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level logged.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.heartbeat_s * 3 > self.session_timeout_s:
            raise ValueError(
                "heartbeat_s must be at most a third of session_timeout_s, or one loss is an exit"
            )
        if self.drain_s >= self.session_timeout_s:
            raise ValueError("drain_s must be below session_timeout_s, or draining loses the partitions")
        if self.request_timeout_s <= self.session_timeout_s:
            raise ValueError("request_timeout_s must be more than session_timeout_s")
        waits = (self.merge_idle_ms / 1000, self.sink_outage_s, self.delivery_timeout_s)
        if self.stall_timeout_s <= max(waits):
            raise ValueError(
                "stall_timeout_s must be more than merge_idle_ms, sink_outage_s and delivery_timeout_s: "
                "they are waits that end by themselves"
            )
        if self.kafka_security_protocol.startswith("SASL") and not (
            self.kafka_sasl_username and self.kafka_sasl_password.get_secret_value()
        ):
            raise ValueError(
                f"{self.kafka_security_protocol} needs kafka_sasl_username and kafka_sasl_password"
            )
        if (self.kafka_ssl_keyfile is None) != (self.kafka_ssl_certfile is None):
            raise ValueError("kafka_ssl_certfile and kafka_ssl_keyfile belong together: give both or neither")
        for name, secret in (("erasure_key", self.erasure_key), ("mapping_key", self.mapping_key)):
            if 0 < len(secret.get_secret_value()) < _SHORTEST_KEY:
                raise ValueError(f"{name} must have {_SHORTEST_KEY} characters or more, or it can be guessed")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then variables, then `…_FILE`, then the directory of secrets. No `.env` file is read."""
        sources: list[PydanticBaseSettingsSource] = [init_settings, env_settings, _NamedFiles(settings_cls)]
        directory = os.environ.get(SECRETS_DIR)
        if directory:
            if not Path(directory).is_dir():
                raise ValueError(f"{SECRETS_DIR} names {directory}, which is no directory")
            sources.append(SecretsSettingsSource(settings_cls, secrets_dir=directory))
        return tuple(sources)

    def topic(self, name: str) -> str:
        """Return the topic (or group) `name` as this installation calls it."""
        return f"{self.topic_prefix}{name}"

    def plain_topic(self, name: str) -> str:
        """Return `name` without the prefix of this installation."""
        return name.removeprefix(self.topic_prefix)

    def erasure(self) -> Erasure:
        """Return how erasures are honoured here: the marker of an erased customer outlasts every record of that customer."""
        longest = max(self.retention_ms, self.dead_letter_retention_ms)
        for_ever = FOR_EVER in (self.retention_ms, self.dead_letter_retention_ms)
        keep = FOR_EVER if for_ever else longest + SEGMENT_MS + _REMOVAL_MARGIN_MS
        return Erasure(self.erasure_key.get_secret_value().encode(), keep)

    def reading(self, *, stamped: bool = False) -> Reading:
        """Return how records are read. `stamped`: they come from Kafka, which must tell when they were written."""
        words = frozenset(word.strip().lower() for word in self.nobody.split(",") if word.strip())
        return Reading(int(self.future_tolerance_s * 1000), words, stamped)

    def compression_of(self, topic: str) -> Compression:
        """Return the codec in which `topic` (already prefixed) is written."""
        if self.compression != "auto":
            return self.compression
        return "lz4" if topic == self.topic(CHANGELOG) else "none"

    @property
    def compression_type(self) -> str | None:
        """What a client that writes topics which others read is told."""
        return None if self.compression in ("auto", "none") else self.compression

    def ssl_context(self) -> ssl.SSLContext | None:
        """TLS with verified certificates and host names, or None when the protocol has none.

        Raises OSError (with the path) when a certificate or key cannot be read.
        """
        if "SSL" not in self.kafka_security_protocol:
            return None
        context = ssl.create_default_context(cafile=self.kafka_ssl_cafile)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.kafka_ssl_certfile is not None:
            context.load_cert_chain(self.kafka_ssl_certfile, self.kafka_ssl_keyfile)
        return context

    def kafka_python_options(self) -> dict[str, Any]:
        """Address and security for any client of kafka-python."""
        return {"bootstrap_servers": self.kafka_bootstrap.split(","), **self._security()}

    def aiokafka_options(self) -> dict[str, Any]:
        """Address and security for any client of aiokafka."""
        return {"bootstrap_servers": self.kafka_bootstrap, **self._security()}

    def faust_broker(self) -> list[str]:
        """Faust's URLs of the brokers."""
        return [f"kafka://{address}" for address in self.kafka_bootstrap.split(",")]

    def _security(self) -> dict[str, Any]:
        options: dict[str, Any] = {"security_protocol": self.kafka_security_protocol}
        context = self.ssl_context()
        if context is not None:
            options["ssl_context"] = context
        if self.kafka_security_protocol.startswith("SASL"):
            options["sasl_mechanism"] = self.kafka_sasl_mechanism
            options["sasl_plain_username"] = self.kafka_sasl_username
            options["sasl_plain_password"] = self.kafka_sasl_password.get_secret_value()
        return options


def load_settings(*, tell: Callable[[str], None] = lambda _: None, **overrides: Any) -> Settings:
    """Return the settings of this process; `overrides` (options of a command) win over the environment. `tell` hears of variables that
    mean nothing here.

    Raises SettingsError with one line per mistake, a misspelt variable among them.
    """
    secrets = [name for name, field in Settings.model_fields.items() if field.annotation is SecretStr]
    found = strangers(os.environ, Settings.model_fields, secrets)
    if found.mistakes:
        raise SettingsError("\n".join(found.mistakes))
    for sentence in found.others:
        tell(sentence)
    try:
        return Settings(**overrides)
    except ValidationError as error:
        lines = []
        for mistake in error.errors(include_input=False, include_url=False):
            place = PREFIX + str(mistake["loc"][0]).upper() if mistake["loc"] else "settings"
            lines.append(f"{place}: {mistake['msg']}")
        raise SettingsError("\n".join(lines)) from None  # the cause would show values
    except ValueError as error:
        raise SettingsError(str(error)) from error


class _NamedFiles(PydanticBaseSettingsSource):
    """Secrets from the files that `BEHOUDLIJN_<NAME>_FILE` name, as container secrets are mounted."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        path = os.environ.get(f"{PREFIX}{field_name.upper()}_FILE")
        if field.annotation is not SecretStr or not path:
            return None, field_name, False
        try:
            return Path(path).read_text(encoding="utf-8").strip(), field_name, False
        except OSError as error:
            raise ValueError(f"{PREFIX}{field_name.upper()}_FILE: {error}") from error

    def __call__(self) -> dict[str, Any]:
        found = {
            name: self.get_field_value(field, name)[0]
            for name, field in self.settings_cls.model_fields.items()
        }
        return {name: value for name, value in found.items() if value is not None}
