"""Whose an event is: keys, telephone numbers, hashes, and all the ways to say nobody."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.conversion.customers import e164
from streams.files.ndjson import InputError
from tests.converted import Outcome, outcome

KEY = b"k" * 16


def told(tmp_path: Path, cell: str, customer: str = "who", more: str = "", key: bytes = KEY) -> Outcome:
    mapping = f"""
name: t
records: {{delimiter: "|"}}
customer: {customer}
at: at
events: [{{type: call}}]
{more}
"""
    return outcome(mapping, tmp_path, f"at|who\n2026-04-01T10:00:00Z|{cell}\n", key=key)


def customer(found: Outcome) -> str | None:
    assert not found.refused
    name: str | None = found.events[0]["customer_id"]
    return name


@pytest.mark.parametrize(
    ("cell", "how", "name"),
    [
        ("C-12", "who", "C-12"),
        (" C-12 ", "{from: who, lower: true, prefix: crm.}", "crm.c-12"),
        ("<a@b.nl>", "{from: who, strip: '<>'}", "a@b.nl"),
        ("06-1234 5678", "{from: who, as: phone, country: NL}", "+31612345678"),
        ("0031612345678", "{from: who, as: digits, country: NL}", "31612345678"),
        ("tel:+31612345678", "{from: who, as: phone, country: DE}", "+31612345678"),
        ("201", "{from: who, as: phone, country: NL, otherwise: nobody}", None),
    ],
)
def test_a_customer_becomes_an_id(tmp_path: Path, cell: str, how: str, name: str | None) -> None:
    assert customer(told(tmp_path, cell, how)) == name


@pytest.mark.parametrize("cell", ["", "-", "Anonymous", "RESTRICTED", "unknown", "0000000", "NULL", "n/a"])
@pytest.mark.parametrize("how", ["who", "{from: who, prefix: c-, lower: true}", "{from: who, hash: true}"])
def test_the_usual_words_are_nobody(tmp_path: Path, cell: str, how: str) -> None:
    assert customer(told(tmp_path, cell, how)) is None


@pytest.mark.parametrize("cell", ["<unknown>", "<>", "<0>"])
@pytest.mark.parametrize("how", ["prefix: c-", "hash: true", "lower: true"])
def test_what_is_left_of_a_stripped_word_may_be_nobody(tmp_path: Path, cell: str, how: str) -> None:
    assert customer(told(tmp_path, cell, f"{{from: who, strip: '<>', {how}}}")) is None


def test_words_of_ones_own_for_nobody(tmp_path: Path) -> None:
    assert customer(told(tmp_path, "GEHEIM", more="nobody: geheim")) is None
    assert customer(told(tmp_path, "Shop", "{from: who, nobody: [shop]}")) is None


@pytest.mark.parametrize(
    ("cell", "how"),
    [
        ("Jan Jansen", "who"),
        ("Müller", "who"),
        ("x" * 129, "who"),
        ("201", "{from: who, as: phone, country: NL}"),
        ("no number", "{from: who, as: phone, country: NL}"),
    ],
)
def test_what_can_be_no_customer_is_refused_and_not_quoted(tmp_path: Path, cell: str, how: str) -> None:
    [said] = told(tmp_path, cell, how).messages
    assert said.startswith("invalid_customer_id: customer: ")
    assert cell not in said


def test_a_local_number_is_not_somebody_elsewhere() -> None:
    assert e164("555-1234", "US") is None
    assert e164("(212) 555-1234", "US") == "+12125551234"


def test_a_hash_is_the_same_each_time_and_another_with_another_key(tmp_path: Path) -> None:
    how = "{from: who, hash: true, prefix: h-}"
    first = customer(told(tmp_path, "Jan Müller", how))
    assert first is not None
    assert len(first) == 34
    assert customer(told(tmp_path, "Jan Müller", how)) == first
    assert customer(told(tmp_path, "Jan Müller", how, key=b"l" * 16)) != first
    assert customer(told(tmp_path, "Jan Muller", how)) != first


def test_a_hash_without_a_key_is_told_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="BEHOUDLIJN_MAPPING_KEY"):
        told(tmp_path, "c1", "{from: who, hash: true}", key=b"")


def test_an_erasure_names_a_customer(tmp_path: Path) -> None:
    mapping = "{name: t, customer: who, at: at, events: [{type: erasure}]}"
    found = outcome(mapping, tmp_path, "at,who\n2026-04-01T10:00:00Z,c1\n2026-04-01T10:00:00Z,\n")
    assert [event["customer_id"] for event in found.events] == ["c1"]
    assert [(each.number, each.code) for each in found.refused] == [(3, "invalid_customer_id")]
