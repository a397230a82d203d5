"""Files: of an event the later line counts, and `explain` tells of a customer what `backtest` decides, whatever the order of the lines."""

from itertools import chain

import orjson
from hypothesis import given, settings
from hypothesis import strategies as some

from streams.core.policy import Policy
from streams.core.published import Output
from streams.core.records import Decoded
from streams.files.backlog import Backlog
from streams.files.backtest import backtest
from streams.files.ndjson import Line
from streams.operations.explanation import from_files
from tests.builders import START, Partition, call, without_a_desk
from tests.property.core.histories import CUSTOMERS, POLICIES, Sketch, corrected
from tests.property.core.test_correction_properties import SPAN, roomy, winners

partitions = some.sampled_from([1, 8])
policies = some.sampled_from([without_a_desk(policy) for policy in POLICIES])
"""`explain` judges one customer, and knows no desk that chooses among all."""
Told = list[tuple[str, int, str, str]]


def in_files(history: list[Sketch], first: int) -> tuple[list[Decoded], list[Line]]:
    """The events and their lines, of which the `first` so many are in a file of their own."""
    events = [sketch.decoded(0)._replace(arrival=place) for place, sketch in enumerate(history)]
    values = [each.record.value or b"" for each in events]
    return events, [Line(f"file {place >= first}", place, value) for place, value in enumerate(values)]


@settings(max_examples=50)
@given(corrected(), policies, partitions, some.integers(0, 40))
def test_explain_tells_what_backtest_decides(
    history: list[Sketch], policy: Policy, partitions: int, first: int
) -> None:
    _, lines = in_files(history, first)
    decided: dict[str, Told] = {customer: [] for customer in CUSTOMERS}

    def published(output: Output) -> None:
        if output.kind == "trigger":
            body = orjson.loads(output.value)
            told = body["trigger_id"], body["sequence"], body["status"], body["status_reason"]
            decided[output.customer_id].append(told)

    backtest(lines, policy, partitions=partitions, outputs=published)
    for customer in CUSTOMERS:
        found = from_files(lines, policy, customer, partitions=partitions)
        told = [
            (each.trigger_id, each.sequence, each.status, each.status_reason)
            for each, _ in sorted(found.changes, key=lambda change: change.trigger.updated_at)
        ]
        assert set(decided[customer]) <= set(told)
        # `explain` goes on to the newest event of all, be it in another partition.
        assert partitions > 1 or len(told) == len(decided[customer])


@settings(max_examples=50)
@given(corrected(span=SPAN), roomy, partitions, some.integers(0, 40))
def test_of_a_file_the_later_line_counts(
    history: list[Sketch], policy: Policy, partitions: int, first: int
) -> None:
    events, lines = in_files(history, first)
    model = Partition(policy)
    model.feed(*winners(events))
    for customer in CUSTOMERS:
        expected = model.state(customer).facts if customer in model.states else []
        assert from_files(lines, policy, customer, partitions=partitions).state.facts == expected


def test_a_later_line_is_later_however_many_are_between() -> None:
    value = call(START, event_id="k").record.value or b""
    with Backlog(1) as backlog:
        for before in (0, 2**20 - 1, 2**20, 2**40):
            backlog._lines = before
            backlog.add(Line("file", before, value))
        arrivals = [each.arrival for each in chain.from_iterable(backlog.runs(0))]
    assert arrivals == sorted(set(arrivals))
