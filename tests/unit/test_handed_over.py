"""The mark that desks publish a partition's triggers: among its states, no customer's, for ever."""

from __future__ import annotations

import pytest

from streams.core import state as st
from streams.core.engine import Clock
from streams.core.erasure import is_marker, is_reserved
from streams.core.handed_over import HANDED_OVER, MARK
from streams.core.objections import is_objection
from streams.core.state import FOREVER
from streams.state.changelog import ChangelogError
from streams.state.store import SignalsStore
from tests.builders import START, Partition, survey


def test_it_is_no_customer_and_never_due() -> None:
    timeline = Partition()
    timeline.feed(survey(START, callback_requested=True))
    store = SignalsStore(0)
    store.states = timeline.states | {HANDED_OVER: MARK}
    assert is_reserved(HANDED_OVER)
    assert not is_marker(HANDED_OVER)
    assert not is_objection(HANDED_OVER)
    assert st.due_of(MARK) == FOREVER
    store.restore(START)
    assert store.clock.handed_over
    assert store.customers == 1
    assert HANDED_OVER not in store.waiting


def test_it_is_read_as_it_was_written_and_not_otherwise() -> None:
    store = SignalsStore(0)
    store.check(HANDED_OVER, MARK)
    for other in (b"", MARK[:-1], b"\x83" + MARK[1:]):
        with pytest.raises(ChangelogError):
            store.check(HANDED_OVER, other)


def test_a_release_that_knows_of_no_desks_refuses_it() -> None:
    """0.2.0 takes every key for a customer's state; later ones know which reserved keys there are."""
    with pytest.raises(st.UnknownVersionError):
        st.check(MARK)


def test_without_it_nothing_was_handed_over() -> None:
    assert not Clock.restore(0, {}).handed_over
