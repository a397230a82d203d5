"""Tests against real processes: brokers, stores, workers."""
