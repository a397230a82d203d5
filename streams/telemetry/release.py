"""Which release of ours runs in this process. It must not look at what it runs on (`commands.info` does)."""

from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from streams.telemetry.metrics import Metrics


def version_of(package: str) -> str | None:
    """Return the version of a distribution; None where it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def core_is_compiled() -> bool:
    """Return whether the core is machine code here; it is not imported for that."""
    spec = find_spec("streams.core.engine")
    return spec is not None and spec.origin is not None and Path(spec.origin).suffix != ".py"


def tell_release(metrics: Metrics, *, policy: str = "", mode: str = "") -> None:
    """Set `behoudlijn_info`. `policy`: its label, with the digest; both empty for a worker that does not decide."""
    release = version_of("behoudlijn") or "not installed"
    metrics.info.labels(release, policy, mode, "yes" if core_is_compiled() else "no").set(1)
