"""The brokers' time: what the last answer told, aged by a clock that never goes back."""

from streams.state.broker_time import BrokerTime
from tests.builders import DAY, HOUR, START


class Clocks:
    """This machine's clocks, which a test sets."""

    def __init__(self) -> None:
        self.wall, self.steady = START, 5_000
        self.time = BrokerTime(lambda: self.wall, lambda: self.steady)

    def pass_by(self, ms: int) -> None:
        self.wall += ms
        self.steady += ms


def test_an_answer_ages_whatever_this_machines_clock_says() -> None:
    clocks = Clocks()
    clocks.time.answered(3, START)
    clocks.pass_by(20_000)
    clocks.wall += 400 * DAY
    assert clocks.time.now(3) == START + 20_000
    clocks.wall -= 800 * DAY
    assert clocks.time.now(3) == START + 20_000


def test_a_machine_that_slept_is_behind_and_never_ahead() -> None:
    clocks = Clocks()
    clocks.time.answered(3, START)
    clocks.wall += 8 * HOUR  # the steady clock stood still
    assert clocks.time.now(3) == START
    clocks.time.answered(3, START + 8 * HOUR)
    assert clocks.time.now(3) == START + 8 * HOUR


def test_each_partition_goes_by_the_broker_that_leads_it() -> None:
    clocks = Clocks()
    clocks.time.answered(0, START)
    clocks.time.answered(1, START + HOUR)
    assert (clocks.time.now(0), clocks.time.now(1)) == (START, START + HOUR)
    assert clocks.time.now(2) == START + HOUR, "any broker's clock rather than ours"


def test_a_brokers_clock_that_was_set_back_counts() -> None:
    clocks = Clocks()
    clocks.time.answered(0, START + 400 * DAY)
    clocks.time.answered(0, START)
    assert clocks.time.now(0) == START


def test_what_tells_no_time_leaves_what_was_told_before() -> None:
    clocks = Clocks()
    clocks.time.answered(0, START + HOUR)
    clocks.pass_by(1_000)
    for silent in (-1, None):
        clocks.time.answered(0, silent)
    assert clocks.time.now(0) == START + HOUR + 1_000


def test_only_where_no_broker_ever_told_one_this_machines_clock_counts() -> None:
    clocks = Clocks()
    clocks.time.answered(0, -1)
    clocks.pass_by(1_000)
    assert clocks.time.now(0) == START + 1_000
    assert clocks.time.skew == 0


def test_the_skew_is_that_of_the_last_answer() -> None:
    clocks = Clocks()
    clocks.time.answered(0, START - 90_000)
    assert clocks.time.skew == 90_000
    clocks.time.answered(1, START + 5_000)
    assert clocks.time.skew == -5_000
