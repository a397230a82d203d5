"""What only speed needs: most events decide nothing, and are folded into a customer's bytes without a judgement.

Each judgement leaves two bounds with the customer's state. Until the *due time*, the passing of time alone changes no decision.
Up to the *slack*, new facts may raise logit(score) without a decision. Within both bounds an event is appended to the state's
bytes and nothing else happens (decision 10).

Owns these bounds. They must never show in what is decided: judging every event gives the same result, and a property test says
so. Begin with `shortcut` (what is left out), then `bounds` (how the two are found), then `gains` and `rises` (by how much a new
fact can raise the score).
"""
