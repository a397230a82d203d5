"""A customer's state: facts, standing registers and the ledger, and its versioned bytes, which are the changelog's value.

Standing registers hold obligations and permissions outside the horizon. Each keeps a maximum over the events as they count, so
that neither order nor repetition matters; where a correction replaces what a register holds, it is made anew from the facts that
stand. An objection alone is never taken back. The ledger is what was decided, which cannot be taken back either.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import starmap
from struct import Struct
from typing import Any, Final, NamedTuple

import orjson

from schemas.revisions import NO_REVISION
from streams.core.facts import (
    CANCELLATION,
    CONFIRMED,
    FACT,
    REQUESTED,
    WITHDRAWN,
    Fact,
    add,
    drop_before,
    unpacked,
    unpacked_2,
)
from streams.core.steps import STEP, WHOLE, Step, step_of
from streams.core.steps import unpacked as unpacked_steps

VERSION: Final = 5
NEVER: Final = -(2**62)
"""A time before every event."""
FOREVER: Final = 2**62
RESERVED: Final = "\x00"
"""First character of every key among the states that is no customer's, or no trigger's, id."""
OUTLOOK: Final = Struct("<BBHBBBqqqdQI")
"""The first bytes of a state, all that `outlook` reads: version, band, facts, calm, spare, ending, due, newest, judged at, slack, saturated,
judged by."""
OUTLOOK_FIELDS: Final = ("due", "judged_at", "slack", "saturated", "spare", "ending", "judged_by")
"""The fields of a state that say when to look at it again, and nothing of the customer."""
PROFILE_TIMES: Final = ("profile_at", "profile_revision", "profile_arrival")
"""The fields of a state by which of two profiles the later counts."""
_REST: Final = Struct("<BBBB12qQIHH")
_REST_2: Final = Struct("<BBB10qQIHH")
FACTS_AT: Final = OUTLOOK.size + _REST.size
"""Where the facts begin; before them is a fixed head, after them the profile, the open episode, and what is known of an end or of contracts."""
_LEAVING: Final = Struct("<BqqI")
"""Of a customer who has left, or come back, or has contracts whose steps are known: why and when the relation ended, when anything was
reinstated last, and which contract the last episode served. The steps of the contracts follow."""
_LEAVING_AT: Final = OUTLOOK.size + 3
"""Where one byte is that says what there is of this: 0 for nothing, else one more than the number of contracts."""
_FACT_BYTES_2: Final = 28
_HEAD_1: Final = Struct("<BBBBHB12qQIHH")
_DUE: Final = Struct("<7xq")
_ASKED: Final = Struct(f"<{OUTLOOK.size + 4}x2q")
_COOLDOWN: Final = Struct(f"<{OUTLOOK.size + 4 + 7 * 8}xq")


NO_STEP: Final = Step(NEVER, 0, 0, 0, WHOLE)
"""In place of a step that there is not."""
_NOTHING: Final[tuple[bytes, dict[str, Any]]] = (b"", {})
"""An empty text and what it says."""


class UnknownVersionError(Exception):
    """A state was written by a version that this one cannot read: start the worker with the newer release."""


class BrokenStateError(Exception):
    """Bytes that no release wrote as a state; the message quotes nothing of them."""


class _Layout(NamedTuple):
    """Where a version has what tells its length: the head's size, where the number of facts is, the size of a fact, and where it says what
    there is of an end or of contracts (0: nowhere)."""

    head: int
    count_at: int
    fact: int
    leaving_at: int


@dataclass(slots=True)
class State:
    """One customer. Times are ms since the epoch, UTC; `NEVER` where nothing happened yet."""

    due: int = FOREVER
    """When it must be looked at again though nothing arrives."""
    newest: int = NEVER
    """The newest event time seen."""
    facts: list[Fact] = field(default_factory=list)

    requested_at: int = NEVER
    requested_id: int = 0
    given_at: int = NEVER
    stage: int = 0
    """The latest step of the whole relation, but for its end, with the reason, and the end that is asked for."""
    stage_reason: int = 0
    stage_at: int = NEVER
    effective_at: int = NEVER
    ended_at: int = NEVER
    """When the end of the whole relation was last confirmed."""
    ended_reason: int = 0
    returned_at: int = NEVER
    """When the relation, or any contract, was last reinstated."""
    contracts: tuple[Step, ...] = ()
    """The latest step of each contract that steps named, as `steps.newest` keeps them."""
    deceased: int = 0
    objected_at: int = NEVER
    profile_at: int = NEVER
    profile_json: bytes = b""
    profile_revision: int = NO_REVISION
    profile_arrival: int = 0

    band: int = 0
    signals_sequence: int = 0
    scored_at: int = NEVER
    """When the score (or a rule) last opened an episode."""
    cooldown_until: int = NEVER
    served_request_at: int = NEVER
    served_stage_at: int = NEVER
    served_contract: int = WHOLE
    """The contract of the request that an episode last served."""
    episode: bytes = b""
    """The last published JSON of the open episode; empty when none is open."""

    slack: float = -1.0
    """How much logit(score) may rise by new facts before a decision is possible; zero or less: judge the next event."""
    saturated: int = 0
    """The signals that cannot raise the score any more, bit by bit as in `Plan.weighed`."""
    spare: int = 0
    """How many of the oldest facts may fall out before the due time without a decision."""
    ending: int = 0
    """1 when the due time is only the moment at which the last fact leaves the horizon: newer facts push it back unseen."""
    judged_by: int = 0
    """The fingerprint of the policy by which due time and slack were found; 0: none yet."""
    judged_at: int = NEVER
    """When they were found."""
    number_objected_at: int = field(default=NEVER, init=False, repr=False, compare=False)
    """When an objection by the profile's number was made that holds at the time of judging; no bytes hold it (`objections`)."""
    number_objected_until: int = field(default=FOREVER, init=False, repr=False, compare=False)
    """When that objection ends; `FOREVER` without an end, and without an objection."""
    _packed: bytes | None = field(default=None, init=False, repr=False, compare=False)
    """The bytes of the facts while they are known: `encode` need not pack again what stays."""
    _parsed: tuple[bytes, dict[str, Any]] = field(default=_NOTHING, init=False, repr=False, compare=False)
    """A profile, and what it says."""
    _opened: tuple[bytes, dict[str, Any]] = field(default=_NOTHING, init=False, repr=False, compare=False)
    """An open episode, and what it says."""

    def add(self, fact: Fact, keep: int, known: Fact | None = None) -> bool:
        """Add a fact in place of `known` as `facts.add` does; False when that changes nothing."""
        facts, count, first = self.facts, len(self.facts), self.facts[0] if self.facts else None
        if not add(facts, fact, keep, known):
            return False
        packed, self._packed = self._packed, None
        if packed is not None and facts[-1] is fact:
            if len(facts) == count + 1:
                self._packed = packed + FACT.pack(*fact)
            elif len(facts) == count and facts[0] is not first:
                self._packed = packed[FACT.size :] + FACT.pack(*fact)
        return True

    def drop_before(self, horizon_start: int) -> None:
        """Let the facts at or before `horizon_start` (ms) fall out."""
        count = drop_before(self.facts, horizon_start)
        if not count:
            return
        self.spare = max(0, self.spare - count)
        if self._packed is not None:
            self._packed = self._packed[count * FACT.size :]

    def packed(self) -> bytes:
        """Return the bytes of the facts."""
        if self._packed is None:
            self._packed = b"".join(starmap(FACT.pack, self.facts))
        return self._packed

    @property
    def calm(self) -> bool:
        """Nothing can end or fall: the lowest band, and no episode is open."""
        return self.band == 0 and not self.episode

    @property
    def step(self) -> Step:
        """The latest step of the whole relation, but for its end."""
        effective = 0 if self.effective_at == NEVER else self.effective_at
        return Step(self.stage_at, self.stage, self.stage_reason, effective, WHOLE)

    @step.setter
    def step(self, step: Step) -> None:
        self.stage_at, self.stage, self.stage_reason = step.at, step.stage, step.reason
        self.effective_at = step.effective or NEVER

    @property
    def request_open(self) -> bool:
        """A callback was asked for and not given since."""
        return self.requested_at > self.given_at

    def profile(self) -> dict[str, Any]:
        """Return the profile's fields, empty when there is none."""
        if self._parsed[0] is not self.profile_json:
            self._parsed = self.profile_json, orjson.loads(self.profile_json) if self.profile_json else {}
        return self._parsed[1]

    def open_trigger(self) -> dict[str, Any]:
        """Return the fields of the open episode's last record, which there must be."""
        if self._opened[0] is not self.episode:
            self._opened = self.episode, orjson.loads(self.episode)
        return self._opened[1]

    def ends_at(self, horizon: int) -> int:
        """Return when (ms) it may leave the store, if nothing stands: its facts are gone and the rest from calls is over."""
        return max(self.newest + horizon, self.cooldown_until)

    @property
    def standing(self) -> bool:
        """Something must be remembered though the customer has been silent for a whole horizon."""
        return bool(
            self.request_open
            or self.profile_json
            or self.episode
            or self.deceased
            or self.objected_at != NEVER
            or self.ended_at > max(self.returned_at - 1, NEVER)
            or (self.stage == REQUESTED and self.stage_at > self.ended_at)
        ) or any(
            step.stage == REQUESTED and step.at > max(self.stage_at, self.ended_at) for step in self.contracts
        )


def encode(state: State) -> bytes:
    """Return the bytes of a state: a fixed head, the facts, the profile, the open episode, and where it has any, its end and contracts."""
    leaving = _leaving(state)
    outlook = OUTLOOK.pack(
        VERSION,
        state.band,
        len(state.facts),
        state.calm,
        state.spare,
        state.ending,
        state.due,
        state.newest,
        state.judged_at,
        state.slack,
        state.saturated,
        state.judged_by,
    )
    rest = _REST.pack(
        state.stage,
        state.stage_reason,
        state.deceased,
        1 + len(state.contracts) if leaving else 0,
        state.requested_at,
        state.given_at,
        state.stage_at,
        state.effective_at,
        state.objected_at,
        state.profile_at,
        state.scored_at,
        state.cooldown_until,
        state.served_request_at,
        state.served_stage_at,
        state.profile_revision,
        state.profile_arrival,
        state.requested_id,
        state.signals_sequence,
        len(state.profile_json),
        len(state.episode),
    )
    return b"".join((outlook, rest, state.packed(), state.profile_json, state.episode, leaving))


def _leaving(state: State) -> bytes:
    if (
        state.ended_at == NEVER
        and state.returned_at == NEVER
        and not state.contracts
        and state.served_contract == WHOLE
    ):
        return b""
    head = _LEAVING.pack(state.ended_reason, state.ended_at, state.returned_at, state.served_contract)
    return head + b"".join(starmap(STEP.pack, state.contracts))


def decode(data: bytes) -> State:
    """Return the state of these bytes, of this version or one before.

    Raises `UnknownVersionError` for a layout that this release does not know.
    """
    if data[0] == VERSION:
        return _read_5(data)
    reader = _READERS.get(data[0])
    if reader is None:
        raise UnknownVersionError(
            f"state of version {data[0]}, but this release reads version {' and '.join(map(str, _READERS))}: "
            "run the release that wrote it, or newer"
        )
    return reader(data)


def _read_1(data: bytes) -> State:
    (
        _, band, stage, stage_reason, count, deceased, due, newest, requested_at, given_at, stage_at, effective_at,
        objected_at, profile_at, scored_at, cooldown_until, served_request_at, served_stage_at, requested_id,
        signals_sequence, profile_length, episode_length,
    ) = _HEAD_1.unpack_from(data)  # fmt: skip
    facts_end = _HEAD_1.size + count * _FACT_BYTES_2
    profile_end = facts_end + profile_length
    state = State(
        due,
        newest,
        unpacked_2(data[_HEAD_1.size : facts_end]),
        requested_at,
        requested_id,
        given_at,
        stage,
        stage_reason,
        stage_at,
        effective_at,
        deceased=deceased,
        objected_at=objected_at,
        profile_at=profile_at,
        profile_json=data[facts_end:profile_end],
        band=band,
        signals_sequence=signals_sequence,
        scored_at=scored_at,
        cooldown_until=cooldown_until,
        served_request_at=served_request_at,
        served_stage_at=served_stage_at,
        episode=data[profile_end : profile_end + episode_length],
    )
    return _parted(state)


def _read_2(data: bytes) -> State:
    state = State()
    (
        _, state.band, count, _, state.spare, state.ending, state.due, state.newest, state.judged_at, state.slack,
        state.saturated, state.judged_by,
    ) = OUTLOOK.unpack_from(data)  # fmt: skip
    (
        state.stage, state.stage_reason, state.deceased, state.requested_at, state.given_at, state.stage_at,
        state.effective_at, state.objected_at, state.profile_at, state.scored_at, state.cooldown_until,
        state.served_request_at, state.served_stage_at, state.requested_id, state.signals_sequence,
        profile_length, episode_length,
    ) = _REST_2.unpack_from(data, OUTLOOK.size)  # fmt: skip
    facts_at = OUTLOOK.size + _REST_2.size
    facts_end = facts_at + count * _FACT_BYTES_2
    profile_end = facts_end + profile_length
    state.facts = unpacked_2(data[facts_at:facts_end])
    state.profile_json = data[facts_end:profile_end]
    state.episode = data[profile_end : profile_end + episode_length]
    return _parted(state)


def _read_3(data: bytes) -> State:
    """Versions 3 and 4 know of no end apart from the other steps, and of no contracts: their heads lack the byte that says so."""
    return _parted(_read_5(data[:_LEAVING_AT] + b"\0" + data[_LEAVING_AT:]))


def _parted(state: State) -> State:
    """Take the end out of the one register of steps that versions up to 4 have; what it hid there is read from the facts."""
    if state.stage == CONFIRMED:
        state.ended_at, state.ended_reason = state.stage_at, state.stage_reason
        hidden = [
            step_of(fact)
            for fact in state.facts
            if fact.kind == CANCELLATION and fact.a in (REQUESTED, WITHDRAWN)
        ]
        state.step = max(hidden, default=NO_STEP)
    return state


def _read_5(data: bytes) -> State:
    state = State()
    (
        _, state.band, count, _, state.spare, state.ending, state.due, state.newest, state.judged_at, state.slack,
        state.saturated, state.judged_by,
    ) = OUTLOOK.unpack_from(data)  # fmt: skip
    (
        state.stage, state.stage_reason, state.deceased, leaving, state.requested_at, state.given_at,
        state.stage_at, state.effective_at, state.objected_at, state.profile_at, state.scored_at,
        state.cooldown_until, state.served_request_at, state.served_stage_at, state.profile_revision,
        state.profile_arrival, state.requested_id, state.signals_sequence, profile_length, episode_length,
    ) = _REST.unpack_from(data, OUTLOOK.size)  # fmt: skip
    facts_end = FACTS_AT + count * FACT.size
    profile_end = facts_end + profile_length
    facts = data[FACTS_AT:facts_end]
    state.facts = unpacked(facts)
    state.profile_json = data[facts_end:profile_end]
    episode_end = profile_end + episode_length
    state.episode = data[profile_end:episode_end]
    if leaving:
        state.ended_reason, state.ended_at, state.returned_at, state.served_contract = _LEAVING.unpack_from(
            data, episode_end
        )
        state.contracts = unpacked_steps(data[episode_end + _LEAVING.size :])
    state._packed, state._parsed, state._opened = facts, _NOTHING, _NOTHING  # noqa: SLF001
    return state


_READERS: Final[dict[int, Callable[[bytes], State]]] = {
    1: _read_1,
    2: _read_2,
    3: _read_3,
    4: _read_3,
    5: _read_5,
}
"""By version. A new layout gets a new reader and keeps the one before it; golden bytes of each version are in the tests. Version 4 has the
layout of 3: only its surveys name their contacts, which a release that does not know it would count twice. In version 5 outcomes
say what came of the talk (0, `unknown`, in those of before), with dispositions for which a release of before has no words."""


_COUNT: Final = Struct("<H")
_LENGTHS: Final = Struct("<HH")
_LAYOUT_3: Final = _Layout(FACTS_AT - 1, 2, FACT.size, 0)
_LAYOUTS: Final[dict[int, _Layout]] = {
    1: _Layout(_HEAD_1.size, 4, _FACT_BYTES_2, 0),
    2: _Layout(OUTLOOK.size + _REST_2.size, 2, _FACT_BYTES_2, 0),
    3: _LAYOUT_3,
    4: _LAYOUT_3,
    5: _Layout(FACTS_AT, 2, FACT.size, _LEAVING_AT),
}
"""By version; each head ends with the lengths of profile and episode."""


def check(data: bytes) -> None:
    """Raise `UnknownVersionError` or `BrokenStateError` for bytes that are no whole state: before they are trusted, once.

    >>> check(encode(State(due=1_500)))
    >>> check(encode(State())[:-1])
    Traceback (most recent call last):
    streams.core.state.BrokenStateError: a state is shorter or longer than its head says
    """
    layout = _LAYOUTS.get(data[0]) if data else None
    if layout is None:
        if data and data[0] > VERSION:
            raise UnknownVersionError(
                f"a state of version {data[0]}, where this release reads up to {VERSION}"
            )
        raise BrokenStateError("a state without a version")
    head, count_at, fact, leaving_at = layout
    if len(data) >= head:
        (count,) = _COUNT.unpack_from(data, count_at)
        profile, episode = _LENGTHS.unpack_from(data, head - _LENGTHS.size)
        leaving = data[leaving_at] if leaving_at else 0
        end = _LEAVING.size + (leaving - 1) * STEP.size if leaving else 0
        if len(data) == head + count * fact + profile + episode + end:
            return
    raise BrokenStateError("a state is shorter or longer than its head says")


def due_of(data: bytes) -> int:
    """Return the due time (ms) of an encoded state, without decoding the rest.

    >>> due_of(encode(State(due=1_500)))
    1500
    """
    return int(_DUE.unpack_from(data)[0])


def profile_of(data: bytes) -> bytes:
    """Return the profile's JSON in an encoded state; empty where there is none."""
    layout = _LAYOUTS[data[0]]
    (count,) = _COUNT.unpack_from(data, layout.count_at)
    (length, _) = _LENGTHS.unpack_from(data, layout.head - _LENGTHS.size)
    start = layout.head + count * layout.fact
    return data[start : start + length]


def cooldown_until(data: bytes) -> int:
    """Return until when (ms) an encoded state of this version rests from calls; `NEVER` when it need not."""
    return int(_COOLDOWN.unpack_from(data)[0])


def asked_since(data: bytes) -> int:
    """Return since when (ms) the customer of an encoded state waits for a callback that was asked for; `NEVER` when nobody does."""
    if data[0] != VERSION:
        state = decode(data)
        return state.requested_at if state.request_open else NEVER
    requested_at, given_at = _ASKED.unpack_from(data)
    return int(requested_at) if requested_at > given_at else NEVER
