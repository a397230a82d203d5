"""The embedded stack and what is shown on it: everything on one machine, for a trial.

Owns the stack's start and end, the reference dialer and the figures of the report. Nothing else may import it but `commands`.
Begin with `stack`.
"""
