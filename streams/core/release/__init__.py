"""The life of a trigger after it was decided: when it goes out, who has it, how it ends. Pure, as all of the core.

`places` is the table of what may happen where, `life` one trigger's state, `desk` what a desk knows of all of them, `pace` which goes
out next, `process` the road of a record, `decode` what its bytes mean. Decision 32 has the reasons. `backtest` runs it, and
`streams.workers.release` on Kafka, which no command starts yet: signals workers do not write candidates.
"""
