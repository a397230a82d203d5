"""Where customers' states live: in memory while a worker has them, in the changelog for good.

Owns the changelog's bytes, who may write it, and that nothing leaves a process that has lost its partitions. It must not
decide anything about a customer. Begin with `changelog` (the bytes), then `recovery` and `fencing`.
"""
