"""`python -m tests.benchmarks.pages [RESULTS]`: puts the figures of a run into the pages, between their marks.

Owns what stands between `<!-- measured: … -->` and `<!-- end -->`; the rest of a page is written by people.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from tests.benchmarks.kept import read
from tests.benchmarks.results import RESULTS
from tests.benchmarks.sizing import Plan, needs
from tests.soak import results as soak

Parts = dict[str, Callable[[dict[str, Any], str], str]]
"""What a part between marks becomes, by its name: of results, and of the name of their file."""
_DOCS: Final = Path(__file__).resolve().parents[2] / "docs"


def main(arguments: list[str]) -> int:
    """Fill every page that has marks; 1 when there are no results."""
    kept = (
        [Path(each) for each in arguments]
        or sorted(RESULTS.glob("*-full.json"))
        or sorted(RESULTS.glob("*-short.json"))
    )
    if not kept:
        print("pages: there are no results; run make bench first", file=sys.stderr)
        return 1
    _fill_all(read(kept[-1]), kept[-1], _PARTS)
    for path in sorted(RESULTS.glob("*-soak.json"))[-1:]:
        _fill_all(json.loads(path.read_text(encoding="utf-8")), path, SOAK)
    return 0


def _fill_all(results: dict[str, Any], path: Path, parts: Parts) -> None:
    for page in sorted(_DOCS.glob("*.md")):
        text = page.read_text(encoding="utf-8")
        filled = fill(text, results, path.name, parts)
        if filled != text:
            page.write_text(filled, encoding="utf-8")
            print(f"{page.name}: figures of {path.name}")


def fill(text: str, results: dict[str, Any], source: str, parts: Parts | None = None) -> str:
    """The page with its measured parts replaced."""
    for name, make in (_PARTS if parts is None else parts).items():
        begin, end = f"<!-- measured: {name} -->\n", "<!-- end -->"
        before, mark, rest = text.partition(begin)
        if mark:
            _, closing, after = rest.partition(end)
            if not closing:
                raise ValueError(f"a page has {begin.strip()} without {end}")
            text = f"{before}{begin}{make(results, source)}\n{end}{after}"
    return text


def _head(results: dict[str, Any], source: str) -> str:
    machine, about = results["machine"], results["workload"]
    quantiles = ", ".join(f"{float(share):.0%} {facts}" for share, facts in about["facts_quantiles"].items())
    return (
        f"`{source}`: {machine['processor']}, {machine['cores']} cores, {machine['memory_gib']:g} GiB, commit "
        f"{results['versions']['behoudlijn']}; {about['events']:,} events of {about['bytes_per_event']:.0f} bytes, "
        f"{about['customers_warm']:,} customers warm with {about['facts_mean']} facts in the mean, the top 1% of "
        f"customers making {about['top_1_percent_share_of_calls']:.0%} of the calls. Facts a customer, by quantile: {quantiles}.\n"
    )


def _table(results: dict[str, Any], source: str) -> str:
    lines = [
        _head(results, source),
        "| row | unit | min | median | max | what |",
        "|---|---|---:|---:|---:|---|",
    ]
    for name, row in results["rows"].items():
        figures = " | ".join(_figure(row[key]) for key in ("min", "median", "max"))
        lines.append(f"| {name} | {row['unit']} | {figures} | {row['note']} |")
    lines += ["", "| target | bound | value | |", "|---|---|---:|---|"]
    for target in results["targets"]:
        value = "" if target["value"] is None else f"{target['value']:.2f}"
        lines.append(f"| {target['says']} | {target['bound']} | {value} | {target['verdict']} |")
    return "\n".join(lines) + "\n"


def _scaling(results: dict[str, Any], source: str) -> str:
    plan = Plan()
    lines = [
        _head(results, source),
        f"| {plan.customers:,} customers, {plan.events_per_second:,.0f} events/s | | |",
        "|---|---:|---|",
    ]
    lines += [f"| {need.what} | {need.value} | {need.how} |" for need in needs(results, plan)]
    return "\n".join(lines) + "\n"


def _scale_out(results: dict[str, Any], source: str) -> str:
    lines = [f"`{source}`:\n", "| workers | events/s together | |", "|---:|---:|---|"]
    for name, row in results["rows"].items():
        if name.startswith("workers "):
            lines.append(f"| {name.removeprefix('workers ')} | {_figure(row['median'])} | {row['note']} |")
    return "\n".join(lines) + "\n"


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.2f}"


_PARTS: Final[Parts] = {
    "table": _table,
    "scaling": _scaling,
    "scale-out": _scale_out,
}

SOAK: Final[Parts] = {"soak": soak.table}
"""Of a results file of `make soak`."""

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
