"""Which partition a key belongs to: Kafka's own murmur2, as every other producer computes it."""

from aiokafka.partitioner import murmur2


def partition_of(routing: bytes, partitions: int) -> int:
    """Return the partition, 0 up to `partitions` - 1, of the bytes that route a record (a customer id in UTF-8)."""
    return int((murmur2(routing) & 0x7FFFFFFF) % partitions)
