"""A certificate authority for tests, whose certificates nobody else trusts.

Owns certificates and their files. It must not know who serves with them.
"""

from __future__ import annotations

from pathlib import Path

import trustme
from cryptography.hazmat.primitives import serialization


class Authority:
    """A certificate authority with its files in `directory`."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._made = trustme.CA()
        self.certificate = directory / "ca.pem"
        self._made.cert_pem.write_to_path(self.certificate)

    def issue(self, name: str, *identities: str) -> tuple[Path, Path]:
        """Certificate chain and PKCS#8 key (the form that Java reads) for host names or addresses."""
        issued = self._made.issue_cert(*identities)
        chain, key = self._directory / f"{name}.pem", self._directory / f"{name}-key.pem"
        chain.write_bytes(b"".join(part.bytes() for part in issued.cert_chain_pems))
        loaded = serialization.load_pem_private_key(issued.private_key_pem.bytes(), None)
        key.write_bytes(
            loaded.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return chain, key
