"""What Faust carries from the consumer to the agent. Owns that only the lane acknowledges."""

from typing import Any

from faust.types import tuples

from streams.lane.runs import Run


class RunMessage(tuples.ConsumerMessage):  # type: ignore[misc]
    """What Faust carries to the agent for one run. Only `Lane.ack` acknowledges it.

    Faust acknowledges a message also when the agent raised, and when it skips one during a rebalance: records
    would be lost, so its acknowledgement does nothing here.
    """

    __slots__ = ("run",)
    use_tracking = False

    def __init__(self, run: Run[Any], generation: int) -> None:
        first = run.records[0]
        super().__init__(
            first.topic,
            run.partition,
            first.offset,
            first.timestamp / 1000,
            0,
            None,
            None,
            b"",
            None,
            tp=tuples.TP(first.topic, run.partition),
            generation_id=generation,
        )
        self.run = run

    def ack(self, consumer: Any, n: int = 1) -> bool:  # noqa: ARG002  (Faust's signature)
        """Does nothing: see the class."""
        return False
