"""How a secured cluster is set up: an authority and certificates of its own, SCRAM users, ACLs that count.

Owns certificates, users and the settings that a node needs for them. It must not grant a right: without ACLs only the
super user may do anything.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.authority import Authority

SUPER_USER: Final = "admin"
_MECHANISM: Final = "SCRAM-SHA-512"


@dataclass(frozen=True)
class Security:
    """SASL_SSL for a cluster whose certificate names `127.0.0.1` only; `users` are name and password.

    The super user is added, with a password of its own.
    """

    directory: Path
    users: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        authority = Authority(self.directory)
        chain, key = authority.issue("broker", "127.0.0.1")
        self._keystore.write_bytes(key.read_bytes() + chain.read_bytes())
        object.__setattr__(self, "users", {SUPER_USER: secrets.token_hex(8), **self.users})

    @property
    def ca(self) -> Path:
        """The certificate that clients have to trust."""
        return self.directory / "ca.pem"

    @property
    def _keystore(self) -> Path:
        return self.directory / "keystore.pem"

    @property
    def format_arguments(self) -> list[str]:
        """What `kafka-storage format` takes to know the users from the start."""
        return [
            f"--add-scram={_MECHANISM}=[name={name},password={password}]"
            for name, password in self.users.items()
        ]

    def settings(self, host: str, port: int, controller_port: int) -> dict[str, object]:
        """Settings of a node, over those of a plain one."""
        password = self.users[SUPER_USER]
        login = f'required username="{SUPER_USER}" password="{password}"'
        return {
            "listeners": f"SASL_SSL://{host}:{port},CONTROLLER://{host}:{controller_port}",
            "advertised.listeners": f"SASL_SSL://{host}:{port}",
            "listener.security.protocol.map": "SASL_SSL:SASL_SSL,CONTROLLER:SASL_SSL",
            "inter.broker.listener.name": "SASL_SSL",
            "sasl.enabled.mechanisms": _MECHANISM,
            "sasl.mechanism.inter.broker.protocol": _MECHANISM,
            f"listener.name.sasl_ssl.{_MECHANISM.lower()}.sasl.jaas.config": (
                f"org.apache.kafka.common.security.scram.ScramLoginModule {login};"
            ),
            # Controllers cannot know SCRAM users before there is a quorum.
            "listener.name.controller.sasl.enabled.mechanisms": "PLAIN",
            "sasl.mechanism.controller.protocol": "PLAIN",
            "listener.name.controller.plain.sasl.jaas.config": (
                "org.apache.kafka.common.security.plain.PlainLoginModule "
                f'{login} user_{SUPER_USER}="{password}";'
            ),
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": self._keystore,
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": self.ca,
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": f"User:{SUPER_USER}",
            "allow.everyone.if.no.acl.found": "false",
        }
