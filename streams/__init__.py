"""The pipeline: `streams.core` decides, purely; the rest feeds it from Kafka and carries out its effects."""
