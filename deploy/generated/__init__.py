"""Every file, or part of one, that is made from code: `make generated` writes them, a test says which is stale.

Owns the list and the writing. Nothing that runs may import it; figures of benchmarks are none of these (`make bench-pages`).
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from deploy.generated import grants
from deploy.generated.alerts_page import alerts_page
from deploy.generated.clickhouse_errors_page import clickhouse_errors_page
from deploy.generated.clickhouse_page import clickhouse_page
from deploy.generated.commands_page import commands_page
from deploy.generated.episodes_page import episodes_page
from deploy.generated.limits import limits
from deploy.generated.mapping_keys import mapping_keys
from deploy.generated.metrics_page import metrics_page
from deploy.generated.outcomes_page import outcomes_page
from deploy.generated.rights_table import rights_table
from deploy.generated.settings_page import settings_page
from deploy.generated.signals_table import signals_table
from deploy.grafana.dashboard import rendered

ROOT: Final = Path(__file__).resolve().parents[2]

FILES: Final[dict[str, Callable[[], str]]] = {
    "deploy/grafana/dashboards/behoudlijn.json": rendered,
    "docs/alerts.md": alerts_page,
    "docs/clickhouse-errors.md": clickhouse_errors_page,
    "docs/clickhouse.md": clickhouse_page,
    "docs/commands.md": commands_page,
    "docs/episodes.md": episodes_page,
    "docs/metrics.md": metrics_page,
    "docs/outcomes.md": outcomes_page,
    "docs/settings.md": settings_page,
}
"""Whole files, by their path from the root of the repository."""

PARTS: Final[dict[str, dict[str, Callable[[], str]]]] = {
    "deploy/clickhouse/users.xml": {
        "grants": grants.of_sink,
        "grants of readers": grants.of_readers,
        "grants of comments": grants.of_comments,
    },
    "deploy/embedded/clickhouse/engine.xml": {"limits": limits},
    "docs/mappings.md": {"keys": mapping_keys},
    "docs/policies.md": {"signals": signals_table},
    "docs/security.md": {"rights": rights_table},
}
"""Files written by people, with the parts between `<!-- generated: NAME -->` and `<!-- end -->`."""


def contents(root: Path = ROOT) -> dict[str, str]:
    """Return what every file must hold, by its path. Raises ValueError for a page without the marks of its part."""
    made = {path: make() for path, make in FILES.items()}
    for path, parts in PARTS.items():
        made[path] = (root / path).read_text(encoding="utf-8")
        for name, make in parts.items():
            made[path] = filled(made[path], name, make())
    return made


def filled(page: str, name: str, part: str) -> str:
    """Return the page with its generated part replaced. Raises ValueError when it lacks the marks."""
    begin, end = f"<!-- generated: {name} -->\n", "<!-- end -->\n"
    before, opening, rest = page.partition(begin)
    _, closing, after = rest.partition(end)
    if not opening or not closing:
        raise ValueError(f"a page lacks {begin.strip()} or {end.strip()} after it")
    return f"{before}{begin}{part}{end}{after}"


def stale(root: Path = ROOT) -> list[str]:
    """Return the files that do not hold what they must."""
    return [path for path, text in contents(root).items() if _held(root / path) != text]


def write(root: Path = ROOT) -> list[str]:
    """Write the files that are stale; returns their paths."""
    made, written = contents(root), stale(root)
    for path in written:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(made[path], encoding="utf-8")
    return written


def _held(file: Path) -> str | None:
    return file.read_text(encoding="utf-8") if file.exists() else None
