"""Whether Kafka lets this process in, and lets it do its work: found out before it joins a group.

Owns the look at the door and what it says. It must not change anything. The clients would tell less: one loses why a
connection failed, the other asks again for ever where a right is missing.
"""

import asyncio
import ssl
import time
from collections.abc import Sequence
from typing import Final

from aiokafka import errors as client_errors
from aiokafka.conn import create_conn
from kafka.admin import KafkaAdminClient
from kafka.errors import CoordinatorNotAvailableError, GroupAuthorizationFailedError, KafkaError

from streams.cluster import codecs
from streams.cluster.rights import CODES, Right
from streams.settings import Settings

_CONNECT_MS: Final = 10_000
_UNAUTHORISED: Final = 29
_TRIES: Final = 20
_PAUSE_SECONDS: Final = 0.25


class AccessError(Exception):
    """Kafka refuses us, or would refuse what we have to do; the message says what to change, and holds no secret."""


class UnreachableError(AccessError):
    """Kafka did not even refuse: nobody answered."""


async def check_access(settings: Settings, rights: Sequence[Right]) -> None:
    """Raise AccessError when the brokers cannot be used as the settings say, or a right is missing.

    Without TLS or a login there is nobody to have rights, and nothing is asked.
    """
    if settings.kafka_security_protocol == "PLAINTEXT":
        return
    await reach(settings)
    missing = await asyncio.to_thread(_missing, settings, rights)
    if missing:
        raise AccessError(missing_text(settings, missing))


async def reach(settings: Settings) -> None:
    """Connect to one of the brokers as the settings say. Raises AccessError with the reason of each failure."""
    options = settings.aiokafka_options()
    said, answered = [], False
    for address in options.pop("bootstrap_servers").split(","):
        host, _, port = address.rpartition(":")
        try:
            connection = await create_conn(
                host.strip("[]"), int(port), request_timeout_ms=_CONNECT_MS, **options
            )
        except (OSError, client_errors.KafkaError) as error:
            said.append(f"{address}: {refusal(error, settings)}")
            answered |= isinstance(error, client_errors.KafkaError | ssl.SSLError)
            continue
        connection.close()
        return
    kind = AccessError if answered else UnreachableError
    raise kind("Kafka cannot be used. " + " ".join(dict.fromkeys(said)))


def check_door(settings: Settings) -> None:
    """`reach` for tools, which have no event loop; without TLS or a login nothing is asked. Raises AccessError, also when a
    codec cannot be read here.

    Their client would try a wrong password for half a minute, and then speak of a time-out.
    """
    if problem := codecs.problem():
        raise AccessError(problem)
    if settings.kafka_security_protocol != "PLAINTEXT":
        asyncio.run(reach(settings))


def refusal(error: BaseException, settings: Settings) -> str:
    """Return why a connection failed, and what to do, in a sentence or two."""
    match error:
        case ssl.SSLCertVerificationError():
            return (
                f"the broker's certificate was refused ({error.verify_message}). Check that "
                "BEHOUDLIJN_KAFKA_SSL_CAFILE holds the authority that signed it, and that "
                "BEHOUDLIJN_KAFKA_BOOTSTRAP uses a host name that the certificate names."
            )
        case ssl.SSLError():
            return (
                f"no TLS connection ({error.reason or error}). Check that this port speaks TLS, and our certificate "
                "in BEHOUDLIJN_KAFKA_SSL_CERTFILE if the broker asks for one."
            )
        case client_errors.SaslAuthenticationFailed() | client_errors.IllegalSaslStateError():
            return (
                f"the login of user {settings.kafka_sasl_username} was refused. Check "
                "BEHOUDLIJN_KAFKA_SASL_USERNAME, BEHOUDLIJN_KAFKA_SASL_PASSWORD and "
                f"BEHOUDLIJN_KAFKA_SASL_MECHANISM ({settings.kafka_sasl_mechanism})."
            )
        case client_errors.UnsupportedSaslMechanismError():
            return (
                f"the broker does not know the login {settings.kafka_sasl_mechanism}: choose another "
                "BEHOUDLIJN_KAFKA_SASL_MECHANISM."
            )
        case client_errors.KafkaError():
            return (
                "it closed the connection. Check that this port speaks "
                f"{settings.kafka_security_protocol} (BEHOUDLIJN_KAFKA_SECURITY_PROTOCOL)."
            )
        case _:
            return (
                f"no connection ({str(error) or type(error).__name__}). Check BEHOUDLIJN_KAFKA_BOOTSTRAP, and that the "
                "broker runs."
            )


def missing_text(settings: Settings, missing: Sequence[Right]) -> str:
    """Tell which rights are missing, and the arguments of `kafka-acls` that grant the first of them."""
    who = settings.kafka_sasl_username or "of our certificate"
    what = ", ".join(f"{right.operation} on {right.resource} {right.name}" for right in missing)
    return (
        f"Kafka user {who} lacks {what}. Grant it: kafka-acls "
        f"{missing[0].command(f'User:{settings.kafka_sasl_username}')} "
        "(`behoudlijn topics acls` lists all that a worker needs), then start the worker again."
    )


def _missing(settings: Settings, rights: Sequence[Right]) -> list[Right]:
    """Return those of `rights` that the broker says we lack; a topic that is not there yet lacks nothing."""
    admin = None
    try:
        admin = KafkaAdminClient(
            client_id="behoudlijn-access",
            bootstrap_timeout_ms=_CONNECT_MS,
            **settings.kafka_python_options(),
        )
        allowed = {("topic", name): found for name, found in _topics(admin, rights).items()}
        allowed |= {
            ("group", right.name): _group(admin, right.name) for right in rights if right.resource == "group"
        }
    except KafkaError as error:
        raise UnreachableError(
            f"Kafka did not tell what we may do ({type(error).__name__}): try again."
        ) from error
    finally:
        if admin is not None:
            admin.close()
    return [right for right in rights if not _holds(allowed.get((right.resource, right.name)), right)]


def _holds(operations: Sequence[str] | None, right: Right) -> bool:
    return operations is None or CODES.get(right.operation, right.operation.upper()) in operations


def _topics(admin: KafkaAdminClient, rights: Sequence[Right]) -> dict[str, Sequence[str] | None]:
    """Return what we may do with each topic; None where the broker does not say."""
    names = sorted({right.name for right in rights if right.resource == "topic"})
    found: dict[str, Sequence[str] | None] = {}
    for topic in admin.describe_topics(names):
        # Whoever may not look at a topic is not told what else is allowed there.
        unseen = topic["error_code"] == _UNAUTHORISED
        found[topic["name"]] = [*CODES.values()] if unseen else topic.get("authorized_operations")
    return found


def _group(admin: KafkaAdminClient, name: str) -> Sequence[str] | None:
    """Return what we may do with the group, of which the broker tells only once it exists."""
    for _ in range(_TRIES - 1):
        try:
            return _described(admin, name)
        except (
            CoordinatorNotAvailableError
        ):  # a new cluster makes the topic of the offsets at the first question
            time.sleep(_PAUSE_SECONDS)
    return _described(admin, name)


def _described(admin: KafkaAdminClient, name: str) -> Sequence[str] | None:
    try:
        operations: Sequence[str] | None = admin.describe_groups([name])[name]["authorized_operations"]
    except GroupAuthorizationFailedError:
        return []
    return operations
