"""How records come out of Kafka: fetched, merged into micro-batches, handed out, acknowledged, committed.

Owns what a worker reads and what it may commit, the group's rebalances, and what is said when a log is not the one that was
read. It must not know what is done with a micro-batch. Begin with `micro_batch` (the values), then `lane` (what is handed out), then
`consumer`, which moves it between Kafka's client and Faust (with `commits`, `rebalances` and `fetching`).
"""
