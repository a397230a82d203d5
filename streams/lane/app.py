"""The Faust app of a worker, as a function of the settings: one group, no tables, no web server.

Owns which of Faust's settings we rely upon. `workers.signals` and `workers.sink` add what is done with micro-batches.
"""

from functools import partial
from uuid import uuid4

import faust
from faust.types.auth import CredentialsT

from streams.cluster.copartitioning import refuse_changed
from streams.lane.assignor import assignor_that_counts
from streams.lane.micro_batch import LaneSettings
from streams.settings import Settings

METADATA_MS = 5_000
"""How old what is known of topics and leaders may be."""


def faust_app(settings: Settings, group: str, client_id: str, data_dir: str) -> faust.App:
    """Return an app that is a member of `group` (prefixed here), under this client id, and does nothing yet.

    `data_dir`: a directory of its own, which Faust wants although nothing is kept there.
    """
    return faust.App(
        settings.topic(group),
        broker=settings.faust_broker(),
        broker_credentials=_credentials(settings),
        broker_client_id=client_id,
        PartitionAssignor=assignor_that_counts(partial(refuse_changed, settings)),
        datadir=data_dir,
        canonical_url=f"http://{uuid4().hex}",  # by it members are told apart (`common_topics`); nobody asks there
        web_enabled=False,  # it listens on every address and shows what tables hold
        topic_disable_leader=True,
        topic_allow_declare=False,  # topics are made by `topics ensure`
        table_standby_replicas=0,
        processing_guarantee="at_least_once",
        broker_commit_interval=settings.commit_interval_s,
        broker_rebalance_timeout=settings.rebalance_timeout_s,
        broker_session_timeout=settings.session_timeout_s,
        broker_heartbeat_interval=settings.heartbeat_s,
        broker_request_timeout=settings.request_timeout_s,
        # A rebalance while a topic is made anew goes without it; that it is there again is seen after this time, not after five minutes.
        consumer_metadata_max_age_ms=METADATA_MS,
    )


def lane_settings(
    settings: Settings,
    topics: tuple[str, ...],
    *,
    merged: bool,
    in_flight: int,
    unawaited: frozenset[str] = frozenset(),
) -> LaneSettings:
    """Return how the lane reads `topics` (already prefixed, as are the `unawaited` ones among them)."""
    return LaneSettings(
        topics=topics,
        merged=merged,
        idle_ms=settings.merge_idle_ms if merged else 0,
        unawaited=unawaited,
        max_batch=settings.max_batch,
        max_buffer_bytes=settings.buffer_bytes,
        max_total_bytes=settings.buffer_total_bytes,
        max_in_flight=in_flight,
        drain_seconds=settings.drain_s,
        # A sink may write no topic, and to whom may not, Kafka gives no producer id: the client would not start.
        idempotent_producer=settings.idempotence and merged,
    )


def _credentials(settings: Settings) -> CredentialsT | None:
    context = settings.ssl_context()
    if settings.kafka_security_protocol.startswith("SASL"):
        return faust.SASLCredentials(
            username=settings.kafka_sasl_username,
            password=settings.kafka_sasl_password.get_secret_value(),
            mechanism=settings.kafka_sasl_mechanism,
            ssl_context=context,
        )
    return faust.SSLCredentials(context) if context is not None else None
