"""A customer's state, put together again: what the events that are left say, what the old state still knew, and what was really said.

Owns how the three go together. Facts and registers are united, as maxima, since neither order nor repetition matters to them. The ledger
is what was said: the events that are left may decide otherwise than all of them did, and nobody is called twice for that. Pure. It
must not judge: a state that came out otherwise than its events alone would have it is due at once.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from streams.core.barred import ended, requests
from streams.core.episodes import assess
from streams.core.erasure import Markers, forget, is_reserved
from streams.core.facts import REQUESTED, find, supersedes
from streams.core.history import DAY
from streams.core.policy import Policy
from streams.core.purposes import GROUNDS, STAGE, newest_ground, serve, served
from streams.core.replay import NOTHING, Replay
from streams.core.said import Picture, Said, Told, Word, WordId
from streams.core.state import NEVER, State, decode, encode
from streams.core.steps import WHOLE, Step, newest

_SILENT: Final = Said()
_ANY: Final = 2**64
_JUDGE_AT_ONCE: Final[dict[str, Any]] = {
    "slack": -1.0,
    "saturated": 0,
    "spare": 0,
    "ending": 0,
    "judged_by": 0,
    "judged_at": NEVER,
}


@dataclass(frozen=True, slots=True)
class Rebuilding:
    """How the states of one partition are put together. Times in ms."""

    policy: Policy
    now: int
    """Partition time of what was replayed."""
    bound: int
    """The brokers' time and the tolerance: what lies beyond it is of a clock that was wrong."""
    told_since: int
    """From when on the trigger topics hold all that was said; `NEVER` for ever."""
    whole: bool
    """The topics still hold every event."""
    pending: bool
    """Something lies behind what was replayed, and may have been decided already: events, or time that passed."""

    def customer(
        self,
        replayed: bytes | None,
        decided: Mapping[WordId, int],
        said: Said,
        *,
        pictured: Picture | None = None,
        old: State | None = None,
        answered_at: int = NEVER,
        left: bool = False,
        unsent: bool = False,
    ) -> bytes | None:
        """Return the state; None for a customer of whom nothing is to be remembered.

        `replayed` is what the events left, and `decided` what they would have said (by name, when), the last picture `pictured`.
        `answered_at`: when the customer was last spoken to. `left`: the events brought the customer into the store, and let the
        customer go again. `unsent`: outputs of the `old` state may not have been published.
        """
        before = None if replayed is None else decode(replayed)
        state = State() if replayed is None else decode(replayed)
        if old is not None:
            self._unite(state, old)
        agreed = self._agreed(decided, said)
        if agreed:
            self._confirm(state, decided, said)
        else:
            self._overrule(state, said, answered_at)
        self._picture(state, said, None if before is None else pictured, agreed)
        if old is not None:
            self._remember(state, old, unsent or self._later(said))
        if before is None and not self._worth(state, said, old, left or (agreed and self.whole)):
            return None
        if state == before:
            return replayed
        if before is None and old is None:
            times = [word.at for word in said.words.values()]
            times += [] if said.picture is None else [said.picture.as_of]
            state.newest = max([state.newest, *(at for at in times if at <= self.now)])
        return encode(replace(state, due=self.now, **_JUDGE_AT_ONCE))

    @property
    def _known(self) -> int:
        """Up to when all decisions are known: at the very instant of the last event, a later one may have decided."""
        return self.now - self.pending

    def _later(self, said: Said) -> bool:
        """Return whether something was said of later than what was replayed: it will be said again."""
        return any(self._known < word.at <= self.bound for word in said.words.values())

    def _agreed(self, decided: Mapping[WordId, int], said: Said) -> bool:
        """Return whether the events decide what was said: then what was said later will be decided again in the same way."""
        if any(word.at > self.bound for word in said.words.values()):
            return False
        if any(name not in decided for name, word in said.words.items() if word.at <= self._known):
            return False
        return all(name in said.words for name, at in decided.items() if at >= self.told_since)

    def _confirm(self, state: State, decided: Mapping[WordId, int], said: Said) -> None:
        """Take the record of the open episode as it was published: clocks may have differed by a little."""
        if state.episode:
            current = state.open_trigger()
            word = said.words.get((current["trigger_id"], current["sequence"]))
            if word is not None and word.value != state.episode:
                state.episode = word.value
        for each in said.served(self.policy):
            until = self._rest_of(each.at)
            if each.ground.scored and each.name in decided and until > self.now:
                state.cooldown_until = max(state.cooldown_until, until)

    def _overrule(self, state: State, said: Said, answered_at: int) -> None:
        """Take the ledger from what was said. What was judged before, and led to nothing that was said, leads to nothing now; but behind
        an open episode, or a rest, a ground may wait."""
        word = said.open_word()
        state.episode = b"" if word is None else word.value
        state.cooldown_until = NEVER if answered_at == NEVER else self._rest_of(answered_at)
        for each in said.served(self.policy):
            until = each.until
            if each.ground.scored:
                known = [fact for fact in state.facts if fact.at <= each.at]
                until = newest_ground(State(facts=known, given_at=state.given_at))
                state.cooldown_until = max(state.cooldown_until, self._rest_of(min(each.at, self.bound)))
            serve(state, each.ground, max(served(state, each.ground), until))
        if word is not None:
            self._ground(state, word)
            return
        opens = state.cooldown_until <= self.now and self._opens_by_score(state)
        for ground in GROUNDS:
            if not ground.scored or opens:
                serve(state, ground, max(served(state, ground), ground.newest(state)))

    def _opens_by_score(self, state: State) -> bool:
        seen = assess(state, self.policy, self.now)
        return seen.rule is not None or seen.score >= self.policy.plan.opens_at

    def _ground(self, state: State, word: Word) -> None:
        """Let the ground of the open episode stand, which the events may not hold any more, or not yet: it would end for want of it."""
        at = word.ground_at(self.policy)
        if word.purpose == "requested_callback" and not state.request_open and state.given_at < at:
            state.requested_at = max(at, state.requested_at)
        if word.purpose == "save":
            asked = min((step for step in requests(state) if step.at >= at), default=None)
            if asked is not None:
                state.served_contract = asked.contract
            elif state.stage_at < at and not ended(state):
                state.step, state.served_contract = Step(at, REQUESTED, 0, 0, WHOLE), WHOLE

    def _picture(self, state: State, said: Said, pictured: Picture | None, agreed: bool) -> None:
        picture = said.picture
        if picture is None or picture == pictured:
            return
        if agreed and self.whole and self.pending and self.now <= picture.as_of <= self.bound:
            return
        state.signals_sequence = max(state.signals_sequence, picture.sequence)
        names = [band.name for band in self.policy.bands]
        if picture.band in names and not (agreed and self.now < picture.as_of <= self.bound):
            state.band = names.index(picture.band)

    def _remember(self, state: State, old: State, ahead: bool) -> None:
        """Keep what the old ledger knows. `ahead`: it has decisions of later than what was replayed, published or not. They are taken
        again, so of their time only the topics tell."""
        state.signals_sequence = max(state.signals_sequence, old.signals_sequence)
        for ground in GROUNDS:
            if (until := served(old, ground)) <= (self.told_since if ahead else self.bound):
                if ground is STAGE and served(state, ground) <= until != NEVER:
                    state.served_contract = old.served_contract
                serve(state, ground, max(served(state, ground), until))
        if not ahead and old.cooldown_until <= self._rest_of(self.bound):
            state.cooldown_until = max(state.cooldown_until, old.cooldown_until)

    def _worth(self, state: State, said: Said, old: State | None, left: bool) -> bool:
        """Return whether a customer of whom the events left nothing is to be remembered."""
        if old is not None and (state.facts or state.standing):
            return True
        if state.episode or state.cooldown_until > self.now:
            return True
        picture = said.picture
        return not left and picture is not None and picture.as_of + self.policy.parameters.horizon > self.now

    def _rest_of(self, at: int) -> int:
        return at + int(self.policy.cooldown_days * DAY)

    def _unite(self, state: State, old: State) -> None:
        """Take into a state, in place, what an older one of the same customer knows of up to now and it does not."""
        now, parameters = self._known, self.policy.parameters
        for fact in old.facts:
            if now - parameters.horizon < fact.at <= now:
                known = find(state.facts, fact.identity)
                if known is None or supersedes(fact, known):
                    state.add(fact, parameters.keep, known)
        if (state.requested_at, state.requested_id) < (old.requested_at, old.requested_id) <= (now, _ANY):
            state.requested_at, state.requested_id = old.requested_at, old.requested_id
        state.newest = _later(state.newest, old.newest, now)
        state.given_at = _later(state.given_at, old.given_at, now)
        state.objected_at = _later(state.objected_at, old.objected_at, now)
        state.returned_at = _later(state.returned_at, old.returned_at, now)
        if old.step > state.step and old.stage_at <= now:
            state.step = old.step
        if (state.ended_at, state.ended_reason) < (old.ended_at, old.ended_reason) <= (now, _ANY):
            state.ended_at, state.ended_reason = old.ended_at, old.ended_reason
        state.contracts = newest((*state.contracts, *(step for step in old.contracts if step.at <= now)))
        state.deceased = max(state.deceased, old.deceased)
        profile = (state.profile_at, state.profile_revision, state.profile_arrival, state.profile_json)
        other = (old.profile_at, old.profile_revision, old.profile_arrival, old.profile_json)
        if other > profile and old.profile_at <= now:
            state.profile_at, state.profile_revision, state.profile_arrival, state.profile_json = other


def _later(one: int, other: int, now: int) -> int:
    return other if one < other <= now else one


def differ(one: bytes, other: bytes) -> Sequence[str]:
    """Return the fields in which two states differ, but for when to look at them again."""
    first, second = decode(one), decode(other)
    return [
        name
        for name in State.__dataclass_fields__
        if State.__dataclass_fields__[name].compare and getattr(first, name) != getattr(second, name)
    ]


def rebuilt(
    replay: Replay,
    told: Told,
    old: Mapping[str, bytes],
    policy: Policy,
    *,
    bound: int,
    told_since: int,
    whole: bool,
    pending: bool,
    unsent: Collection[str] = (),
) -> dict[str, bytes]:
    """Return the states and markers of a partition, of a replay that has ended.

    `old`: those that the changelog still tells; `unsent`: the customers of whom it holds outputs that may not have been published. `bound`,
    `told_since`, `whole` and `pending` as in `Rebuilding`.
    """
    how = Rebuilding(policy, replay.clock.now, bound, told_since, whole, pending)
    markers = Markers(replay.states, replay.erasure)
    states = {key: data for key, data in replay.states.items() if is_reserved(key)}
    customers = {key for key in old if not is_reserved(key)}
    customers.update(key for key in replay.states if not is_reserved(key))
    customers.update(told.customers)
    for customer in customers:
        said, before = told.customers.get(customer, _SILENT), old.get(customer)
        decided = replay.decided.get(customer, NOTHING)
        known = None if before is None else decode(before)
        if replay.clock.markers and (until := markers.until(customer)) != NEVER:
            said = said.after(until)
            decided = {name: at for name, at in decided.items() if at > until}
            if known is not None:
                known = None if known.newest <= until else known
                if known is not None:
                    forget(known, until)
        data = how.customer(
            replay.states.get(customer),
            decided,
            said,
            pictured=replay.pictured.get(customer),
            old=known,
            answered_at=replay.answered.get(customer, NEVER),
            left=customer in replay.seen,
            unsent=customer in unsent,
        )
        if data is not None:
            states[customer] = data
    return states
