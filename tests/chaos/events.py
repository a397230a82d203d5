"""The events of a run: an endless feed in windows of event time, with everything that upstream really does wrong.

Owns what is sent and where, as a pure function of the seed: skewed customers, duplicates with equal and with changed
content, events that are hours late or out of order, poison, and a heartbeat for every (topic, partition) in every window,
so that no topic lets the merge wait; and beside it ghosts, for transactions that are taken back. It must not send.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any, Final, NamedTuple

import orjson

from schemas import topics
from streams.cluster.partitioning import partition_of
from streams.core.erasure import Erasure
from tests.chaos.poison import KEY, KINDS, poison

ERASURE: Final = Erasure(b"the key of all runs of chaos")
"""By which numbers are hashed that are objected to."""
NOBODY: Final = "0"
"""The customer of heartbeats: merged by time, and touching no state."""
GHOST: Final = "ghost-"
"""What the event id of a ghost begins with: nobody may ever see it."""

_HOUR: Final = 3_600_000
_DAY: Final = 24 * _HOUR
_LARGE_AT_MOST: Final = 12
"""A record of 900 KB goes round three brokers: a few are enough."""
_REMEMBERED: Final = 5_000
_MISROUTED: Final = 0.01
_OBJECTIONS: Final = 0.003
"""Of all events, each on every partition."""
_OBJECTED_FOR: Final = 10 * _DAY
"""How long most objections hold; one in five has no end."""
_TO_A_NUMBER: Final = 3
"""Customers who share a telephone number."""
_UNHAPPY_EVERY: Final = 7
"""One customer of so many has something to complain of; the others' events are the bulk, as in life."""
_LEAST_STEP: Final = 1_000
_ZENO: Final = 100


class Sent(NamedTuple):
    """One record to be fed. `topic` without prefix; `kind`: event, heartbeat, poison, or ghost."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes
    kind: str = "event"


class Window(NamedTuple):
    """Records that are sent together, each topic in this order."""

    number: int
    records: list[Sent]


@dataclass(slots=True)
class Mix:
    """Shares of what upstream does wrong, of all events."""

    equal_duplicates: float = 0.01
    changed_duplicates: float = 0.006
    hours_late: float = 0.02
    poison: float = 0.01


class Feed:
    """An endless feed. `events`: how many cover `days` of event time, all of it before `now` (ms, UTC)."""

    def __init__(
        self,
        seed: int,
        *,
        partitions: int,
        events: int,
        days: int,
        now: int,
        window: int = 900,
        late: bool = False,
        misroute: bool = False,
    ) -> None:
        """`late`: hold some events back for many windows, as a second data centre would (arrival out of order).

        `misroute`: send some events without a key, under a foreign key, or to a wrong partition, as a producer does that
        partitions in another way.
        """
        self._random = Random(f"events/{seed}")
        self._aside = Random(
            f"aside/{seed}"
        )  # what depends on moments leaves the events of a seed as they are
        self._partitions = partitions
        self._customers = max(50, events // 8)
        self._window = window
        self._step = days * _DAY * window // events
        self._at = now - (days + days // 2 + 2) * _DAY
        self._end = now - _DAY
        self._mix = Mix()
        self._late = late
        self._misroutes = misroute
        self._held: list[tuple[int, Sent]] = []
        self._memory: deque[tuple[Sent, dict[str, Any]]] = deque(maxlen=_REMEMBERED)
        self._number = 0
        self._number_aside = 0
        self.planted: Counter[str] = Counter()
        """What the windows so far hold, by kind."""

    def windows(self) -> Iterator[Window]:
        """Windows without end; beyond the planned number they cover less and less time, and never reach the present."""
        number = 0
        while True:
            yield Window(number, self._fill(number))
            number += 1
            self._at += self._step
            self._step = min(self._step, max(_LEAST_STEP, (self._end - self._at) // _ZENO))

    def closing(self) -> Window:
        """The last: what is held back, then a heartbeat everywhere, later than everything before."""
        rest = [sent for _, sent in self._held]
        self._held.clear()
        return Window(-1, [*rest, *self._heartbeats(self._at + self._step + _HOUR)])

    def barrier(self, name: str) -> Window:
        """A heartbeat in every topic but one, later than all so far: the merge then lets that topic's last records go."""
        at, random = self._at + self._step + _HOUR, self._aside
        beats = [
            Sent(
                other, partition, b"0", _heartbeat(other, self._next_aside("aside-"), at, random), "heartbeat"
            )
            for other in topics.INPUTS
            if other != name
            for partition in range(self._partitions)
        ]
        self.planted["heartbeat"] += len(beats)
        return Window(-2, beats)

    def ghosts(self, count: int, name: str = "") -> list[Sent]:
        """Events of customers who complain, for a transaction that does not end well; `name`: all of one topic, and one on
        every partition.
        """
        random = self._aside
        found: list[Sent] = []
        while len(found) < count or (name and len({sent.partition for sent in found}) < self._partitions):
            topic = name or random.choices(_NAMES, _SHARES)[0]
            customer = f"c-{random.randrange(self._customers // _UNHAPPY_EVERY) * _UNHAPPY_EVERY:06d}"
            head = _head(topic, self._next_aside(GHOST), customer, self._at + random.randrange(self._step))
            sent = self._sent(topic, _body(topic, customer, random) | head)
            if topic == topics.OBJECTIONS:
                sent = sent._replace(partition=random.randrange(self._partitions))
            found.append(sent._replace(kind="ghost"))
        self.planted["ghost"] += len(found)
        return found

    def _next_aside(self, first: str) -> str:
        self._number_aside += 1
        return f"{first}{self._number_aside}"

    def _fill(self, number: int) -> list[Sent]:
        random = self._random
        times = sorted(random.randrange(self._step) for _ in range(self._window))
        records: list[Sent] = self._heartbeats(self._at)
        for offset in times:
            at = self._at + offset
            chance = random.random()
            if chance < self._mix.poison:
                records.append(self._poison(at))
            elif chance < self._mix.poison + self._mix.equal_duplicates and self._memory:
                self.planted["duplicate, equal"] += 1
                records.append(random.choice(self._memory)[0])
            elif chance < 0.03 and self._memory and random.random() < self._mix.changed_duplicates * 100:
                records.append(self._changed())
            else:
                if random.random() < self._mix.hours_late:
                    self.planted["hours late"] += 1
                    at -= random.randrange(_HOUR, 12 * _HOUR)
                sent = self._event(at)
                if self._misroutes and random.random() < _MISROUTED:
                    sent = self._misroute(sent)
                if self._late and random.random() < 0.03:
                    self.planted["held back"] += 1
                    self._held.append((number + random.randint(2, 20), sent))
                else:
                    records.append(sent)
        for _ in range(round(self._window * _OBJECTIONS)):
            records += self._objection(self._at + random.randrange(self._step))
        due = [sent for until, sent in self._held if until <= number]
        self._held = [(until, sent) for until, sent in self._held if until > number]
        for _ in range(len(records) // 20):  # neighbours that overtake each other
            place = random.randrange(len(records) - 1)
            records[place], records[place + 1] = records[place + 1], records[place]
        self.planted["event"] += self._window
        return records + due

    def _heartbeats(self, at: int) -> list[Sent]:
        beats = []
        for name in topics.INPUTS:
            for partition in range(self._partitions):
                self._number += 1
                value = _heartbeat(name, f"hb-{self._number}", at, self._random)
                beats.append(Sent(name, partition, b"0", value, "heartbeat"))
        self.planted["heartbeat"] += len(beats)
        return beats

    def _event(self, at: int) -> Sent:
        random = self._random
        name = random.choices(_NAMES, _SHARES)[0]
        customer = f"c-{int(self._customers * random.random() ** 2.2):06d}"
        self._number += 1
        body = _body(name, customer, random) | _head(name, f"e-{self._number}", customer, at)
        sent = self._sent(name, body)
        if random.random() < 0.2:
            self._memory.append((sent, body))
        return sent

    def _objection(self, at: int) -> list[Sent]:
        """The word of one number, on every partition."""
        customer = f"c-{self._random.randrange(self._customers):06d}"
        self._number += 1
        self.planted["objection"] += 1
        name = topics.OBJECTIONS
        sent = self._sent(
            name, _body(name, customer, self._random) | _head(name, f"e-{self._number}", customer, at)
        )
        return [sent._replace(partition=number) for number in range(self._partitions)]

    def _sent(self, name: str, body: dict[str, Any]) -> Sent:
        key = str(body.get("customer_id") or body["number_hash"]).encode()
        return Sent(name, partition_of(key, self._partitions), key, orjson.dumps(body))

    def _misroute(self, sent: Sent) -> Sent:
        self.planted["misrouted"] += 1
        elsewhere = (sent.partition + self._random.randint(1, self._partitions - 1)) % self._partitions
        way = self._random.choice(("no key", "foreign key", "wrong partition"))
        if way == "no key" and sent.topic != topics.PROFILES:  # a compacted topic refuses it
            return sent._replace(key=None, partition=elsewhere)
        if way == "foreign key":
            return sent._replace(key=b"account-7", partition=elsewhere)
        return sent._replace(partition=elsewhere)

    def _changed(self) -> Sent:
        """The same event id with other content, and sometimes at another time."""
        sent, body = self._random.choice(self._memory)
        self.planted["duplicate, changed"] += 1
        at = datetime.fromisoformat(body["occurred_at"]).timestamp() * 1000
        moved = int(at) + self._random.choice((0, 0, -600_000, 600_000))
        customer = body["customer_id"]
        new = _body(sent.topic, customer, self._random) | _head(sent.topic, body["event_id"], customer, moved)
        return self._sent(sent.topic, new)

    def _poison(self, at: int) -> Sent:
        kind = self._random.choice(tuple(KINDS))
        if kind == "large" and self.planted["poison, large"] >= _LARGE_AT_MOST:
            kind = "not_json"
        good = self._event(at)
        value = poison(kind, orjson.loads(good.value), self._random)
        self.planted["poison"] += 1
        self.planted[f"poison, {kind}"] += 1
        return Sent(good.topic, good.partition, KEY + f"{kind}.{self._number}".encode(), value, "poison")


def _heartbeat(name: str, event_id: str, at: int, random: Random) -> bytes:
    return orjson.dumps(_body(name, NOBODY, random) | _head(name, event_id, NOBODY, at))


def _head(name: str, event_id: str, customer: str, at: int) -> dict[str, Any]:
    when = datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds")
    kind = topics.INPUTS[name].model_fields["type"].annotation.__args__[0]  # type: ignore[union-attr]
    head = {"type": kind, "schema_version": 1, "event_id": event_id, "occurred_at": when}
    if name == topics.OBJECTIONS:
        until = datetime.fromtimestamp((at + _OBJECTED_FOR) / 1000, UTC).isoformat(timespec="milliseconds")
        return head | {"until": until if at % 5 else None}
    return head | {"customer_id": customer}


def _body(name: str, customer: str, random: Random) -> dict[str, Any]:
    number = int(customer.removeprefix("c-"))
    unhappy = customer != NOBODY and number % _UNHAPPY_EVERY == 0
    body: dict[str, Any] = _BODIES[name](random, unhappy)
    phone = f"+3161{number // _TO_A_NUMBER:07d}"
    if name == topics.PROFILES:
        body["phone_e164"] = phone
    if name == topics.OBJECTIONS:
        body |= {"number_hash": ERASURE.number_hash(phone), "key_id": ERASURE.key_id}
    return body


def _call(random: Random, unhappy: bool) -> dict[str, Any]:
    return {
        "channel": random.choice(("phone", "phone", "phone", "chat", "web")),
        "reason": random.choice(("complaint", "fault", "billing") if unhappy else ("question", "moving")),
        "queue": random.choice(("general", "technical", "retention")),
        "wait_seconds": random.randrange(0, 1200 if unhappy else 60),
        "talk_seconds": random.randrange(0, 900),
        "transfers": random.choice((0, 0, 1, 2) if unhappy else (0, 0, 0, 1)),
        "abandoned": random.random() < (0.12 if unhappy else 0.02),
        "resolved": random.choice((True, False, "unknown") if unhappy else (True, True, True, "unknown")),
        "cancel_intent": random.random() < (0.05 if unhappy else 0.001),
    }


def _survey(random: Random, unhappy: bool) -> dict[str, Any]:
    return {
        "csat": random.randint(1, 4) if unhappy else random.randint(4, 5),
        "nps": random.choice((None, random.randint(0, 8) if unhappy else random.randint(8, 10))),
        "answered": random.choice((None, True, False) if unhappy else (None, True)),
        "callback_requested": random.random() < (0.3 if unhappy else 0.02),
    }


def _cancellation(random: Random, _: bool) -> dict[str, Any]:
    return {
        "stage": random.choices(("inquiry", "requested", "withdrawn", "confirmed"), (5, 3, 1, 1))[0],
        "reason": random.choice(("price", "service", "moved", "unknown")),
    }


def _outcome(random: Random, _: bool) -> dict[str, Any]:
    return {
        "trigger_id": f"T{random.getrandbits(60):025X}",
        "attempt": random.randint(1, 4),
        "disposition": random.choices(
            ("ANSWERED_HUMAN", "NO_ANSWER", "BUSY", "MACHINE", "DO_NOT_CALL"), (40, 40, 10, 8, 2)
        )[0],
        "result": random.choice(("satisfied", "satisfied", "unresolved", "will_leave", "unknown")),
    }


def _profile(random: Random, _: bool) -> dict[str, Any]:
    return {
        "country_code": "NL",
        "time_zone": "Europe/Amsterdam",
        "tenure_months": random.randrange(240),
        "monthly_value": float(random.randrange(5, 90)),
    }


def _objection(random: Random, _: bool) -> dict[str, Any]:
    return {"lifted": random.random() < 0.3}


_BODIES: Final[dict[str, Any]] = {
    topics.CALLS: _call,
    topics.SURVEYS: _survey,
    topics.CANCELLATIONS: _cancellation,
    topics.OUTCOMES: _outcome,
    topics.PROFILES: _profile,
    topics.OBJECTIONS: _objection,
}
_NAMES: Final = (topics.CALLS, topics.SURVEYS, topics.CANCELLATIONS, topics.OUTCOMES, topics.PROFILES)
_SHARES: Final = (68, 14, 2, 6, 10)
