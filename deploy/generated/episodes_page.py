"""docs/episodes.md: the purposes of a callback, what ends an episode, and who is barred, from the core's tables."""

from deploy.generated.notice import NOTICE
from streams.core.barred import BARS
from streams.core.purposes import ENDINGS, PURPOSES
from streams.core.steps import MOST_CONTRACTS


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
        "\n## Who is barred, and for how long\n",
        "While one of these holds, nothing opens and what is open ends; what was asked meanwhile is looked at when it is lifted. The table is",
        "`streams/core/barred.py`. Times are those of the events, whatever the order in which they become known. At one and the same time the bar",
        "holds.\n",
        "| bar | cause | raised by | lifted by |",
        "|---|---|---|---|",
    ]
    lines += [f"| {bar.word} | `{bar.cause}` | {bar.raised} | {bar.lifted} |" for bar in BARS]
    lines.append(_CONTRACTS)
    lines += [
        "\n## When a customer may be called\n",
        "Each record of an open episode says it in `callable`: windows in UTC, `[[from, until], …]`, `until` not included, in order and",
        "apart, the first 14 up to `expires_at`. In each of them every time zone that the customer may be in is open for the purpose",
        "([calling hours](policies.md#calling-hours)). A dialer makes every attempt within one, later ones too; without a window nobody is",
        "to be called. An upgrade brings windows of its own, which take the place of those before; the record of an end repeats the last.",
        "Episodes that 0.2 or before opened have no `callable`, up to their end: there `not_before` is all that is known.",
    ]
    return "\n".join(lines) + "\n"


_CONTRACTS = f"""
A correction that takes the event back lifts what it raised, but for an outcome `DO_NOT_CALL`: that holds in whichever version it stands. An
erasure takes everything away.

A profile stands whole until a later one replaces it, so `customer_since` and `consented_at` lift a bar for as long as the profile says them.
Neither counts as later than the profile itself: nobody agrees in advance.

### Several contracts

A cancellation is about the whole relation unless `whole_relation` is false; then it is about `contract_id`, or about a contract without a name.

- `confirmed` of one contract bars nobody. An open `save` episode that was opened by the request for it ends (`contract_ended`), and a request
  for another contract opens the next.
- Of one contract the latest step counts, by event time; of two at one time the later of `requested`, `withdrawn`, `confirmed`, `reinstated`.
  The end of the whole relation is final until it is lifted, whatever is requested or withdrawn after it; what was requested before it is over.
- A step of the whole relation is one of each contract: what was asked of a contract before it is over.
- The ground of `save`, and the signal `cancellation_requested`, is the newest request that stands, over all contracts. Requests at one time are
  served by one episode, which goes on while one of them stands.
- The {MOST_CONTRACTS} contracts with the newest steps are remembered. A contract is known by 24 bits of its name's digest, and its end to the
  minute."""
