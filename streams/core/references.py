"""References: how the fact of a survey names the contact that it is about, in two fields for which a survey has no other use.

Owns the 48 bits that stand for a contact. It must not look for that contact among the facts: whether it comes before the survey or
after it, and whether it is kept still, makes no difference.
"""

from typing import Final

from schemas.ids import names_nobody
from streams.core.facts import CALL, Fact, identity_of

_BITS: Final = 48
"""Two contacts of one customer's few hundred facts share a reference with probability below 1e-9; then their complaints count as one."""
_MASK: Final = (1 << _BITS) - 1
_LOW_BITS: Final = 32
"""Of the field `topic`; the rest is in `amount`."""


def reference_to(contact_id: str | None) -> tuple[int, int]:
    """Return `amount` and `topic` of the fact of a survey about this contact; zeros where it names none, as facts of states up to
    version 3 have them.

    >>> reference_to("c-1") == reference_to("c-1") != reference_to("c-2"), reference_to("unknown"), reference_to(None)
    (True, (0, 0), (0, 0))
    """
    if contact_id is None or names_nobody(contact_id):
        return 0, 0
    return divmod(_reference(identity_of("call", contact_id)), 1 << _LOW_BITS)


def contact_of(fact: Fact) -> int:
    """Return what a contact and every survey about it have in common, and no other fact has; of a survey that names none it is its own.

    >>> from streams.core.facts import SURVEY
    >>> call = Fact(5, identity_of("call", "c-1"), CALL, 0, 0, 0, 0, 0, 0)
    >>> about_it = Fact(9, 7, SURVEY, 1, 0, 0, 0, *reference_to("c-1"))
    >>> contact_of(call) == contact_of(about_it), contact_of(Fact(9, 7, SURVEY, 1, 0, 0, 0, 0, 0))
    (True, -8)
    """
    if fact.kind == CALL:
        return _reference(fact.identity)
    return fact.amount << _LOW_BITS | fact.topic or ~fact.identity  # below zero, where no contact is


def _reference(identity: int) -> int:
    return identity & _MASK or 1  # 0 is no contact
