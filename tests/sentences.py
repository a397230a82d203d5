"""Every sentence that an agent can read of a signal, as one table that a reviewer reads from top to bottom.

`python -m tests.sentences` writes `sentences.txt` anew; read the difference before it is committed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from streams.core.history import DAY, HOUR, Parameters
from streams.core.signals import SIGNALS, evidence
from streams.phrases import built_in_languages, load_phrases

REVIEWED: Final = Path(__file__).with_name("sentences.txt")
VALUES: Final = (0.0, 0.5, 1.0, 1.9, 2.0, 5.0, 120.0)
LEAST: Final = Parameters(
    horizon=DAY, repeat_within=DAY, silent_after=HOUR, short_abandon_seconds=0, high_ivr_steps=0
)
"""A policy whose numbers are as small as they may be: one day, one hour, no choice."""
NEXT: Final = Parameters(
    horizon=2 * DAY, repeat_within=2 * DAY, silent_after=2 * HOUR, short_abandon_seconds=0, high_ivr_steps=1
)
SHAPES: Final = {"the usual policy": Parameters(), "the least numbers": LEAST, "the next ones": NEXT}


def lines() -> Iterator[str]:
    """Yield the table: by signal, then by language, a line for each value, and for policies with other numbers."""
    phrases = load_phrases()
    for name in sorted(SIGNALS):
        yield ""
        yield name
        for language in built_in_languages():
            for shape, parameters in SHAPES.items():
                if shape != "the usual policy" and not SIGNALS[name].bounds(parameters):
                    continue
                values = VALUES if shape == "the usual policy" else (2.0,)
                for value in values:
                    said = evidence(name, value, parameters, phrases, language)
                    yield f"  {language} {value:>5g}  {said}" + (f"  [{shape}]" if len(values) == 1 else "")


def table() -> str:
    """Return the table as it is in the file."""
    head = "What an agent reads of each signal, by language and value. Reviewed by people: see tests/sentences.py."
    return "\n".join([head, *lines()]) + "\n"


if __name__ == "__main__":
    REVIEWED.write_text(table(), encoding="utf-8")
