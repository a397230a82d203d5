"""What a desk reads: encoded and decoded it is the same; whatever the bytes, there is a body with which a desk can go on, or a refusal."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as some

from schemas import topics
from schemas.dispositions import DISPOSITION_RULES
from schemas.instants import from_text, to_datetime
from schemas.reply import Reply
from schemas.trigger import CallbackTrigger
from streams.core.decode import MAX_UNKNOWN_FIELDS
from streams.core.release import decode
from streams.core.release.encode import encode
from streams.core.release.inputs import (
    Body,
    Capacity,
    Claim,
    Contact,
    Decided,
    Done,
    Erased,
    GiveBack,
    Progress,
    Renew,
    Reported,
    SetMode,
    Tick,
    Withdrawn,
)
from streams.core.state import NEVER
from tests import hostile
from tests.desks import HOUR, MONDAY, Timeline, decided

DESKS = {"service": 0, "callback": 1}
READERS: dict[str, Callable[..., decode.Read]] = {
    topics.CANDIDATES: decode.candidate,
    topics.COMMANDS: decode.command,
}
names = some.from_regex(r"\A[!-~]{1,128}\Z")
ids = some.from_regex(r"\A[A-Za-z0-9_.\-]{1,200}\Z")
instants = some.integers(0, from_text("2200-01-01T00:00:00Z"))
perhaps = some.just(NEVER) | instants
OPEN = [each for each in hostile.examples(topics.TRIGGERS) if each["status"] == "open"]
RECORD = next(each for each in OPEN if each.get("callable"))


@some.composite
def decisions(draw: some.DrawFn) -> Decided:
    trigger_id, skill, score = draw(ids), draw(names), draw(some.floats(0, 1))
    due, expires, attempts, delay = (
        draw(instants),
        draw(instants),
        draw(some.integers(1, 1_000)),
        draw(some.integers(0, 10**7)),
    )
    edges = sorted(draw(some.sets(instants, max_size=28)))
    windows = [list(pair) for pair in zip(edges[::2], edges[1::2], strict=False)]
    written = {"skill": skill, "score": score, "max_attempts": attempts, "retry_delay_seconds": delay}
    written |= {"due_at": to_datetime(due), "expires_at": to_datetime(expires), "customer_id": draw(names)}
    fields = orjson.loads(orjson.dumps(RECORD | written, option=orjson.OPT_UTC_Z))
    trigger = {name: each for name, each in fields.items() if name not in decode.WRITTEN_BY_DESK}
    return Decided(
        trigger_id,
        draw(some.integers(1, 2**53)),
        trigger["customer_id"],
        draw(some.integers(0, 1_000_000)),
        skill,
        trigger["purpose"],
        due,
        expires,
        windows,
        score,
        draw(some.floats(allow_nan=False, allow_infinity=False)),
        attempts,
        delay * 1_000,
        trigger,
        draw(perhaps),
        draw(some.just("") | names),
        draw(some.integers(0, 2**53)),
    )


candidates: some.SearchStrategy[Body] = some.one_of(
    decisions(),
    some.builds(Withdrawn, ids, some.integers(1, 2**53), names),
    some.builds(
        Reported,
        ids,
        some.integers(1, 1_000),
        some.sampled_from([*DISPOSITION_RULES, "NEW_CODE"]),
        perhaps,
        perhaps,
        some.just("") | names,
    ),
    some.builds(Contact, ids, names, some.booleans(), some.booleans()),
    ids.map(Erased),
    ids.map(lambda customer_id: Erased("", customer_id)),
    some.builds(Progress, some.integers(0, 1_000_000), instants),
)
modes = some.builds(
    SetMode, names, names, names, some.sampled_from(["live", "shadow"]), some.just(0)
) | some.builds(SetMode, names, names, names, some.just("limited"), some.integers(0, 10_000_000))
commands: some.SearchStrategy[Body] = some.one_of(
    some.builds(Claim, names, names, ids, some.just("")),
    some.builds(Claim, names, names, some.just(""), names),
    some.builds(Renew, names, names, ids),
    some.builds(GiveBack, names, names, ids),
    some.builds(Done, names, names, ids, some.sampled_from(["", "stopped", "too_late"])),
    some.builds(Capacity, names, names, names, some.integers(0, 1_000_000), instants),
    modes,
    some.builds(Tick, perhaps),
)


@given(candidates, instants)
def test_a_candidate_that_is_encoded_and_decoded_is_the_same(body: Body, at: int) -> None:
    assert decode.candidate(encode(body, at), 0, {}) == decode.Read(body)
    assert decode.command(encode(body, at), 0, {}).reject is not None


@given(commands)
def test_a_command_that_is_encoded_and_decoded_is_the_same(body: Body) -> None:
    assert decode.command(encode(body), 0, {}) == decode.Read(body)
    assert decode.candidate(encode(body), 0, {}).reject is not None


@given(
    some.sampled_from([*READERS]).flatmap(
        lambda topic: some.tuples(some.just(topic), some.sampled_from(hostile.examples(topic)))
    ),
    some.sets(names.map("x_{}".format), max_size=3),
)
def test_fields_that_nobody_knows_are_named_and_change_nothing(
    example: tuple[str, dict[str, Any]], more: set[str]
) -> None:
    topic, fields = example
    plain = READERS[topic](json.dumps(fields).encode(), 0, {})
    read = READERS[topic](json.dumps(fields | dict.fromkeys(more, 7)).encode(), 0, {})
    assert read.body == plain.body
    assert sorted(read.unknown_fields) == sorted([*plain.unknown_fields, *more])
    if isinstance(plain.body, Decided):
        inside = fields | {"trigger": fields["trigger"] | dict.fromkeys(more, 7)}
        read = decode.candidate(json.dumps(inside).encode(), 0, {})
        assert read.body == plain.body
        assert {f"trigger.{name}" for name in more} <= set(read.unknown_fields)


HOSTILE_VALUES = some.one_of(
    hostile.JSON, some.integers(0, 2**70), some.floats(), instants.map(lambda at: to_datetime(at).isoformat())
)


@some.composite
def hostile_decisions(draw: some.DrawFn) -> bytes:
    """A decision of which one or two fields are changed, most of them so that it is still one."""
    trigger = json.loads(json.dumps(draw(some.sampled_from(OPEN)))) | {"skill": "service"}
    fields: dict[str, Any] = {"type": "decided", "schema_version": 1, "partition": 0, "trigger": trigger}
    parts = [fields, trigger, trigger, trigger["consent"], *trigger["drivers"]]
    for _ in range(draw(some.integers(0, 2))):
        where = draw(some.sampled_from(parts))
        name = draw(some.sampled_from([*where, "worth", "rest_until", "contact_id", "adopted_sequence"]))
        where[name] = draw(HOSTILE_VALUES)
    return json.dumps(fields, ensure_ascii=False).encode("utf-8", "surrogatepass")


hostile_records = some.sampled_from([*READERS]).flatmap(
    lambda topic: some.tuples(some.just(topic), hostile.values(topic))
) | some.tuples(some.just(topics.CANDIDATES), hostile_decisions())


@settings(max_examples=300)
@given(some.lists(hostile_records, min_size=1, max_size=6))
def test_whatever_the_bytes_a_desk_goes_on_or_says_why_not(records: list[tuple[str, bytes]]) -> None:
    desk = Timeline(now=from_text("2026-09-15T08:00:00Z"))
    for topic, value in records:
        read = READERS[topic](value, 0, DESKS)
        assert (read.body is None) == (read.reject is not None)
        if read.reject is not None:
            assert hostile.CANARY not in read.reject.message
        if read.body is not None:
            assert len(read.unknown_fields) <= MAX_UNKNOWN_FIELDS
            desk.feed(read.body)
    for hours in (1, 6, 200):
        desk.go_to(desk.at + hours * HOUR)
    desk.restart()
    for output in desk.outputs:
        (CallbackTrigger if output.kind == "trigger" else Reply).model_validate_json(output.value)


@given(some.sampled_from(["service", "callback", "other"]), some.integers(0, 2))
def test_what_lies_at_another_desk_is_refused(skill: str, partition: int) -> None:
    """Of a skill that the policy does not know nobody can tell; the desk answers for itself."""
    trigger = {name: each for name, each in RECORD.items() if name not in decode.WRITTEN_BY_DESK}
    decision = decided("t1", skill=skill, trigger=trigger | {"skill": skill})
    for body in (
        decision,
        Claim("ann", "c1", "", skill),
        Capacity("ann", "c1", skill, 1, MONDAY),
        SetMode("op", "c1", skill, "live"),
    ):
        read = (decode.candidate if body is decision else decode.command)(
            encode(body, MONDAY), partition, DESKS
        )
        if DESKS.get(skill, partition) == partition:
            assert read.reject is None
        else:
            assert read.body is None
            assert read.reject is not None
            assert read.reject.code == "wrong_desk"
    assert decode.command(encode(Renew("ann", "c1", "t1")), partition, DESKS).reject is None
