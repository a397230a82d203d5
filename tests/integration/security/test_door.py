"""Who is not let in is told why, and the worker ends: a wrong password, an unknown authority, another host name."""

from __future__ import annotations

import asyncio
from typing import Any

import certifi
import pytest

from streams.cluster.access import AccessError, reach
from streams.cluster.topic_reader import TopicReader
from streams.cluster.topics import inspect
from streams.settings import Settings
from streams.telemetry.exit_codes import ExitCode
from tests.integration.security.conftest import Secured
from tests.integration.security.test_rights import errors_of
from tests.integration.worker_program import worker

pytestmark = pytest.mark.kafka

PASSWORD = "not-the-password"


def elsewhere(secured: Secured) -> str:
    return "localhost:" + secured.broker.bootstrap.rpartition(":")[2]


def changes(secured: Secured) -> dict[str, tuple[dict[str, Any], str]]:
    """What is wrong in the settings, and the setting that the message has to name."""
    return {
        "password": ({"kafka_sasl_password": PASSWORD}, "BEHOUDLIJN_KAFKA_SASL_PASSWORD"),
        "user": ({"kafka_sasl_username": "nobody"}, "login of user nobody"),
        "mechanism": ({"kafka_sasl_mechanism": "PLAIN"}, "BEHOUDLIJN_KAFKA_SASL_MECHANISM"),
        "authority": ({"kafka_ssl_cafile": certifi.where()}, "BEHOUDLIJN_KAFKA_SSL_CAFILE"),
        "host": ({"kafka_bootstrap": elsewhere(secured)}, "not valid for 'localhost'"),
        "protocol": ({"kafka_security_protocol": "SASL_PLAINTEXT"}, "BEHOUDLIJN_KAFKA_SECURITY_PROTOCOL"),
        "port": ({"kafka_bootstrap": "127.0.0.1:1"}, "BEHOUDLIJN_KAFKA_BOOTSTRAP"),
    }


def changed(secured: Secured, change: dict[str, Any]) -> Settings:
    return Settings(**(secured.settings("signals", "").model_dump(exclude_unset=True) | change))


@pytest.mark.parametrize("wrong", ["password", "user", "mechanism", "authority", "host", "protocol", "port"])
def test_the_refusal_names_the_setting(secured: Secured, wrong: str) -> None:
    change, named = changes(secured)[wrong]
    settings = changed(secured, change)
    with pytest.raises(AccessError) as caught:
        asyncio.run(reach(settings))
    said = str(caught.value)
    assert named in said
    assert settings.kafka_bootstrap in said
    assert settings.kafka_sasl_password.get_secret_value() not in said


def test_a_worker_that_is_not_let_in_ends(secured: Secured) -> None:
    change, named = changes(secured)["password"]
    settings = changed(secured, change)
    with worker(settings, "signals") as process:
        assert process.wait() == ExitCode.MISFIT, process.log()
        (reason,) = errors_of(process)
        assert named in reason
        assert PASSWORD not in process.log()


def test_tools_say_the_same(secured: Secured) -> None:
    wrong = changed(secured, {"kafka_sasl_password": PASSWORD})
    with pytest.raises(AccessError, match="BEHOUDLIJN_KAFKA_SASL_PASSWORD"):
        inspect(wrong)
    with pytest.raises(AccessError, match="BEHOUDLIJN_KAFKA_SASL_PASSWORD"):
        TopicReader(wrong)
