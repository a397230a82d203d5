"""The event types as the core sees them: a module each, and the table of all.

Owns, per type, what a state keeps of an event: its fact (`facts` has the layout), its registers (`state` has the fields), and
how the fact reads in words. It must not decide anything. Begin with `rules`, then `call` as an example, then `table`.
"""
