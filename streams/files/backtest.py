"""Backtest: what would have fired. Files of events go through the same merge and the same core as in production.

A complete backlog gives the same triggers here and in the worker, id for id. Memory holds the states of one partition's customers, of all
where the policy has a desk, a few numbers for each customer who was flagged and for each cancellation, and no more for more events.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from statistics import median
from typing import Any, Final, NamedTuple, Self

import orjson

from schemas import topics
from schemas.cancellation import CancellationEvent
from schemas.instants import from_text
from schemas.revisions import revision_of
from streams.core.decode import AS_USUAL, Reading
from streams.core.engine import Clock, process_batch
from streams.core.erasure import IN_FILES
from streams.core.policy import Policy
from streams.core.published import Output
from streams.core.records import Decoded
from streams.core.release.plan import ReleaseRules
from streams.core.wording import CODES, Wording
from streams.files.backlog import PARTITIONS, Backlog
from streams.files.census import Census, Counting
from streams.files.garbage import seldom_collected
from streams.files.ndjson import NO_TIME, Line
from streams.files.numbers import Numbers
from streams.files.released import Release, Releases, Turns, rules_of
from streams.files.spill import MOST_BYTES

DAY_MS = 86_400_000
CANCELLED = ("requested", "confirmed")
_NEVER: Final = 2**62


@dataclass(frozen=True, slots=True)
class Summary:
    """What a backtest found. Shares are 0-1; none where there is nothing to divide by."""

    events: int
    rejected: int
    customers: int
    triggers: int
    flagged_customers: int
    """Customers with a trigger, but for those first flagged at or after their cancellation: that forecasts nothing."""
    cancelled_customers: int
    """Customers with a cancellation of the whole relation requested or confirmed."""
    flagged_and_cancelled: int
    """Flagged before they cancelled."""
    precision: float | None
    recall: float | None
    lift: float | None
    median_lead_days: float | None
    releases: Releases | None = None
    """None where the policy has no desk."""

    def as_json(self) -> dict[str, Any]:
        """Return the object of `--summary-json`."""
        figures = asdict(self)
        del figures["releases"]
        return figures | ({} if self.releases is None else self.releases.as_json())


class Backtest(NamedTuple):
    """What a policy would have done, and what the events were."""

    summary: Summary
    census: Census


def backtest(
    lines: Iterable[Line],
    policy: Policy,
    *,
    partitions: int = PARTITIONS,
    as_of: int = NO_TIME,
    max_batch: int = 2_000,
    reading: Reading = AS_USUAL,
    wording: Wording = CODES,
    most_bytes: int = MOST_BYTES,
    progress: Callable[[int], None] | None = None,
    outputs: Callable[[Output], None] | None = None,
    states: Callable[[int, dict[str, bytes]], None] | None = None,
    rules: ReleaseRules | None = None,
    releases: Callable[[Release], None] | None = None,
) -> Backtest:
    """Judge the events of `lines` by `policy`, as they would have been judged then.

    `as_of` (ms) stands for the ingestion time; -1 leaves the check for events of the future out. More than `most_bytes` of lines go
    into a temporary file. `wording` tells the evidence. `progress` gets counts of events.
    `outputs` gets what is published, partition by partition in order of decision; `states` each partition with the states at its end,
    and with the markers of customers whom the files erase. Where the policy has a `release`, its desk has its turn after each event
    (`released`), by `rules` if they are given, and `outputs` gets all partitions in order of decision; `releases` gets each candidate once
    it is over, and in the end those that are not. Raises SpillError.
    """
    rules = rules or rules_of(policy)
    with (
        Counting() as counting,
        Backlog(partitions, as_of, most_bytes, counting.add, reading) as backlog,
        _Tally() as tally,
        seldom_collected(),
    ):
        for line in lines:
            backlog.add(line)

        def judged(micro_batch: Sequence[Decoded], decisions: Sequence[Output]) -> None:
            tally.add(micro_batch, decisions)
            if outputs is not None:
                for output in decisions:
                    outputs(output)
            if progress is not None:
                progress(len(micro_batch))

        if rules is None:
            for partition in range(partitions):
                known: dict[str, bytes] = {}
                for micro_batch, decisions in decided(
                    backlog, partition, policy, known, Clock(), wording=wording, max_batch=max_batch
                ):
                    judged(micro_batch, decisions)
                if states is not None:
                    states(partition, known)
        else:
            tally.releases = Releases()

            def over(release: Release) -> None:
                assert tally.releases is not None
                tally.releases.add(release)
                if releases is not None:
                    releases(release)

            turns = Turns(backlog, policy, rules, judged, over, wording=wording, max_batch=max_batch)
            turns.run()
            if states is not None:
                for side in turns.sides:
                    states(side.number, side.known)
        census = counting.census()
        return Backtest(tally.summary(census), census)


def decided(
    backlog: Backlog,
    partition: int,
    policy: Policy,
    known: dict[str, bytes],
    clock: Clock,
    *,
    wording: Wording = CODES,
    max_batch: int = 2_000,
    until: int = NO_TIME,
) -> Iterator[tuple[list[Decoded], list[Output]]]:
    """Yield the micro-batches of one partition, each with what is published; `known` holds the states, and changes.

    `until` (ms): let time pass up to there at last; -1 for no such time. Raises SpillError.
    """
    for micro_batch in chain(backlog.runs(partition, max_batch), [[]] if until >= 0 else []):
        end = None if micro_batch else until
        result = process_batch(
            micro_batch, known, policy, clock, advance_to=end, erasure=IN_FILES, wording=wording
        )
        for customer, data in result.states.items():
            if data is None:
                del known[customer]
            else:
                known[customer] = data
        yield micro_batch, result.outputs


class _Tally:
    """Who cancelled and who was flagged, and when: apart from what the core keeps of them."""

    def __init__(self) -> None:
        self._steps: dict[str, dict[str, tuple[int, int, int]]] = {}
        """By customer and event the version of it that counts, and when the customer cancelled by it."""
        self._flagged: dict[str, int] = {}
        self._triggers = Numbers()
        self.releases: Releases | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._triggers.close()

    def add(self, micro_batch: Iterable[Decoded], outputs: Iterable[Output]) -> None:
        for decoded in micro_batch:
            if decoded.record.topic != topics.CANCELLATIONS or decoded.anonymous:
                continue
            event = decoded.event
            if isinstance(event, CancellationEvent) and event.customer_id:
                at = decoded.at if event.stage in CANCELLED and event.whole_relation else _NEVER
                step = revision_of(event.revised_at), decoded.arrival, at
                steps = self._steps.setdefault(event.customer_id, {})
                steps[event.event_id] = max(step, steps.get(event.event_id, step))
        for output in outputs:
            if output.kind == "trigger":
                trigger = orjson.loads(output.value)
                self._triggers.add(hash(trigger["trigger_id"]))
                self._flagged.setdefault(trigger["customer_id"], from_text(trigger["created_at"]))

    def summary(self, census: Census) -> Summary:
        firsts = {customer: min(at for *_, at in steps.values()) for customer, steps in self._steps.items()}
        left = {customer: at for customer, at in firsts.items() if at < _NEVER}
        first = {c: at for c, at in self._flagged.items() if c not in left or at < left[c]}
        lead = [left[c] - at for c, at in first.items() if c in left]
        precision = len(lead) / len(first) if first else None
        base = len(left) / census.customers if census.customers else 0.0
        return Summary(
            census.lines,
            census.rejected,
            census.customers,
            self._triggers.different(),
            len(first),
            len(left),
            len(lead),
            precision,
            len(lead) / len(left) if left else None,
            precision / base if precision is not None and base else None,
            median(lead) / DAY_MS if lead else None,
            self.releases,
        )
