"""The table of places and causes, cell by cell."""

import copy

import pytest

from streams.core.release.places import (
    CAUSES,
    ENDS,
    OUT,
    PLACES,
    TABLE,
    Ignored,
    Step,
    TableError,
    check,
    step,
)

CELLS = [(cause, place) for cause in CAUSES for place in PLACES]


@pytest.mark.parametrize(("cause", "place"), CELLS)
def test_each_cell_leads_to_a_place_or_says_why_it_does_not(cause: str, place: str) -> None:
    cell = step(cause, place)  # type: ignore[arg-type]
    if isinstance(cell, Ignored):
        assert cell.why
        return
    assert cell.to in (*PLACES, "then")
    assert cell.to != "unknown"
    assert cell.end in ("", *ENDS)
    assert cell.then in ("", "queued", *ENDS)
    if place == "unknown":
        assert cause in ("decided", "adopted"), "nothing else begins a life"
    if place == "ended":
        assert (cause, cell.to) == ("decided", "ended"), "nothing leads out of an end"
    if place in ("claimed", "handed_over") and cell.to == "open":
        assert cause in ("lapsed", "given_back", "stopped"), "whoever has it has let go"
    if place in ("claimed", "handed_over") and cell.to == "ended":
        assert cause in ("reached", "used_up", "time_over", "unaccounted_last", "erased")


def test_only_a_release_brings_one_out_that_waits() -> None:
    for cause, place in CELLS:
        cell = step(cause, place)  # type: ignore[arg-type]
        if isinstance(cell, Step) and cell.to in OUT and place not in OUT:
            assert (cause, place) in [
                ("released", "new"),
                ("released", "queued"),
                ("adopted", "unknown"),
            ]


def test_only_an_open_one_is_granted() -> None:
    assert [place for place in PLACES if isinstance(step("granted", place), Step)] == ["open"]


def test_an_erased_customer_has_no_trigger_that_goes_on() -> None:
    for place in PLACES:
        cell = step("erased", place)
        assert isinstance(cell, Ignored) == (place in ("unknown", "ended"))
        if isinstance(cell, Step):
            assert cell.to == "ended"


def test_a_cell_that_is_missing_and_one_that_leads_nowhere_are_told_by_name() -> None:
    table = copy.deepcopy(TABLE)
    del table["granted"]["open"]
    with pytest.raises(TableError, match="'granted' at 'open' is missing"):
        check(table)
    table = copy.deepcopy(TABLE)
    table["granted"]["open"] = Step("ended")
    with pytest.raises(TableError, match="without saying how"):
        check(table)
    table["granted"]["open"] = Step("then")
    with pytest.raises(TableError, match="nobody made"):
        check(table)
    table = copy.deepcopy(TABLE)
    del table["erased"]
    with pytest.raises(TableError, match="'erased' has no row"):
        check(table)
    table = copy.deepcopy(TABLE)
    table["fainted"] = table["erased"]
    with pytest.raises(TableError, match="'fainted' is no cause"):
        check(table)
