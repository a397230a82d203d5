"""What Faust carries from the consumer to the agent. Owns that only the lane acknowledges."""

from typing import Any

from faust.types import tuples

from streams.lane.micro_batch import MicroBatch


class MicroBatchMessage(tuples.ConsumerMessage):  # type: ignore[misc]
    """What Faust carries to the agent for one micro-batch. Only `Lane.ack` acknowledges it.

    Faust acknowledges a message also when the agent raised, and when it skips one during a rebalance: records
    would be lost, so its acknowledgement does nothing here.
    """

    __slots__ = ("micro_batch",)
    use_tracking = False

    def __init__(self, micro_batch: MicroBatch[Any], generation: int) -> None:
        first = micro_batch.records[0]
        super().__init__(
            first.topic,
            micro_batch.partition,
            first.offset,
            first.timestamp / 1000,
            0,
            None,
            None,
            b"",
            None,
            tp=tuples.TP(first.topic, micro_batch.partition),
            generation_id=generation,
        )
        self.micro_batch = micro_batch

    def ack(self, consumer: Any, n: int = 1) -> bool:  # noqa: ARG002  (Faust's signature)
        """Do nothing: see the class."""
        return False
