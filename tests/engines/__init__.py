"""The engines that the sink's SQL is tried on: the pinned one, the long-term one that compose pins, and both under
settings of a production server.

Owns how the embedded server is started over another engine than its own. It must not hold a test.
"""
