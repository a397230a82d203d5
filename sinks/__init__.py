"""Where results go: the sink's contract, ClickHouse, a recording sink for tests. Imports `schemas` only."""
