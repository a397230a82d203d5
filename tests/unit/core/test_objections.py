"""Timelines of objections by number: who is not called, until when, and who is again."""

from itertools import permutations

import pytest

from streams.core.engine import ALL, process_batch
from streams.core.erasure import Erasure, ErasureError, is_marker
from streams.core.objections import (
    Objection,
    decode_objection,
    encode_objection,
    is_objection,
    united_objections,
)
from streams.core.policy import Policy
from streams.core.state import FOREVER, VERSION, UnknownVersionError, asked_since, check, decode, profile_of
from streams.operations.migration import placed
from streams.policies import load_policy
from streams.state.changelog import ChangelogError
from streams.state.store import SignalsStore
from tests.builders import (
    DAY,
    HOUR,
    KEEP,
    PHONE,
    START,
    STATES_BEFORE,
    Partition,
    call,
    erasure,
    event,
    iso,
    ms,
    objection,
    profile,
    removal,
    survey,
)

T = START
OTHER = "+31301234567"
OPEN = ("requested_callback", "open", 1)
RETRACTED = ("requested_callback", "retracted", 2)


def asked(at: int = T + HOUR, customer: str = "c1") -> object:
    return survey(at, csat=1, callback_requested=True, customer=customer)


def waiting(*customers: str) -> Partition:
    """Customers of one number who wait for a callback."""
    partition = Partition()
    for customer in customers or ("c1",):
        partition.feed(profile(T, phone_e164=PHONE, customer=customer), asked(customer=customer))
    return partition


def entries(partition: Partition) -> list[Objection]:
    return [decode_objection(data) for key, data in partition.states.items() if is_objection(key)]


def test_an_objection_retracts_what_is_open_and_nothing_opens_until_it_is_lifted() -> None:
    partition = waiting()
    partition.feed(objection(T + 2 * HOUR))
    assert partition.story() == [OPEN, RETRACTED]
    assert partition.triggers()[-1]["status_reason"] == "do_not_call"
    partition.feed(survey(T + 3 * HOUR, csat=1, callback_requested=True))
    assert partition.story() == [OPEN, RETRACTED]
    partition.feed(objection(T + 4 * HOUR, lifted=True))
    assert partition.story() == [OPEN, RETRACTED, OPEN]
    assert len({each["trigger_id"] for each in partition.triggers()}) == 2


def test_a_request_to_be_called_lifts_no_objection_and_a_later_consent_does() -> None:
    partition = waiting()
    partition.feed(objection(T + 2 * HOUR), asked(T + DAY))
    assert partition.story() == [OPEN, RETRACTED]
    partition.feed(profile(T + 3 * DAY, phone_e164=PHONE, consented_at=iso(T + 2 * DAY)))
    assert partition.story() == [OPEN, RETRACTED, OPEN]


def test_the_consent_of_one_customer_is_not_that_of_another_with_the_number() -> None:
    partition = waiting("c1", "c2")
    partition.feed(objection(T + 2 * HOUR), profile(T + DAY, phone_e164=PHONE, consented_at=iso(T + DAY)))
    partition.feed(asked(T + 2 * DAY, "c1"), asked(T + 2 * DAY, "c2"))
    assert partition.story("c1") == [OPEN, RETRACTED, OPEN]
    assert partition.story("c2") == [OPEN, RETRACTED]


def test_it_ends_by_itself_at_its_time_though_nothing_comes() -> None:
    partition = waiting()
    partition.feed(objection(T + 2 * HOUR, until=iso(T + 10 * HOUR)), asked(T + 3 * HOUR))
    partition.advance(T + 10 * HOUR - 1)
    assert partition.story() == [OPEN, RETRACTED]
    partition.advance(T + 20 * HOUR)
    assert partition.story() == [OPEN, RETRACTED, OPEN]
    assert partition.triggers()[-1]["updated_at"] == iso(T + 10 * HOUR).replace(".000", "")


def test_contacts_that_decide_nothing_meanwhile_do_not_put_its_end_off() -> None:
    """While nobody may be called they would be taken in without a judgement, and the customer be looked at when the last has aged."""
    body = load_policy("default").model_dump()
    policy = Policy.model_validate(body | {"bands": body["bands"][:1]})
    horizon, partition = policy.parameters.horizon, Partition(policy)
    end = T + 2 * horizon + 20 * DAY
    partition.feed(profile(T, phone_e164=PHONE), objection(T, until=iso(end)))
    partition.feed(call(end - horizon - 10 * DAY, resolved=True))
    partition.one_by_one(call(end - days * DAY, resolved=False) for days in (15, 14, 13, 12))
    partition.advance(end - 1)
    assert partition.story() == []
    partition.advance(end + horizon // 2)
    first = partition.triggers()[0]
    assert (first["status"], ms(first["updated_at"])) == ("open", end)


def test_a_timer_that_was_put_off_is_judged_before_a_word_that_came_later() -> None:
    prompt, late = waiting("c1"), waiting("c1")
    for partition, most in ((prompt, ALL), (late, 0)):
        partition.feed(call(T + 80 * DAY, customer="c2"), most_timers=most)
        partition.feed(objection(T + 80 * DAY), most_timers=most)
    assert late.story() == prompt.story() == [OPEN, ("requested_callback", "expired", 2)]


def test_a_profile_that_brings_the_number_later_is_barred_and_one_with_another_number_is_not() -> None:
    partition = Partition()
    partition.feed(objection(T), asked(T + HOUR))
    assert partition.story() == [OPEN], "no number is known, and none objected"
    partition.feed(profile(T + 2 * HOUR, phone_e164=PHONE))
    assert partition.story() == [OPEN, RETRACTED]
    partition.feed(profile(T + 3 * HOUR, phone_e164=OTHER), asked(T + 4 * HOUR))
    assert partition.story() == [OPEN, RETRACTED, OPEN]


def test_without_its_number_a_customer_is_barred_no_more() -> None:
    partition = waiting()
    partition.feed(objection(T + 2 * HOUR), removal(T + 3 * HOUR), asked(T + 4 * HOUR))
    assert partition.story() == [OPEN, RETRACTED, OPEN]


def test_all_customers_of_a_number_in_the_order_of_their_ids() -> None:
    partition = waiting("c3", "c1", "c2")
    outputs = partition.feed(objection(T + 2 * HOUR)).outputs
    assert [each.customer_id for each in outputs if each.kind == "trigger"] == ["c1", "c2", "c3"]


def test_a_number_that_was_known_before_and_after_a_restart_is_found() -> None:
    partition = waiting("c1")
    partition.feed(objection(T, phone_e164=OTHER))  # who has which number is known from here on
    partition.feed(profile(T + HOUR, phone_e164=PHONE, customer="c2"), asked(T + HOUR, "c2"))
    partition.restart()
    partition.feed(objection(T + 2 * HOUR), profile(T + HOUR, phone_e164=OTHER, customer="c3"))
    partition.feed(asked(T + 3 * HOUR, "c3"))
    assert [partition.story(each)[-1:] for each in ("c1", "c2", "c3")] == [[RETRACTED], [RETRACTED], []]
    assert partition.clock.objections == 2


def test_who_has_left_a_number_is_not_judged_by_it() -> None:
    partition = waiting()
    partition.feed(objection(T, phone_e164="+31401234567"), profile(T + HOUR, phone_e164=OTHER))
    before = dict(partition.states)
    partition.feed(objection(T + 2 * HOUR))
    assert partition.states["c1"] == before["c1"]
    assert partition.story() == [OPEN]


@pytest.mark.parametrize(
    ("words", "left"),
    [
        ([{"at": T}, {"at": T, "lifted": True}], Objection(T, True, FOREVER)),
        ([{"at": T}, {"at": T + 1, "lifted": True}], Objection(T + 1, False, T + 1)),
        ([{"at": T, "until": iso(T + DAY)}, {"at": T}], Objection(T, True, FOREVER)),
        ([{"at": T}, {"at": T + 1, "until": iso(T + DAY)}], Objection(T + 1, True, T + DAY)),
        ([{"at": T + 1, "lifted": True}, {"at": T + 2}], Objection(T + 2, True, FOREVER)),
    ],
)
def test_the_greatest_word_about_a_number_counts_in_any_order(
    words: list[dict[str, object]], left: Objection
) -> None:
    for order in permutations(words):
        partition = waiting()
        partition.feed(*(objection(**each) for each in (*order, *order)))  # type: ignore[arg-type]
        assert entries(partition) == [left]
        assert partition.counts["objection", "duplicate"] >= 2


def test_what_holds_no_longer_is_forgotten_when_nothing_older_can_be_read_again() -> None:
    partition = Partition()
    partition.feed(
        objection(T, until=iso(T + DAY)),
        objection(T, phone_e164=OTHER, lifted=True),
        objection(T, phone_e164="+31401234567"),
        event("call", T),
    )
    assert partition.clock.objections == len(entries(partition)) == 3
    partition.advance(T + DAY + KEEP - 1)
    assert sorted(entries(partition)) == [Objection(T, True, T + DAY), Objection(T, True, FOREVER)]
    partition.advance(T + DAY + KEEP)
    assert entries(partition) == [Objection(T, True, FOREVER)]
    assert partition.clock.objections == 1


def test_a_word_of_long_ago_that_is_read_again_is_forgotten_with_its_batch() -> None:
    """A replay may end with it: no event comes that would let it go."""
    words = objection(T, until=iso(T + DAY)), objection(T + HOUR, phone_e164=OTHER, lifted=True)
    partition = Partition()
    partition.feed(*words, call(T))
    partition.advance(T + DAY + KEEP)
    before = dict(partition.states)
    partition.one_by_one(words)
    assert partition.states == before
    assert partition.clock.objections == 0
    lasting = objection(T, phone_e164="+31401234567")
    partition.feed(lasting, objection(T + HOUR, phone_e164="+31401234567", lifted=True))
    assert partition.states == before, "what ended it is as old"


def test_it_moves_no_clock_and_no_customer_is_made_of_it() -> None:
    partition = Partition()
    partition.feed(call(T), objection(T + 30 * DAY))
    assert partition.clock.now == T
    store = SignalsStore(0)
    store.states = dict(partition.states)
    store.restore(T)
    assert store.customers == 1
    assert store.clock.reserved == 1


def test_an_erasure_of_the_customer_leaves_the_number_barred() -> None:
    partition = waiting()
    partition.feed(objection(T + 2 * HOUR), erasure(T + 3 * HOUR))
    assert entries(partition) == [Objection(T + 2 * HOUR, True, FOREVER)]
    partition.feed(profile(T + DAY, phone_e164=PHONE), asked(T + DAY))
    assert partition.story() == [OPEN, RETRACTED]


# --- hashes and keys ---------------------------------------------------------------------------------------------------------------


def hashed(partition: Partition, at: int, erasure_key: bytes | None = None) -> object:
    key = partition.erasure if erasure_key is None else Erasure(erasure_key)
    return objection(at, phone_e164=None, number_hash=key.number_hash(PHONE), key_id=key.key_id)


def test_a_hash_of_the_same_key_is_the_number() -> None:
    partition = waiting()
    partition.feed(hashed(partition, T + 2 * HOUR))
    assert partition.story() == [OPEN, RETRACTED]
    assert not any(
        PHONE in key or PHONE.encode() in data for key, data in partition.states.items() if is_objection(key)
    )


def test_a_hash_of_another_key_is_a_dead_letter_and_not_taken_for_nobody() -> None:
    partition = waiting()
    result = partition.feed(hashed(partition, T + 2 * HOUR, b"another key than theirs"))
    [reject] = result.rejects
    assert reject.reject is not None
    assert (reject.reject.code, "BEHOUDLIJN_ERASURE_KEY" in reject.reject.message) == ("invalid_field", True)
    assert entries(partition) == []


def test_the_hash_of_a_number_is_not_that_of_a_customer_of_the_same_text() -> None:
    key = Partition().erasure
    assert key.number_hash(PHONE) != key.hash_of(PHONE)


def test_without_a_key_nothing_is_acknowledged_and_no_state_is_taken_over() -> None:
    partition = waiting()
    with pytest.raises(ErasureError, match="BEHOUDLIJN_ERASURE_KEY"):
        process_batch([objection(T + 2 * HOUR)], partition.states, partition.policy, partition.clock)
    partition.feed(objection(T + 2 * HOUR))
    with pytest.raises(ErasureError, match="another key"):
        Erasure(b"another key than theirs").check(partition.states)


# --- bytes -------------------------------------------------------------------------------------------------------------------------


def test_a_customers_bytes_are_as_before() -> None:
    assert VERSION == 5
    one, other = waiting(), Partition()
    one.feed(objection(T + 2 * HOUR))
    other.feed(profile(T, phone_e164=PHONE))
    assert decode(one.states["c1"]).profile_json == decode(other.states["c1"]).profile_json
    assert [key for key in one.states if not is_objection(key)] == ["c1"]


def test_the_profile_is_found_in_the_bytes_of_every_version() -> None:
    kept = [path.read_bytes() for path in STATES_BEFORE] + list(waiting().states.values())
    assert {data[0] for data in kept} >= {2, 3, VERSION}
    for data in kept:
        assert profile_of(data) == decode(data).profile_json


def test_recovery_takes_an_entry_and_a_release_that_does_not_know_it_refuses_to_start() -> None:
    """What a worker of before meets is to it what an unknown reserved key is to this one."""
    data = encode_objection(Objection(T, True, FOREVER), 7, FOREVER)
    SignalsStore(0).check("\x00objection:" + "0" * 32, data)
    with pytest.raises(ErasureError, match="shorter or longer"):
        SignalsStore(0).check("\x00objection:" + "0" * 32, data[:-1])
    with pytest.raises(ErasureError, match="version 9"):
        SignalsStore(0).check("\x00objection:" + "0" * 32, b"\x09" + data[1:])
    for read in (
        asked_since,
        decode,
        check,
    ):  # what release 0.2.0, which knows no other keys, does with each state when it starts
        with pytest.raises(UnknownVersionError, match="version 129"):
            read(data)
    with pytest.raises(ChangelogError, match="does not know"):
        SignalsStore(0).check("\x00of-a-later-release:" + "0" * 32, data)


def test_with_other_partitions_every_one_knows_every_number() -> None:
    one, other = waiting(), waiting("c2")
    one.feed(objection(T + 2 * HOUR), erasure(T, customer="c9"))
    other.feed(objection(T + 3 * HOUR, lifted=True), objection(T, phone_e164=OTHER))
    moved = placed([one.states, other.states], 3)
    for states in moved.values():
        found = sorted(decode_objection(data) for key, data in states.items() if is_objection(key))
        assert found == [Objection(T, True, FOREVER), Objection(T + 3 * HOUR, False, T + 3 * HOUR)]
        assert sum(map(is_marker, states)) == 1
    assert len(united_objections([one.states])) == 1
