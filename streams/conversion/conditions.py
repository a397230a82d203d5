"""Which records give an event: conditions on values, as texts, so that `1`, `1.0` and `"1"` are one."""

import re
from collections.abc import Callable
from typing import Any

from streams.conversion.numbers import number_of
from streams.conversion.readers import Shape
from streams.conversion.texts import Text, path_text
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
        _one(
            test,
            path_text(path, shape, mapping.blanks),
        )
        for path, test in tests.items()
    ]
    if len(each) == 1:
        return each[0]
    return lambda record: all(test(record) for test in each)


def _one(test: Test, text: Text) -> Condition:
    equal = None if test.equals is None else _plain(test.equals)
    among = None if test.one_of is None else frozenset(map(_plain, test.one_of))
    not_among = None if test.differs is None else frozenset(map(_plain, test.differs))
    pattern = None if test.matches is None else re.compile(test.matches)

    def holds(record: Any) -> bool:
        found = text(record)
        word = _plain(found)
        return (
            (equal is None or word == equal)
            and (among is None or word in among)
            and (not_among is None or word not in not_among)
            and (test.present is None or bool(found) == test.present)
            and (pattern is None or pattern.search(found) is not None)
            and (test.at_least is None or _within(found, test.at_least, None))
            and (test.at_most is None or _within(found, None, test.at_most))
        )

    if equal is not None and test.model_fields_set <= {"equals"}:
        return lambda record: _plain(text(record)) == equal  # as a rule
    return holds


def _plain(word: str) -> str:
    return word.strip().lower().removesuffix(".0") if word.endswith(".0") else word.strip().lower()


def _within(text: str, least: float | None, most: float | None) -> bool:
    number = number_of(text, ".")
    return number is not None and (least is None or number >= least) and (most is None or number <= most)
