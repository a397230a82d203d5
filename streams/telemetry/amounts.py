"""How many of something, in the English of the command line and of errors: one of it has no plural. Sentences for agents are
`streams.phrases`, since they come in every language.
"""


def amount(number: float, one: str, many: str = "") -> str:
    """Return a number, with commas for its thousands, and what it is of: `one`, or `many`, which is `one` with an s where it is left out.

    >>> amount(1, "event"), amount(0, "event"), amount(1_200, "day"), amount(2, "line is no event", "lines are no events")
    ('1 event', '0 events', '1,200 days', '2 lines are no events')
    >>> amount(0.5, "day"), amount(1.0, "day")
    ('0.5 days', '1 day')
    """
    shown = f"{int(number):,}" if number == int(number) else f"{number:g}"
    return f"{shown} {one if number == 1 else many or one + 's'}"
