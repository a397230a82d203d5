"""One of something has no plural, anywhere that a person reads."""

import doctest

import pytest

from streams.cluster.reading import SilenceError
from streams.cluster.topics import Found, Wanted, mismatches
from streams.commands.convert import record_sentences
from streams.conversion.run import Counts
from streams.telemetry import amounts
from streams.telemetry.amounts import amount


def test_the_examples_are_true() -> None:
    assert doctest.testmod(amounts).attempted == 2
    assert doctest.testmod(amounts).failed == 0


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0 rows"), (1, "1 row"), (2, "2 rows"), (1e6, "1,000,000 rows")]
)
def test_an_amount_agrees_with_its_number(number: float, said: str) -> None:
    assert amount(number, "row") == said


def test_sentences_of_one_and_of_many_agree() -> None:
    assert str(SilenceError(["a"])) == "nothing was heard of 1 partition"
    assert str(SilenceError(["a", "b"])) == "nothing was heard of 2 partitions"
    wanted, found = Wanted("t", 2, 1, {}), Found("t", 1, 1)
    assert mismatches(wanted, found)[0].startswith("t has 1 partition, but every topic must have 2.")
    assert next(record_sentences(Counts(records=1, events=1))) == "1 record, 1 event"
