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
    results = {
        n: backtest(lines, load_policy("four-unresolved-calls"), partitions=n, max_batch=size)
        for n, size in ((1, 2_000), (8, 77))
    }
    for result in results.values():
        found = result.summary
        assert (found.customers, found.rejected) == (5_000, 0)
        assert (found.flagged_customers, found.flagged_and_cancelled, found.cancelled_customers) == (
            399,
            201,
            707,
        )
    one, eight = (
        {output.value for output in result.outputs if output.kind == "trigger"} for result in results.values()
    )
    assert one == eight
