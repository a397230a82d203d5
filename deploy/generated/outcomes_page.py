"""docs/outcomes.md: what a dialer may report of an attempt, and what each word of it leads to, from the tables of the schemas."""

from deploy.generated.notice import NOTICE
from schemas.dispositions import DISPOSITION_RULES, NEXT, RESULT_RULES, ResultRules


def outcomes_page() -> str:
    """Return the page's text."""
    lines = [
        "# Outcomes\n",
        NOTICE,
        "A dialer reports what came of each attempt on `callback.outcomes`: how it ended (`disposition`), and what the customer said (`result`).",
        "Both tables are `schemas/dispositions.py`; the pipeline, the simulated dialer and the reports read them there.\n",
        "## Dispositions\n",
        "*Reached*: the right party was spoken to, so that the callback is given: an open episode ends, and the customer has a rest from",
        "calls. *Attempt*: it counts as one, in `v_daily_outcomes` and `v_episodes` too. *Final*: no further attempt.\n",
        "| disposition | | reached | attempt | final | what comes next |",
        "|---|---|---|---|---|---|",
    ]
    for name, rules in DISPOSITION_RULES.items():
        marks = " | ".join("yes" if each else "" for each in (rules.reached, rules.attempt, rules.final))
        lines.append(f"| `{name}` | {rules.meaning} | {marks} | `{rules.next}` |")
    lines += [
        "\nWhat comes next is the dialer's to do:\n",
        "| next | |",
        "|---|---|",
        *(f"| `{name}` | {meaning} |" for name, meaning in NEXT.items()),
        "\n## Results\n",
        "A result counts where the customer was reached; of any other attempt it says nothing.\n",
        "| result | | signal | ground to call again |",
        "|---|---|---|---|",
    ]
    for result, said in RESULT_RULES.items():
        ground = "once the rest is over" if said.left_open else ""
        lines.append(f"| `{result}` | {said.meaning} | {_signal(said)} | {ground} |")
    lines += [
        "\nThe last talk counts: a later one that leaves nothing open takes the ground away. An outcome that is sent again with another result",
        "takes back what the first one said.\n",
        "## Times\n",
        "`occurred_at` is when the attempt ended. `started_at`, if given, is when the call was placed; `callback_at`, of `CALLBACK_LATER` only,",
        "when the customer wants to be called instead. Both are kept in ClickHouse and change no decision yet.",
    ]
    return "\n".join(lines) + "\n"


def _signal(said: ResultRules) -> str:
    if said.settled:
        return "`recovered`"
    if said.unsettled:
        return "`unresolved_callback`"
    return "`will_leave_said`" if said.leaving else ""
