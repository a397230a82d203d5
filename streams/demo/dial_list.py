"""Whom to call now: what a dialer makes of the trigger records. Pure: no Kafka, and time is what it is told.

Owns the rules that any dialer must keep: the highest sequence counts and repeats are dropped, nothing is
dialled outside of the windows of its trigger (`callable`), from `expires_at` on, after the end of the
episode, or against an objection; the highest priority goes first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from heapq import heappop, heappush
from typing import Final, Literal, NamedTuple, Protocol

from schemas.dispositions import FINAL, REACHED
from schemas.outcome import CallbackResult, Disposition, OutcomeEvent
from schemas.trigger import CallbackTrigger

Taken = Literal["new", "updated", "ended", "repeat"]
_REMEMBERED: Final = timedelta(days=7)
"""How long after its expiry an episode is remembered, so that a repeat of it is known as one."""


class Answer(NamedTuple):
    """What came of an attempt. `minutes`: of the agent's time."""

    disposition: Disposition
    result: CallbackResult = "unknown"
    minutes: float | None = None


class Dial(Protocol):
    """Makes (or simulates) one attempt; `attempt` counts from 1."""

    def __call__(self, trigger: CallbackTrigger, attempt: int, /) -> Answer: ...


class Call(NamedTuple):
    """An attempt that is due."""

    trigger: CallbackTrigger
    attempt: int
    at: datetime


@dataclass(slots=True)
class _Entry:
    trigger: CallbackTrigger
    attempts: int = 0
    next_at: datetime | None = None
    """No attempt before it; None before the first attempt."""
    done: bool = False

    def waits_until(self) -> datetime:
        """Return before when there is no attempt, whatever the hour."""
        first = max(self.trigger.not_before, self.trigger.updated_at)
        return first if self.next_at is None else max(first, self.next_at)

    def open_from(self, at: datetime) -> datetime:
        """Return the first instant from `at` on that is in a window; the end of the validity when there is none any more.

        A trigger of a version that told no windows has one: from `not_before` on.
        """
        trigger = self.trigger
        if trigger.callable is None:
            return max(at, trigger.not_before)
        return next((max(at, opens) for opens, closes in trigger.callable if at < closes), trigger.expires_at)


class DialList:
    """The episodes that a dialer knows. `counts` tells what became of records and attempts."""

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}
        self._waiting: list[tuple[datetime, str, int]] = []
        self._ready: list[tuple[int, datetime, str, int]] = []
        self._forget: list[tuple[datetime, str]] = []
        self.counts: Counter[str] = Counter()

    def take(self, trigger: CallbackTrigger) -> Taken:
        """Note one record and say what it was; records of one trigger may come in any order and
        repeatedly.
        """
        entry = self._entries.get(trigger.trigger_id)
        taken: Taken
        if entry is None:
            entry = self._entries[trigger.trigger_id] = _Entry(trigger)
            heappush(self._forget, (trigger.expires_at + _REMEMBERED, trigger.trigger_id))
            taken = "new"
        elif trigger.sequence <= entry.trigger.sequence:
            self.counts["repeat"] += 1
            return "repeat"
        else:
            entry.trigger = trigger
            taken = "updated"
        if trigger.status != "open":
            taken = "ended"
            self.counts[trigger.status] += 1
        self.counts[taken] += 1
        self._schedule(entry)
        return taken

    def next_time(self) -> datetime | None:
        """Return the earliest instant at which a call can become due; None when there is none to wait for."""
        while self._waiting:
            at, trigger_id, sequence = self._waiting[0]
            if self._current(trigger_id, sequence) is not None:
                return at
            heappop(self._waiting)
        return None

    def next_call(self, now: datetime) -> Call | None:
        """Return the most urgent call due at `now`, by priority, then by due time; None when there is none.

        Report what came of it by `answered` before asking again: until then it is not offered a second time.
        """
        self._forget_until(now)
        while self._waiting and self._waiting[0][0] <= now:
            _, trigger_id, sequence = heappop(self._waiting)
            waiting = self._current(trigger_id, sequence)
            if waiting is not None:
                trigger = waiting.trigger
                heappush(self._ready, (-trigger.priority, trigger.due_at, trigger_id, sequence))
        while self._ready:
            _, _, trigger_id, sequence = heappop(self._ready)
            entry = self._current(trigger_id, sequence)
            if (
                entry is None or entry.waits_until() > now
            ):  # dialled meanwhile: its next attempt is noted elsewhere
                continue
            opens = entry.open_from(now)
            if opens > now:  # it was held until its window had closed
                heappush(self._waiting, (opens, trigger_id, sequence))
                continue
            if now >= entry.trigger.expires_at:
                entry.done = True
                self.counts["too_late"] += 1
                continue
            entry.attempts += 1
            # An update that comes before the answer must not dial at once either.
            entry.next_at = now + timedelta(seconds=entry.trigger.retry_delay_seconds)
            return Call(entry.trigger, entry.attempts, now)
        return None

    def calls_until(self, now: datetime, *, inclusive: bool = True) -> Iterator[Call]:
        """Yield every call that became due up to `now`, each at its own instant: for a clock that jumps.

        Not `inclusive`: those due before `now` only, as long as what happens at `now` is not known.
        """
        while (at := self.next_time()) is not None and (at < now or (inclusive and at == now)):
            while (call := self.next_call(at)) is not None:
                yield call

    def answered(self, call: Call, answer: Answer) -> None:
        """Note what came of `call`: nothing further, or the next attempt after the trigger's delay."""
        self.counts["attempts"] += 1
        self.counts[answer.disposition] += 1
        entry = self._entries.get(call.trigger.trigger_id)
        if entry is None:
            return
        if answer.disposition in FINAL:
            entry.done = True
        elif entry.attempts >= entry.trigger.max_attempts:
            self.counts["given_up"] += 1
        self._schedule(entry)

    @property
    def waiting(self) -> int:
        """Episodes that may still be dialled."""
        return sum(1 for entry in self._entries.values() if _dialable(entry))

    def _schedule(self, entry: _Entry) -> None:
        if _dialable(entry):
            trigger = entry.trigger
            first = entry.open_from(entry.waits_until())
            heappush(self._waiting, (first, trigger.trigger_id, trigger.sequence))

    def _current(self, trigger_id: str, sequence: int) -> _Entry | None:
        entry = self._entries.get(trigger_id)
        if entry is None or entry.trigger.sequence != sequence or not _dialable(entry):
            return None
        return entry

    def _forget_until(self, now: datetime) -> None:
        while self._forget and self._forget[0][0] <= now:
            _, trigger_id = heappop(self._forget)
            entry = self._entries.get(trigger_id)
            if entry is None:
                continue
            until = entry.trigger.expires_at + _REMEMBERED
            if until > now:  # an upgrade made it valid for longer
                heappush(self._forget, (until, trigger_id))
            else:
                if _dialable(entry):
                    self.counts["too_late"] += 1
                del self._entries[trigger_id]


def _dialable(entry: _Entry) -> bool:
    trigger = entry.trigger
    return (
        trigger.status == "open"
        and not entry.done
        and entry.attempts < trigger.max_attempts
        and trigger.consent.do_not_call is not True
    )


def simulated(trigger: CallbackTrigger, attempt: int) -> Answer:
    """Return an attempt without a telephone: the same trigger and attempt always give the same answer.

    Shares are made up, of the order that call-backs see: about half are reached at each attempt.
    """
    if trigger.phone_e164 is None:
        return Answer("INVALID_NUMBER")
    digest = sha256(f"{trigger.trigger_id}:{attempt}".encode()).digest()
    share = int.from_bytes(digest[:4], "big") / 2**32
    disposition = next(name for name, upper in _SHARES if share < upper)
    if disposition not in REACHED:
        return Answer(disposition)
    return Answer(disposition, _RESULTS[digest[4] % len(_RESULTS)], 2.0 + digest[5] % 80 / 10)


_SHARES: Final[tuple[tuple[Disposition, float], ...]] = (
    ("ANSWERED_HUMAN", 0.52),
    ("NO_ANSWER", 0.78),
    ("MACHINE", 0.90),
    ("BUSY", 0.96),
    ("CALLBACK_LATER", 0.985),
    ("DO_NOT_CALL", 0.995),
    ("INVALID_NUMBER", 1.0),
)
_RESULTS: Final[tuple[CallbackResult, ...]] = (
    *("satisfied",) * 6,
    *("unresolved",) * 2,
    "will_leave",
    "competitor",
)


SIMULATED: Final = "SIMULATED"
"""The `raw_disposition` of an outcome that nobody's call led to."""


def outcome_of(call: Call, answer: Answer) -> OutcomeEvent:
    """Return the event that reports an attempt. Reporting it again gives the same event id."""
    trigger = call.trigger
    return OutcomeEvent.model_validate(
        {
            "type": "outcome",
            "schema_version": 1,
            "event_id": _event_id(trigger.trigger_id, call.attempt),
            "customer_id": trigger.customer_id,
            "occurred_at": call.at,
            "trigger_id": trigger.trigger_id,
            "attempt": call.attempt,
            "disposition": answer.disposition,
            "raw_disposition": SIMULATED,
            "result": answer.result,
            "agent_minutes": answer.minutes,
        }
    )


def _event_id(trigger_id: str, attempt: int) -> str:
    suffix = f"-{attempt}"
    if len(trigger_id) + len(suffix) <= 64:
        return trigger_id + suffix
    # Cutting would give two attempts, or two long ids, the same event id.
    return sha256(trigger_id.encode()).hexdigest()[:40] + suffix
