"""What an operator does to a running installation: explain, erase, see and redrive dead letters, move to more partitions,
look at states and repair them, go past a record.

Owns these procedures, each with what it refuses. It must not print (`commands`) nor run in a worker. Begin with `explanation`.
"""
