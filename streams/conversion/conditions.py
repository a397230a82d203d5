"""Which records give an event: conditions on values, as texts, so that `1`, `1.0` and `"1"` are one."""

import re
from collections.abc import Callable
from typing import Any

from streams.conversion.numbers import number_of
from streams.conversion.shapes import Shape
from streams.conversion.texts import Text, path_text, plain, searchable
from streams.mappings.language import All, Mapping, Test, When

Condition = Callable[[Any], bool]


def condition(when: When, shape: Shape, mapping: Mapping) -> Condition | None:
    """Return what tells whether a record meets `when`; None when any record does."""
    alternatives = [_all_of(each, shape, mapping) for each in when]
    if not alternatives:
        return None
    if len(alternatives) == 1:
        return alternatives[0]
    return lambda record: any(each(record) for each in alternatives)


def _all_of(tests: All, shape: Shape, mapping: Mapping) -> Condition:
    each = [
        _one(test, path_text(path, shape, mapping.blanks), mapping.decimal) for path, test in tests.items()
    ]
    if len(each) == 1:
        return each[0]
    return lambda record: all(test(record) for test in each)


def _one(test: Test, text: Text, decimal: str) -> Condition:
    equal = None if test.equals is None else plain(test.equals)
    among = None if test.one_of is None else frozenset(map(plain, test.one_of))
    not_among = None if test.differs is None else frozenset(map(plain, test.differs))
    pattern = None if test.matches is None else re.compile(test.matches)

    bounded = test.at_least is not None or test.at_most is not None

    def holds(record: Any) -> bool:
        found = text(record)
        word = plain(found)
        return (
            (equal is None or word == equal)
            and (among is None or word in among)
            and (not_among is None or word not in not_among)
            and (test.present is None or bool(found) == test.present)
            and (pattern is None or pattern.search(searchable(found)) is not None)
            and (not bounded or _within(number_of(found, decimal), test.at_least, test.at_most))
        )

    if equal is not None and test.model_fields_set <= {"equals"}:
        return lambda record: plain(text(record)) == equal  # as a rule
    return holds


def _within(number: float | None, least: float | None, most: float | None) -> bool:
    return number is not None and (least is None or number >= least) and (most is None or number <= most)
