"""The table in docs/policies.md of the signals that a policy can weigh, from what each says of itself."""

from streams.core.signals import SIGNALS


def signals_table() -> str:
    """Return the table: a row for each signal, by name."""
    lines = ["| signal | what it measures | what an agent reads |", "|---|---|---|"]
    for name, signal in sorted(SIGNALS.items()):
        meaning, _, _ = (signal.measure.__doc__ or "").partition("\n\n")
        lines.append(f"| `{name}` | {' '.join(meaning.split())} | {signal.evidence.format(value=3.0)} |")
    return "\n".join(lines) + "\n"
