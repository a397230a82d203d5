"""The rules of the pipeline as pure functions: no Faust, Kafka, ClickHouse, environment or wall clock."""
