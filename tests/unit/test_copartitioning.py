"""What is said of topics whose numbers of partitions do not fit."""

from __future__ import annotations

from streams.cluster.copartitioning import problem_of
from streams.settings import Settings

SETTINGS = Settings(topic_prefix="acme.", partitions=4)


def test_topics_that_fit_are_no_problem() -> None:
    assert problem_of({"contact.calls": 4, "contact.surveys": 4}, SETTINGS) == ""


def test_an_absent_topic_is_named_with_what_makes_it() -> None:
    said = problem_of({"contact.calls": 4, "contact.surveys": 0}, SETTINGS)
    assert "acme.contact.surveys" in said
    assert "topics ensure" in said
    assert "acme.contact.calls" not in said


def test_another_number_of_partitions_is_named_with_the_setting() -> None:
    said = problem_of({"contact.calls": 4, "contact.surveys": 8}, SETTINGS)
    assert "must have 4 partitions, but acme.contact.surveys has 8" in said
    assert "BEHOUDLIJN_PARTITIONS" in said
