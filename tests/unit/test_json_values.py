"""Events in files, however their JSON is laid out."""

import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from streams.files import json_values
from streams.files.json_values import values
from streams.files.ndjson import InputError, read_lines

EVENTS: list[dict[str, Any]] = [
    {"type": "call", "event_id": f"e{number}", "text": '}{ "[,]" \\ é\u20ac\U0001f600', "list": [1, {"a": []}], "none": None}
    for number in range(5)
]  # fmt: skip


def read(tmp_path: Path, data: bytes) -> list[tuple[int, Any]]:
    file = tmp_path / "file"
    file.write_bytes(data)
    return [(line.number, json.loads(line.data)) for line in read_lines([str(file)])]


def dumped(separator: str, **how: Any) -> str:
    return separator.join(json.dumps(event, ensure_ascii=False, **how) for event in EVENTS)


@pytest.mark.parametrize(
    "text",
    [
        dumped("\n"),
        dumped("\r\n"),
        dumped("\r"),
        dumped(""),
        dumped(" "),
        dumped("\n", indent=2),
        dumped("", indent=2),
        json.dumps(EVENTS, ensure_ascii=False),
        json.dumps(EVENTS, indent=4, ensure_ascii=False),
        "\n \n" + json.dumps(EVENTS),
        "[" + dumped(",\n") + "]\n",
        dumped("\n\n") + "\n",
    ],
)
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("packed", [False, True])
def test_the_same_events_in_any_layout(tmp_path: Path, text: str, mark: bytes, packed: bool) -> None:
    data = mark + text.encode()
    found = read(tmp_path, gzip.compress(data) if packed else data)
    assert [event for _, event in found] == EVENTS


def test_an_object_is_known_by_the_line_in_which_it_begins(tmp_path: Path) -> None:
    found = read(tmp_path, dumped("\n", indent=1).encode())
    length = json.dumps(EVENTS[0], indent=1).count("\n") + 1
    assert [number for number, _ in found] == [1 + length * n for n in range(5)]
    assert [number for number, _ in read(tmp_path, dumped("\n").encode())] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("broken", ['{"type": "call"', "{", '{"a": tru}', "nonsense", '{"a": "\udcff"}'])
@pytest.mark.parametrize("layout", ["\n", "\n\n"])
def test_a_broken_record_costs_no_other(tmp_path: Path, broken: str, layout: str) -> None:
    lines = [json.dumps(event) for event in EVENTS]
    lines.insert(2, broken)
    file = tmp_path / "file"
    file.write_bytes(layout.join(lines).encode("utf-8", "surrogateescape"))
    good = []
    for line in read_lines([str(file)]):
        try:
            good.append(json.loads(line.data))
        except ValueError:
            continue
    assert [event for event in good if isinstance(event, dict) and "event_id" in event] == EVENTS


@given(
    some.lists(
        some.recursive(
            some.none() | some.booleans() | some.integers() | some.text(max_size=30),
            lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=5), inner, max_size=3),
            max_leaves=8,
        ),
        max_size=20,
    ),
    some.sampled_from([None, 1]),
    some.sampled_from([2, 3, 7, 64]),
)  # fmt: skip
def test_cut_anywhere_an_array_gives_its_values(found: list[Any], indent: int | None, chunk: int) -> None:
    data = json.dumps(found, indent=indent, ensure_ascii=False).encode("utf-8", "surrogatepass")
    before, json_values._CHUNK = json_values._CHUNK, chunk  # type: ignore[misc]
    try:
        given_out = [each.data for each in values(io.BytesIO(data), 1_000_000)]
    finally:
        json_values._CHUNK = before  # type: ignore[misc]
    assert [json.loads(each.decode("utf-8", "surrogatepass")) for each in given_out] == found


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"PK\x03\x04rest", "a zip archive (or a spreadsheet): unpack it"),
        ("customer;date".encode("utf-16"), "UTF-16: save it as UTF-8 first"),
    ],
)
def test_what_is_no_text_says_what_to_do(tmp_path: Path, data: bytes, said: str) -> None:
    with pytest.raises(InputError, match=said.split("(", maxsplit=1)[0]):
        read(tmp_path, data)
