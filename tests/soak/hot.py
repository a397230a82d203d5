"""One customer who never rests: thousands of events a second, each of the costliest kind, on one partition."""

from __future__ import annotations

from aiokafka import AIOKafkaProducer

from streams.cluster.partitioning import partition_of
from streams.core import state as st
from streams.policies import load_policy
from tests.chaos.equality import states_of
from tests.chaos.report import percentile
from tests.soak.events import Sent, costly, now_ms
from tests.soak.pace import send_at
from tests.soak.scenario import Scenario
from tests.soak.stage import Stage

RATE = 2_500
CUSTOMER = "hot"


async def strike(stage: Stage) -> None:
    """50,000 events in 20 s; all are committed on return, and the newest are known."""
    last = 0

    def make(number: int) -> Sent:
        nonlocal last
        last = now_ms()
        return costly(CUSTOMER, number, stage.settings.partitions, last)

    async with AIOKafkaProducer(**stage.settings.aiokafka_options(), acks="all", linger_ms=20) as producer:
        sent = await send_at(stage.settings, producer, RATE, stage.seconds, make)
    missing = await stage.until_read(300)
    state = (await states_of(stage.settings)).get(CUSTOMER)
    facts = [] if state is None else st.decode(state).facts
    keep = load_policy(stage.settings.policy).parameters.keep
    stage.lost += missing + (len(facts) != min(keep, sent)) + (not facts or facts[-1].at != last)
    other = partition_of(CUSTOMER.encode(), stage.settings.partitions)
    beside = stage.others.waits("beside", lambda number: number != other)
    stage.notes.append(
        f"{sent:,} events of one customer; on the other partitions p99 {percentile(beside, 99) if beside else 0:.2f} s"
    )


SCENARIO = Scenario(
    name="hot", says="one customer sends 2,500 costly events a second", rate=40, strike=strike
)
