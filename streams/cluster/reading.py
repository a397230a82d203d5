"""Reading partitions up to their ends, once for each of the two clients: aiokafka's and kafka-python's.

Owns when a partition has been read to its end, and that silence is told. The end is taken from fetch responses: some brokers
answer wrongly when they are asked for the latest offset (Tansu, after a batch of several records). It must not choose what is
read from where: the caller assigns partitions and seeks before.
"""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, MutableMapping
from typing import Any, Final

from streams.telemetry.amounts import amount

_WAIT_MS: Final = 200


class SilenceError(Exception):
    """Nothing was heard for too long. `left` are the partitions whose end has not been reached."""

    def __init__(self, left: Iterable[Any]) -> None:
        self.left = sorted(left)
        super().__init__(f"nothing was heard of {amount(len(self.left), 'partition')}")


async def read_to_ends(
    consumer: Any,
    left: MutableMapping[Any, int | None],
    *,
    most: int | None = None,
    silent_seconds: float = math.inf,
) -> AsyncIterator[Mapping[Any, list[Any]]]:
    """Yield what an aiokafka `consumer` fetches of the partitions `left` until all are read up to the given offset, or to their
    present end where there is none.

    A partition that has been read leaves `left`, and the caller may take others out as well. `most`: records of one yield.
    Raises `SilenceError` when no record comes for `silent_seconds`, and the client's errors.
    """
    loop = asyncio.get_running_loop()
    heard = loop.time()
    while left:
        fetched = await consumer.getmany(*left, timeout_ms=_WAIT_MS, max_records=most)
        if fetched:
            yield fetched
            heard = loop.time()
        for place, wanted in list(left.items()):
            end = consumer.highwater(place) if wanted is None else wanted
            if end is not None and await consumer.position(place) >= end:
                del left[place]
        await asyncio.sleep(0)
        if left and loop.time() - heard > silent_seconds:
            raise SilenceError(left)


def poll_to_ends(
    consumer: Any,
    places: Iterable[Any],
    *,
    poll_ms: int,
    silent_seconds: float,
    most: int | None = None,
    reached: Callable[[Any, int], bool] | None = None,
) -> Iterator[Mapping[Any, list[Any]]]:
    """Yield what a kafka-python `consumer` polls of the partitions `places`, all that are assigned, until each is read up to the
    end that its first fetch response told: what comes later is not waited for.

    A partition that has been read is paused. `most`: records of one poll. `reached` is given a partition and its end, and says
    whether enough of it has been read; without it, all has to be. Raises `SilenceError` when no record comes for
    `silent_seconds`, and the client's errors.
    """
    left, ends = set(places), dict[Any, int]()
    consumer.resume(*left)  # an earlier reading paused them
    heard = time.monotonic()
    while left:
        batch = consumer.poll(timeout_ms=poll_ms, max_records=most)
        for place in list(left):
            end = consumer.highwater(place)
            if end is None:
                continue
            end = ends.setdefault(place, end)
            if reached(place, end) if reached else consumer.position(place) >= end:
                left.discard(place)
                consumer.pause(place)
        yield batch
        if batch:
            heard = time.monotonic()
        if left and time.monotonic() - heard > silent_seconds:
            raise SilenceError(left)
