"""Makes the workload of a size, on every core, in a process that gives its memory back. Nothing is measured here."""

import os
import sys

from tests.benchmarks.cores import ALL_CORES
from tests.benchmarks.size import SIZES
from tests.benchmarks.workload import build

if __name__ == "__main__":
    os.sched_setaffinity(0, range(os.cpu_count() or len(ALL_CORES)))
    build(SIZES[sys.argv[1]])
