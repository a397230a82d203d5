"""With which code a process ends, and what it means: one table for workers and commands.

Owns the codes and which failure has which. Failures are named, not imported, so that whoever asks for a code need not load the
Kafka clients to learn that none of their errors has happened. Codes from 65 on are those of sysexits.h, or a shell's own.
"""

from enum import IntEnum
from typing import Final


class ExitCode(IntEnum):
    """A code; `MEANINGS` says what it means."""

    DONE = 0
    INCOMPLETE = 1
    MISTAKE = 2
    REFUSED = 3
    BAD_DATA = 65
    UNAVAILABLE = 69
    BUG = 70
    UNWRITTEN = 74
    BROKE_OFF = 75
    MISFIT = 78
    INTERRUPTED = 130
    READER_GONE = 141

    @property
    def again(self) -> bool:
        """Whether the same may simply be started again, once what it needs is back."""
        return self in (ExitCode.UNAVAILABLE, ExitCode.BROKE_OFF)

    @property
    def in_vain(self) -> bool:
        """Whether the same would end in the same way again, until somebody has changed something."""
        return self in (ExitCode.MISTAKE, ExitCode.REFUSED, ExitCode.BAD_DATA, ExitCode.MISFIT)


MEANINGS: Final[dict[ExitCode, tuple[str, str]]] = {
    ExitCode.DONE: ("All that was asked for is done.", ""),
    ExitCode.INCOMPLETE: (
        "It ran to its end, and not all that was asked for is so: what is missing is listed.",
        "Do what the list says, then give the same command again.",
    ),
    ExitCode.MISTAKE: (
        "It was asked for in a way that cannot be carried out: an option, a setting, a file, a policy or a mapping is wrong.",
        "Correct what the message names.",
    ),
    ExitCode.REFUSED: (
        "More lines than the limit allows are no events, or no record gives one.",
        "`behoudlijn check` tells which, and why.",
    ),
    ExitCode.BAD_DATA: (
        "What a topic holds cannot be used: a topic has gone bad, or foreign bytes are in the changelog.",
        "Repair who writes there; starting it again ends in the same way.",
    ),
    ExitCode.UNAVAILABLE: (
        "Kafka or ClickHouse cannot be reached, or lacks our topics; or the embedded stack does not start.",
        "Look at the service and the address; start it again once it is back.",
    ),
    ExitCode.BUG: ("A bug, or a stop that hung.", "Report it, with what was printed."),
    ExitCode.UNWRITTEN: (
        "The output cannot be written to its end: the disk is full, or nobody takes it.",
        "Make room, then give the same command again.",
    ),
    ExitCode.BROKE_OFF: (
        "What was begun could not be carried to its end: Kafka did not confirm, or another worker took over. Nothing unfinished was acknowledged.",
        "Start it again; an orchestrator does.",
    ),
    ExitCode.MISFIT: (
        "What is there does not fit the settings or this release: login, rights, topics, tables, the key of erasures, a codec that is not installed.",
        "Do what the message says; starting it again ends in the same way.",
    ),
    ExitCode.INTERRUPTED: ("Ctrl-C.", ""),
    ExitCode.READER_GONE: ("Whoever read the output has gone, as `head` does.", ""),
}
"""What each code means, and what to do."""

FAILURES: Final[dict[str, ExitCode]] = {
    "streams.documents.DocumentError": ExitCode.MISTAKE,
    "streams.files.ndjson.InputError": ExitCode.MISTAKE,
    "streams.settings.SettingsError": ExitCode.MISTAKE,
    "streams.telemetry.health.HealthError": ExitCode.MISTAKE,
    "sinks.clickhouse.connection.DsnError": ExitCode.MISTAKE,
    "streams.core.dead_letter_limit.DeadLetterLimitError": ExitCode.BAD_DATA,
    "streams.core.repartition.EnvelopeError": ExitCode.BAD_DATA,
    "streams.core.state.BrokenStateError": ExitCode.BAD_DATA,
    "streams.state.changelog.ChangelogError": ExitCode.BAD_DATA,
    "sinks.contract.ForeignRecordError": ExitCode.BAD_DATA,
    "aiokafka.errors.GroupAuthorizationFailedError": ExitCode.MISFIT,
    "aiokafka.errors.KafkaError": ExitCode.UNAVAILABLE,
    "aiokafka.errors.TopicAuthorizationFailedError": ExitCode.MISFIT,
    "kafka.errors.KafkaError": ExitCode.UNAVAILABLE,
    "streams.cluster.access.UnreachableError": ExitCode.UNAVAILABLE,
    "streams.cluster.reading.SilenceError": ExitCode.UNAVAILABLE,
    "streams.cluster.topic_reader.BrokerError": ExitCode.UNAVAILABLE,
    "streams.files.replay.ReplayError": ExitCode.UNAVAILABLE,
    "sinks.contract.SinkError": ExitCode.UNAVAILABLE,
    "deploy.embedded.process.ChildError": ExitCode.UNAVAILABLE,
    "builtins.TimeoutError": ExitCode.UNAVAILABLE,
    "streams.files.spill.SpillError": ExitCode.UNWRITTEN,
    "streams.lane.lane.LaneError": ExitCode.BROKE_OFF,
    "streams.lane.watchdog.StalledError": ExitCode.BROKE_OFF,
    "streams.state.delivery.EffectsError": ExitCode.BROKE_OFF,
    "streams.state.recovery.RecoveryError": ExitCode.BROKE_OFF,
    "streams.cluster.access.AccessError": ExitCode.MISFIT,
    "streams.cluster.topics.TopicsError": ExitCode.MISFIT,
    "streams.core.erasure.ErasureError": ExitCode.MISFIT,
    "streams.core.state.UnknownVersionError": ExitCode.MISFIT,
    "streams.operations.migration.MigrationError": ExitCode.MISFIT,
    "streams.operations.standing.RefusedError": ExitCode.MISFIT,
    "streams.state.agreement.AgreementError": ExitCode.MISFIT,
    "streams.state.ground.StatesError": ExitCode.MISFIT,
    "streams.cluster.copartitioning.PartitionsError": ExitCode.MISFIT,
    "streams.workers.time_bound.LeapError": ExitCode.MISFIT,
    "sinks.clickhouse.migrations.MigrationError": ExitCode.MISFIT,
    "sinks.contract.SinkRefused": ExitCode.MISFIT,
    "sinks.contract.SinkDefect": ExitCode.BUG,
}
"""The failures that end a process, by their full name. One that is not here, and derives from none of them, is a bug."""


def code_of(failure: BaseException) -> ExitCode:
    """Return the code with which a process ends by a failure."""
    names = (f"{kind.__module__}.{kind.__qualname__}" for kind in type(failure).__mro__)
    return next((FAILURES[name] for name in names if name in FAILURES), ExitCode.BUG)
