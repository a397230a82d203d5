"""docs/metrics.md: every metric, from its declaration."""

from deploy.generated.notice import NOTICE
from streams.telemetry.metrics import CATALOGUE, OF_THE_PROCESS


def metrics_page() -> str:
    """Return the page's text."""
    lines = [
        "# Metrics\n",
        NOTICE,
        "Served at `/metrics`. No label holds a customer's id or anything that a stranger chooses.\n",
        "| Metric | Type | Unit | Labels | Meaning |",
        "|---|---|---|---|---|",
    ]
    for spec in CATALOGUE:
        labels = ", ".join(f"`{label}`" for label in spec.labels)
        lines.append(f"| `{spec.name}` | {spec.kind} | {spec.unit} | {labels} | {spec.meaning} |")
    lines += [
        "\nOf the process, by `prometheus_client`, on Linux:\n",
        "| Metric | Type | Unit | Meaning |",
        "|---|---|---|---|",
        *(f"| `{name}` | {kind} | {unit} | {meaning} |" for name, kind, unit, meaning in OF_THE_PROCESS),
    ]
    return "\n".join(lines) + "\n"
