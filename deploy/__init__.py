"""How Behoudlijn is run: the embedded stack, container, Kafka, ClickHouse, Prometheus and Grafana files.

Owns what surrounds the pipeline. It must not hold any logic of the pipeline itself.
"""
