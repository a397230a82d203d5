"""Which broker the integration tests run on: real Apache Kafka wherever it can run, else the embedded one.

Owns the choice and its reason. `BEHOUDLIJN_TEST_BROKER` (`kafka`, `embedded`) overrides it. With `CI=true`
the absence of Kafka is an error unless `embedded` was asked for by name.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from typing import Literal

from tests.kafka.distribution import KafkaUnavailableError, jars, java, version


@dataclass(frozen=True)
class Choice:
    """The broker of this run (`kind`) and its reason; `required` where Kafka may not be absent."""

    kind: Literal["kafka", "embedded"]
    reason: str
    required: bool = False


def kafka_problem() -> str | None:
    """Why real Kafka cannot run here, or None when it can. Resolves the jars on its first call."""
    try:
        java()
        jars()
    except KafkaUnavailableError as error:
        return str(error)
    return None


@cache
def chosen() -> Choice:
    """The choice for this process; its first call may wait for Maven."""
    wish = os.environ.get("BEHOUDLIJN_TEST_BROKER", "")
    if wish not in ("", "kafka", "embedded"):
        raise ValueError(f"BEHOUDLIJN_TEST_BROKER is {wish!r}; use kafka or embedded, or leave it out")
    if wish == "embedded":
        return Choice("embedded", "asked for by BEHOUDLIJN_TEST_BROKER")
    problem = kafka_problem()
    if problem is None:
        return Choice("kafka", f"Apache Kafka {version()}, KRaft", required=True)
    required = wish == "kafka" or os.environ.get("CI", "").lower() == "true"
    return Choice("embedded", f"no Apache Kafka: {problem}", required)
