"""docs/episodes.md: the purposes of a callback and what ends an episode, from the core's two tables."""

from deploy.generated.notice import NOTICE
from streams.core.purposes import ENDINGS, PURPOSES


def episodes_page() -> str:
    """Return the page's text."""
    special = [cause for rules in PURPOSES.values() for cause in rules.ends]
    lines = [
        "# Episodes\n",
        NOTICE,
        "At most one episode is open a customer. It opens by the strongest ground that has not been served; a stronger purpose takes it",
        "over under the same id; and it ends once, for good, by the first cause that holds. Both tables are `streams/core/purposes.py`.\n",
        "```mermaid",
        "stateDiagram-v2",
        "    [*] --> open: the strongest ground that was not served",
        "    open --> open: a stronger purpose, same id, next sequence",
        "    [*] --> expired: known too late",
    ]
    for status in dict.fromkeys(ending.status for ending in ENDINGS.values()):
        causes = ", ".join(cause for cause, ending in ENDINGS.items() if ending.status == status)
        lines += [f"    open --> {status}: {causes}", f"    {status} --> [*]"]
    lines += [
        "```\n",
        "## Purposes\n",
        "From the strongest to the weakest. No policy opens an `incident` yet.\n",
        "| purpose | strength | ground | served register | reason code | consent basis | latest moment | ended also by |",
        "|---|---:|---|---|---|---|---|---|",
    ]
    for purpose, rules in PURPOSES.items():
        ends = ", ".join(f"`{cause}`" for cause in rules.ends)
        reason = f"`{rules.reason}`" if rules.reason else "the signal's or rule's"
        cap = "the policy's, and the cancellation's own date" if rules.cap else "the policy's"
        lines.append(
            f"| `{purpose}` | {rules.strength} | {rules.ground.meaning} | `{rules.ground.served}` | {reason} | `{rules.basis}` "
            f"| {cap} | {ends} |"
        )
    lines += [
        "\n## What ends an episode\n",
        "Asked in this order; an ended episode stays ended.\n",
        "| cause | of | status | status reason | |",
        "|---|---|---|---|---|",
    ]
    for cause, ending in ENDINGS.items():
        of = (
            [f"`{purpose}`" for purpose, rules in PURPOSES.items() if cause in rules.ends]
            if cause in special
            else ["every purpose"]
        )
        lines.append(
            f"| `{cause}` | {', '.join(of)} | `{ending.status}` | `{ending.reason}` | {ending.meaning} |"
        )
    lines += [
        "\n## When a customer may be called\n",
        "Each record of an open episode says it in `callable`: windows in UTC, `[[from, until], …]`, `until` not included, in order and",
        "apart, the first 14 up to `expires_at`. In each of them every time zone that the customer may be in is open for the purpose",
        "([calling hours](policies.md#calling-hours)). A dialer makes every attempt within one, later ones too; without a window nobody is",
        "to be called. An upgrade brings windows of its own, which take the place of those before; the record of an end repeats the last.",
        "Episodes that 0.2 or before opened have no `callable`, up to their end: there `not_before` is all that is known.",
    ]
    return "\n".join(lines) + "\n"
