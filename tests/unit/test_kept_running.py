"""A worker of `behoudlijn up` that ends, as a timeline: started again, with pauses, and given up."""

from __future__ import annotations

import signal

import pytest

from deploy.embedded.process import ChildError
from streams.demo.kept_running import KeptRunning
from streams.telemetry.exit_codes import ExitCode


class Child:
    """A child that ends when the test says so."""

    name = "signals worker"

    def __init__(self) -> None:
        self.running, self.code, self.starts = True, 0, 0

    def end(self, code: int) -> None:
        self.running, self.code = False, code

    def start(self) -> None:
        self.running, self.starts = True, self.starts + 1

    def kill(self) -> int:
        return self.code

    def tail(self) -> str:
        return "its last words"


class Kept:
    """The child with its keeper, at a time of the test's own."""

    def __init__(self) -> None:
        self.now, self.said, self.ready = 0.0, list[str](), False
        self.child = Child()
        self.keeper = KeptRunning(self.child, lambda: self.ready, self.said.append, lambda: self.now)  # type: ignore[arg-type]

    def at(self, now: float) -> None:
        self.now = now
        self.keeper.look()


def test_a_worker_that_was_killed_is_started_again_at_once_and_says_so() -> None:
    kept = Kept()
    kept.at(0)
    assert (kept.child.starts, kept.said) == (0, [])
    kept.child.end(-signal.SIGKILL)
    kept.at(1)
    kept.at(2)
    assert kept.child.starts == 1
    assert kept.said == ["The signals worker was ended by SIGKILL: it is started again."]
    kept.at(3)
    kept.ready = True
    kept.at(4)
    kept.at(5)
    assert kept.said[1:] == ["The signals worker is ready again."]


def test_the_pauses_grow_and_a_worker_that_does_not_stay_is_given_up() -> None:
    kept = Kept()
    for number, (end, pause) in enumerate([(0, 0), (10, 1), (20, 2), (30, 4)], start=1):
        kept.child.end(ExitCode.UNAVAILABLE)
        kept.at(end)
        if pause:
            assert f"in {pause} s" in kept.said[-1]
            kept.at(end + pause - 0.5)
            assert kept.child.starts == number - 1
        kept.at(end + pause)
        assert kept.child.starts == number
    kept.child.end(ExitCode.BROKE_OFF)
    with pytest.raises(
        ChildError, match="for the 5th time within 60 s: given up; its last output:\nits last words"
    ):
        kept.at(40)


def test_ends_that_lie_apart_are_mended_for_ever() -> None:
    kept = Kept()
    for number in range(20):
        kept.child.end(ExitCode.BROKE_OFF)
        kept.at(number * 61)
        kept.at(number * 61 + 1)
    assert kept.child.starts == 20


@pytest.mark.parametrize("code", [code for code in ExitCode if code and not code.again])
def test_a_code_that_a_new_start_does_not_mend_ends_the_stack(code: ExitCode) -> None:
    kept = Kept()
    kept.child.end(code)
    with pytest.raises(ChildError, match=f"ended with code {code:d} .*starting it again would not mend that"):
        kept.at(1)
    assert kept.child.starts == 0
