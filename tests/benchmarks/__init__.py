"""The benchmark: ours, what it is made of, and Python peers side by side in one run, on real Kafka.

`make bench` and `make bench-short` run it. No test asserts on its figures.
"""
