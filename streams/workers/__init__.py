"""The processes: what a signals worker and a sink worker do with a micro-batch, and in which order.

Owns the order of effects, which loses nothing. It must not hold a rule about customers (`core`) nor a protocol (`lane`, `state`,
`cluster`). Begin with `micro_batch_handler`, whose `handle` is the road of every event; `signals` wires the parts, `process` gives a worker its life.
"""
