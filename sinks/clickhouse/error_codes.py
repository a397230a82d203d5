"""What goes wrong with ClickHouse, in one table: why, whether it passes, what people should do, and the codes that say so.

Owns the judgement of every code, and the words. It must not see an exception: `failures` finds the reason of one.

Numbers and names are ClickHouse's own (src/Common/ErrorCodes.cpp); a test asks the engine for them. A code that no reason has is
`OTHER` and passes: the sink holds its offsets a while before it gives up, so that a wrong guess costs minutes and never a row.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple


class Verdict(StrEnum):
    """Who must do something before the same request can succeed."""

    PASSING = "passing"
    """Nobody, or somebody at the server: it is tried again for a while."""
    OURS = "ours"
    """We: a migration is missing, or the server does not know a statement of ours. It ends at once."""
    DEFECT = "defect"
    """We, and only by another release: what we send is wrong. It ends at once."""
    THEIRS = "theirs"
    """Whoever runs the server or wrote our settings, and we must be started again to see it. It ends at once."""


class Reason(NamedTuple):
    """Why ClickHouse did not do what it was asked."""

    name: str
    """In metrics, alerts and the docs."""
    verdict: Verdict
    said: str
    """What is wrong, as it goes on after the code: lower case, no full stop."""
    advice: str
    """What to do: sentences."""
    codes: Mapping[int, str] = MappingProxyType({})
    """ClickHouse's numbers with their symbolic names; empty for what has no number."""


DISK_FULL: Final = Reason(
    "disk_full",
    Verdict.PASSING,
    "its disk is full or cannot be written",
    "Free or add disk space at the server; system.disks and system.parts show what takes it.",
    {75: "CANNOT_WRITE_TO_FILE_DESCRIPTOR", 204: "CANNOT_FSYNC", 243: "NOT_ENOUGH_SPACE", 294: "CANNOT_WRITE_TO_FILE"},
)  # fmt: skip
NO_CONNECTION: Final = Reason(
    "no_connection",
    Verdict.PASSING,
    "no connection",
    "Check that the server runs, and that host and port of the DSN are right and can be reached.",
)
NO_ANSWER: Final = Reason(
    "no_answer",
    Verdict.PASSING,
    "no answer, or half of one",
    "Look at the server's load and at the network; BEHOUDLIJN_SINK_TIMEOUT_S says how long a request may take.",
)
TLS: Final = Reason(
    "tls",
    Verdict.PASSING,
    "no TLS connection could be made",
    "Check that the DSN's port speaks TLS and its `secure` is right.",
)
NOT_CLICKHOUSE: Final = Reason(
    "not_clickhouse",
    Verdict.PASSING,
    "the answer is not one of ClickHouse, or only its beginning",
    "Look at the proxy or load balancer before the server (it must hand on the X-ClickHouse headers), and at the DSN's host and port.",
)
UNREADABLE: Final = Reason(
    "unreadable",
    Verdict.PASSING,
    "its answer cannot be read",
    "Look for a proxy that changes answers, and whether this release knows the server's version.",
)
OTHER: Final = Reason(
    "other",
    Verdict.PASSING,
    "an error that this program does not know",
    "Look the code up in the server's log.",
)
CERTIFICATE: Final = Reason(
    "certificate",
    Verdict.THEIRS,
    "the server's certificate was refused",
    "Check that ca_cert of the DSN names the authority that signed it, and that the certificate names this host.",
)
TOO_LARGE: Final = Reason(
    "too_large",
    Verdict.THEIRS,
    "a proxy before the server takes no request of this size",
    "Raise its limit (of nginx client_max_body_size), or lower BEHOUDLIJN_SINK_BATCH_ROWS.",
)
DRIVER: Final = Reason(
    "driver",
    Verdict.DEFECT,
    "the driver cannot do this",
    "This is a bug: please report it with this line. The sink ends at this batch at every start, until a release writes it.",
)

REASONS: Final = (
    DISK_FULL,
    Reason(
        "too_many_parts",
        Verdict.PASSING,
        "a table has too many parts, merges do not keep up",
        "Look at system.merges and the server's disks and memory; fewer, larger inserts help (BEHOUDLIJN_SINK_BATCH_S, fewer sink workers).",
        {252: "TOO_MANY_PARTS", 574: "DISTRIBUTED_TOO_MANY_PENDING_BYTES", 692: "TOO_MANY_MUTATIONS"},
    ),
    Reason(
        "memory",
        Verdict.PASSING,
        "it has not enough memory",
        "Look at the server's memory and what else runs there; a lower BEHOUDLIJN_SINK_BATCH_ROWS makes smaller inserts.",
        {
            173: "CANNOT_ALLOCATE_MEMORY", 241: "MEMORY_LIMIT_EXCEEDED", 777: "MEMORY_RESERVATION_KILLED",
            778: "MEMORY_RESERVATION_FAILED",
        },
    ),
    Reason(
        "busy",
        Verdict.PASSING,
        "it has too much to do, or ended the request",
        "Look at system.processes and the limits of the server and of the user.",
        {
            159: "TIMEOUT_EXCEEDED", 160: "TOO_SLOW", 202: "TOO_MANY_SIMULTANEOUS_QUERIES", 203: "NO_FREE_CONNECTION",
            216: "QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING", 364: "RECEIVED_ERROR_TOO_MANY_REQUESTS", 373: "SESSION_IS_LOCKED",
            394: "QUERY_WAS_CANCELLED", 439: "CANNOT_SCHEDULE_TASK", 473: "DEADLOCK_AVOIDED", 677: "THREAD_WAS_CANCELED",
            700: "USER_SESSION_LIMIT_EXCEEDED", 718: "TOO_SLOW_PARSING", 735: "QUERY_WAS_CANCELLED_BY_CLIENT",
            745: "SERVER_OVERLOADED", 749: "TCP_CONNECTION_LIMIT_REACHED", 762: "HTTP_CONNECTION_LIMIT_REACHED",
            776: "RESOURCE_LIMIT_EXCEEDED",
        },
    ),
    Reason(
        "quota",
        Verdict.PASSING,
        "the user's quota is used up until its interval ends",
        "Raise the quota of the sink's user, or give it none.",
        {201: "QUOTA_EXCEEDED"},
    ),
    Reason(
        "starting",
        Verdict.PASSING,
        "the server or the table is starting, stopping, or being replaced",
        "Wait; if it lasts, look at the server's log.",
        {
            218: "TABLE_IS_DROPPED", 236: "ABORTED", 667: "NOT_INITIALIZED", 695: "ASYNC_LOAD_FAILED", 696: "ASYNC_LOAD_CANCELED",
            722: "ASYNC_LOAD_WAIT_FAILED", 733: "TABLE_IS_BEING_RESTARTED",
        },
    ),
    Reason(
        "replicas",
        Verdict.PASSING,
        "replicas or Keeper are away or behind",
        "Look at system.replicas and at Keeper; a table is read-only while it has lost Keeper.",
        {
            225: "NO_ZOOKEEPER", 242: "TABLE_IS_READ_ONLY", 244: "UNEXPECTED_ZOOKEEPER_ERROR", 254: "NO_ACTIVE_REPLICAS",
            265: "NO_AVAILABLE_REPLICA", 279: "ALL_CONNECTION_TRIES_FAILED", 285: "TOO_FEW_LIVE_REPLICAS",
            286: "UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE", 289: "REPLICA_IS_NOT_IN_QUORUM", 297: "SHARD_HAS_NO_CONNECTIONS",
            319: "UNKNOWN_STATUS_OF_INSERT", 341: "UNFINISHED", 369: "ALL_REPLICAS_ARE_STALE", 384: "PART_IS_TEMPORARILY_LOCKED",
            415: "ALL_REPLICAS_LOST", 416: "REPLICA_STATUS_CHANGED", 517: "CANNOT_ASSIGN_ALTER", 519: "NO_REMOTE_SHARD_AVAILABLE",
            529: "NOT_A_LEADER", 571: "DATABASE_REPLICATION_FAILED", 659: "UNKNOWN_STATUS_OF_TRANSACTION", 738: "PART_IS_LOCKED",
            999: "KEEPER_EXCEPTION",
        },
    ),
    Reason(
        "network",
        Verdict.PASSING,
        "its network or name service fails, or a request did not arrive whole",
        "Look at the network between this worker, the server and its peers.",
        {
            3: "UNEXPECTED_END_OF_FILE", 32: "ATTEMPT_TO_READ_AFTER_EOF", 33: "CANNOT_READ_ALL_DATA", 40: "CHECKSUM_DOESNT_MATCH",
            95: "CANNOT_READ_FROM_SOCKET", 96: "CANNOT_WRITE_TO_SOCKET", 198: "DNS_ERROR", 209: "SOCKET_TIMEOUT",
            210: "NETWORK_ERROR", 271: "CANNOT_DECOMPRESS", 354: "ZLIB_INFLATE_FAILED", 561: "ZSTD_DECODER_FAILED",
            618: "LZ4_DECODER_FAILED",
        },
    ),
    Reason(
        "storage",
        Verdict.PASSING,
        "its storage fails",
        "Look at the server's log, its disks or object storage, and its limit of open files.",
        {
            74: "CANNOT_READ_FROM_FILE_DESCRIPTOR", 76: "CANNOT_OPEN_FILE", 77: "CANNOT_CLOSE_FILE", 83: "DIRECTORY_DOESNT_EXIST",
            87: "CANNOT_SEEK_THROUGH_FILE", 88: "CANNOT_TRUNCATE_FILE", 107: "FILE_DOESNT_EXIST", 172: "CANNOT_CREATE_DIRECTORY",
            214: "CANNOT_STATVFS", 246: "CORRUPTED_DATA", 274: "AIO_READ_ERROR", 275: "AIO_WRITE_ERROR", 499: "S3_ERROR",
            500: "AZURE_BLOB_STORAGE_ERROR", 586: "CANNOT_CREATE_FILE", 693: "AWS_ERROR", 707: "GCP_ERROR",
            737: "GOOGLE_CLOUD_ERROR",
        },
    ),
    Reason(
        "server",
        Verdict.PASSING,
        "an error of the server's own",
        "Look at the server's log.",
        {
            49: "LOGICAL_ERROR", 298: "CANNOT_PIPE", 425: "SYSTEM_ERROR", 532: "LDAP_ERROR", 576: "KERBEROS_ERROR",
            1001: "STD_EXCEPTION", 1002: "UNKNOWN_EXCEPTION",
        },
    ),
    NO_CONNECTION,
    NO_ANSWER,
    TLS,
    NOT_CLICKHOUSE,
    UNREADABLE,
    OTHER,
    Reason(
        "schema",
        Verdict.OURS,
        "the tables are missing, or not those of this release",
        "Run `behoudlijn clickhouse migrate`, then start this again.",
        {
            7: "INCORRECT_NUMBER_OF_COLUMNS", 8: "THERE_IS_NO_COLUMN", 10: "NOT_FOUND_COLUMN_IN_BLOCK",
            16: "NO_SUCH_COLUMN_IN_TABLE", 20: "NUMBER_OF_COLUMNS_DOESNT_MATCH", 47: "UNKNOWN_IDENTIFIER", 53: "TYPE_MISMATCH",
            60: "UNKNOWN_TABLE", 691: "UNKNOWN_ELEMENT_OF_ENUM",
        },
    ),
    Reason(
        "statement",
        Verdict.OURS,
        "the server does not know a statement of ours",
        "Is the server older than this release supports? If not, this is a bug: please report it with this line.",
        {
            36: "BAD_ARGUMENTS", 42: "NUMBER_OF_ARGUMENTS_DOESNT_MATCH", 43: "ILLEGAL_TYPE_OF_ARGUMENT", 44: "ILLEGAL_COLUMN",
            46: "UNKNOWN_FUNCTION", 48: "NOT_IMPLEMENTED", 50: "UNKNOWN_TYPE", 56: "UNKNOWN_STORAGE", 57: "TABLE_ALREADY_EXISTS",
            62: "SYNTAX_ERROR", 63: "UNKNOWN_AGGREGATE_FUNCTION", 73: "UNKNOWN_FORMAT", 78: "UNKNOWN_TYPE_OF_QUERY",
            115: "UNKNOWN_SETTING", 229: "QUERY_IS_TOO_LARGE", 456: "UNKNOWN_QUERY_PARAMETER", 457: "BAD_QUERY_PARAMETER",
            524: "ALTER_OF_COLUMN_IS_FORBIDDEN",
        },
    ),
    Reason(
        "data",
        Verdict.DEFECT,
        "it cannot take a value of ours",
        "This is a bug: please report it with this line. The sink ends at this batch at every start, until a release writes it.",
        {
            6: "CANNOT_PARSE_TEXT", 25: "CANNOT_PARSE_ESCAPE_SEQUENCE", 26: "CANNOT_PARSE_QUOTED_STRING",
            27: "CANNOT_PARSE_INPUT_ASSERTION_FAILED", 38: "CANNOT_PARSE_DATE", 41: "CANNOT_PARSE_DATETIME",
            69: "ARGUMENT_OUT_OF_BOUND", 70: "CANNOT_CONVERT_TYPE", 72: "CANNOT_PARSE_NUMBER", 117: "INCORRECT_DATA",
            128: "TOO_LARGE_ARRAY_SIZE", 131: "TOO_LARGE_STRING_SIZE", 190: "SIZES_OF_ARRAYS_DONT_MATCH",
            321: "VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE", 349: "CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN", 376: "CANNOT_PARSE_UUID",
            407: "DECIMAL_OVERFLOW", 469: "VIOLATED_CONSTRAINT",
        },
    ),
    DRIVER,
    Reason(
        "login",
        Verdict.THEIRS,
        "it does not let this user in",
        "Check user and password of the DSN and from where the user may come; then start this again, since a DSN is read at the start.",
        {
            192: "UNKNOWN_USER", 193: "WRONG_PASSWORD", 194: "REQUIRED_PASSWORD", 195: "IP_ADDRESS_NOT_ALLOWED",
            516: "AUTHENTICATION_FAILED", 720: "USER_EXPIRED", 767: "REQUIRED_SECOND_FACTOR",
        },
    ),
    Reason(
        "rights",
        Verdict.THEIRS,
        "the user may not do this",
        "Compare its grants with those in deploy/clickhouse/users.xml; it needs a profile that is not read-only and no constraints of settings.",
        {
            164: "READONLY", 180: "THERE_IS_NO_PROFILE", 199: "UNKNOWN_QUOTA", 291: "DATABASE_ACCESS_DENIED",
            344: "SUPPORT_IS_DISABLED", 392: "QUERY_IS_PROHIBITED", 446: "FUNCTION_NOT_ALLOWED",
            452: "SETTING_CONSTRAINT_VIOLATION", 472: "READONLY_SETTING", 496: "QUOTA_REQUIRES_CLIENT_KEY", 497: "ACCESS_DENIED",
            511: "UNKNOWN_ROLE", 512: "SET_NON_GRANTED_ROLE", 620: "QUERY_NOT_ALLOWED",
        },
    ),
    Reason(
        "no_database",
        Verdict.THEIRS,
        "the database does not exist",
        "Check the DSN's database; `behoudlijn clickhouse migrate` makes it.",
        {81: "UNKNOWN_DATABASE"},
    ),
    Reason(
        "limits",
        Verdict.THEIRS,
        "a limit of the server or of the user is too low for this",
        "Raise it for this user.",
        {
            158: "TOO_MANY_ROWS", 191: "SET_SIZE_LIMIT_EXCEEDED", 307: "TOO_MANY_BYTES", 396: "TOO_MANY_ROWS_OR_BYTES",
            724: "TOO_MANY_TABLES", 725: "TOO_MANY_DATABASES",
        },
    ),
    Reason(
        "read_only_storage",
        Verdict.THEIRS,
        "the table lies on storage that is read-only for good",
        "Move the table to storage that can be written.",
        {774: "TABLE_IS_PERMANENTLY_READ_ONLY"},
    ),
    CERTIFICATE,
    TOO_LARGE,
)  # fmt: skip
"""Every reason, by verdict; no code belongs to two."""

PASSING: Final = tuple(reason.name for reason in REASONS if reason.verdict is Verdict.PASSING)
"""Names of what is tried again: the values of the metric's label."""

_BY_CODE: Final = {code: reason for reason in REASONS for code in reason.codes}


def reason_of(code: int) -> Reason:
    """Return the reason that has this code; `OTHER` when none has."""
    return _BY_CODE.get(code, OTHER)


def name_of(code: int) -> str:
    """Return the symbolic name of a code; empty when no reason has it."""
    return reason_of(code).codes.get(code, "")
