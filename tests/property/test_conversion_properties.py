"""Conversion of anything: events that the workers take, counts that add up, the same contacts however files are cut."""

from __future__ import annotations

import io
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as some

from schemas.topics import EVENT_TYPES
from streams.conversion.events import Maker
from streams.conversion.refusals import NOT_TOLD_TO_THE_END, UNFINISHED, RecordError, Refusal
from streams.conversion.run import Conversion
from streams.conversion.shapes import Shape
from streams.conversion.times import instant
from streams.core.decode import decode
from streams.core.records import Record
from streams.files import json_values
from streams.files.ndjson import NO_TIME, InputError
from streams.files.sorting import Sorter
from streams.mappings.language import Mapping, Time
from tests.converted import mapping_of

COLUMNS = ("id", "who", "at", "rev", "a", "b", "c", "d")
_FIELDS = {
    "call": "{queue: a, reason: {from: a, default: x}, department: {either: [a, d], extract: '.*'}, wait_seconds: b, cancel_intent: c, "
    "talk_seconds: {from: b, unit: ms, add: b, subtract: c}, ivr_steps: {from: b, times: 0.5}, transfers: b, abandoned: c, channel: {value: web}, "
    "resolved: {from: d, words: {1: yes, 2: unknown}, otherwise: 'null'}}",
    "profile": "{phone_e164: {from: a, country: NL}, country_code: d, time_zone: {from: d, extract: '/.*', default: Europe/Paris}, "
    "language: d, do_not_call: c, tenure_months: {from: b, times: 12}, monthly_value: b}",
    "survey": "{contact_id: id, csat: b, nps: {from: b, plus: 0.2}, comment: a, answered: c, ces: {from: d, default: 4, extract: '[0-9]'}}",
    "cancellation": "{stage: {from: a, words: {x: confirmed}, otherwise: requested}, reason: {from: d, otherwise: other, words: {nl: price}}, "
    "effective_at: rev}",
    "outcome": "{trigger_id: id, attempt: b, disposition: {value: BUSY}, raw_disposition: a, agent_minutes: b}",
    "erasure": "{}",
}
_WAYS = (
    (".", "who", "iso", "id", ("c1", "2026-04-01 10:00:00")),
    (",", "{from: who, strip: '<>', prefix: c-}", "epoch_ms", "[id, a]", ("<c1>", "1775030400000")),
    (".", "{from: who, as: phone, country: NL, otherwise: nobody}", "'%d/%m/%Y %H:%M:%S'", "{from: id, prefix: p-}",
     ("06-12345678", "01/04/2026 10:00:00")),
)  # fmt: skip
CASES = [
    (
        mapping_of(
            f"""
name: any
decimal: "{decimal}"
time_zone: Europe/Amsterdam
customer: {customer}
at: {{from: at, format: {form}}}
revision: rev
events: [{{type: {kind}, id: {event_id}, fields: {fields}}}]
"""
        ),
        dict(zip(COLUMNS, ("e1", *good, "2026-04-02T10:00:00Z", "0612345678", "5", "1", "NL"), strict=True)),
    )
    for kind, fields in _FIELDS.items()
    for decimal, customer, form, event_id, good in _WAYS
]
"""Mappings, each with a record that it takes."""
MAPPINGS = [mapping for mapping, _ in CASES]
WORDS = some.sampled_from(
    [
        *("", " ", "0", "1", "1.0", "01", "-0", "-0.0", "5", "10", "0.5", "1_0.5", "1,5", "1.234", "1e400", "-1e400", "1e308"),
        *("NaN", "nan", "Infinity", "-inf", "9" * 15, "9" * 16, "9" * 40, "1" * 5_000, "1:30", "PT1H", "PT" + "9" * 400 + "H"),
        *("yes", "No", "TRUE", "ja", "unknown", "Restricted", "<unknown>", "00000", "\x00", "a\x00b", "\ufeffid", "\udc81"),
        *('"', "\\", '\\"', "\\u0000", "'", "\u2028", "\u202e", "\x7f", "\x85", "\n", "a\tb", "é" * 64, "😀" * 65, "a" * 64),
        *("a" * 128, "a" * 129, "a" * 4_000, "a" * 4_001, "x" * 70_000, "+31612345678", "06-12345678", "06 1", "٣", "Ⅷ", "²"),
        *("NL", "nl", "nl-NL", "Europe/Amsterdam", "../../etc/passwd", "confirmed", "trigger-1", "tr_" + "0" * 32, "{}"),
    ]
)  # fmt: skip
TIMES = some.sampled_from(
    [
        *("2026-04-01 10:00:00", "2026-04-01T10:00:00Z", "2026-04-01T10:00:00.123456789+02:00", "2026-04-01", "1970-01-01"),
        *("1969-12-31T23:59:59Z", "0001-01-01 00:00:00", "0001-01-01T00:00:00+14:00", "9999-12-31 23:59:59", "8999-12-31 23:59:59"),
        *("9000-01-01 00:00:00", "2026-03-29 02:30:00", "2026-10-25 02:30:00", "2026-02-30 10:00:00", "1775030400000", "1" * 17),
        *("1775030400000.999", "01/04/2026 10:00:00", "1/4/2026 9:59:59", "25/10/2026 02:30:00", "31/12/9999 23:00:00", "24:00"),
        *("2026-04-01T24:00:00", "2026-04-01 10:00:60", "2026-04-01T10:00:00 +02", "2026-04-01 10:00", "01/01/0001 00:00:00"),
    ]
)  # fmt: skip
TEXTS = WORDS | TIMES | some.text(max_size=12)
CELLS = some.dictionaries(some.sampled_from(COLUMNS), TEXTS, max_size=4)
VALUES = (
    TEXTS
    | some.none()
    | some.booleans()
    | some.sampled_from([1, 1.0, 0, -0.0, 1e308, -1, 2**53, 2**70, 10**4_299, 0.1, 1.125, float("inf"), float("nan"), []])
    | some.lists(TEXTS, max_size=2)
)  # fmt: skip
OBJECTS = some.dictionaries(some.sampled_from(COLUMNS), VALUES, max_size=4)


def hold_against_the_decoder(mapping: Mapping, maker: Maker, record: Any) -> None:
    """Every event that is given is one for the workers, with the time and the id that were said."""
    try:
        made = maker.events(record, lambda: "a record")
    except RecordError:
        return
    for each in made:
        topic = EVENT_TYPES[mapping.events[0].type].topic
        decoded = decode(Record(topic, 0, 0, NO_TIME, None, each.data))
        assert decoded.event is not None, (decoded.reject, each.data)
        assert (decoded.at, decoded.event.event_id) == (each.at, each.event_id)
        assert not decoded.unknown_fields
        assert b"\x00" not in each.data
        assert b"\n" not in each.data
        said = json.loads(each.data)
        for name, value in said.items():
            read = getattr(decoded.event, name)
            if not isinstance(read, datetime):
                assert read == value or (isinstance(value, float) and read == int(value + 0.5)), name


def named(value: object) -> str:
    return value.events[0].type if isinstance(value, Mapping) else ""


@pytest.mark.parametrize(("mapping", "good"), CASES, ids=named)
@settings(max_examples=100)
@given(changes=some.lists(CELLS, min_size=1, max_size=4))
def test_the_workers_take_every_event_of_a_table(
    mapping: Mapping, good: dict[str, str], changes: list[dict[str, str]]
) -> None:
    maker = Maker(mapping, Shape(COLUMNS, "f", texts=True), b"")
    assert maker.events(list(good.values()), str)
    for each in [*changes, *changes]:  # again: what is kept of a cell says the same
        hold_against_the_decoder(mapping, maker, list((good | each).values()))


@pytest.mark.parametrize(("mapping", "good"), CASES, ids=named)
@settings(max_examples=100)
@given(changes=OBJECTS)
def test_the_workers_take_every_event_of_objects(
    mapping: Mapping, good: dict[str, str], changes: dict[str, Any]
) -> None:
    hold_against_the_decoder(mapping, Maker(mapping, Shape(None), b""), good | changes)


@given(
    lines=some.lists(
        some.tuples(
            some.integers(0, 221_845_391_999_999) | some.integers(0, 3),
            some.text("ab-~!", min_size=1, max_size=4),
            some.binary(max_size=6).map(lambda data: data.translate(None, b"\x00\n")),
        ),
        max_size=60,
    ),
    run_bytes=some.sampled_from([1, 200, 1_000, 1_000_000]),
)
def test_lines_come_back_in_order_whatever_fits_into_memory(
    lines: list[tuple[int, str, bytes]], run_bytes: int
) -> None:
    with Sorter(run_bytes) as sorter:
        for line in lines:
            sorter.add(line)
        assert len(sorter) == len(lines)
        # Arrival decides last: Python's sort keeps it.
        assert list(sorter.lines()) == [line[2] + b"\n" for line in sorted(lines, key=lambda line: line[:2])]


def test_more_runs_than_are_merged_at_once() -> None:
    times = list(range(1_000))
    random.Random(1).shuffle(times)
    with Sorter(1) as sorter:
        for at in times:
            sorter.add((at, "n", b"%d" % at))
        assert list(sorter.lines()) == [b"%d\n" % at for at in range(1_000)]


ZONES = some.sampled_from(
    [
        *("Europe/Amsterdam", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca", "UTC"),
        *("America/St_Johns", "Pacific/Apia", "Europe/London", "Asia/Tehran", "Antarctica/Troll", "America/Sao_Paulo"),
    ]
)  # fmt: skip
FORMATS = some.sampled_from(
    [
        *("iso", "%Y-%m-%d %H:%M:%S", "%d/%m/%Y %H:%M:%S", "%Y%m%d%H%M%S", "%d %b %Y %I:%M:%S %p", "%d.%m.%y, %H:%M:%S"),
        *("%Y-%m-%dT%H:%M:%S.%f", "%m/%d/%Y %H:%M:%S %z"),
    ]
)  # fmt: skip
_SPAN = (datetime(2001, 1, 1, tzinfo=UTC), datetime(2037, 12, 31, tzinfo=UTC))


@some.composite
def times_in(draw: some.DrawFn, zone: ZoneInfo) -> datetime:
    """An instant, often near a change of the zone's clock."""
    seconds = int((_SPAN[1] - _SPAN[0]).total_seconds())
    at = _SPAN[0] + timedelta(seconds=draw(some.integers(0, seconds)))
    if draw(some.booleans()):
        changes = _changes(zone.key)
        assume(changes)
        at = draw(some.sampled_from(changes)) + timedelta(seconds=draw(some.integers(-7_200, 7_200)))
    return at.astimezone(zone)


@cache
def _changes(zone: str) -> list[datetime]:
    """The minutes in which the clock of a zone was put forward or back, in three years."""
    there, half = ZoneInfo(zone), timedelta(minutes=30)
    begins = [datetime(2024, 1, 1, tzinfo=UTC) + half * number for number in range(3 * 365 * 48)]
    return [
        later
        for early, later in pairwise(begins)
        if early.astimezone(there).utcoffset() != later.astimezone(there).utcoffset()
    ]


def finder(zone: str, written: str, **more: Any) -> Any:
    time = Time.model_validate({"from": "at", "format": written, "zone": zone, **more})
    shape = Shape(("at", "dst"), "f", texts=True)
    return instant(time, shape, MAPPINGS[0], "at")


def said(find: Any, *cells: str) -> int | str:
    try:
        return int(find(list(cells)).ms)
    except RecordError as error:
        return error.code


@settings(max_examples=400)
@given(data=some.data(), zone=ZONES, written=FORMATS)
def test_a_time_comes_back_as_the_same_instant(data: some.DataObject, zone: str, written: str) -> None:
    find, hinted = finder(zone, written), finder(
        zone, written, doubled={"from": "dst", "summer": "1", "winter": "0"}
    )  # fmt: skip
    for at in data.draw(some.lists(times_in(ZoneInfo(zone)), min_size=1, max_size=12)):
        text = at.strftime("%Y-%m-%dT%H:%M:%S" if written == "iso" else written)
        ms, other = int(at.timestamp() * 1_000), at.replace(fold=1 - at.fold).utcoffset()
        doubled = other != at.utcoffset() and "%z" not in written
        fresh = said(finder(zone, written), text, "")
        assert fresh == ("ambiguous_time" if doubled else ms)
        assert said(find, text, "") == fresh  # what is known of an hour changes nothing
        assert said(hinted, text, "0" if at.fold else "1") == ms


@given(data=some.data(), zone=ZONES)
def test_a_time_that_no_clock_showed_is_refused(data: some.DataObject, zone: str) -> None:
    there, second = ZoneInfo(zone), timedelta(seconds=1)
    gaps = {change: wall(change, there) - wall(change - second, there) - second for change in _changes(zone)}
    forward = [change for change, gap in gaps.items() if gap > timedelta(0)]
    assume(forward)
    change = data.draw(some.sampled_from(forward))
    ago = data.draw(some.integers(1, int(gaps[change].total_seconds())))
    missing = wall(change, there) - timedelta(seconds=ago)
    assert said(finder(zone, "iso"), missing.isoformat(), "") == "invalid_time"


def wall(at: datetime, zone: ZoneInfo) -> datetime:
    """What the clocks showed."""
    return at.astimezone(zone).replace(tzinfo=None)


@given(steps=some.lists(some.integers(1, 900), min_size=60, max_size=120))
def test_records_in_order_tell_the_doubled_hour(steps: list[int]) -> None:
    find = finder("Europe/Amsterdam", "iso", doubled="order")
    there = ZoneInfo("Europe/Amsterdam")
    for year in (2025, 2026):  # of the second autumn nothing is known from the first
        change = next(each for each in _changes(there.key) if each.year == year and each.month == 10)
        at = change - timedelta(hours=2)
        for step in steps:
            at += timedelta(seconds=step)
            told = said(find, at.astimezone(there).strftime("%Y-%m-%dT%H:%M:%S"), "")
            # One that stands still for longer than a pass is not told by order: the steps are shorter.
            if at < change or at - timedelta(seconds=step) < change + timedelta(hours=1):
                assert told == int(at.timestamp() * 1_000)


LOG = mapping_of(
    """
name: log
records: {delimiter: "|", quote: none, columns: [at, call, event, data], ragged: true}
when: {event: {not: [NOISE]}}
customer: {from: who, nobody: [hidden]}
at: {from: begun, format: epoch_s}
session:
  key: call
  at: {from: at, format: epoch_s}
  opens: {event: ENTER}
  closes: {event: [DONE, GONE]}
  linger: 10 s
  timeout: 100 s
  most_open: 3
  fields:
    begun: {from: at, take: first}
    call: {from: call, take: first}
    who: {from: data, take: first, when: {event: ENTER}}
    waits: {from: data, take: sum, when: {event: DONE}}
    gone: {take: count, when: {event: GONE}}
events:
  - type: call
    when: {who: {not: [skip]}}
    fields: {wait_seconds: waits, abandoned: {from: gone, words: {0: no}, otherwise: yes}}
"""
)
EVENTS = some.tuples(
    some.integers(0, 8) | some.sampled_from([0, 0, 0, 30, 120]),
    some.sampled_from("abcde"),
    some.sampled_from(["ENTER", "ENTER", "DONE", "GONE", "RING", "NOISE"]),
    some.sampled_from(["1", "5", "c1", "", "skip", "hidden"]),
)


@some.composite
def logs(draw: some.DrawFn) -> list[str]:
    """A queue log in the order of time, with lines that are none."""
    at, lines = 1_775_030_400, []
    for step, call, event, data in draw(some.lists(EVENTS, max_size=40)):
        at += step
        lines.append(
            draw(some.sampled_from([f"{at}|{call}|{event}|{data}"] * 12 + ["x", f"|{call}|DONE|", "||||||"]))
        )
    return lines  # fmt: skip


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with TemporaryDirectory() as made:
        yield Path(made)


def run(
    mapping: Mapping, folder: Path, *files: bytes
) -> tuple[list[tuple[int, str, bytes]], Conversion, list[Refusal]]:
    paths = [folder / f"f{number}" for number in range(len(files))]
    for path, content in zip(paths, files, strict=True):
        path.write_bytes(content)
    refused: list[Refusal] = []
    conversion = Conversion(mapping, b"", refused.append)
    return [tuple(each.made) for each in conversion.events(map(str, paths))], conversion, refused


def text_of(lines: list[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


@given(log=logs(), cuts=some.lists(some.integers(0, 40), max_size=3))
def test_a_log_gives_the_same_events_however_it_is_cut(folder: Path, log: list[str], cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(log)]
    parts = [log[begin:end] for begin, end in pairwise(places)]
    whole, one, refused = run(LOG, folder, text_of(log))
    # A file without any record that has a time has no place in time: it is left out here.
    files = [part for part in parts if any(line[:1].isdigit() for line in part)]
    cut, several, refused_too = run(LOG, folder, *map(text_of, files))
    if sum(map(len, files)) == len(log):
        assert cut == whole
        assert [each.raw for each in refused_too] == [each.raw for each in refused]
        assert len({(each.file, each.number) for each in refused}) == len(refused)
        assert several.counts.records == one.counts.records
    assert_all_are_accounted_for(one, refused)
    assert_all_are_accounted_for(several, refused_too)


@given(log=logs(), place=some.integers(0, 40))
def test_a_log_that_is_read_in_turns_ends_as_one_that_is_read_at_once(
    folder: Path, log: list[str], place: int
) -> None:
    """What is kept of the first turn (`--unfinished`) comes before the second one; an event told twice is as it was told last."""
    whole, _, _ = run(LOG, folder, text_of(log))
    later: list[str] = []
    first = _events(folder, text_of(log[:place]), later.append)
    second = _events(folder, text_of([*later, *log[place:]]), None)
    assert first | second == {event_id: data for _, event_id, data in whole}


def _events(folder: Path, content: bytes, later: Callable[[str], None] | None) -> dict[str, bytes]:
    path = folder / "turn"
    path.write_bytes(content)
    conversion = Conversion(LOG, b"", None, later)
    return {each.made.event_id: each.made.data for each in conversion.events([str(path)])}


def assert_all_are_accounted_for(conversion: Conversion, refused: list[Refusal]) -> None:
    counts = conversion.counts
    codes = Counter(each.code for each in refused)
    assert sum(codes.pop(code, 0) for code in NOT_TOLD_TO_THE_END) == counts.unfinished
    assert codes == counts.rejections.counts
    assert 0 <= counts.passed_over + counts.rejections.total + counts.unfinished <= counts.records


PATIENT = LOG.model_copy(
    update={"session": LOG.session.model_copy(update={"most_open": 100, "timeout": 86_400_000})}  # type: ignore[union-attr]
)


@some.composite
def whole_contacts(draw: some.DrawFn) -> list[str]:
    """A log of contacts that all have their end, one among the other."""
    calls = draw(some.lists(some.sampled_from(["DONE", "GONE"]), min_size=1, max_size=8))
    ends = [*enumerate(calls)]
    order = draw(some.permutations([*range(len(calls))] * 3))
    seen: Counter[int] = Counter()
    lines = []
    for second, call in enumerate(order):
        event = ["ENTER", "RING", dict(ends)[call]][seen[call]]
        seen[call] += 1
        lines.append(f"{1_775_030_400 + second}|k{call}|{event}|{call}")
    return lines


@given(log=whole_contacts(), cut=some.integers(0, 24))
def test_what_a_cut_leaves_unfinished_is_completed_by_the_next_file(
    folder: Path, log: list[str], cut: int
) -> None:
    together, *_ = run(PATIENT, folder, text_of(log))
    first, conversion, refused = run(PATIENT, folder, text_of(log[:cut]))
    assert_all_are_accounted_for(conversion, refused)
    assert {each.code for each in refused} <= {UNFINISHED}
    second, *_ = run(PATIENT, folder, text_of([each.raw for each in refused] + log[cut:]))
    assert sorted([*first, *second]) == sorted(together)
    # Without the unfinished records what follows has no beginning: it is told, and gives nothing else.
    alone, *_ = run(PATIENT, folder, text_of(log[cut:]))
    assert {*alone} <= {*together}


TABLE = mapping_of(
    """
name: table
customer: who
at: at
time_zone: Europe/Amsterdam
events:
  - {type: call, id: id, when: {a: {not: ["0"]}}, fields: {queue: a}}
  - {type: survey, id: id, when: {b: {present: true}}, fields: {csat: b}}
"""
)
AS_JSON = TABLE.model_copy(
    update={
        "records": mapping_of(
            "{name: x, records: {format: json}, customer: a, at: a, events: [{type: call}]}"
        ).records
    }
)
ENVELOPED = AS_JSON.model_copy(update={"records": AS_JSON.records.model_copy(update={"path": "R[*]"})})
UTF16 = TABLE.model_copy(update={"records": TABLE.records.model_copy(update={"encoding": "utf-16"})})
HEADER = b"id,who,at,a,b\n"
SNIPPETS = some.sampled_from(
    [
        *(b"e1,c1,2026-04-01 10:00:00,q,\n", b"e2,c1,2026-10-25 02:30:00,q,4\n", b"e3,c2,2026-04-01,0,\n", b'"', b"\r", b"\r\n", b"\x00"),
        *(b'{"id":1,"who":"c","at":"2026-04-01 10:00:00"}', b"[", b"]", b",", b"{", b"}", b'{"R":[', b'{"R":[{"id":"a"}]}', b"\xff", b"\xfe"),
        *(b"1" * 5_000, b"[" * 5_000, b"\xef\xbb\xbf", b"\x1f\x8b", b"PK\x03\x04", b"\x28\xb5\x2f\xfd", b"\n", b"a" * 132_000, b"\\ud800"),
        b'{"id":1,"who":"c","at":"2026-04-01 10:00:00","a":"1","b":5}\n',
    ]
)  # fmt: skip
BYTES = some.lists(SNIPPETS | some.binary(max_size=20), max_size=8).map(b"".join)


@pytest.mark.parametrize("mapping", [TABLE, AS_JSON, ENVELOPED, UTF16], ids=["csv", "json", "path", "utf16"])
@settings(max_examples=150)
@given(content=BYTES | BYTES.map(HEADER.__add__))
@example(content=b"\x1f\x8b")
@example(content=b"\x1f\x8b\x08\x00" + b"\x00" * 6)
@example(content=b'{"R":[' + b"1" * 5_000)
@example(content=HEADER + b'e1,"c1')
def test_any_bytes_give_events_or_say_what_is_wrong(folder: Path, mapping: Mapping, content: bytes) -> None:
    try:
        made, conversion, refused = run(mapping, folder, content)
    except InputError as error:
        place = str(error)
    else:
        place = ""
    assert not place or place.startswith(str(folder / "f0"))
    if place:
        return
    assert_all_are_accounted_for(conversion, refused)
    counts = conversion.counts
    assert counts.events == len(made)
    # Each record that is not told otherwise gave an event or two.
    used = counts.records - counts.passed_over - counts.rejections.total
    assert used <= len(made) <= 2 * used


JSON_TEXTS = some.recursive(
    some.none() | some.booleans() | some.floats() | some.integers(-(10**20), 10**20) | some.text(max_size=30),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=5), inner, max_size=3),
    max_leaves=8,
).flatmap(
    lambda value: some.sampled_from(
        [json.dumps(value), json.dumps(value, indent=1), json.dumps(value, ensure_ascii=False)]
    )
)


@settings(max_examples=300)
@given(
    text=JSON_TEXTS, rest=some.sampled_from(["", "x", " ", "\n{", ",", "]", '"']), cut=some.integers(0, 60)
)
def test_a_value_ends_at_the_same_place_whatever_the_window(text: str, rest: str, cut: int) -> None:
    whole = text[: len(text) - cut] + rest
    places = []
    for window in (17, 4_096, 1_000_000):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(json_values, "_WINDOW", window)
            places.append(json_values._end_of_value(whole, 0))
    assert places == [places[0]] * 3


def test_lines_that_are_no_values_take_no_quadratic_time() -> None:
    garbage = b"[\n" + b"{x: 1,\n y: 2}\n" * 40_000
    assert (
        sum(1 for _ in json_values.values(io.BytesIO(garbage), 1_048_576)) == 80_001
    )  # the end is missing too
