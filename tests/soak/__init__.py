"""Soak: workers under the loads of a bad day, on real Kafka, and what the customers who are not part of it notice. `make soak`.

Begin at `__main__`; a scenario is a module that says what strikes, `stage` is what it strikes. No speed is asserted, only that
nothing is lost or doubled.
"""
