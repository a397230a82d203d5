"""What the changelog's values hold, and what a recovery makes of them."""

from __future__ import annotations

import orjson
import pytest

from streams.core.dead_letter_limit import as_rows
from streams.core.published import identity_of
from streams.core.state import State, encode
from streams.state.changelog import (
    PARTITION_KEY,
    ChangelogError,
    PartitionRecord,
    Sending,
    Stamp,
    decode_entry,
    decode_outbox,
    decode_partition,
    encode_entry,
    encode_partition,
    tombstone_headers,
)
from streams.state.recovery import Reading
from streams.state.store import SignalsStore

TRIGGER = Sending("trigger", "live", "c1", 1_700_000_000_000, b'{"trigger_id":"t","sequence":1}', "t.1")
SIGNALS = Sending("signals", "shadow", "c1", -1, b"{}", identity_of("signals", b"{}", "c1", -1))
STATE, OTHER = encode(State()), encode(State(newest=1))


def test_an_entry_comes_back_byte_for_byte() -> None:
    entry = decode_entry(encode_entry(Stamp(1, 7), b"state", [TRIGGER, SIGNALS]))
    assert (entry.stamp, entry.state) == (Stamp(1, 7), b"state")
    assert decode_outbox("c1", entry.outbox) == [TRIGGER, SIGNALS]


def test_an_entry_without_outputs_has_an_empty_outbox() -> None:
    assert decode_entry(encode_entry(Stamp(1, 2**40), b"state", [])).outbox == b""


@pytest.mark.parametrize("cut", [0, 5, 14])
def test_an_entry_cut_short_is_refused(cut: int) -> None:
    with pytest.raises(ChangelogError):
        decode_entry(encode_entry(Stamp(1, 1), b"state", [])[:cut])


def test_another_version_is_refused_with_what_to_do() -> None:
    value = bytearray(encode_entry(Stamp(1, 1), b"state", []))
    value[0] = 99
    with pytest.raises(ChangelogError, match="version 99"):
        decode_entry(bytes(value))


def test_an_outbox_cut_short_is_refused() -> None:
    outbox = decode_entry(encode_entry(Stamp(1, 1), b"", [TRIGGER])).outbox
    with pytest.raises(ChangelogError):
        decode_outbox("c1", outbox[:-1])


def test_the_partitions_record_comes_back() -> None:
    record = PartitionRecord(Stamp(1, 3), 1_700_000_000_000, "default@12345678")
    assert decode_partition(encode_partition(record)) == record
    with pytest.raises(ChangelogError):
        decode_partition(b"[]")


OLD = b'{"version":2,"epoch":4,"batch":9,"clock":50,"policy":"p@1","owner":"a","dead_letters":[["contact.calls",41,7,0.25]]}'
"""As workers up to 0.3 wrote it."""


def test_a_record_of_an_older_worker_knows_neither_settings_nor_positions() -> None:
    record = decode_partition(OLD)
    assert record[:5] == (Stamp(4, 9), 50, "p@1", "a", (("contact.calls", 41, 7, 0.25),))
    assert (record.agreed, record.inputs, record.changelog_start) == ({}, {}, 0)


def test_what_the_states_rest_on_goes_with_the_record_and_with_a_claim() -> None:
    record = PartitionRecord(
        Stamp(1, 3),
        50,
        "p@1",
        "a",
        (),
        {"mode": "live"},
        {"contact.calls": 41},
        changelog_start=7,
        changelog_id="x",
    )
    assert decode_partition(encode_partition(record)) == record
    reading = Reading(SignalsStore(0))
    reading.add(PARTITION_KEY, encode_partition(record))
    assert reading.claim("b")[5:] == record[5:]
    store = reading.finish().store
    assert (store.agreed, store.inputs, store.changelog_start) == record[5:8]
    assert store.changelog_id == "x"


def test_a_worker_of_the_version_before_reads_what_this_one_writes() -> None:
    """It takes the fields that it knows, by name."""
    record = PartitionRecord(Stamp(1, 3), 50, "p@1", "a", (), {"mode": "live"}, {"contact.calls": 41}, 7)
    fields = orjson.loads(encode_partition(record))
    assert fields.keys() - orjson.loads(OLD).keys() == {
        *("agreed", "inputs", "changelog_start", "begins", "repairing", "changelog_id")
    }
    assert fields.keys() >= orjson.loads(OLD).keys()
    assert fields["version"] == 2


def test_only_outputs_of_the_highest_batch_are_unsent() -> None:
    reading = Reading(SignalsStore(0))
    reading.add(b"c1", encode_entry(Stamp(1, 1), STATE, [TRIGGER]))
    reading.add(PARTITION_KEY, encode_partition(PartitionRecord(Stamp(1, 1), 50, "p@1")))
    reading.add(b"c2", encode_entry(Stamp(1, 2), STATE, [TRIGGER._replace(key="c2")]))
    recovered = reading.finish()
    assert [sending.key for sending in recovered.unsent] == ["c2"]
    assert recovered.store.batch == 2, "a batch written in part counts"
    assert recovered.store.clock.now == 50, "its time does not: the partition's record was not reached"
    assert recovered.store.states.keys() == {"c1", "c2"}


def test_a_batch_without_outputs_says_that_the_one_before_was_delivered() -> None:
    reading = Reading(SignalsStore(0))
    reading.add(b"c1", encode_entry(Stamp(1, 1), STATE, [TRIGGER]))
    reading.add(b"c2", encode_entry(Stamp(1, 2), STATE, []))
    assert reading.finish().unsent == []


def test_a_departed_customer_has_an_outbox_but_no_state() -> None:
    reading = Reading(SignalsStore(0))
    reading.add(b"c1", encode_entry(Stamp(1, 1), STATE, []))
    reading.add(b"c1", encode_entry(Stamp(1, 2), b"", [TRIGGER]))
    recovered = reading.finish()
    assert recovered.store.states == {}
    assert recovered.store.departed == {"c1"}
    assert recovered.unsent == [TRIGGER]


def test_a_tombstone_removes_everything() -> None:
    reading = Reading(SignalsStore(0))
    reading.add(b"c1", encode_entry(Stamp(1, 1), b"", [TRIGGER]))
    reading.add(b"c1", None, tombstone_headers(Stamp(1, 2)))
    recovered = reading.finish()
    assert (recovered.store.states, recovered.store.departed, recovered.unsent) == ({}, set(), [])


def test_the_same_customer_in_a_later_batch_replaces_its_outbox() -> None:
    reading = Reading(SignalsStore(0))
    reading.add(b"c1", encode_entry(Stamp(1, 4), STATE, [TRIGGER]))
    reading.add(b"c1", encode_entry(Stamp(1, 4), STATE, [SIGNALS]))
    assert reading.finish().unsent == [SIGNALS]


def claim(epoch: int, owner: str, batch: int = 0) -> bytes:
    return encode_partition(PartitionRecord(Stamp(epoch, batch), 50, "p@1", owner))


def test_what_an_earlier_epoch_writes_behind_a_claim_does_not_count() -> None:
    reading = Reading(SignalsStore(0))
    reading.add(PARTITION_KEY, claim(1, "first"))
    reading.add(b"c1", encode_entry(Stamp(1, 1), STATE, []))
    reading.add(PARTITION_KEY, claim(2, "second", batch=1))
    reading.add(b"c2", encode_entry(Stamp(2, 2), STATE, [SIGNALS]))
    reading.add(b"c1", None, tombstone_headers(Stamp(1, 2)))  # the first wakes up, and goes on
    reading.add(b"c2", encode_entry(Stamp(1, 2), OTHER, [TRIGGER]))
    reading.add(PARTITION_KEY, claim(1, "first", batch=2))
    recovered = reading.finish()
    assert recovered.store.states == {"c1": STATE, "c2": STATE}
    assert [(each.key, each.kind) for each in recovered.unsent] == [("c2", "signals")]
    assert (reading.epoch, reading.owner, reading.stale) == (2, "second", 3)


def test_of_two_claims_of_one_epoch_the_first_counts() -> None:
    reading = Reading(SignalsStore(0))
    reading.add(PARTITION_KEY, claim(1, "first"))
    reading.add(PARTITION_KEY, claim(1, "second"))
    reading.add(b"c1", encode_entry(Stamp(1, 1), STATE, []))
    assert (reading.owner, reading.stale) == ("first", 1)
    assert reading.finish().store.states == {"c1": STATE}
    assert reading.claim("third").stamp == Stamp(2, 1)


def test_compaction_may_have_removed_the_claim() -> None:
    reading = Reading(SignalsStore(0))
    reading.add(b"c1", encode_entry(Stamp(3, 1), STATE, []))
    reading.add(PARTITION_KEY, claim(3, "third", batch=1))
    assert (reading.epoch, reading.owner, reading.stale) == (3, "third", 0)


def test_a_tombstone_of_another_program_is_refused() -> None:
    reading = Reading(SignalsStore(3))
    reading.add(b"c1", None, offset=41)
    with pytest.raises(
        ChangelogError,
        match=r"behoudlijn.signals.changelog\[3\]@41 .* another program .* repair --partition 3",
    ):
        reading.check()


def test_a_claim_takes_over_what_was_counted_of_dead_letters() -> None:
    """Or the next owner would begin to count anew."""
    counted = (("contact.calls", 41, 7, 0.25),)
    reading = Reading(SignalsStore(0))
    reading.add(PARTITION_KEY, encode_partition(PartitionRecord(Stamp(1, 2), 50, "p@1", "a", counted)))
    assert reading.claim("b").dead_letters == counted
    assert as_rows(reading.finish().store.dead_letters) == counted


FOREIGN = [
    (b"\xff\xfe", encode_entry(Stamp(1, 1), STATE, []), "a key that is no text"),
    (b"c1", b"", "shorter than its header"),
    (b"c1", b"\x02", "shorter than its header"),
    (b"c1", b"junk of some program", "version 106"),
    (b"c1", encode_entry(Stamp(1, 1), STATE, [])[:-1], "shorter than its header says"),
    (b"c1", encode_entry(Stamp(1, 1), STATE[:-1], []), "shorter or longer than its head says"),
    (b"c1", encode_entry(Stamp(1, 1), b"\x63" + STATE[1:], []), "state of version 99"),
    (b"c1", encode_entry(Stamp(1, 1), b"\x00", []), "without a version"),
    (b"c1", None, "without a stamp"),
    (b"c1", encode_entry(Stamp(2**32 - 1, 1), STATE, []), "beyond all bounds"),
    (PARTITION_KEY, b"{", "partition's record cannot be read"),
    (PARTITION_KEY, b"[]", "partition's record cannot be read"),
    (PARTITION_KEY, OLD.replace(b':2,"epoch"', b':9,"epoch"'), "another version"),
    (PARTITION_KEY, OLD.replace(b":4,", b":-4,"), "beyond all bounds"),
    (PARTITION_KEY, OLD.replace(b":50,", b":1e300,"), "beyond all bounds"),
    (b"\x00erased:00", encode_entry(Stamp(1, 1), b"marker", []), "a marker of an erased customer"),
    (b"\x00other", encode_entry(Stamp(1, 1), b"value", []), "a reserved key"),
]


@pytest.mark.parametrize(("key", "value", "said"), FOREIGN)
def test_what_cannot_be_read_is_told_by_its_place_and_changes_nothing(
    key: bytes, value: bytes | None, said: str
) -> None:
    reading = Reading(SignalsStore(5), "x.changelog")
    reading.add(PARTITION_KEY, claim(1, "first"), offset=1)
    reading.add(b"c0", encode_entry(Stamp(1, 1), STATE, []), offset=2)
    reading.add(key, value, offset=3)
    assert [each.offset for each in reading.unreadable] == [3]
    with pytest.raises(ChangelogError, match=rf"x.changelog\[5\]@3 .*{said}.*state repair --partition 5"):
        reading.check()
    assert (reading.finish().store.states, reading.epoch) == ({"c0": STATE}, 1)


def test_a_broken_outbox_counts_only_while_it_may_have_to_be_sent() -> None:
    broken = encode_entry(Stamp(1, 1), STATE, [TRIGGER])[:-1]
    reading = Reading(SignalsStore(0))
    reading.add(b"c1", broken, offset=8)
    reading.check()
    assert reading.finish().unsent == []
    with pytest.raises(ChangelogError, match=r"\[0\]@8 .*outbox"):
        reading.check()
    later = Reading(SignalsStore(0))
    later.add(b"c1", broken, offset=8)
    later.add(PARTITION_KEY, claim(1, "first", batch=2), offset=9)
    later.finish()
    later.check()


def test_what_a_repair_has_replaced_is_no_more_asked_for() -> None:
    reading = Reading(SignalsStore(0))
    reading.add(b"c1", b"junk", offset=8)
    reading.add(
        PARTITION_KEY, encode_partition(PartitionRecord(Stamp(1, 1), 50, "p@1", "a", begins=9)), offset=9
    )
    reading.add(b"\xff", None, tombstone_headers(Stamp(1, 1)), offset=10)
    reading.check()
    reading.add(b"c1", b"junk", offset=11)
    with pytest.raises(ChangelogError, match=r"@11 "):
        reading.check()


def test_nobody_starts_from_a_repair_that_has_not_ended() -> None:
    reading = Reading(SignalsStore(4))
    reading.add(PARTITION_KEY, encode_partition(PartitionRecord(Stamp(1, 1), 50, "p@1", "a", repairing=True)))
    with pytest.raises(ChangelogError, match=r"has begun and not ended.*state repair --partition 4"):
        reading.check()
    assert reading.claim("b").repairing
    reading.add(PARTITION_KEY, encode_partition(PartitionRecord(Stamp(1, 1), 50, "p@1", "a")))
    reading.check()
