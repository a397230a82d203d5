"""What is wrong with a file of sentences, all of it and with lines, before a record is told in its language.

A sentence must be there for every code, and for no other; it must know its numbers, have a form for each of them, and tell each number
that the English one tells.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from itertools import product
from typing import Final
from unicodedata import category

from babel.core import Locale
from fluent.syntax import ast
from fluent.syntax.visitor import Visitor

from streams.core.wording import Numbers
from streams.documents import Problem
from streams.phrases.catalogue import Catalogue

MOST_CHARACTERS: Final = 200
"""As long as evidence in a record may be."""
OTHER: Final = "other"
_FORMS: Final = frozenset({"zero", "one", "two", "few", "many", OTHER})
"""Those of CLDR."""
_NUMBERS: Final = (0, 1, 2, 3, 5, 11, 21, 120, 1_000_000)
"""Those for which languages have other forms than for their neighbours, and one that is long."""
_REST: Final = (1, 5)
"""What the other numbers are meanwhile."""
_CONTROL: Final = ("Cc", "Cs", "Zl", "Zp")
"""Unicode's categories of control characters and line ends."""
_COUNTED: Final = range(1_001)
_TWO: Final = (25, 27)
"""Of one form in every language: a sentence that differs between them tells the number."""

Spoken = Mapping[str, frozenset[str]]
"""By code, the names of the numbers that its sentence may have."""


def mistakes(catalogue: Catalogue, spoken: Spoken, english: Catalogue) -> list[Problem]:
    """Return every mistake of a catalogue."""
    found = [*_junk(catalogue), *_names(catalogue, spoken)]
    uses = {_name(each): _uses_of(each) for each in catalogue.entries}
    for entry in catalogue.entries:
        found += _unknown(catalogue, entry, uses, spoken)
        found += _formless(catalogue, entry)
    if not found:  # what does not hold together is not said
        for entry in catalogue.entries:
            if entry.id.name in spoken and isinstance(entry, ast.Message):
                found += _said(catalogue, entry, spoken[entry.id.name], english)
    return sorted(found, key=lambda each: each.line or 0)


def _junk(catalogue: Catalogue) -> Iterator[Problem]:
    for each in catalogue.junk:
        line = catalogue.line(each)
        said = [f"{note.message}, noticed in line {catalogue.line(note)}" for note in each.annotations]
        yield Problem(catalogue.source, line, f"not Fluent: {'; '.join(said)}")


def _names(catalogue: Catalogue, spoken: Spoken) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    for entry in catalogue.entries:
        name, line = _name(entry), catalogue.line(entry.id)
        if name in seen:
            yield Problem(
                catalogue.source, line, f"{name} is given twice, first in line {seen[name]}: remove one"
            )
        seen[name] = line
    within = {used for entry in catalogue.entries for used in _uses_of(entry).entries}
    for name, line in seen.items():
        if name not in spoken and name not in within:
            said = f"{name}: nothing of this name is spoken of, and no sentence here uses it: remove it, or mend its name"
            yield Problem(catalogue.source, line, said)
    broken = tuple(str(each.content) for each in catalogue.junk)
    for name in spoken:
        if not catalogue.says(name) and not any(text.startswith(name) for text in broken):
            yield Problem(catalogue.source, None, f"{name} has no sentence: add one, as in en.ftl")


class _Uses(Visitor):
    """What an entry uses: other entries, and numbers with where they stand."""

    def __init__(self) -> None:
        self.entries: set[str] = set()
        self.numbers: list[ast.VariableReference] = []

    def visit_MessageReference(self, node: ast.MessageReference) -> None:  # noqa: N802 - named by the library
        self.entries.add(node.id.name)

    def visit_TermReference(self, node: ast.TermReference) -> None:  # noqa: N802
        self.entries.add(f"-{node.id.name}")

    def visit_VariableReference(self, node: ast.VariableReference) -> None:  # noqa: N802
        self.numbers.append(node)


class _Choices(Visitor):
    """The choices between forms in an entry."""

    def __init__(self) -> None:
        self.found: list[ast.SelectExpression] = []

    def visit_SelectExpression(self, node: ast.SelectExpression) -> None:  # noqa: N802
        self.found.append(node)
        self.generic_visit(node)


def _name(entry: ast.Message | ast.Term) -> str:
    return f"-{entry.id.name}" if isinstance(entry, ast.Term) else entry.id.name


def _uses_of(entry: ast.Message | ast.Term) -> _Uses:
    uses = _Uses()
    uses.visit(entry)
    return uses


def _unknown(
    catalogue: Catalogue, entry: ast.Message | ast.Term, uses: Mapping[str, _Uses], spoken: Spoken
) -> Iterator[Problem]:
    """Yield the numbers and entries that a sentence uses and that are not there for it."""
    name = _name(entry)
    if name not in spoken:
        return
    reached, waiting = {name}, [name]
    while waiting:
        for other in sorted(uses[waiting.pop()].entries - reached):
            reached.add(other)
            if other in uses:
                waiting.append(other)
            else:
                yield Problem(
                    catalogue.source, catalogue.line(entry), f"{name} uses {other}, which is not in this file"
                )
    known = spoken[name]
    for other in sorted(reached & uses.keys()):
        for node in uses[other].numbers:
            if node.id.name not in known:
                there = ", ".join(f"${each}" for each in sorted(known))
                said = f"{name} uses ${node.id.name}, which it does not have: there is {there}"
                yield Problem(catalogue.source, catalogue.line(node), said)


def _formless(catalogue: Catalogue, entry: ast.Message | ast.Term) -> Iterator[Problem]:
    """Yield the choices by a number that leave out a form which the language has for some whole number.

    A choice between exact numbers and the rest that names no form, and does not tell the number, needs none.
    """
    choices = _Choices()
    choices.visit(entry)
    for choice in choices.found:
        number = _number_of(choice.selector)
        if number is None:
            continue
        named = {each.key.name for each in choice.variants if isinstance(each.key, ast.Identifier)}
        exact = {float(each.key.value) for each in choice.variants if isinstance(each.key, ast.NumberLiteral)}
        for form in sorted(named - _FORMS):
            said = f"{_name(entry)} has [{form}], which is no form: there are {', '.join(sorted(_FORMS))}, and numbers"
            yield Problem(catalogue.source, catalogue.line(choice), said)
        default = next(each.key for each in choice.variants if each.default)
        lacking = [] if isinstance(default, ast.Identifier) and default.name == OTHER else [f"*[{OTHER}]"]
        if named != {OTHER} or any(_tells_itself(each, number) for each in choice.variants):
            forms = _forms(catalogue.locale).items()
            lacking += [
                f"[{form}]" for form, numbers in forms if form not in {*named, OTHER} and not numbers <= exact
            ]
        if lacking:
            said = f"{_name(entry)} chooses by ${number} without {', '.join(lacking)}: the language needs it"
            yield Problem(catalogue.source, catalogue.line(choice), said)


def _number_of(selector: ast.SyntaxNode) -> str | None:
    """Return the number by which a choice is made, also where it is to be written in a way of its own: `NUMBER($count, …)`."""
    if isinstance(selector, ast.FunctionReference) and selector.arguments.positional:
        selector = selector.arguments.positional[0]
    return selector.id.name if isinstance(selector, ast.VariableReference) else None


def _tells_itself(variant: ast.Variant, number: str) -> bool:
    uses = _Uses()
    uses.visit(variant)
    return any(each.id.name == number for each in uses.numbers)


def _forms(locale: Locale) -> dict[str, set[int]]:
    """Return the forms that a language has for the numbers that are likely, each with these numbers."""
    forms: dict[str, set[int]] = {}
    for number in _COUNTED:
        forms.setdefault(locale.plural_form(number), set()).add(number)
    return forms


def _said(
    catalogue: Catalogue, entry: ast.Message, numbers: frozenset[str], english: Catalogue
) -> Iterator[Problem]:
    """Yield what is wrong with a sentence as it is said."""
    name = entry.id.name
    problem = partial(Problem, catalogue.source, catalogue.line(entry))
    for number, value, rest in product(sorted(numbers), _NUMBERS, _REST):
        said, errors = catalogue.sentence(name, {**dict.fromkeys(numbers, rest), number: value})
        fault = _fault(said, errors)
        if fault:
            yield problem(f"{name}: {fault}: {said[:MOST_CHARACTERS]!r}")
            return
    for number in sorted(numbers):
        if _tells(english, name, numbers, number) and not _tells(catalogue, name, numbers, number):
            yield problem(f"{name} does not tell ${number}: put {{ ${number} }} into it")


def _fault(said: str, errors: list[Exception]) -> str:
    if errors:
        return str(errors[0])
    if not said.strip():
        return "it is empty"
    if len(said) > MOST_CHARACTERS:
        return f"it has more than {MOST_CHARACTERS} characters"
    if any(category(character) in _CONTROL for character in said):
        return "it is more than one line, or has a tab or another control character"
    if said != said.strip() or "  " in said:
        return "it has spaces too many"
    return ""


def _tells(catalogue: Catalogue, name: str, numbers: frozenset[str], number: str) -> bool:
    """Return whether a sentence differs between two values of a number."""
    rest: Numbers = dict.fromkeys(numbers, _TWO[0])
    said = [catalogue.sentence(name, {**rest, number: value})[0] for value in _TWO]
    return said[0] != said[1]
