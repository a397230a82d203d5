"""The rules of the pipeline as pure functions: no Faust, Kafka, ClickHouse, metrics, environment or wall clock."""
