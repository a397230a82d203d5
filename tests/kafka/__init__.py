"""Real Apache Kafka for tests and chaos runs: jars by Maven from a pinned `pom.xml`, started with Java 17.

Owns nothing of the pipeline: it must not create topics or import any package of ours but `deploy.embedded`.
"""
