"""The jars of Apache Kafka: resolved once by Maven from the pinned `pom.xml` into the repository's cache.

Owns whether real Kafka can run here, and why not. It must not start a broker.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from xml.etree import ElementTree as ET

_HERE = Path(__file__).resolve().parent
_POM = _HERE / "pom.xml"
_CACHE = _HERE.parents[1] / ".cache" / "kafka"
_MINIMUM_JAVA = 17
_MAVEN_SECONDS = 600


class KafkaUnavailableError(RuntimeError):
    """Real Kafka cannot run on this machine; the text says what is missing."""


def version() -> str:
    """The pinned version of Apache Kafka."""
    found = ET.parse(_POM).findtext(".//{*}kafka.version")
    if not found:
        raise KafkaUnavailableError(f"{_POM} names no kafka.version")
    return found


def java() -> str:
    """Path of a Java runtime of at least version 17. Raises `KafkaUnavailableError`."""
    home = os.environ.get("JAVA_HOME")
    candidate = shutil.which("java", path=f"{home}/bin") if home else None
    path = candidate or shutil.which("java")
    if path is None:
        raise KafkaUnavailableError(f"no java on the PATH; install a Java {_MINIMUM_JAVA} runtime")
    said = _said(path)
    found = re.search(r'version "(\d+)', said)
    if found is None or int(found[1]) < _MINIMUM_JAVA:
        first = said.strip().splitlines()[:1]
        raise KafkaUnavailableError(
            f"{path} is older than Java {_MINIMUM_JAVA} ({first}); install a newer one"
        )
    return path


def java_version() -> str:
    """What that runtime says of its version, such as `17.0.15`. Raises `KafkaUnavailableError`."""
    found = re.search(r'version "([^"]+)"', _said(java()))
    return found[1] if found else "unknown"


def _said(java: str) -> str:
    done = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=60, check=False)
    return done.stderr


def cached_jars() -> Path | None:
    """Directory of the jars that the present `pom.xml` asks for, if an earlier run resolved them."""
    directory = _directory()
    return directory if directory.is_dir() else None


def jars() -> Path:
    """Directory of the jars, resolved by Maven where they are not cached. Raises `KafkaUnavailableError`."""
    if (cached := cached_jars()) is not None:
        return cached
    maven = shutil.which("mvn")
    if maven is None:
        raise KafkaUnavailableError("no mvn on the PATH; install Maven, or copy a filled .cache/kafka here")
    target = _directory()
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".resolving-") as scratch:
        _resolve(maven, Path(scratch))
        if not target.is_dir():  # another run may have been faster
            (Path(scratch) / "jars").rename(target)
    return target


def _directory() -> Path:
    return _CACHE / hashlib.sha256(_POM.read_bytes()).hexdigest()[:16]


def _resolve(maven: str, scratch: Path) -> None:
    command = [
        maven,
        "--quiet",
        "--batch-mode",
        "-Daether.connector.connectTimeout=10000",
        "-Dmaven.wagon.http.connectionTimeout=10000",
        f"--file={_POM}",
        "dependency:copy-dependencies",
        f"-DoutputDirectory={scratch / 'jars'}",
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_MAVEN_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise KafkaUnavailableError(f"Maven did not bring Kafka's jars within {_MAVEN_SECONDS} s") from error
    if done.returncode != 0:
        said = "\n".join((done.stdout + done.stderr).strip().splitlines()[:10])
        raise KafkaUnavailableError(f"Maven could not bring Kafka's jars:\n{said}")
