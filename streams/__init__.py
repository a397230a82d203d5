"""The pipeline: `streams.core` decides, purely; the rest is the shell that feeds it from Kafka and carries out its effects."""
