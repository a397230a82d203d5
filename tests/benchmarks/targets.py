"""The targets, as ratios within one run. Owns what they are and how each ratio is made; it measures nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from tests.benchmarks.results import Results


class Target(NamedTuple):
    """A bound on a ratio (or on a figure with its unit), and in `aim` what would be good."""

    name: str
    says: str
    at_least: float | None = None
    at_most: float | None = None
    aim: float | None = None

    def verdict(self, value: float | None) -> str:
        """`met`, `not met`, or `not measured`."""
        if value is None:
            return "not measured"
        enough = self.at_least is None or value >= self.at_least
        little = self.at_most is None or value <= self.at_most
        return "met" if enough and little else "not met"


READING: Final = "aiokafka + pydantic"
"""The row of what reading and validating alone takes, with the client that we use."""

TARGETS: Final = (
    Target("ours_to_ideal", "ours / (1/(1/(aiokafka + pydantic) + 1/core + 1/changelog))", at_least=0.8),
    Target("core_to_aiokafka_pydantic", "core / (aiokafka + pydantic)", at_least=0.4),
    Target("ours_to_faust", "ours / plain Faust", at_least=5.0, aim=10.0),
    Target("ours_to_bytewax", "ours / bytewax", at_least=1.0, aim=2.0),
    Target("ours_to_quixstreams", "ours / quixstreams", at_least=1.0, aim=2.0),
    Target("latency_p99_half_ms", "p99 in ms, event to trigger, at half rate", at_most=100.0, aim=50.0),
    Target("sink_to_ideal", "sink / (1/(1/(aiokafka + pydantic) + 1/insert))", at_least=0.7),
    Target("recovery_to_plain_read", "recovery / plain read of the changelog", at_least=0.4),
    Target("memory_kb_per_customer", "resident KB a customer", at_most=1.5),
    Target("largest_to_smallest", "throughput at the most customers / at the fewest", at_least=0.8),
    Target("backtest_to_core", "backtest / core with decoder", at_least=0.6),
    Target("convert_to_csv", "convert / csv.reader with orjson.dumps", at_least=0.3),
    Target("convert_mib", "MiB that convert takes at most, many lines", at_most=500.0),
    Target("convert_many_to_few_lines", "memory of convert, many lines / few", at_most=1.25),
    Target("backtest_mib", "MiB that backtest takes at most, many lines", at_most=500.0),
    Target("check_mib", "MiB that check takes at most, many lines", at_most=500.0),
    Target("backtest_many_to_few_lines", "memory of backtest, many lines / few", at_most=1.25),
    Target("check_many_to_few_lines", "memory of check, many lines / few", at_most=1.25),
)


def harmonic(*rates: float) -> float:
    """The rate of doing one after another: 1 / (1/a + 1/b + ...)."""
    return 1.0 / sum(1.0 / rate for rate in rates)


def judge(results: Results, smallest: int, largest: int) -> None:
    """Work out the ratios from the medians and write them, with the verdicts, into the results."""
    ratios = {name: value for name, make in _RATIOS.items() if (value := _made(make, results)) is not None}
    few, many = results.median(f"customers {smallest:,}"), results.median(f"customers {largest:,}")
    if few and many:
        ratios["largest_to_smallest"] = many / few
    results.ratios = ratios
    results.targets = [
        {
            "name": target.name,
            "says": target.says,
            "bound": f">= {target.at_least:g}" if target.at_least is not None else f"<= {target.at_most:g}",
            "aim": target.aim,
            "value": ratios.get(target.name),
            "verdict": target.verdict(ratios.get(target.name)),
        }
        for target in TARGETS
    ]


def _made(make: Callable[[Any], float], results: Results) -> float | None:
    def median(name: str) -> float:
        value = results.median(name)
        if value is None:
            raise LookupError(name)
        return value

    try:
        return make(median)
    except LookupError:
        return None


_RATIOS: Final[dict[str, Callable[[Callable[[str], float]], float]]] = {
    "ours_to_ideal": lambda m: m("ours") / harmonic(m(READING), m("core"), m("changelog")),
    "core_to_aiokafka_pydantic": lambda m: m("core") / m(READING),
    "ours_not_compiled_to_ours": lambda m: m("ours, not compiled") / m("ours"),
    "ours_to_faust": lambda m: m("ours") / m("faust"),
    "ours_to_bytewax": lambda m: m("ours") / m("bytewax"),
    "ours_to_quixstreams": lambda m: m("ours") / m("quixstreams"),
    "latency_p99_half_ms": lambda m: m("latency ours 1/2 p99"),
    "sink_to_ideal": lambda m: m("sink") / harmonic(m(READING), m("insert")),
    "recovery_to_plain_read": lambda m: m("recovery plain read") / m("recovery ours"),
    "recovery_with_start_to_plain_read": lambda m: m("recovery plain read") / m("recovery start to ready"),
    "memory_kb_per_customer": lambda m: m("memory per customer"),
    "backtest_to_core": lambda m: m("backtest") / m("core with decoder"),
    "convert_to_csv": lambda m: m("convert") / m("csv to JSON"),
    "convert_mib": lambda m: m("convert, many lines: memory"),
    "convert_many_to_few_lines": lambda m: m("convert, many lines: memory") / m("convert, few lines: memory"),
    "backtest_mib": lambda m: m("backtest, many lines: memory"),
    "check_mib": lambda m: m("check, many lines: memory"),
    "backtest_many_to_few_lines": lambda m: (
        m("backtest, many lines: memory") / m("backtest, few lines: memory")
    ),
    "check_many_to_few_lines": lambda m: m("check, many lines: memory") / m("check, few lines: memory"),
    "two_workers_to_one": lambda m: m("workers 2") / m("workers 1"),
    "four_workers_to_one": lambda m: m("workers 4") / m("workers 1"),
}
