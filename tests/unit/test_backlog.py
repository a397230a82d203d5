"""Backlog, spill and numbers: the same whether memory holds them or a file does, and what is told when no disk does."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest

from streams.core.records import Decoded
from streams.files import numbers
from streams.files.backlog import Backlog
from streams.files.backtest import backtest
from streams.files.ndjson import Line
from streams.files.numbers import Numbers
from streams.files.spill import Spill, SpillError
from streams.policies import load_policy
from streams.simulate import SimulationSettings, simulate
from streams.telemetry.exit_codes import ExitCode
from tests.plain_backlog import queues_of, runs_of

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def lines() -> list[Line]:
    """A month with broken records; a third of the lines lie elsewhere in the file than in time."""
    records = simulate(SimulationSettings(300, days=30, seed=3, poison=0.02)).records
    made = [Line(f"f{n % 3}", n, each.value) for n, each in enumerate(records, 1)]
    late = made[::3]
    random.Random(1).shuffle(late)
    return [line for n, line in enumerate(made) if n % 3] + late


def merged(backlog: Backlog) -> Iterator[list[Decoded]]:
    for partition in range(backlog.partitions):
        yield list(chain.from_iterable(backlog.runs(partition, 77)))


@pytest.mark.parametrize(("partitions", "most_bytes"), [(1, 10_000), (8, 0), (8, 1 << 30), (1_024, 5_000)])
def test_the_backlog_is_the_plain_one_whatever_memory_holds(
    lines: list[Line], partitions: int, most_bytes: int
) -> None:
    plain = queues_of(lines, partitions)
    told: Counter[tuple[str, int]] = Counter()
    with Backlog(
        partitions, most_bytes=most_bytes, decoded=lambda *place: told.update([place[:2]])
    ) as backlog:
        for line in lines:
            backlog.add(line)
        for expected, found in zip(plain.values(), merged(backlog), strict=True):
            valid = [each for run in runs_of(expected) for each in run if each.event is not None]
            assert [each.record.value for each in valid] == [
                each.record.value for each in found if each.event is not None
            ]
    assert told == Counter((line.file, line.number) for line in lines)


def test_backtest_decides_the_same_whatever_memory_holds(
    lines: list[Line], monkeypatch: pytest.MonkeyPatch
) -> None:
    def judged(most_bytes: int) -> tuple[object, ...]:
        outputs: list[bytes] = []
        states: dict[int, dict[str, bytes]] = {}
        found = backtest(
            lines,
            load_policy("default"),
            partitions=3,
            most_bytes=most_bytes,
            outputs=lambda output: outputs.append(output.value),
            states=states.__setitem__,
        )
        return outputs, states, found.summary, found.census

    whole = judged(1 << 30)
    monkeypatch.setattr(numbers, "_PENDING", 100)
    assert judged(10_000) == whole


def test_a_spill_gives_back_each_queue_in_order() -> None:
    chance = random.Random(2)
    expected: dict[int, bytes] = {}
    with Spill[int](most_bytes=1_000) as spill:
        for _ in range(2_000):
            key, data = chance.randrange(5), chance.randbytes(chance.randrange(300))
            expected[key] = expected.get(key, b"") + data
            spill.append(key, data)
        streams = {key: spill.read(key) for key in expected}  # all at once
        found = dict.fromkeys(expected, b"")
        while any(
            parts := {
                key: stream.read(chance.randrange(1, 5_000)) for key, stream in streams.items()
            }.values()
        ):
            for key, part in zip(streams, parts, strict=True):
                found[key] += part
        assert found == expected
        assert spill.read(99).read() == b""


def test_numbers_are_counted_exactly_beyond_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numbers, "_PENDING", 64)
    chance = random.Random(3)
    added = [chance.choice((-(2**63), 2**63 - 1, chance.randrange(-500, 500))) for _ in range(5_000)]
    with Numbers(most_bytes=500) as bag:
        for number in added:
            bag.add(number)
        assert bag.different() == len(set(added))
        assert Counter(chain.from_iterable(bag.parts())) == Counter(added)


def test_no_file_has_a_name_while_it_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with Spill[int](most_bytes=0) as spill:
        spill.append(1, b"x")
        assert list(tmp_path.iterdir()) == []
        assert spill.read(1).read() == b"x"


def test_no_temporary_directory_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "absent"))
    with Spill[int](most_bytes=0) as spill, pytest.raises(SpillError, match="set TMPDIR"):
        spill.append(1, b"x")


def test_a_full_disk_is_a_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    """The limit of a file's size stands for the disk's: writing fails in the same place."""
    events, scratch = tmp_path / "events.ndjson", tmp_path / "scratch"
    scratch.mkdir()
    event = b'{"type":"call","schema_version":1,"event_id":"e%d","customer_id":"c%d","occurred_at":"2026-01-01T10:00:00Z"}\n'
    events.write_bytes(b"".join(event % (n, n) for n in range(2_000)))
    program = (
        "import resource, sys; from functools import partial; from streams.files import backtest; from streams.cli import main;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000));"
        "backtest.backtest = partial(backtest.backtest, most_bytes=50_000);"
        f"sys.argv[1:] = ['backtest', {str(events)!r}]; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(scratch)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == ExitCode.UNWRITTEN, done.stderr
    [said] = done.stderr.splitlines()
    assert said.startswith("backtest: what does not fit into memory cannot be kept on disk: File too large")
    assert list(scratch.iterdir()) == []
