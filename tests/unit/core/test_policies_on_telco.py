"""The plain rule on a public data set gives, through the real core, the counts that are known of that set."""

from pathlib import Path

from streams.files.backtest import backtest
from streams.files.ndjson import Line
from streams.policies import load_policy
from tests.converted import converted

DATA = Path(__file__).parents[2] / "data" / "churn.all.gz"


def telco() -> list[Line]:
    events = converted("telco-churn", str(DATA))
    return [Line(DATA.name, number, line) for number, line in enumerate(events, 1)]


def test_four_unresolved_calls_flag_399_customers_of_whom_201_left_of_707() -> None:
    lines = telco()
    triggers: dict[int, set[bytes]] = {}
    for partitions, size in ((1, 2_000), (8, 77)):
        ours = triggers.setdefault(partitions, set())
        found = backtest(
            lines,
            load_policy("four-unresolved-calls"),
            partitions=partitions,
            max_batch=size,
            outputs=lambda output, ours=ours: ours.add(output.value) if output.kind == "trigger" else None,
        ).summary
        assert (found.customers, found.rejected) == (5_000, 0)
        assert (found.flagged_customers, found.flagged_and_cancelled, found.cancelled_customers) == (
            399,
            201,
            707,
        )
    assert triggers[1] == triggers[8]
