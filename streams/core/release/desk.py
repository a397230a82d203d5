"""What a desk knows of all its triggers at once, derived from their lives and never written: what is due, who waits, who is out.

Owns the order of release and where each waiting trigger stands: ready, waiting for its time, for its signals partition, or for another
trigger of its customer. Entries of heaps are left behind when a trigger moves on, and passed over by their stamp.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Final

from streams.core.release.life import Life
from streams.core.release.places import OUT, WAITING
from streams.core.release.plan import ReleaseRules
from streams.core.state import FOREVER, NEVER

_LEASES: Final = ("claimed", "retract_requested")
Order = tuple[int, int, float, float, str]
"""Class of purpose, due, worth and score downwards, id: what goes out first. It does not change with time."""


@dataclass(slots=True)
class _Entry:
    stamp: int
    place: str
    skill: str
    customer: str
    partition: int
    due: int
    order: Order
    wake_at: int
    held: bool
    adopted: bool


@dataclass(slots=True)
class Desk:
    """One desk. `now`: its time, that of the last tick."""

    rules: ReleaseRules
    now: int = NEVER
    paced_at: int = NEVER
    """Up to which tick releases were judged."""
    live: bool = True
    """False while a new owner reads what was there before it: nothing is released or granted."""
    progress: dict[int, int] = field(default_factory=dict)
    """By partition of the signals workers: up to when it has read everything."""
    out_of: dict[str, set[str]] = field(default_factory=dict)
    """By customer: the triggers that are out, mostly one; two where a release of before published them."""
    outstanding: dict[str, int] = field(default_factory=dict)
    """By skill: how many are out that were released here."""
    waiting: dict[str, int] = field(default_factory=dict)
    """By skill: how many have been decided, or go out again, and are not out."""
    _entries: dict[str, _Entry] = field(default_factory=dict)
    _stamps: int = 0
    _due: list[tuple[int, str, int]] = field(default_factory=list)
    _overdue: list[tuple[str, int]] = field(default_factory=list)
    _later: list[tuple[int, str, int]] = field(default_factory=list)
    _ready: dict[str, list[tuple[Order, int]]] = field(default_factory=dict)
    _open: dict[str, list[Order]] = field(default_factory=dict)
    """By skill: those that are open, in order."""
    _stale: dict[int, set[str]] = field(default_factory=dict)
    _behind: dict[str, set[str]] = field(default_factory=dict)

    def put(self, trigger_id: str, life: Life, due: int | None = None) -> None:
        """Take a life as it is now in place of what was known of it. `due` (ms): look at it then, though that is not written in it."""
        self.drop(trigger_id)
        self._stamps += 1
        stamp, order = self._stamps, self.order(trigger_id, life)
        held = life.held_until > self.now
        entry = _Entry(
            stamp,
            life.place,
            life.skill,
            life.customer_id,
            life.partition,
            self._put_off(life) if due is None else due,
            order,
            max(life.next_at, life.rest_until),
            held,
            life.adopted,
        )
        self._entries[trigger_id] = entry
        if entry.due < FOREVER:
            heappush(self._due, (entry.due, trigger_id, stamp))
        if life.place in WAITING or life.place == "waiting_retry":
            self.waiting[life.skill] = self.waiting.get(life.skill, 0) + 1
        if life.place in OUT:
            self.out_of.setdefault(life.customer_id, set()).add(trigger_id)
            self.outstanding[life.skill] = self.outstanding.get(life.skill, 0) + (not life.adopted)
            if life.place == "open":
                insort(self._open.setdefault(life.skill, []), order)
        elif life.place in WAITING and not held:
            self._line_up(trigger_id, entry)

    def of(self, customer_id: str) -> list[str]:
        """Return the triggers of a customer, wherever they are, in order of their ids: for what is seldom asked."""
        return sorted(key for key, entry in self._entries.items() if entry.customer == customer_id)

    def _put_off(self, life: Life) -> int:
        """Return when a life is due: not again at a time at which its lease was judged, and waits for a signals partition that has read on."""
        judged = life.place in _LEASES and NEVER < life.due <= self.now <= self.paced_at
        return self.now + 1 if judged else life.due

    def drop(self, trigger_id: str) -> None:
        """Forget a trigger."""
        entry = self._entries.pop(trigger_id, None)
        if entry is None:
            return
        if entry.place in WAITING or entry.place == "waiting_retry":
            self.waiting[entry.skill] -= 1
        if entry.place in OUT:
            if entry.place == "open":
                opened = self._open[entry.skill]
                del opened[bisect_left(opened, entry.order)]
            self.outstanding[entry.skill] -= not entry.adopted
            out = self.out_of[entry.customer]
            out.discard(trigger_id)
            if not out:
                del self.out_of[entry.customer]
                for other in sorted(self._behind.pop(entry.customer, ())):
                    self._again(other)

    def _again(self, trigger_id: str) -> None:
        entry = self._entries.get(trigger_id)
        if entry is not None and entry.place in WAITING and not entry.held:
            self._line_up(trigger_id, entry)

    def _line_up(self, trigger_id: str, entry: _Entry) -> None:
        if entry.wake_at > self.now:
            heappush(self._later, (entry.wake_at, trigger_id, entry.stamp))
        else:
            heappush(self._ready.setdefault(entry.skill, []), (entry.order, entry.stamp))

    def order(self, trigger_id: str, life: Life) -> Order:
        """Return what comes first of two that wait."""
        urgency = self.rules.classes.get(life.purpose, len(self.rules.classes))
        return urgency, life.due_at, -life.worth, -life.score, trigger_id

    def wake(self) -> None:
        """Line up those whose time has come."""
        while self._later and self._later[0][0] <= self.now:
            _, trigger_id, stamp = heappop(self._later)
            entry = self._entries.get(trigger_id)
            if entry is not None and entry.stamp == stamp:
                self._line_up(trigger_id, entry)

    def first_ready(self, skill: str) -> str | None:
        """Take the first one of a skill that waits for nothing but its turn; the caller puts it somewhere."""
        heap = self._ready.get(skill, [])
        while heap:
            order, stamp = heappop(heap)
            entry = self._entries.get(order[-1])
            if entry is not None and entry.stamp == stamp:
                return order[-1]
        return None

    def open_of(self, skill: str) -> Iterator[str]:
        """Yield those of a skill that are open, the most urgent first, until one of them is moved."""
        for order in self._open.get(skill, ()):
            yield order[-1]

    def out_with(self, skill: str) -> list[str]:
        """Return those of a skill that are out, by id."""
        return sorted(
            trigger_id
            for trigger_id, entry in self._entries.items()
            if entry.skill == skill and entry.place in OUT
        )

    def wait_until(self, trigger_id: str, at: int) -> None:
        """Look at one that was ready again at `at` (ms)."""
        entry = self._entries[trigger_id]
        entry.wake_at = at
        self._line_up(trigger_id, entry)

    def wait_for_partition(self, trigger_id: str) -> None:
        """Look at one that was ready again when its signals partition has read on."""
        self._stale.setdefault(self._entries[trigger_id].partition, set()).add(trigger_id)

    def wait_for_customer(self, trigger_id: str) -> None:
        """Look at one that was ready again when no other trigger of its customer is out."""
        self._behind.setdefault(self._entries[trigger_id].customer, set()).add(trigger_id)

    def read_to(self, partition: int, at: int) -> bool:
        """Take up to when a signals partition has read; whether that is news. It never goes back."""
        if at <= self.progress.get(partition, NEVER):
            return False
        self.progress[partition] = at
        if not self.stale(partition):
            for trigger_id in sorted(self._stale.pop(partition, ())):
                self._again(trigger_id)
        return True

    def stale(self, partition: int) -> bool:
        """Return whether what a signals partition has not read may forbid a call."""
        return self.progress.get(partition, NEVER) < self.now - self.rules.stale_after

    @property
    def next_due(self) -> int:
        """When (ms) the earliest of all timers is due, not before now; FOREVER when there is none."""
        while self._due:
            due, trigger_id, stamp = self._due[0]
            current = self._is_current(trigger_id, stamp)
            if current and due > self.now:
                break
            heappop(self._due)
            if current:
                heappush(self._overdue, (trigger_id, stamp))
        while self._overdue and not self._is_current(*self._overdue[0]):
            heappop(self._overdue)
        if self._overdue:
            return self.now
        return self._due[0][0] if self._due else FOREVER

    def _is_current(self, trigger_id: str, stamp: int) -> bool:
        entry = self._entries.get(trigger_id)
        return entry is not None and entry.stamp == stamp

    @property
    def next_wake(self) -> int:
        """When (ms) the earliest time comes that one waits for; FOREVER when none waits for a time."""
        return self._later[0][0] if self._later else FOREVER

    def ready(self, skill: str) -> bool:
        """Return whether one of a skill may wait for nothing but its turn."""
        return bool(self.waiting.get(skill)) and bool(self._ready.get(skill))

    @property
    def overdue(self) -> bool:
        """Whether a timer is due and not judged yet."""
        return self.next_due <= self.now

    def first_due(self) -> str | None:
        """Return the first by id of those whose timer is due by now: when each was due does not show. It stays until it is put again, or dropped."""
        return self._overdue[0][0] if self.overdue else None
