"""The Kafka cluster as an administrator sees it: topics, rights, partitions, codecs, and reading a topic to its end.

Owns what is asked of brokers outside a group. It must not work on events. Begin with `topics`.
"""
