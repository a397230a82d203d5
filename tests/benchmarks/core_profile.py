"""How fast the core alone is on the simulated quarter, beside validating the same bytes; and where its time goes.

    taskset -c 1 .venv/bin/python -m tests.benchmarks.core_profile --customers 20000 [--policy NAME] [--profile]

Run by run of 2,000 records the core and pydantic take turns, in processor time, so that a busy machine slows both: read
the ratio. It counts the judgements too, since what the core leaves out is what makes it fast. No test asserts on it.
"""

import argparse
import cProfile
import gc
import hashlib
import pstats
from collections.abc import Iterator
from time import process_time

from streams.core import engine
from streams.core.decode import model_of
from streams.files.ndjson import Line
from streams.policies import load_policy
from streams.simulate import SimulationSettings, simulate
from tests.plain_backlog import queues_of, runs_of


def lines(customers: int, seed: int) -> Iterator[Line]:
    """The simulated quarter as lines of a file."""
    records = simulate(SimulationSettings(customers=customers, seed=seed)).records
    return (Line("simulated", number, record.value) for number, record in enumerate(records, 1))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--policy", default="default")
    parser.add_argument(
        "--profile", action="store_true", help="print the functions that take longest instead"
    )
    options = parser.parse_args()
    policy = load_policy(options.policy)
    runs = list(runs_of(queues_of(lines(options.customers, options.seed), 1)[0]))
    judged = 0
    decide = vars(engine)["decide"]

    def counted(*arguments: object) -> object:
        nonlocal judged
        judged += 1
        return decide(*arguments)

    vars(engine)["decide"] = counted
    gc.collect()
    gc.freeze()
    gc.disable()
    profile = cProfile.Profile()
    states: dict[str, bytes] = {}
    clock = engine.Clock()
    core = validation = 0.0
    said = hashlib.sha256()
    for run in runs:
        began = process_time()
        if options.profile:
            profile.enable()
        result = engine.process_batch(run, states, policy, clock)
        profile.disable()
        core += process_time() - began
        for customer, data in result.states.items():
            if data is None:
                del states[customer]
            else:
                states[customer] = data
        for output in result.outputs:
            said.update(output.value)
        began = process_time()
        for each in run:
            model_of(each.record.topic).__pydantic_validator__.validate_json(each.record.value or b"")
        validation += process_time() - began
    events = sum(map(len, runs))
    # Compiled code does not ask the module for `decide`, so there they cannot be counted.
    counted_as = judged if engine.__file__.endswith(".py") else "not counted (compiled)"
    print(f"events {events}  judgements {counted_as}  outputs {said.hexdigest()[:16]}")
    print(
        f"core {core / events * 1e6:.1f} µs  validation {validation / events * 1e6:.1f} µs  ratio {validation / core:.3f}"
    )
    if options.profile:
        pstats.Stats(profile).sort_stats("tottime").print_stats(30)


if __name__ == "__main__":
    main()
