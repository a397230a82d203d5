"""docs/alerts.md: what each alert means and what to do, from the rules that Prometheus reads."""

import re
from pathlib import Path
from typing import Any, Final

import yaml

from deploy.generated.notice import NOTICE

RULES: Final = Path(__file__).parents[1] / "prometheus" / "behoudlijn.rules.yml"


def alerts_page() -> str:
    """Return the page's text."""
    rules = [
        rule
        for group in yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
        for rule in group["rules"]
    ]
    lines = [
        "# Alerts\n",
        NOTICE,
        "From `deploy/prometheus/behoudlijn.rules.yml`, which `make rules` tests. A `page` is for somebody to get up for, a `ticket` for",
        "working hours. Where an alert gives a figure there is … here, and a label in capitals where it gives the label's value.",
    ]
    for rule in rules:
        if "alert" in rule:
            lines += _alert(rule)
    lines += [
        "\n## Recorded series\n",
        "What the conditions above, and the dashboard, read instead of metrics.",
    ]
    for rule in rules:
        if "record" in rule:
            lines += [f"\n`{rule['record']}`\n", *_condition(rule)]
    return "\n".join(lines) + "\n"


def _alert(rule: dict[str, Any]) -> list[str]:
    lasting = f"after {rule['for']}" if "for" in rule else "at once"
    said, action = (_readable(rule["annotations"][part]) for part in ("summary", "action"))
    said += "" if said.endswith("…") else "."
    return [
        f"\n## {rule['alert']}\n",
        f"`{rule['labels']['severity']}`, {lasting}: {said}\n",
        *_condition(rule),
        f"\n**What to do.** {action} More in the [runbook](runbook.md#{rule['alert'].lower()}).",
    ]


def _condition(rule: dict[str, Any]) -> list[str]:
    return ["```promql", rule["expr"].rstrip(), "```"]


def _readable(template: str) -> str:
    """Return a text of an alert without what Prometheus fills in."""
    text = re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda found: found[1].upper(), template)
    return re.sub(r"\{\{ \$value[^}]*\}\}", "…", text)
