"""Every mistake in a mapping is told with its line, before any record is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.documents import DocumentError
from streams.mappings import built_in_mappings, load_mapping

WHOLE = """name: m
records:
  delimiter: ","
time_zone: Europe/Amsterdam
customer:
  from: who
at:
  from: at
events:
  - type: call
    id: nr
    fields:
      reason: why
      channel:
        from: how
        words: {a: chat}
      wait_seconds:
        from: wait
"""
SESSION = """session:
  key: call
  at: at
  opens: {event: A}
  closes: {event: B}
  fields:
    who: {from: x, take: first}
    at: {from: x, take: first}
    nr: {from: x, take: first}
    why: {from: x, take: first}
    how: {from: x, take: first}
    wait: {from: x, take: first}
"""


def problems(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "m.yaml"
    path.write_text(text)
    with pytest.raises(DocumentError) as caught:
        load_mapping(str(path))
    return [str(each).removeprefix(f"{path}") for each in caught.value.problems]


@pytest.mark.parametrize("name", built_in_mappings())
def test_built_in_mappings_are_whole(name: str) -> None:
    assert load_mapping(name).name == name


def test_the_mapping_of_these_tests_is_whole(tmp_path: Path) -> None:
    for text in (WHOLE, WHOLE + SESSION):
        (tmp_path / "m.yaml").write_text(text)
        assert load_mapping(str(tmp_path / "m.yaml")).name == "m"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("name: m\n", "name: a b\n", ":1: name: "),
        ("name: m\n", "", ":1: name: Field required"),
        ('  delimiter: ","', "  delimiter: ', '", ":3: records.delimiter: one character is expected, or tab"),
        ('  delimiter: ","', "  delimiter: '\"'", ":3: records.delimiter: neither the quote nor a line end can stand"),
        ('  delimiter: ","', "  encoding: utf-9", ":3: records.encoding: no such encoding; common ones are"),
        ('  delimiter: ","', "  encoding: rot13", ":3: records.encoding: no such encoding"),
        ('  delimiter: ","', "  encoding: unicode_escape", ":3: records.encoding: no such encoding"),
        ('  delimiter: ","', "  header: perhaps", ":3: records.header: true, false or auto is expected"),
        ('  delimiter: ","', "  header: false", ":2: records: header: without one, columns must name the columns"),
        ('  delimiter: ","', "  columns: [a, a]", ":2: records: columns: a name is given twice"),
        ('  delimiter: ","', "  path: a.b", ":3: records.path: it says nothing of format csv, but of json"),
        ('  delimiter: ","', "  sheet: x", ":3: records.sheet: it says nothing of format csv, but of xlsx"),
        ('  delimiter: ","', '  format: json\n  delimiter: ","', ":4: records.delimiter: it says nothing of format json"),
        ('  delimiter: ","', "  format: json\n  path: 'a['", ":4: records.path: no JMESPath: "),
        ('  delimiter: ","', "  skip_rows: many", ":3: records.skip_rows: "),
        ("Europe/Amsterdam", "Amsterdam", ":4: time_zone: no time zone has this name; near: Europe/Amsterdam"),
        ("  from: who", "  form: who", ":6: customer.form: no such key; did you mean from?"),
        ("  from: who", "  as: phone\n  from: who", ":5: customer: country: numbers without their country need one"),
        ("  from: who", "  as: phone\n  from: who\n  country: UK", ":8: customer.country: no country with telephone numbers"),
        ("  from: who", "  from: who\n  either: [a]", ":5: customer: from and either exclude each other"),
        ("  from: who", "  from: who\n  prefix: a b", ":7: customer.prefix: "),
        ("  from: at", "  from: at\n  format: YYYY", ":9: at.format: iso, epoch_s, epoch_ms, epoch_us, excel or directives"),
        ("  from: at", "  from: at\n  format: '%Q'", ":9: at.format: iso, epoch_s, epoch_ms, epoch_us, excel or directives"),
        ("  from: at", "  from: at\n  format: '%H:%M'", ":9: at.format: a year (%Y), a month (%m) and a day (%d) are expected"),
        ("  from: at", "  from: at\n  format: '%Y-%m-%d %d'", ":9: at.format: %d stands twice"),
        ("  from: at", "  from: at\n  format: '%Y-%m-%d %I:%M'", ":9: at.format: %I (an hour of twelve) and %p"),
        ("  from: at", "  from: at\n  doubled: guess", ":9: at.doubled: refuse, order, or a column with its words"),
        ("  from: at", "  from: at\n  doubled: {from: x, summer: S}", ":9: at.doubled.winter: Field required"),
        ("at:\n  from: at\n", "", ":8: events.0: at: say where this call has its time"),
        ("customer:\n  from: who\n", "", ":8: events.0: customer: say whose this call is"),
        ("type: call", "type: cal", ":10: events.0.type: "),
        ("type: call", "type: cancellation", ":14: events.0.fields.channel: of cancellation there is no such field; known: stage"),
        ("wait_seconds", "wait_second", ":17: events.0.fields.wait_second: of call there is no such field; did you mean wait_seconds?"),
        ("{a: chat}", "{a: chatt}", ":16: events.0.fields.channel.words.a: channel takes phone, chat, email"),
        ("{a: chat}", "{a: chat}\n        otherwise: '?'", ":17: events.0.fields.channel.otherwise: channel takes phone"),
        ("words: {a: chat}", "default: fon", ":16: events.0.fields.channel.default: channel takes phone"),
        ("words: {a: chat}", "otherwise: web", ":14: events.0.fields.channel: otherwise: it goes with words"),
        ("words: {a: chat}", "times: 2", ":16: events.0.fields.channel.times: it says nothing of channel, which takes a word"),
        ("words: {a: chat}", "country: NL", ":16: events.0.fields.channel.country: it says nothing of channel"),
        ("words: {a: chat}", "extract: '(a'", ":16: events.0.fields.channel.extract: no regular expression: "),
        ("from: wait", "from: wait\n        extract: 'a{99999999999}'", ":19: events.0.fields.wait_seconds.extract: no regular expression: "),
        ("from: wait", "from: wait\n        unit: weeks", ":19: events.0.fields.wait_seconds.unit: "),
        ("from: wait", "from: wait\n        format: iso", ":19: events.0.fields.wait_seconds.format: it says nothing of wait_seconds"),
        ("from: wait", "from: []", ":18: events.0.fields.wait_seconds.from: "),
        ("        from: wait\n", "        unit: s\n", ":17: events.0.fields.wait_seconds: from, either or value is expected"),
        ("id: nr", "id: nr\n    id: nr", ":12: id is given twice, first in line 11"),
        ("id: nr", "when: {x: {}}", ":11: events.0.when.0.x: one of equals, in, not, present"),
        ("id: nr", "when: {x: {matches: '['}}", ":11: events.0.when.0.x.matches: no regular expression"),
        ("id: nr", "when: {x: {at_least: five}}", ":11: events.0.when.0.x.at_least: "),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert WHOLE.count(old) == 1
    found = problems(tmp_path, WHOLE.replace(old, new))
    assert len(found) == 1
    assert found[0].startswith(said)


def test_several_mistakes_are_told_together_in_order(tmp_path: Path) -> None:
    text = WHOLE.replace("Europe/", "").replace("type: call", "type: cal").replace('","', '",,"')
    assert [each.split(":")[1] for each in problems(tmp_path, text)] == ["3", "4", "10"]


def test_a_path_that_is_none_is_told_where_it_is_written(tmp_path: Path) -> None:
    text = WHOLE.replace('  delimiter: ","', "  format: json").replace("why", "'why['")
    [said] = problems(tmp_path, text)
    assert said.startswith(":13: why[: no JMESPath: ")


def test_an_event_needs_what_its_schema_needs(tmp_path: Path) -> None:
    text = WHOLE[: WHOLE.index("events:")] + "events:\n  - type: outcome\n    fields: {attempt: x}\n"
    assert problems(tmp_path, text) == [":10: events.0: fields: outcome needs trigger_id, disposition"]


def test_a_time_is_no_constant(tmp_path: Path) -> None:
    fields = "{stage: {value: confirmed}, effective_at: {value: '2026-04-01'}}"
    text = WHOLE[: WHOLE.index("events:")] + f"events:\n  - type: cancellation\n    fields: {fields}\n"
    [said] = problems(tmp_path, text)
    assert said.startswith(
        ":11: events.0.fields.effective_at.value: it says nothing of effective_at, which takes a time"
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("  closes: {event: B}\n", "", ":19: session: either closes (with opens) or chain is expected"),
        ("  opens: {event: A}\n", "", ":19: session: opens: say which record begins a contact"),
        ("  opens: {event: A}\n", "  opens: {event: A}\n  timeout: 10 x\n", ":23: session.timeout: a duration is expected"),
        ("  opens: {event: A}\n", "  opens: {event: A}\n  most_open: 0\n", ":23: session.most_open: "),
        ("    why: {from: x, take: first}\n", "", ":13: why: no field of the session; did you mean who?"),
        ("    why: {from: x, take: first}\n", "    why: {take: first}\n", ":28: session.fields.why: from or either is expected"),
        ("    why: {from: x, take: first}\n", "    why: {from: x, take: any}\n", ":28: session.fields.why.take: "),
    ],
)  # fmt: skip
def test_mistakes_of_sessions(tmp_path: Path, old: str, new: str, said: str) -> None:
    found = problems(tmp_path, (WHOLE + SESSION).replace(old, new))
    assert len(found) == 1
    assert found[0].startswith(said)


@pytest.mark.parametrize("text", ["", "- a\n", "a: [\n", "[" * 5_000, "name: \xff", "{}", "name: m\n"])
def test_what_is_no_mapping_is_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "m.yaml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(DocumentError, match=r"m\.yaml:\d: "):
        load_mapping(str(path))


def test_a_mapping_that_is_nowhere_names_those_that_there_are() -> None:
    with pytest.raises(DocumentError, match=r"no such mapping or file; built in: .*telco-churn"):
        load_mapping("telco")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("time_zone", "timezone", ":4: timezone: no such key; did you mean time_zone?"),
        ("  delimiter", "  separator", ":3: records.separator: no such key; known: format, delimiter, quote, "),
        ("fields:", "feilds:", ":12: events.0.feilds: no such key; did you mean fields?"),
        ("        words: {a: chat}", "        wrods: {a: chat}", ":16: events.0.fields.channel.wrods: no such key; did you mean words?"),
        ("    id: nr", "    when: {x: {presnt: true}}", ":11: events.0.when.0.x.presnt: no such key; did you mean present?"),
    ],
)  # fmt: skip
def test_a_key_that_is_none_is_told_with_the_one_that_is_meant(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    assert any(each.startswith(said) for each in problems(tmp_path, WHOLE.replace(old, new, 1)))


def test_a_tab_is_called_a_tab(tmp_path: Path) -> None:
    [said] = problems(tmp_path, WHOLE.replace("    id", "\tid"))
    assert said == ":11: not YAML: a tab; indent by spaces"


def test_a_name_with_a_dash_in_json_is_told_how_to_be_written(tmp_path: Path) -> None:
    text = WHOLE.replace('delimiter: ","', "format: json").replace("from: who", "from: customer-id")
    [said] = problems(tmp_path, text)
    assert said.endswith("""a name that is no word of letters is written as '"a-b"'""")
