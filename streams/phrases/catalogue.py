"""One language's sentences, from a Fluent file (`.ftl`, https://projectfluent.org) whose name is the language's tag.

Owns reading a file and saying a sentence of it. What a file must hold is asked by `review`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from babel.core import Locale, UnknownLocaleError
from fluent.runtime import FluentBundle
from fluent.syntax import FluentParser, ast

from schemas.base import LANGUAGE_PATTERN
from streams.core.wording import Numbers
from streams.documents import DocumentError, Problem

SUFFIX: Final = ".ftl"


class Catalogue:
    """The messages of one language, by name."""

    def __init__(self, source: str, language: str, locale: Locale, text: str) -> None:
        """`language`: its tag (BCP 47). `text`: of the file; what in it is no Fluent stands in `junk`."""
        self.source = source
        self.language = language
        self.locale = locale
        self.text = text
        resource = FluentParser(with_spans=True).parse(text)
        self.entries = [each for each in resource.body if isinstance(each, ast.Message | ast.Term)]
        self.junk = [each for each in resource.body if isinstance(each, ast.Junk)]
        # Marks that keep scripts of two directions apart would stand around every number.
        self._bundle = FluentBundle([language], use_isolating=False)
        self._bundle.add_resource(resource)

    def says(self, name: str) -> bool:
        """Return whether there is a sentence of that name."""
        return self._bundle.has_message(name) and self._bundle.get_message(name).value is not None

    def sentence(self, name: str, numbers: Numbers) -> tuple[str, list[Exception]]:
        """Return the sentence with its numbers, and what went wrong in it. Raises LookupError when there is none."""
        pattern = self._bundle.get_message(name).value
        if pattern is None:
            raise LookupError(name)
        said, errors = self._bundle.format_pattern(pattern, dict(numbers))
        return str(said), errors

    def line(self, node: ast.SyntaxNode) -> int:
        """Return the line (from 1) in which a part of the file begins."""
        return 1 if node.span is None else self.text.count("\n", 0, node.span.start) + 1


def read_catalogue(path: Path) -> Catalogue:
    """Read a file of sentences. Raises `DocumentError` when it cannot be read, or is named after no language."""
    source = str(path)
    try:
        if re.fullmatch(LANGUAGE_PATTERN, path.stem) is None:
            raise ValueError(path.stem)
        locale = Locale.parse(path.stem, sep="-")
    except (UnknownLocaleError, ValueError):
        said = f"{path.stem!r} is no language that is known: name the file after its tag, as in de.ftl or nl-BE.ftl"
        raise DocumentError([Problem(source, None, said)]) from None
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise DocumentError([Problem(source, None, "the file is no UTF-8 text")]) from None
    except OSError as error:
        raise DocumentError([Problem(source, None, f"cannot be read: {error.strerror or error}")]) from None
    try:
        return Catalogue(source, path.stem, locale, text.replace("\r\n", "\n"))
    except RecursionError:
        raise DocumentError([Problem(source, None, "a sentence is nested too deeply")]) from None
