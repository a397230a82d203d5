"""The settings that every worker of a group must agree on, and what is said where they do not (decision 27).

Owns which they are, and the comparison. It must not ask Kafka: `streams.workers.membership` asks who else is in the group, and the
partition's record in the changelog holds the settings under which its states were last written. Secrets show as fingerprints only.
"""

from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from streams.core.policy import Policy
from streams.settings import Settings

Agreed = Mapping[str, str]
"""Settings by name, as text. Of a record of an older worker it is empty: nothing is known."""


class AgreementError(Exception):
    """Workers of one group have settings that part the customers; this one must end, and the others go on."""


class Setting(NamedTuple):
    """One setting that must agree. `fixed`: other states would be needed; else it may change, once all workers have stopped."""

    of: Callable[[Settings], str]
    fixed: bool = False


def _key(settings: Settings) -> str:
    erasure = settings.erasure()
    return f"{erasure.key_id:08x}" if erasure.key else "none"


def _phrases(settings: Settings) -> str:
    """Of a user's own sentences: those that come along change with a release, which workers walk one by one."""
    if settings.phrases is None:
        return "none"
    digest = sha256()
    for path in sorted(settings.phrases.glob("*.ftl")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:8]


READING: Final[dict[str, Setting]] = {
    "partitions": Setting(lambda settings: str(settings.partitions), fixed=True),
    "topic_prefix": Setting(lambda settings: settings.topic_prefix, fixed=True),
    "nobody": Setting(lambda settings: ",".join(sorted(settings.reading().nobody))),
    "future_tolerance_s": Setting(lambda settings: f"{settings.future_tolerance_s:g}"),
    "erasure_key": Setting(_key),
    "erasure_keep_ms": Setting(lambda settings: str(settings.erasure().keep)),
}
"""What decides how records are read, and for how long who was erased is remembered: for every group."""

AGREED: Final[dict[str, Setting]] = READING | {
    "mode": Setting(lambda settings: settings.mode),
    "language": Setting(lambda settings: settings.language),
    "phrases": Setting(_phrases),
}
"""What the states and outputs of signals workers rest on, beside the policy, whose label is `policy` there."""


def agreed_of(settings: Settings, policy: Policy) -> Agreed:
    """Return the settings of a signals worker that must agree. Raises OSError for sentences that cannot be read."""
    return {"policy": policy.label} | {name: each.of(settings) for name, each in AGREED.items()}


def desks_of(settings: Settings, policy: Policy) -> Agreed:
    """Return the settings of a release worker that must agree. Of the policy only which desk has which partition: by whatever else each goes,
    one desk has one owner."""
    agreed = {"desks": ",".join(policy.desks)}
    return agreed | {name: READING[name].of(settings) for name in ("partitions", "topic_prefix")}


def reading_of(settings: Settings) -> Agreed:
    """Return the settings of a sink worker that must agree."""
    database = urlsplit(settings.clickhouse_dsn.get_secret_value()).path
    return {"database": database} | {name: each.of(settings) for name, each in READING.items()}


def digest_of(agreed: Agreed) -> str:
    """Return eight hexadecimal digits that two workers share if they agree: two of which settings there are, six of their values."""
    names = sha256("\n".join(sorted(agreed)).encode()).hexdigest()[:2]
    values = sha256("\n".join(f"{name}={value}" for name, value in sorted(agreed.items())).encode())
    return names + values.hexdigest()[:6]


class Change(NamedTuple):
    """A setting that is another one than before."""

    name: str
    before: str
    now: str

    def __str__(self) -> str:
        return f"{self.name} {self.before or 'empty'} → {self.now or 'empty'}"

    @property
    def fixed(self) -> bool:
        """Whether states that were written before cannot be used under it."""
        return self.name in AGREED and AGREED[self.name].fixed


def changes(before: Agreed, now: Agreed) -> list[Change]:
    """Return what differs of the settings that both know: a release may add one."""
    return [
        Change(name, before[name], value)
        for name, value in sorted(now.items())
        if name in before and before[name] != value
    ]
