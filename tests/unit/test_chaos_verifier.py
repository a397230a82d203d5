"""The verifier of the chaos runs must fail: each kind of loss or surplus is planted here, and has to be found."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from pathlib import Path
from zlib import crc32

import orjson

from deploy.embedded.process import ChildProcess
from schemas import topics
from streams.core import state as st
from streams.core.facts import Fact
from streams.core.records import Record
from streams.core.state import State
from streams.settings import Settings
from tests.chaos import invariants, verifier
from tests.chaos.drain import ends, false_alarms, losses
from tests.chaos.feeder import Acknowledged
from tests.chaos.fleet import Fleet, Life
from tests.chaos.history import History
from tests.chaos.poison import KEY
from tests.chaos.verifier import Difference

HOUR = 3_600_000


def trigger(name: str = "t1", sequence: int = 1, **more: object) -> bytes:
    message = {
        "type": "callback_trigger",
        "trigger_id": name,
        "sequence": sequence,
        "status": "open",
        "customer_id": "c1",
        "purpose": "requested_callback",
        "updated_at": "2026-01-05T10:00:00Z",
    }
    return orjson.dumps(message | more)


def signals(sequence: int = 1) -> bytes:
    return orjson.dumps(
        {"type": "customer_signals", "customer_id": "c1", "as_of": "2026-01-05", "sequence": sequence}
    )


def log(name: str, *values: bytes, key: bytes = b"c1", partition: int = 0) -> list[Record]:
    return [Record(f"p.{name}", partition, n, 0, key, value) for n, value in enumerate(values)]


def logs(**given: list[Record]) -> dict[str, list[Record]]:
    empty: dict[str, list[Record]] = {name: [] for name in (*topics.INPUTS, *topics.OUTPUTS)}
    return empty | {getattr(topics, name): records for name, records in given.items()}


def problems(found: Iterable[Difference]) -> set[tuple[str, str, int]]:
    return {(each.check, each.problem, each.number) for each in found}


def test_equal_outputs_however_often_they_were_sent() -> None:
    found = logs(TRIGGERS=log(topics.TRIGGERS, trigger(), trigger()), SIGNALS=log(topics.SIGNALS, signals()))
    assert verifier.outputs({trigger(), signals()}, found) == []
    assert verifier.published(found) == (3, 2)


def test_a_missing_trigger_is_found() -> None:
    found = logs(SIGNALS=log(topics.SIGNALS, signals()))
    assert problems(verifier.outputs({trigger(), signals()}, found)) == {("triggers", "missing", 1)}


def test_an_extra_trigger_is_found() -> None:
    found = logs(SHADOW_TRIGGERS=log(topics.SHADOW_TRIGGERS, trigger(), trigger(sequence=2)))
    assert problems(verifier.outputs({trigger()}, found)) == {("triggers", "extra", 1)}


def test_a_second_content_under_one_identity_is_found() -> None:
    found = logs(TRIGGERS=log(topics.TRIGGERS, trigger(), trigger(status="expired")))
    assert problems(verifier.outputs({trigger()}, found)) == {("triggers", "with other content", 1)}


def test_a_missing_picture_is_found() -> None:
    assert problems(verifier.outputs({signals()}, logs())) == {("signals", "missing", 1)}


def test_a_lost_state_an_extra_one_and_a_changed_one_are_found() -> None:
    found = verifier.compare("states", {"a": b"1", "b": b"2"}, {"b": b"3", "c": b"4"})
    assert problems(found) == {
        ("states", "missing", 1),
        ("states", "extra", 1),
        ("states", "with other content", 1),
    }
    assert "'a'" not in str(found)


def test_an_acknowledged_record_that_is_gone_or_other_is_found() -> None:
    there = History().lives(logs(CALLS=log(topics.CALLS, b"one", b"two")))
    fed = [Acknowledged(topics.CALLS, 0, n, crc32(value)) for n, value in enumerate((b"one", b"two"))]
    assert verifier.acknowledged(fed, there) == []
    lost = [*fed, Acknowledged(topics.CALLS, 0, 2, 0), Acknowledged(topics.CALLS, 0, 1, crc32(b"other"))]
    assert problems(verifier.acknowledged(lost, there)) == {("acknowledged events", "lost by the brokers", 2)}


def test_what_was_acknowledged_in_an_earlier_life_is_looked_for_there() -> None:
    history = History()
    history.take(topics.CALLS, log(topics.CALLS, b"one", b"two"))
    history.begin_anew(topics.CALLS)
    there = history.lives(logs(CALLS=log(topics.CALLS, b"other")))
    fed = [
        Acknowledged(topics.CALLS, 0, 0, crc32(b"one"), 0),
        Acknowledged(topics.CALLS, 0, 1, crc32(b"two"), 0),
        Acknowledged(topics.CALLS, 0, 0, crc32(b"other"), 1),
    ]
    assert verifier.acknowledged(fed, there) == []
    lost = [Acknowledged(topics.CALLS, 0, 1, crc32(b"two"), 1)]
    assert problems(verifier.acknowledged(lost, there)) == {("acknowledged events", "lost by the brokers", 1)}


def test_a_gap_in_a_log_is_found() -> None:
    records = log(topics.CALLS, b"0", b"1", b"2")

    def found(records: list[Record], hidden: int = 0) -> list[Difference]:
        return verifier.whole(History().lives(logs(CALLS=records)), {(topics.CALLS, 0): hidden})

    assert found(records) == []
    assert len(found([records[0], records[2]])) == 1
    assert found([records[0], records[2]], hidden=1) == []
    assert len(found([records[2]], hidden=1)) == 1


def test_an_event_that_was_taken_back_and_is_read_is_found() -> None:
    seen = log(topics.CALLS, b'{"event_id":"e-1"}', b'{"event_id":"ghost-1"}')
    assert verifier.ghosts(logs(CALLS=seen[:1])) == []
    assert len(verifier.ghosts(logs(CALLS=seen))) == 1


def letter(offset: int, code: str = "not_json", message: str = "", key: bytes = KEY + b"not_json.1") -> bytes:
    return orjson.dumps(
        {
            "topic": f"p.{topics.CALLS}",
            "partition": 0,
            "offset": offset,
            "reason_code": code,
            "message": message,
            "key_base64": b64encode(key).decode(),
        }
    )


def test_dead_letters_are_exactly_the_planted_ones() -> None:
    inputs = log(topics.CALLS, b"{", key=KEY + b"not_json.1")

    def found(*letters: bytes) -> set[tuple[str, str, int]]:
        there = logs(CALLS=inputs, DEAD_LETTERS=log(topics.DEAD_LETTERS, *letters))
        return problems(verifier.dead_letters(there))

    assert found(letter(0), letter(0)) == set()
    assert found() == {("dead letters", "missing", 1)}
    assert found(letter(0), letter(1)) == {("dead letters", "extra", 1)}
    assert found(letter(0, "empty")) == {("dead letters", "with other content", 1)}
    assert found(letter(0), letter(0, message="x")) == {("dead letters", "with two contents", 1)}
    assert verifier.poison(logs(CALLS=inputs), 1) == []
    assert problems(verifier.poison(logs(CALLS=inputs), 2)) == {
        ("dead letters", "other count of poison in the logs than was planted", 1)
    }


def test_two_lives_have_a_dead_letter_each_at_one_offset() -> None:
    history, second = History(), KEY + b"not_json.2"
    history.take(topics.CALLS, log(topics.CALLS, b"{", key=KEY + b"not_json.1"))
    history.begin_anew(topics.CALLS)

    def found(*letters: bytes) -> set[tuple[str, str, int]]:
        there = logs(
            CALLS=log(topics.CALLS, b"[", key=second), DEAD_LETTERS=log(topics.DEAD_LETTERS, *letters)
        )
        return problems(verifier.dead_letters(history.read(there)))

    assert found(letter(0), letter(0, key=second)) == set()
    assert found(letter(0)) == {("dead letters", "missing", 1)}


def test_a_dead_letter_of_what_may_have_been_read_may_be_there_or_not() -> None:
    history = History()
    (record,) = log(topics.CALLS, b"{", key=KEY + b"not_json.1")
    history.doubtful.add(history.place(topics.CALLS, record))

    def found(*letters: bytes) -> set[tuple[str, str, int]]:
        there = logs(CALLS=[record], DEAD_LETTERS=log(topics.DEAD_LETTERS, *letters))
        return problems(verifier.dead_letters(history.read(there), history.in_doubt(there)))

    assert found() == found(letter(0)) == set()
    assert found(letter(0, "empty")) == {("dead letters", "extra", 1)}


def test_a_replay_that_publishes_something_new_is_found() -> None:
    before = logs(TRIGGERS=log(topics.TRIGGERS, trigger()))
    again = logs(TRIGGERS=log(topics.TRIGGERS, trigger(), trigger()))
    more = logs(TRIGGERS=log(topics.TRIGGERS, trigger(), trigger("t2")))
    assert verifier.nothing_new(before, again) == []
    assert len(verifier.nothing_new(before, more)) == 1


def test_episodes_that_follow_each_other_are_fine() -> None:
    values = (trigger(), trigger(), trigger(sequence=2, status="retracted"), trigger("t2"))
    assert invariants.episodes(log(topics.SHADOW_TRIGGERS, *values)) == []


def test_a_second_open_episode_a_gap_and_two_contents_are_found() -> None:
    def found(*values: bytes) -> set[str]:
        return {each.problem for each in invariants.episodes(log(topics.SHADOW_TRIGGERS, *values))}

    assert found(trigger(), trigger("t2")) == {"opened while another was open"}
    assert found(trigger(), trigger(sequence=3)) == {"with a gap in their sequences"}
    assert found(trigger(), trigger(purpose="save")) == {"with two contents for one (id, sequence)"}
    assert found(trigger("t0"), trigger("t0", 2, status="retracted"), trigger("t0", 3, status="expired")) == {
        "ended that were not open"
    }


def test_a_trigger_without_its_ground_is_found() -> None:
    def found(**event: object) -> list[Difference]:
        asked = {
            "type": "survey",
            "schema_version": 1,
            "event_id": "s1",
            "customer_id": "c1",
            "occurred_at": "2026-01-05T09:00:00Z",
            "callback_requested": True,
        }
        there = logs(SURVEYS=log(topics.SURVEYS, orjson.dumps(asked | {"csat": 3} | event)))
        there[topics.SURVEYS] = [record._replace(timestamp=-1) for record in there[topics.SURVEYS]]
        return invariants.justified(log(topics.SHADOW_TRIGGERS, trigger()), there, 90 * 24 * HOUR)

    assert found() == []
    assert len(found(callback_requested=False)) == 1
    assert len(found(occurred_at="2026-01-05T11:00:00Z")) == 1
    assert len(found(customer_id="c2")) == 1


def test_a_lost_fact_and_a_lost_register_are_found_and_the_ledger_does_not_count() -> None:
    fact = Fact(1, 2, 1, 0, 0, 0, 0, 0, 0)
    right = {"c1": st.encode(State(facts=[fact], objected_at=5, cooldown_until=9))}
    assert invariants.knowledge(right, {"c1": st.encode(State(facts=[fact], objected_at=5))}) == []
    assert len(invariants.knowledge(right, {"c1": st.encode(State(objected_at=5))})) == 1
    assert len(invariants.knowledge(right, {"c1": st.encode(State(facts=[fact]))})) == 1
    assert len(invariants.knowledge(right, {})) == 1


def test_a_fact_too_few_and_one_too_many_are_found_where_it_is_in_doubt_what_was_read() -> None:
    def known(*identities: int) -> dict[str, bytes]:
        return {"c1": st.encode(State(facts=[Fact(1, each, 1, 0, 0, 0, 0, 0, 0) for each in identities]))}

    def found(now: dict[str, bytes], most: int = 100) -> set[str]:
        between = invariants.between({"c1"}, known(1), now, known(1, 2), most)
        return {each.problem for each in between}

    assert found(known(1)) == found(known(1, 2)) == set()
    assert found({}) == {"customers who lack one that was read"}
    assert found(known(1, 3)) == {"customers who have one that there never was"}
    assert found({}, most=2) == set(), "a state that is full forgets"


def test_a_loss_that_is_counted_wrongly_is_found() -> None:
    assert losses({("calls", 0): 5}, {("calls", 0): 5}) == []
    assert losses({}, {}) == []
    for counted in ({}, {("calls", 0): 10}, {("calls", 1): 5, ("calls", 0): 5}):
        assert len(losses({("calls", 0): 5}, counted)) == 1


def test_a_log_that_is_taken_for_another_one_is_found() -> None:
    life, history = Life("signals-0", ChildProcess(["true"], name="nobody"), Path(), 0, 0), History()
    fleet = Fleet("signals", Settings(), Path(), lives=[life])
    assert false_alarms("signals", fleet, history) == []
    life.begun_anew[topics.CALLS, 0] = 1
    assert len(false_alarms("signals", fleet, history)) == 1
    history.begin_anew(topics.CALLS)
    assert false_alarms("signals", fleet, history) == []


def test_a_process_that_would_stay_down_is_found() -> None:
    assert ends("signals", {0: 3, -9: 5, -15: 1, 137: 1, 69: 1, 75: 2}) == []
    for code in (1, 65, 70, 78):
        assert len(ends("signals", {0: 3, code: 1})) == 1
