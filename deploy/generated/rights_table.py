"""The table in docs/security.md of what each worker may do, from the rights that `behoudlijn topics acls` grants."""

from streams.cluster.rights import signals_rights, sink_rights
from streams.settings import Settings


def rights_table() -> str:
    """Return the table: a row for each topic and group, of an installation without a prefix."""
    signals, sink = signals_rights(Settings()), sink_rights(Settings())
    lines = ["| resource | name | signals worker | sink worker |", "|---|---|---|---|"]
    for resource, name in dict.fromkeys((right.resource, right.name) for right in (*signals, *sink)):
        cells = [
            ", ".join(right.operation for right in rights if (right.resource, right.name) == (resource, name))
            for rights in (signals, sink)
        ]
        lines.append(f"| {resource} | `{name}` | {cells[0]} | {cells[1]} |")
    return "\n".join(lines) + "\n"
