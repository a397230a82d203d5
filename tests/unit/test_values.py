"""Values as producers send them: floats that are whole, fractions of a second, ids of any kind, times that are none."""

from typing import Any

import orjson
import pytest

from schemas.ids import names_nobody
from schemas.topics import CALLS, EVENT_TYPES
from streams.core.decode import decode
from streams.core.records import Decoded, Record
from streams.files.backlog import Backlog
from streams.files.ndjson import Line, check_line, decode_line
from streams.settings import Settings

T = "2026-10-01T10:00:00Z"


def decoded(kind: str, **fields: Any) -> Decoded:
    body = {"type": kind, "schema_version": 1, "event_id": "e1", "customer_id": "c1", "occurred_at": T}
    value = orjson.dumps(body | fields)
    return decode(Record(EVENT_TYPES[kind].topic, 0, 0, -1, None, value))


def read(kind: str, **fields: Any) -> dict[str, Any]:
    found = decoded(kind, **fields)
    assert found.event is not None, found.reject
    return found.event.__dict__


def refused(kind: str, **fields: Any) -> str:
    found = decoded(kind, **fields)
    assert found.reject is not None, fields
    assert found.reject.code in ("invalid_field", "invalid_customer_id")
    return found.reject.message


@pytest.mark.parametrize(
    ("kind", "field", "sent", "kept"),
    [
        ("call", "wait_seconds", 12, 12),
        ("call", "wait_seconds", 12.0, 12),
        ("call", "wait_seconds", 12.5, 13),
        ("call", "wait_seconds", 12.49, 12),
        ("call", "talk_seconds", 0.5, 1),
        ("call", "ivr_steps", 3.0, 3),
        ("survey", "csat", 5.0, 5),
        ("survey", "nps", 0.0, 0),
        ("profile", "tenure_months", 24.0, 24),
    ],
)
def test_a_float_without_a_fraction_is_whole_and_a_duration_is_rounded_half_up(
    kind: str, field: str, sent: float, kept: int
) -> None:
    found = read(kind, **{field: sent})[field]
    assert (found, type(found)) == (kept, int)


@pytest.mark.parametrize(
    ("kind", "field", "sent"),
    [
        ("call", "ivr_steps", 2.5),
        ("survey", "csat", 4.5),
        ("survey", "csat", 5.5),
        ("call", "wait_seconds", -0.6),
        ("call", "wait_seconds", 604_800.6),
        ("call", "wait_seconds", "12"),
        ("call", "wait_seconds", True),
        ("call", "wait_seconds", 1e300),
    ],
)
def test_what_is_no_such_number_is_refused_in_one_sentence(kind: str, field: str, sent: Any) -> None:
    message = refused(kind, **{field: sent})
    assert message.startswith(f"{field}: a ")
    assert "expected" in message
    assert "more)" not in message


@pytest.mark.parametrize(
    "sent",
    [
        "+31612345678",
        "j.jansen@example.nl",
        "{0f8fad5b-d9cb-469f-a165-70867728950e}",
        "x" * 128,
        12345,
        "a/b#c",
    ],
)
def test_what_producers_use_as_keys_is_an_id(sent: Any) -> None:
    assert read("call", customer_id=sent)["customer_id"] == str(sent)
    assert read("call", event_id=sent)["event_id"] == str(sent)


@pytest.mark.parametrize(
    "sent", ["Müller", "a b", "x" * 129, "a\n", "\x00partition", -5, 1.5, True, {"id": 1}]
)
def test_what_is_no_id_is_refused(sent: Any) -> None:
    assert "1-128 printable characters of ASCII without spaces" in refused("call", customer_id=sent)
    assert "1-128 printable characters of ASCII without spaces" in refused("call", event_id=sent)


@pytest.mark.parametrize(
    "sent",
    [
        *(
            "anonymous",
            "Restricted",
            "nan",
            "None",
            "undefined",
            "-",
            "-1",
            "00000",
            "0",
            "",
            "  ",
            "N/A",
            None,
            0,
        ),
        *(
            "00000000-0000-0000-0000-000000000000",
            "{00000000-0000-0000-0000-000000000000}",
            "unknown",
            "NULL",
        ),
        *("<NA>", "NaT", "#N/A", "(null)", "<unknown>", "[none]", "0.0", "?", "...", "***", "+", "\\N"),
        *("anonymous@anonymous.invalid", "sip:anonymous@anonymous.invalid", "Anoniem", "onbekend"),
    ],
)
def test_words_that_name_nobody(sent: Any) -> None:
    assert decoded("call", customer_id=sent).anonymous


def test_somebody_is_somebody() -> None:
    for sent in (
        "c0",
        "1",
        "100",
        "0-1",
        "#1",
        "1.0",
        "<a>",
        "(nano)",
        "+31600000000",
        "a@anonymous.nl",
        "nano",
        "nonesuch",
        "10000000-0000-0000-0000-000000000000",
    ):
        assert not names_nobody(sent)


@pytest.mark.parametrize(
    "sent",
    [
        *(
            "1767261600",
            "45658.5",
            "0000-00-00T00:00:00Z",
            "2026-10-01",
            "2026-10-01T10:00:00",
            "10:00",
            1767261600,
        ),
        *(1767261600.5, "now", "20261001T100000Z", None),
    ],
)
def test_what_is_no_instant_is_refused(sent: Any) -> None:
    assert refused("call", occurred_at=sent).startswith("occurred_at: ")
    if sent is not None:
        assert refused("cancellation", stage="requested", effective_at=sent).startswith("effective_at: ")


@pytest.mark.parametrize(
    "sent",
    ["2026-10-01T12:00:00+02:00", "2026-10-01t10:00:00z", "2026-10-01 10:00:00.000000Z", "2026-10-01T10:00Z"],
)
def test_an_instant_may_be_written_in_several_ways(sent: str) -> None:
    assert decoded("call", occurred_at=sent).at == decoded("call").at


def test_a_zone_that_no_database_knows_is_refused_with_the_nearest_names() -> None:
    assert read("profile", time_zone="Europe/Amsterdam")["time_zone"] == "Europe/Amsterdam"
    assert "near: Europe/Amsterdam" in refused("profile", time_zone="Amsterdam")
    assert "near: Europe/Amsterdam" in refused("profile", time_zone="Europe/Amsterdm")
    assert "no time zone has this name" in refused("profile", time_zone="CET5")


def test_words_of_ones_own_name_nobody_on_every_road() -> None:
    reading = Settings(nobody="geen, Testklant").reading()
    line = Line(
        "f",
        1,
        b'{"type":"call","schema_version":1,"event_id":"e","customer_id":"TESTKLANT","occurred_at":"%b"}'
        % T.encode(),
    )
    assert decode(Record(CALLS, 0, 0, -1, None, line.data), reading).anonymous
    assert decode_line(line, reading=reading).anonymous
    assert check_line(line, reading).key is None
    with Backlog(1, reading=reading) as backlog:
        backlog.add(line)
        [[judged]] = backlog.runs(0)
    assert judged.anonymous
    assert not decode_line(line).anonymous


def test_an_id_that_a_table_made_a_float_is_the_whole_number() -> None:
    assert read("call", customer_id=12.0, event_id=7.0)["customer_id"] == "12"
    assert "ASCII" in refused("call", customer_id=12.5)
    assert "ASCII" in refused("call", customer_id=1e300)
