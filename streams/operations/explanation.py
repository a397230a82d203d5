"""Why a customer is, or is not, to be called: state, signals, score and episodes, gathered from the
pipeline or from files.

Owns gathering. It decides nothing itself: score and signals come from the core, what was published from
where it was.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from pydantic import ValidationError

from schemas import topics
from schemas.call import CallEvent
from schemas.instants import ms_of
from schemas.signals import CustomerSignals
from schemas.trigger import CallbackTrigger
from streams.cluster.partitioning import partition_of
from streams.core.decode import AS_USUAL, Reading
from streams.core.engine import Clock
from streams.core.episodes import Assessment, assess
from streams.core.erasure import ERASED, IN_FILES, decode_marker, is_marker
from streams.core.objections import recall
from streams.core.policy import Policy
from streams.core.state import NEVER, State
from streams.core.state import decode as decode_state
from streams.core.wording import CODES, Wording
from streams.files.backlog import PARTITIONS, Backlog
from streams.files.backtest import decided
from streams.files.ndjson import NO_TIME, Line, decode_line
from streams.settings import Settings

if TYPE_CHECKING:
    from streams.cluster.topic_reader import TopicReader

_SHADOW: Final = "shadow"
Published = Literal["live", "shadow", "file"]


class Change(NamedTuple):
    """One published record of an episode, and where it was published."""

    trigger: CallbackTrigger
    mode: Published


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything known of one customer at `now` (ms, event time)."""

    customer_id: str
    now: int
    policy: Policy
    decided_by: str
    """Label of the policy that the worker used; the policy's own when explained from files."""
    state: State
    stored: bool
    """False: the customer left the store, having been silent for a whole horizon."""
    seen: Assessment
    changes: tuple[Change, ...]
    signals: tuple[CustomerSignals, ...]
    erased_until: int | None = None
    """An erasure of this id is in force up to this time (ms)."""
    erased_traces: bool = False
    """Topics still hold something of before: somebody of this id was known, and was erased."""
    markers_unread: bool = False
    """Somebody of the customer's partition was erased, and without the key nobody can tell who."""
    numbers_unread: bool = False
    """Objections by number are known, and without the key nobody can tell whether this customer's is among them."""
    rejected: int = 0
    """Lines of files that are no events."""
    unreadable: int = 0
    """Records of this customer among the triggers and signals that are none of ours, or of another release."""
    words: frozenset[str] = frozenset()
    """The customer's reasons as files hold them: a state keeps their digests only."""

    @property
    def known(self) -> bool:
        """Whether anything at all was found."""
        return self.stored or bool(self.changes or self.signals)

    @property
    def reasons(self) -> frozenset[str]:
        """The reasons whose words are known."""
        return self.words.union(self.policy.shape.complaint_reasons)

    @property
    def band(self) -> str:
        """Name of the band that the state is in."""
        return self.policy.bands[min(self.state.band, len(self.policy.bands) - 1)].name


def from_topics(
    settings: Settings, policy: Policy, customer_id: str, wording: Wording = CODES
) -> Explanation:
    """Gather from the changelog and the output topics. `wording` tells the evidence.

    Raises BrokerError, ChangelogError, RecoveryError, UnknownVersionError; ErasureError where customers were erased under another key.
    """
    from streams.cluster.topic_reader import TopicReader  # the Kafka clients are not needed for files
    from streams.state.recovery import recover

    key = customer_id.encode()
    with TopicReader(settings) as reader:
        changelog = settings.topic(topics.CHANGELOG)
        number = partition_of(key, len(reader.partitions(changelog)))
        (own,) = asyncio.run(recover(changelog, [number], settings.aiokafka_options()))
        changes: list[Change] = []
        unreadable = 0
        for name, mode in _TRIGGER_TOPICS:
            for body in _values(reader, settings.topic(name), number, key):
                if body is None:
                    continue
                try:
                    changes.append(Change(CallbackTrigger.model_validate_json(body), mode))
                except ValidationError:  # the others still tell the story
                    unreadable += 1
        signals: list[CustomerSignals] = []
        removed = False
        for picture in _values(reader, settings.topic(topics.SIGNALS), number, key):
            if picture is None:  # an erasure: what lies before it only waits for compaction
                removed = removed or bool(signals)
                signals.clear()
                continue
            try:
                signals.append(CustomerSignals.model_validate_json(picture))
            except ValidationError:
                unreadable += 1
    store = own.store
    data = store.states.get(customer_id)
    state = State() if data is None else decode_state(data)
    found = _explanation(
        customer_id, store.clock.now, policy, store.policy, state, data is not None, changes, signals, wording
    )
    found = replace(found, unreadable=unreadable)
    if store.clock.objections:
        if settings.erasure().key:
            settings.erasure().check(store.states)
            recall(state, store.states, settings.erasure(), found.now)
        else:
            found = replace(found, numbers_unread=True)
    if not any(map(is_marker, store.states)):
        return found
    erasure = settings.erasure()
    if not erasure.key:
        return replace(found, markers_unread=True)
    erasure.check(store.states)
    marker = store.states.get(erasure.marker_key(customer_id))
    return found if marker is None else _without_erased(found, decode_marker(marker).until, removed)


def _without_erased(found: Explanation, until: int, removed: bool) -> Explanation:
    """Leave out what topics still hold of an erased customer until their retention removes it."""
    taken_back = {each.trigger.trigger_id for each in found.changes if each.trigger.status_reason == ERASED}
    changes = tuple(
        each
        for each in found.changes
        if each.trigger.trigger_id not in taken_back and ms_of(each.trigger.updated_at) > until
    )
    signals = tuple(each for each in found.signals if ms_of(each.as_of) > until)
    traces = removed or (len(changes), len(signals)) != (len(found.changes), len(found.signals))
    return replace(found, erased_until=until, erased_traces=traces, changes=changes, signals=signals)


_TRIGGER_TOPICS: Final[tuple[tuple[str, Published], ...]] = (
    (topics.TRIGGERS, "live"),
    (topics.SHADOW_TRIGGERS, _SHADOW),
)


def _values(reader: TopicReader, topic: str, partition: int, key: bytes) -> Iterator[bytes | None]:
    for record in reader.to_end(topic, [partition]):
        if record.key == key:
            yield record.value


def from_files(
    lines: Iterable[Line],
    policy: Policy,
    customer_id: str,
    reading: Reading = AS_USUAL,
    as_of: int = NO_TIME,
    partitions: int = PARTITIONS,
    wording: Wording = CODES,
) -> Explanation:
    """Decide lines of files anew, as `backtest` does with so many partitions, up to the newest event of all, and tell of one customer.

    The others of the customer's partition are decided too: lines that are not in the order of time wait for each other, and time is theirs.
    `as_of` (ms) stands for the ingestion time; -1 leaves the check for events of the future out. `wording` tells the evidence. Raises
    SpillError.
    """
    newest, rejected = NO_TIME, 0
    known: dict[str, bytes] = {}
    words: set[str] = set()
    clock = Clock()
    changes, signals = [], []
    with Backlog(partitions, as_of, reading=reading) as backlog:
        for line in lines:
            decoded = decode_line(line, as_of, reading)
            rejected += decoded.event is None
            newest = max(newest, decoded.at)
            if isinstance(decoded.event, CallEvent) and decoded.event.customer_id == customer_id:
                words.add(decoded.event.reason)
            backlog.add(line)
        home = partition_of(customer_id.encode(), partitions)
        for _, outputs in decided(backlog, home, policy, known, clock, wording=wording, until=newest):
            for output in outputs:
                if output.customer_id != customer_id:
                    continue
                if output.kind == "trigger":
                    changes.append(Change(CallbackTrigger.model_validate_json(output.value), "file"))
                elif output.value:
                    signals.append(CustomerSignals.model_validate_json(output.value))
    data = known.get(customer_id)
    state = State() if data is None else decode_state(data)
    found = _explanation(
        customer_id, clock.now, policy, policy.label, state, data is not None, changes, signals, wording
    )
    recall(state, known, IN_FILES, found.now)
    return replace(found, rejected=rejected, words=frozenset(words))


def _explanation(
    customer_id: str,
    now: int,
    policy: Policy,
    label: str,
    state: State,
    stored: bool,
    changes: list[Change],
    signals: list[CustomerSignals],
    wording: Wording,
) -> Explanation:
    if now < 0:
        now = max(state.newest, 0) if state.newest != NEVER else 0
    repeated = {(each.trigger.trigger_id, each.trigger.sequence, each.mode): each for each in changes}
    return Explanation(
        customer_id,
        now,
        policy,
        label or policy.label,
        state,
        stored,
        assess(state, policy, now, wording),
        tuple(sorted(repeated.values(), key=lambda each: (each.trigger.updated_at, each.trigger.sequence))),
        tuple(sorted({each.sequence: each for each in signals}.values(), key=lambda each: each.sequence)),
    )
