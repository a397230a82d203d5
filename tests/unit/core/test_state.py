"""The bytes of a state outlive a release: what an earlier one wrote into the changelog is read, or refused with words."""

from dataclasses import replace

import pytest

from schemas.revisions import NO_REVISION, arrival_of
from streams.core.facts import DISPOSITIONS, FACT, OUTCOME, RESULTS, SURVEY, Fact
from streams.core.references import reference_to
from streams.core.state import NEVER, VERSION, State, UnknownVersionError, asked_since, decode, due_of, encode
from streams.core.steps import Step
from tests.builders import HOUR, Partition, call
from tests.property.core.test_engine_properties import REGISTERS

GOLDEN = {
    1: (
        "01030202020000008844709e01000000a4381c9c01000000a4381c9c01000000000000000000c0003f6bfe9b01000000"
        "000000000000c000000000000000c000c02cc89901000000da9de09b010000006ed3579c01000000a4381c9c01000000"
        "000000000000c00700000000000000040000001500020000da9de09b0100001032547698badcfe0101050209003d00ef"
        "beadde00a4381c9c01000007000000000000000201040280010000000000007b22636f756e7472795f636f6465223a22"
        "4e4c227d7b7d"
    ),
    2: (
        "02030200002000008844709e01000000a4381c9c01000000a4381c9c010000000000000000f43f0500000000000000be"
        "bafeca02020000a4381c9c01000000000000000000c0003f6bfe9b01000000000000000000c000000000000000c000c0"
        "2cc89901000000da9de09b010000006ed3579c01000000a4381c9c01000000000000000000c007000000000000000400"
        "00001500020000da9de09b0100001032547698badcfe0101050209003d00efbeadde00a4381c9c010000070000000000"
        "00000201040280010000000000007b22636f756e7472795f636f6465223a224e4c227d7b7d"
    ),
    3: (
        "03030200002000008844709e01000000a4381c9c01000000a4381c9c010000000000000000f43f0500000000000000be"
        "bafeca02020000a4381c9c01000000000000000000c0003f6bfe9b01000000000000000000c000000000000000c000c0"
        "2cc89901000000da9de09b010000006ed3579c01000000a4381c9c01000000000000000000c0008ac7039a0100004d00"
        "401fcc829c190700000000000000040000001500020000da9de09b0100001032547698badcfe0101050209003d00efbe"
        "adde00000000000000000300a0afdd09be1900a4381c9c01000007000000000000000201040280010000000000000009"
        "063a9c0100000500a09f60a0c3197b22636f756e7472795f636f6465223a224e4c227d7b7d"
    ),
    4: (
        "04030200002000008844709e01000000a4381c9c01000000a4381c9c010000000000000000f43f0500000000000000be"
        "bafeca02020000a4381c9c01000000000000000000c0003f6bfe9b01000000000000000000c000000000000000c000c0"
        "2cc89901000000da9de09b010000006ed3579c01000000a4381c9c01000000000000000000c0008ac7039a0100004d00"
        "401fcc829c190700000000000000040000001500020000da9de09b0100001032547698badcfe0101050209003d00efbe"
        "adde00000000000000000300a0afdd09be1900a4381c9c01000007000000000000000201040280011dc1c45fb9670009"
        "063a9c0100000500a09f60a0c3197b22636f756e7472795f636f6465223a224e4c227d7b7d"
    ),
    5: (
        "05030300002000008844709e01000000a4381c9c01000000a4381c9c010000000000000000f43f0500000000000000be"
        "bafeca0202000300a4381c9c01000000000000000000c0003f6bfe9b01000000000000000000c000000000000000c000"
        "c02cc89901000000da9de09b010000006ed3579c01000000a4381c9c01000000000000000000c0008ac7039a0100004d"
        "00401fcc829c190700000000000000040000001500020000da9de09b0100001032547698badcfe0101050209003d00ef"
        "beadde00000000000000000300a0afdd09be1900a4381c9c01000007000000000000000201040280011dc1c45fb96700"
        "09063a9c0100000500a09f60a0c31901a4381c9c0100000900000000000000040a030000000000000000000000000000"
        "0000000600b04f8ac3c1197b22636f756e7472795f636f6465223a224e4c227d7b7d0200b232f29a010000007ccd2d9b"
        "010000badcfe00004668699b0100000402000000000000000003020100001003a59b010000020340323f469d010000ba"
        "dcfe00"
    ),
}
"""What each version wrote for `STATE`, the fifth for `RETURNED`. Never edited: a new layout adds its own, and the one before stays readable."""

STATE = State(
    due=1_780_000_000_000,
    newest=1_770_000_000_000,
    facts=[
        Fact(
            1_769_000_000_000,
            0xFEDCBA9876543210,
            1,
            1,
            5,
            2,
            9,
            61,
            0xDEADBEEF,
            0,
            arrival_of(1_769_000_000_250, 3),
        ),
        Fact(
            1_770_000_000_000,
            7,
            2,
            1,
            4,
            2,
            384,
            *reference_to("k-1"),
            1_770_500_000_000,
            arrival_of(1_770_500_000_250, 5),
        ),
    ],
    requested_at=1_770_000_000_000,
    requested_id=7,
    stage=2,
    stage_reason=2,
    stage_at=1_769_500_000_000,
    profile_at=1_760_000_000_000,
    profile_json=b'{"country_code":"NL"}',
    profile_revision=1_761_000_000_000,
    profile_arrival=arrival_of(1_760_000_000_500, 77),
    band=3,
    signals_sequence=4,
    scored_at=1_769_000_000_000,
    cooldown_until=1_771_000_000_000,
    served_request_at=1_770_000_000_000,
    episode=b"{}",
    slack=1.25,
    saturated=5,
    spare=32,
    judged_by=0xCAFEBABE,
    judged_at=1_770_000_000_000,
)
UNREFERRED = replace(
    STATE, facts=[fact._replace(amount=0, topic=0) if fact.kind == SURVEY else fact for fact in STATE.facts]
)
"""What version 3 knew of it: no survey names its contact."""
UNVERSIONED = replace(
    STATE,
    facts=[fact._replace(revision=NO_REVISION, arrival=0) for fact in UNREFERRED.facts],
    profile_revision=NO_REVISION,
    profile_arrival=0,
)
"""What version 2 knew of it: any other delivery of its events replaces them."""
UNJUDGED = replace(UNVERSIONED, slack=-1.0, saturated=0, spare=0, judged_by=0, judged_at=NEVER)
"""What version 1 knew of it: the next event will be judged."""
RETURNED = replace(
    STATE,
    facts=[
        *STATE.facts,
        Fact(
            1_770_000_000_001,
            9,
            OUTCOME,
            DISPOSITIONS.index("REFUSED"),
            RESULTS.index("will_leave"),
            0,
            0,
            0,
            0,
            NO_REVISION,
            arrival_of(1_770_000_000_251, 6),
        ),
    ],
    ended_at=1_765_000_000_000,
    ended_reason=2,
    returned_at=1_766_000_000_000,
    contracts=(
        Step(1_767_000_000_000, 4, 2, 0, 0x010203),
        Step(1_768_000_000_000, 2, 3, 1_775_000_040_000, 0xFEDCBA),
    ),
    served_contract=0xFEDCBA,
)
"""What version 5 may know beside: of a talk, of an end, of a return, and of contracts."""
READ = {1: UNJUDGED, 2: UNVERSIONED, 3: UNREFERRED, 4: STATE, 5: RETURNED}


def test_this_version_writes_its_golden_bytes() -> None:
    assert encode(RETURNED).hex() == GOLDEN[VERSION]
    assert due_of(encode(RETURNED)) == STATE.due


def test_a_customer_of_one_relation_that_goes_on_costs_a_byte_more_than_before() -> None:
    assert len(encode(STATE)) == len(GOLDEN[4]) // 2 + 1


@pytest.mark.parametrize("version", GOLDEN)
def test_this_version_and_those_before_are_read(version: int) -> None:
    assert decode(bytes.fromhex(GOLDEN[version])) == READ[version]
    assert due_of(bytes.fromhex(GOLDEN[version])) == STATE.due


@pytest.mark.parametrize("version", GOLDEN)
def test_what_was_written_before_stands_after_the_next_event(version: int) -> None:
    data = bytes.fromhex(GOLDEN[version])
    state = replace(READ[version], episode=b"")
    head = data.index(STATE.profile_json) - len(state.facts) * (FACT.size if version > 2 else 28)
    partition = Partition()
    # Without the open episode, which is none that could go on.
    episode = data.index(STATE.profile_json) + len(STATE.profile_json)
    partition.states["c1"] = (
        data[: head - 2] + bytes(2) + data[head:episode] + data[episode + len(STATE.episode) :]
    )
    assert partition.state() == state
    partition.clock.now = STATE.newest
    partition.feed(call(STATE.newest + HOUR))
    after = partition.state()
    assert partition.states["c1"][0] == VERSION
    assert after.facts[:-1] == state.facts
    assert {name: getattr(after, name) for name in REGISTERS} == {
        name: getattr(state, name) for name in REGISTERS
    }


def test_a_newer_version_is_refused_and_says_what_to_do() -> None:
    newer = bytes([VERSION + 1]) + encode(STATE)[1:]
    with pytest.raises(UnknownVersionError, match="run the release that wrote it"):
        decode(newer)


@pytest.mark.parametrize("version", GOLDEN)
def test_who_waits_for_a_callback_is_read_without_the_rest(version: int) -> None:
    assert asked_since(bytes.fromhex(GOLDEN[version])) == STATE.requested_at
    given = replace(STATE, given_at=STATE.requested_at + 1)
    assert asked_since(encode(given)) == NEVER
    assert asked_since(encode(State())) == NEVER
