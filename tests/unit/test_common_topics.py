"""A rolling upgrade as one worker sees it: who reads which topic."""

from streams.lane.common_topics import absent, left_out

OURS = ("calls", "surveys", "visits")
NEW = {"calls": [0], "surveys": [0], "visits": [0, 1]}
OLD = {"calls": [1], "surveys": [1]}


def test_a_topic_that_one_member_does_not_read_waits() -> None:
    assert left_out({"new": NEW, "old": OLD}, OURS) == {"visits"}


def test_a_member_without_partitions_counts_too_for_it_may_get_some() -> None:
    assert left_out({"new": NEW, "old": {"calls": [], "surveys": []}}, OURS) == {"visits"}


def test_a_topic_that_everybody_reads_does_not_wait_whoever_has_its_partitions() -> None:
    assert left_out({"new": NEW, "another": {"calls": [1], "surveys": [1], "visits": []}}, OURS) == set()


def test_a_topic_that_the_leader_does_not_find_waits_and_what_others_read_besides_is_no_matter_of_ours() -> (
    None
):
    assert left_out({"new": OLD | {"more": [1]}}, OURS) == {"visits"}


def test_a_topic_that_nobody_reads_is_absent_and_one_that_another_does_not_read_is_not() -> None:
    assert absent({"new": OLD, "another": OLD | {"visits": []}}, OURS) == set()
    assert absent({"new": OLD, "another": OLD | {"more": [1]}}, OURS) == {"visits"}
