"""What each worker may do in Kafka: the smallest set of ACLs, in one place for `topics acls`, the check at start and tests.

Owns the list. It must not talk to Kafka. Kafka derives Describe from Read and from Write, and since 2.8 the right to
produce idempotently from Write on any topic: neither is granted by name. DescribeConfigs is derived from nothing.
"""

from collections.abc import Iterable
from typing import Final, Literal, NamedTuple

from schemas import topics
from streams.settings import SIGNALS_GROUP, SINK_GROUP, Settings

Resource = Literal["topic", "group"]
Operation = Literal["Read", "Write", "DescribeConfigs"]
CODES: Final[dict[str, str]] = {"DescribeConfigs": "DESCRIBE_CONFIGS"}
"""What Kafka's protocol calls an operation, where that is not its name in capitals."""


class Right(NamedTuple):
    """One operation on one resource of exactly this name, as this installation calls it."""

    resource: Resource
    name: str
    operation: Operation

    def command(self, principal: str) -> str:
        """Return the arguments of `kafka-acls` that grant it to `principal` (such as `User:behoudlijn-signals`)."""
        return (
            f"--add --allow-principal {principal} --operation {self.operation} "
            f"--{self.resource} {self.name} --resource-pattern-type literal"
        )


def signals_rights(settings: Settings) -> tuple[Right, ...]:
    """Of the signals worker: reads events, writes what it decides; its changelog and misrouted events both ways."""
    own = (topics.CHANGELOG, topics.REPARTITION)
    reads, writes = (*topics.INPUTS, *own), (*topics.OUTPUTS, *own)
    return (
        *(Right("topic", settings.topic(name), "Read") for name in reads),
        *(Right("topic", settings.topic(name), "Write") for name in writes),
        *(Right("topic", settings.topic(name), "DescribeConfigs") for name in reads),
        Right("group", settings.topic(SIGNALS_GROUP), "Read"),
    )


def sink_rights(settings: Settings) -> tuple[Right, ...]:
    """Of the sink worker: reads events and results, and how the events' topics are set; writes nothing to Kafka."""
    return (
        *(Right("topic", settings.topic(name), "Read") for name in (*topics.INPUTS, *topics.OUTPUTS)),
        *(Right("topic", settings.topic(name), "DescribeConfigs") for name in topics.INPUTS),
        Right("group", settings.topic(SINK_GROUP), "Read"),
    )


def objections_rights(settings: Settings) -> tuple[Right, ...]:
    """Of whoever gives `behoudlijn objections load`: reads what is known, writes what is new. Nobody else need write there."""
    name = settings.topic(topics.OBJECTIONS)
    return (Right("topic", name, "Read"), Right("topic", name, "Write"))


def commands(rights: Iterable[Right], principal: str) -> list[str]:
    """Return the arguments of as few calls of `kafka-acls` as grant all of `rights`: one for each operation and kind."""
    together: dict[tuple[Resource, Operation], list[str]] = {}
    for right in rights:
        together.setdefault((right.resource, right.operation), []).append(right.name)
    return [
        f"--add --allow-principal {principal} --operation {operation} --resource-pattern-type literal "
        + " ".join(f"--{resource} {name}" for name in names)
        for (resource, operation), names in together.items()
    ]
