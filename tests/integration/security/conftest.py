"""One secured Kafka cluster for the whole folder: SASL_SSL, SCRAM users, and no right that was not granted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from streams.cluster.rights import signals_rights, sink_rights
from streams.cluster.topics import ensure
from streams.settings import Settings
from tests.integration.worker_program import settings_of
from tests.kafka.acls import Acls
from tests.kafka.broker import KafkaBroker
from tests.kafka.choice import chosen, kafka_problem
from tests.kafka.security import SUPER_USER, Security

_USERS = {"signals": "signals-secret-1", "sink": "sink-secret-2", "operator": "operator-secret-3"}


class Secured:
    """The cluster, its users and their rights."""

    def __init__(self, broker: KafkaBroker, security: Security) -> None:
        self.broker = broker
        self.security = security
        self.acls = Acls(self.settings(SUPER_USER, "").kafka_python_options())

    def settings(self, user: str, prefix: str, **more: Any) -> Settings:
        """Settings of `user` for the installation `prefix`; `more` is changed."""
        values = {
            "kafka_security_protocol": "SASL_SSL",
            "kafka_sasl_username": user,
            "kafka_sasl_password": self.security.users[user],
            "kafka_ssl_cafile": self.security.ca,
        }
        return settings_of(self.broker, prefix, **(values | more))

    def install(self, prefix: str) -> Settings:
        """Topics and the documented rights of an installation; the administrator's settings of it."""
        admin = self.settings(SUPER_USER, prefix)
        ensure(admin)
        self.acls.grant("signals", signals_rights(admin))
        self.acls.grant("sink", sink_rights(admin))
        return admin


@pytest.fixture(scope="session")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """Real Kafka that lets nobody do anything unasked; skipped where it cannot run, as everywhere."""
    problem = kafka_problem()
    if problem is not None:
        if chosen().required:
            pytest.fail(f"real Kafka is required here (CI=true) but cannot run: {problem}", pytrace=False)
        pytest.skip(f"no real Kafka: {problem}")
    security = Security(tmp_path_factory.mktemp("security"), _USERS)
    with KafkaBroker(security=security) as broker:
        made = Secured(broker, security)
        yield made
        made.acls.close()
