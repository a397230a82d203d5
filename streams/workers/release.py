"""Which release of ours runs in this process, as metrics tell it. It must not look at other packages (`commands.info` does)."""

from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from streams.telemetry.metrics import Metrics


def tell_release(metrics: Metrics, *, policy: str = "", mode: str = "") -> None:
    """Set `behoudlijn_info`. `policy`: its label, with the digest; both empty for a worker that does not decide."""
    try:
        release = version("behoudlijn")
    except PackageNotFoundError:
        release = "not installed"
    spec = find_spec("streams.core.engine")
    compiled = spec is not None and spec.origin is not None and Path(spec.origin).suffix != ".py"
    metrics.info.labels(release, policy, mode, "yes" if compiled else "no").set(1)
