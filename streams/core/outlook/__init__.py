"""What only speed needs: most events decide nothing, and are folded into a customer's bytes without a judgement.

Owns the *outlook* that each judgement leaves with the state: its due time, before which time alone changes nothing, and its
slack, the rise of logit(score) by new facts up to which nothing can be decided (decision 10). It must never show: with every
event judged the same comes out, which a property test says. Begin with `shortcut` (what is left out), then `bounds` (how far),
`gains` and `rises` (by how much a fact raises the score at most).
"""
