"""A simulated quarter of a telecom's contact centre: events as producers send them, and the truth.

Customers leave for latent causes that no event names. Everything follows from the seed.
Nothing here knows the pipeline.
"""

from streams.simulate.journal import SimulatedRecord
from streams.simulate.life import Truth
from streams.simulate.quarter import Quarter, simulate
from streams.simulate.settings import SimulationSettings

__all__ = ["Quarter", "SimulatedRecord", "SimulationSettings", "Truth", "simulate"]
