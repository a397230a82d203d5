"""The sentences that people read, by language: those that come with Behoudlijn, and a user's own beside them or in their place.

A language is a file, and every mistake in it is told with its line before anything is decided (docs/languages.md). Begin with
`load_phrases`.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final

from streams.core.history import Parameters
from streams.core.signals import SIGNALS
from streams.core.wording import Numbers
from streams.documents import DocumentError, Problem
from streams.phrases.catalogue import SUFFIX, Catalogue, read_catalogue
from streams.phrases.review import mistakes

HERE: Final = Path(__file__).parent
ENGLISH: Final = "en"
SPOKEN: Final = {name: frozenset(each.numbers(1.0, Parameters())) for name, each in SIGNALS.items()}
"""Whatever has a sentence, by code, with the names of the numbers in it."""
_MOST_KEPT: Final = 8_192


class Phrases:
    """Sentences in several languages: what the core is handed as its `Wording`."""

    def __init__(self, catalogues: Iterable[Catalogue], default: str) -> None:
        """`default`: the tag that is taken where none fits. Raises `DocumentError` when no catalogue is of that language."""
        self._catalogues = {each.language: each for each in catalogues}
        self._by_tag = {language.lower(): language for language in self._catalogues}
        self._kept: dict[tuple[str, str, tuple[int, ...]], str] = {}
        found = self._nearest(default)
        if found is None:
            known = ", ".join(self.languages)
            said = f"no sentences in this language; there are: {known}. One more is one file more (docs/languages.md)"
            raise DocumentError([Problem(f"language {default!r}", None, said)])
        self._default = found

    @property
    def languages(self) -> tuple[str, ...]:
        """The tags of all languages, in the order of the alphabet."""
        return tuple(sorted(self._catalogues))

    def language(self, asked: str | None) -> str:
        """Return the language asked for, the same without its region or script (`nl-BE`: `nl`), or else the default one."""
        return (self._nearest(asked) if asked else None) or self._default

    def sentence(self, code: str, numbers: Numbers, language: str) -> str:
        """Return what a code means. Raises KeyError for a language or a code that is not known."""
        key = language, code, tuple(numbers.values())
        said = self._kept.get(key)
        if said is None:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            said, _ = self._catalogues[language].sentence(code, numbers)
            self._kept[key] = said
        return said

    def text(self, language: str) -> str:
        """Return the file of a language. Raises KeyError for one that is not known."""
        return self._catalogues[language].text

    def _nearest(self, tag: str) -> str | None:
        """Return the language that RFC 4647 ("lookup") finds for a tag: part by part is left out from the end."""
        parts = tag.lower().split("-")
        for length in range(len(parts), 0, -1):
            found = self._by_tag.get("-".join(parts[:length]))
            if found is not None:
                return found
        return None


def built_in_languages() -> list[str]:
    """Return the tags of the languages that come along."""
    return sorted(path.stem for path in HERE.glob(f"*{SUFFIX}"))


def load_phrases(default: str = ENGLISH, directory: Path | None = None) -> Phrases:
    """Read the packaged languages and those of a directory; of one language in both, the directory's file counts.

    Raises `DocumentError` with every mistake of every file of the directory, and when no language fits `default`.
    """
    catalogues = {language: _packaged(language) for language in built_in_languages()}
    problems: list[Problem] = []
    own: dict[str, Catalogue] = {}
    for path in _files_of(directory):
        try:
            read = read_catalogue(path)
        except DocumentError as error:
            problems += error.problems
            continue
        problems += mistakes(read, SPOKEN, _packaged(ENGLISH))
        twin = own.setdefault(read.language.lower(), read)
        if twin is not read:
            problems.append(
                Problem(read.source, None, f"{twin.source} is of the same language: keep one of them")
            )
    if problems:
        raise DocumentError(problems)
    return Phrases((catalogues | own).values(), default)


@cache
def _packaged(language: str) -> Catalogue:
    return read_catalogue(HERE / f"{language}{SUFFIX}")


def _files_of(directory: Path | None) -> list[Path]:
    if directory is None:
        return []
    try:
        files = sorted(path for path in directory.iterdir() if path.suffix == SUFFIX)
    except OSError as error:
        said = f"BEHOUDLIJN_PHRASES is no directory that can be read: {error.strerror or error}"
        raise DocumentError([Problem(str(directory), None, said)]) from None
    if not files:
        said = f"there is no file of sentences in it: a language is a file such as de{SUFFIX}"
        raise DocumentError([Problem(str(directory), None, said)])
    return files
