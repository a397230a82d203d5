"""Chaos: the whole pipeline on a real cluster while faults happen by a seeded schedule, then compared with the oracle.

Run it with `make chaos-short` or `make chaos`; `SEED=7 make chaos-short` repeats the schedule of a seed.
"""
