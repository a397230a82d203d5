"""The table in docs/policies.md of the signals that a policy can weigh, from what each says of itself."""

from streams.core.history import Parameters
from streams.core.signals import SIGNALS, evidence
from streams.phrases import built_in_languages, load_phrases

_SHOWN = 3.0


def signals_table() -> str:
    """Return the table: a row for each signal, by name, with its sentence in each packaged language."""
    phrases, languages = load_phrases(), built_in_languages()
    lines = [
        f"| signal | what it measures | {' | '.join(f'`{each}`' for each in languages)} |",
        f"|---|---|{'---|' * len(languages)}",
    ]
    for name, signal in sorted(SIGNALS.items()):
        meaning, _, _ = (signal.measure.__doc__ or "").partition("\n\n")
        told = [evidence(name, _SHOWN, Parameters(), phrases, each) for each in languages]
        lines.append(f"| `{name}` | {' '.join(meaning.split())} | {' | '.join(told)} |")
    return "\n".join(lines) + "\n"
