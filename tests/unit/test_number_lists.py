"""Lists of numbers: what is read of a file, and what is said of a line that is wrong."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from streams.conversion.number_lists import Listed, read_numbers
from streams.files.ndjson import InputError
from tests.builders import DAY, START, iso

NOW = START
NUMBER = "+31612345678"


def read(path: Path, text: str | bytes, country: str | None = None) -> list[Listed | str]:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return list(read_numbers(str(path), NOW, country))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "list"


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table_with_a_head(path: Path, delimiter: str) -> None:
    rows = [
        ("Phone_E164", "objected_at", "until", "name"),
        (NUMBER, iso(START - DAY), iso(START + DAY), "A. Person"),
        ("", "", "", ""),
        ("+31 20 123 4567", "", "", ""),
    ]
    text = "\r\n".join(delimiter.join(row) for row in rows)
    assert read(path, b"\xef\xbb\xbf" + text.encode()) == [
        Listed(NUMBER, START - DAY, START + DAY),
        Listed("+31201234567", None, None),
    ]


@pytest.mark.parametrize("packed", [False, True])
def test_objects_also_as_a_backtest_reads_them_and_packed(path: Path, packed: bool) -> None:
    text = (
        f'{{"phone_e164": "{NUMBER}", "objected_at": "{iso(START)}"}}\n\n'
        f'{{"type": "objection", "phone_e164": "{NUMBER}", "occurred_at": "{iso(START - DAY)}", "until": null}}\n'
    ).encode()
    found = read(path, gzip.compress(text) if packed else text)
    assert found == [Listed(NUMBER, START, None), Listed(NUMBER, START - DAY, None)]


def test_a_national_number_of_the_country_of_its_line_or_of_all(path: Path) -> None:
    text = "phone,country_code\n06-12345678,nl\n030 12345678,DE\n0612345678,\n612345678,\n"
    found = read(path, text, "NL")
    assert found == [Listed(each, None, None) for each in (NUMBER, "+493012345678", NUMBER, NUMBER)]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            '{"phone_e164": "0612345678"}',
            "phone_e164: no telephone can have this number; of a national number country_code",
        ),
        ('{"phone_e164": "+31612"}', "phone_e164: no telephone can have this number"),
        ('{"phone_e164": ""}', "phone_e164: a number is expected"),
        ('{"phone_e164": ["+31612345678"]}', "phone_e164: a text is expected"),
        ('{"phone": "0612345678", "country_code": "Holland"}', "country_code: two letters"),
        (f'{{"phone_e164": "{NUMBER}", "objected_at": "2026-09-01"}}', "objected_at: a time of ISO 8601"),
        (f'{{"phone_e164": "{NUMBER}", "until": "soon"}}', "until: a time of ISO 8601"),
        (
            f'{{"phone_e164": "{NUMBER}", "objected_at": "{iso(START + 1)}"}}',
            "objected_at: it lies in the future",
        ),
        (f'{{"phone_e164": "{NUMBER}", "until": "1960-01-01T00:00:00Z"}}', "until: it must lie between"),
        (
            f'{{"phone_e164": "{NUMBER}", "objected_at": "{iso(START)}", "until": "{iso(START)}"}}',
            "until: it must be later than objected_at",
        ),
        (f'["{NUMBER}"]', "a JSON object is expected"),
        ('{"phone_e164": ', "a JSON object is expected"),
    ],
)
def test_a_wrong_line_is_told_by_its_place_and_keeps_no_other_out(path: Path, line: str, said: str) -> None:
    good = f'{{"phone_e164": "{NUMBER}"}}\n'
    first, wrong, last = read(path, f"{good}{line}\n{good}")
    assert first == last == Listed(NUMBER, None, None)
    assert isinstance(wrong, str)
    assert wrong.startswith(f"{path}:2: {said}")
    assert "61234" not in wrong, "no number is quoted"


@pytest.mark.parametrize(
    ("text", "country", "said"),
    [
        (b"number\n0612345678\n", None, "must name the columns"),
        (b"phone\n\xe9\n", None, "broken after line"),
        (b"PK\x03\x04", None, "must name the columns"),
        (b"phone\n", "Holland", "--country Holland"),
    ],
)
def test_a_file_that_is_no_list(path: Path, text: bytes, country: str | None, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read(path, text, country)


def test_an_empty_file_names_nobody(path: Path) -> None:
    assert read(path, "") == []
