"""Languages: those that come along are complete, a user adds one by a file, and a mistake in it is told with its line."""

import re
from pathlib import Path

import pytest
from babel.core import Locale
from babel.localedata import locale_identifiers
from hypothesis import given
from hypothesis import strategies as some

from streams.core.signals import SIGNALS
from streams.documents import DocumentError
from streams.phrases import HERE, SPOKEN, Phrases, built_in_languages, load_phrases
from streams.phrases.catalogue import Catalogue, read_catalogue
from streams.phrases.review import MOST_CHARACTERS, mistakes

ENGLISH = read_catalogue(HERE / "en.ftl")
NUMBERS = {"count": 2, "days": 30}


def own(directory: Path, text: str, name: str = "de.ftl") -> Path:
    """A user's directory with one file."""
    (directory / name).write_text(text, encoding="utf-8")
    return directory


def changed(old: str, new: str, language: str = "en") -> str:
    text = (HERE / f"{language}.ftl").read_text(encoding="utf-8")
    assert old in text
    return text.replace(old, new)


def refused(directory: Path) -> str:
    with pytest.raises(DocumentError) as caught:
        load_phrases(directory=directory)
    return str(caught.value).replace(f"{directory}/", "")


@pytest.mark.parametrize("language", built_in_languages())
def test_a_language_that_comes_along_is_complete(language: str) -> None:
    catalogue = read_catalogue(HERE / f"{language}.ftl")
    assert mistakes(catalogue, SPOKEN, ENGLISH) == []
    assert {name for name in SIGNALS if catalogue.says(name)} == set(SIGNALS)


def test_english_and_dutch_come_along() -> None:
    assert built_in_languages() == ["en", "nl"]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("nl", "nl"),
        ("nl-BE", "nl"),
        ("NL-be", "nl"),
        ("en-GB-oxendict", "en"),
        ("fr", "en"),
        ("nlx", "en"),
        ("-", "en"),
        ("", "en"),
        (None, "en"),
    ],
)
def test_a_customer_is_told_of_in_the_nearest_language(asked: str | None, found: str) -> None:
    assert load_phrases().language(asked) == found


def test_the_default_language_is_a_choice() -> None:
    assert load_phrases("nl-BE").language("fr") == "nl"
    with pytest.raises(
        DocumentError, match="language 'fr': no sentences in this language; there are: en, nl"
    ):
        load_phrases("fr")


def test_one_more_language_is_one_more_file(tmp_path: Path) -> None:
    german = changed("reached out { times }", "meldete sich { times }")
    phrases = load_phrases(directory=own(tmp_path, german))
    assert phrases.languages == ("de", "en", "nl")
    assert phrases.language("de-AT") == "de"
    assert phrases.sentence("contacts_30d", NUMBERS, "de") == "meldete sich 2 times in 30 days"


def test_a_region_may_have_words_of_its_own(tmp_path: Path) -> None:
    flemish = changed("zocht { $count } keer contact", "nam { $count } keer contact op", "nl")
    phrases = load_phrases(directory=own(tmp_path, flemish, "nl-BE.ftl"))
    assert [phrases.language(tag) for tag in ("nl-BE", "nl-NL", "nl")] == ["nl-BE", "nl", "nl"]


def test_a_users_file_takes_the_place_of_one_that_comes_along(tmp_path: Path) -> None:
    phrases = load_phrases(directory=own(tmp_path, changed("reached out", "got in touch"), "EN.ftl"))
    assert phrases.languages == ("EN", "nl")
    assert (
        phrases.sentence("contacts_30d", NUMBERS, phrases.language("en")) == "got in touch 2 times in 30 days"
    )


def test_the_same_question_has_the_same_answer_however_many_there_were() -> None:
    phrases = load_phrases()
    first = phrases.sentence("contacts_30d", NUMBERS, "nl")
    for count in range(10_000):
        phrases.sentence("contacts_30d", {"count": count, "days": 30}, "nl")
    assert phrases.sentence("contacts_30d", NUMBERS, "nl") == first == "zocht 2 keer contact in 30 dagen"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("transfers_30d = was", "transfers = was", "de.ftl:{line}: transfers: nothing of this name is spoken of"),
        ("transfers_30d = was", "transfers = was", "de.ftl: transfers_30d has no sentence: add one, as in en.ftl"),
        ("transfers_30d = was transferred", "transfers_30d was transferred", "de.ftl:{line}: not Fluent: Expected token: \"=\", noticed in"),
        ("transferred { times } { in-days }", "transferred { times", "de.ftl:{line}: not Fluent: "),
        ("transferred { times } { in-days }", "transferred { in-days }", "de.ftl:{line}: transfers_30d does not tell $count"),
        ("transferred { times } { in-days }", "transferred { times } lately", "de.ftl:{line}: transfers_30d does not tell $days"),
        ("transferred { times }", "transferred { $cuont } times", "de.ftl:{line}: transfers_30d uses $cuont, which it does not have: there is $"),
        ("transferred { times }", "transferred { $hours } { times }", "transfers_30d uses $hours, which it does not have"),
        ("transferred { times }", "transferred { often }", "de.ftl:{line}: transfers_30d uses often, which is not in this file"),
        ("transferred { times }", "transferred { -often }", "de.ftl:{line}: transfers_30d uses -often, which is not in this file"),
        ("transferred { times }", "transferred { TIMES($count) } { times }", "transfers_30d: Unknown function: TIMES"),
        ("transferred { times }", "transferred  { times }", "transfers_30d: it has spaces too many"),
        ("transferred { times }", "transferred\n    { times }", "transfers_30d: it is more than one line"),
        ("transferred { times }", f"{'very ' * 40} often transferred {{ times }}", "transfers_30d: it has more than 200 characters"),
        ("transfers_30d = was", "low_csat = rude\ntransfers_30d = was", "low_csat is given twice, first in line"),
        ("[one] once\n", "", "times chooses by $count without [one]: the language needs it"),
        ("times = { $count ->\n    [one] once\n", "times = { NUMBER($count) ->\n", "times chooses by $count without [one]"),
        ("[one] once\n", "[one] once\n    [onne] once\n", "times has [onne], which is no form: there are few, many"),
        ("transferred { times }", "transferred { transfers_30d }", "de.ftl:{line}: transfers_30d: Cyclic reference"),
        ("transferred { times }", f"transferred {'{' * 300}$count{'}' * 300}", "de.ftl: a sentence is nested too deeply"),
        ("*[other] { $count } times", "*[few] { $count } times", "times chooses by $count without *[other]: the language needs it"),
        ("transfers_30d = was transferred { times } { in-days }", "transfers_30d =\n    .of = was", "transfers_30d has no sentence"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    text = changed(old, new)
    line = text[: text.index("transfers")].count("\n") + 1
    assert said.replace("{line}", str(line)) in refused(own(tmp_path, text))


def test_all_mistakes_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    own(tmp_path, changed("{ $count } times", "{ $cuont } times"), "de.ftl")
    own(tmp_path, changed("tenure_years =", "tenure ="), "fr.ftl")
    told = refused(tmp_path)
    assert {line.split(":")[0] for line in told.splitlines()} == {"de.ftl", "fr.ftl"}
    assert len(told.splitlines()) > 5


@pytest.mark.parametrize(
    ("language", "lacking"),
    [
        ("pl", "[few], [many]"),
        ("fr", ""),
        ("ar", "[few], [many], [two], [zero]"),
        ("ja", ""),
        ("cs", "[few]"),
    ],
)
def test_each_form_of_a_language_is_asked_for(tmp_path: Path, language: str, lacking: str) -> None:
    """Of the forms of whole numbers up to a thousand: a form that only fractions or millions have is never said."""
    text = (HERE / "en.ftl").read_text(encoding="utf-8")
    (tmp_path / f"{language}.ftl").write_text(text, encoding="utf-8")
    found = mistakes(read_catalogue(tmp_path / f"{language}.ftl"), SPOKEN, ENGLISH)
    told = {
        tuple(sorted(re.findall(r"\[\w+\]", each.said))) for each in found if each.said.startswith("times ")
    }
    assert told == ({tuple(lacking.split(", "))} if lacking else set())


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("xx.ftl", "xx.ftl: 'xx' is no language that is known: name the file after its tag, as in de.ftl or nl-BE.ftl"),
        ("german.ftl", "'german' is no language that is known"),
        ("nl_BE.ftl", "'nl_BE' is no language that is known"),
        ("nl.UTF-8.ftl", "'nl.UTF-8' is no language that is known"),
    ],
)  # fmt: skip
def test_a_file_is_named_after_its_language(tmp_path: Path, name: str, said: str) -> None:
    assert said in refused(own(tmp_path, "", name))


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    assert "there is no file of sentences in it" in refused(tmp_path)
    (tmp_path / "de.ftl").write_bytes(b"\xff\xfe")
    assert refused(tmp_path) == "de.ftl: the file is no UTF-8 text"
    (tmp_path / "de.ftl").unlink()
    (tmp_path / "de.ftl").mkdir()
    assert "de.ftl: cannot be read: Is a directory" in refused(tmp_path)
    assert "BEHOUDLIJN_PHRASES is no directory that can be read" in refused(tmp_path / "nowhere")


def test_two_files_of_one_language_are_one_too_many(tmp_path: Path) -> None:
    text = (HERE / "en.ftl").read_text(encoding="utf-8")
    own(tmp_path, text, "de.ftl")
    assert "is of the same language: keep one of them" in refused(own(tmp_path, text, "DE.ftl"))


def test_no_language_is_spoken_that_has_no_sentences() -> None:
    with pytest.raises(DocumentError, match="no sentences in this language"):
        Phrases([ENGLISH], "nl")


def test_what_the_page_says_of_one_more_language_is_true(tmp_path: Path) -> None:
    """The German of docs/languages.md in a copy of the English file: it may be used, and says what it should."""
    page = (HERE.parents[1] / "docs" / "languages.md").read_text(encoding="utf-8")
    german = re.search(r"```ftl\n(.*?)```", page, re.DOTALL)
    assert german is not None
    names = re.findall(r"^([\w-]+) =", german[1], re.MULTILINE)
    kept = re.sub(rf"^({'|'.join(names)}) =.*\n(?:[ }}].*\n)*", "", ENGLISH.text, flags=re.MULTILINE)
    phrases = load_phrases("de-AT", own(tmp_path, kept + german[1]))
    said = [
        phrases.sentence("contacts_7d", {"count": n, "days": d}, "de")
        for n, d in ((1, 7), (2, 1), (1_200, 2))
    ]
    assert said == [
        "hat sich in 7 Tagen einmal gemeldet",
        "hat sich an einem Tag 2-mal gemeldet",
        "hat sich in 2 Tagen 1.200-mal gemeldet",
    ]
    quoted = {" ".join(each.split()) for each in re.findall(r"`(gave up[^`]*)`", page)}
    assert quoted
    assert quoted <= {phrases.sentence("silent_after_abandon", {"count": 2, "days": 30, "hours": 24}, "en")}


_PIECES = some.sampled_from(
    ["{", "}", "$", "[", "]", "*", "->", "=", "\n", "    ", '"', ".", "-", "#", "0", "a", ""]
)


@given(
    some.lists(
        some.tuples(some.integers(0, len(ENGLISH.text) - 1), some.integers(0, 20), _PIECES),
        min_size=1,
        max_size=4,
    )
)
def test_a_file_is_refused_or_speaks_whatever_is_in_it(changes: list[tuple[int, int, str]]) -> None:
    text = ENGLISH.text
    for at, cut, piece in changes:
        text = text[:at] + piece + text[at + cut :]
    catalogue = Catalogue("de.ftl", "de", ENGLISH.locale, text)
    if mistakes(catalogue, SPOKEN, ENGLISH):
        return
    for name, numbers in SPOKEN.items():
        for number in (0, 1, 7, 33, 1_000_000):
            sentence, errors = catalogue.sentence(name, dict.fromkeys(numbers, number))
            assert errors == []
            assert 0 < len(sentence) <= MOST_CHARACTERS


def test_whether_a_number_is_told_is_asked_by_numbers_of_one_form() -> None:
    forms = [Locale.parse(name).plural_form for name in locale_identifiers()]
    assert len(forms) > 700
    assert all(form(25) == form(27) for form in forms)
