"""Whether the other members of a group have the settings that must agree: asked before this worker joins, and after each rebalance.

Owns the client id, by which members know one another's settings, and who ends where they differ. It must not touch a member: whoever
was there first goes on; of those that joined at the same moment one rule, the same for all, says which.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final, NamedTuple

import structlog
from aiokafka.errors import KafkaError

from streams.cluster.groups import members_of
from streams.cluster.topic_reader import BrokerError
from streams.settings import Settings
from streams.state.agreement import Agreed, AgreementError, changes, digest_of

log = structlog.get_logger(__name__)

_PATIENCE_SECONDS: Final = 15.0
_UNANSWERED: Final = (KafkaError, OSError, TimeoutError)
_CLIENT_ID: Final = re.compile(
    r"behoudlijn-(signals-(?P<mode>live|shadow)|release|sink)-(?P<names>[0-9a-f]{2})(?P<values>[0-9a-f]{6})"
)
_MOST_SHOWN: Final = 3


class Told(NamedTuple):
    """What a client id tells of a member: the mode (empty for a sink worker), which settings it compares, and their values."""

    mode: str
    names: str
    values: str


def client_id_of(worker: str, agreed: Agreed) -> str:
    """Return the client id of a worker, `signals`, `release` or `sink`, with these settings."""
    mode = f"-{agreed['mode']}" if "mode" in agreed else ""
    return f"behoudlijn-{worker}{mode}-{digest_of(agreed)}"


def told_by(client_id: str) -> Told | None:
    """Return what a client id tells; None for one that is not ours, or of a release that told nothing."""
    match = _CLIENT_ID.fullmatch(client_id)
    return Told(match["mode"] or "", match["names"], match["values"]) if match else None


def strangers(own: str, client_ids: Iterable[str]) -> list[str]:
    """Return those of `client_ids` that have other settings than `own`, without repetition, in order.

    A release that compares other settings is let be, as it is during a rolling upgrade, but for its mode.
    """
    ours = told_by(own)
    found = []
    for client_id in sorted(set(client_ids)):
        theirs = told_by(client_id)
        if ours is None or theirs is None or theirs == ours:
            continue
        if theirs.mode != ours.mode or theirs.names == ours.names:
            found.append(client_id)
    return found


def goes_on(own: str, others: Iterable[str]) -> bool:
    """Return whether the worker `own` goes on where it and `others` met at the same moment: what tells no dialer goes first."""

    def rank(client_id: str) -> tuple[bool, str]:
        told = told_by(client_id)
        return (told is not None and told.mode == "live", client_id)

    return all(rank(own) < rank(other) for other in others)


Last = Callable[[], Awaitable[Mapping[int, Agreed]]]
"""Asks, by partition, under which settings states were last written."""


class Membership:
    """Of one worker in `group` (prefixed). `last` helps to say what differs; the sink has no states, and none."""

    def __init__(
        self, settings: Settings, group: str, worker: str, agreed: Agreed, last: Last | None = None
    ) -> None:
        self._settings = settings
        self._group = group
        self._agreed = agreed
        self._last = last
        self.client_id = client_id_of(worker, agreed)

    async def check_before_joining(self) -> None:
        """Raise `AgreementError` when the group has members with other settings, which are not disturbed, `BrokerError` when nobody tells."""
        try:
            others = strangers(self.client_id, await self._members())
        except _UNANSWERED as error:
            raise BrokerError(
                f"who is in the group {self._group} is not known ({type(error).__name__}), and a worker of another mode or policy must not "
                "join it: check the brokers, then start the worker again"
            ) from error
        if others:
            raise AgreementError(await self._words(others))

    async def check_after_joining(self) -> None:
        """Raise `AgreementError` when members with other settings joined at the same moment, and they are to go on."""
        try:
            others = strangers(self.client_id, await self._members())
        except _UNANSWERED as error:
            log.warning(
                "who else is in the group is not known: another mode or policy would not be noticed",
                group=self._group,
                reason=type(error).__name__,
            )
            return
        if not others:
            return
        if not goes_on(self.client_id, others):
            raise AgreementError(await self._words(others))
        log.error(
            "workers with other settings are in the group: they end, this one goes on",
            group=self._group,
            others=others,
        )

    async def _members(self) -> list[str]:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            return await members_of(self._settings.aiokafka_options(), self._group)

    async def _words(self, others: list[str]) -> str:
        ours = told_by(self.client_id)
        theirs = told_by(others[0])
        said = ""
        if self._last is not None:
            digests = {digest_of(agreed): agreed for agreed in (await self._last()).values() if agreed}
            before = next((digests[d] for d in digests if any(o.endswith(d) for o in others)), None)
            if before is not None:
                said = ", ".join(map(str, changes(before, self._agreed)))
        if not said and ours is not None and theirs is not None and theirs.mode != ours.mode:
            said = f"mode {theirs.mode} → {ours.mode}"
        if not said:
            said = "one of " + ", ".join(sorted(self._agreed))
        shown = ", ".join(others[:_MOST_SHOWN])
        return (
            f"the group {self._group} has members with other settings ({shown}; this one is {self.client_id}): {said}. All workers of a "
            "group must have the same, or customers are decided in two ways; those that run go on, and one that was killed counts until the "
            "session time-out. To change it, stop all workers, then start all"
        )
