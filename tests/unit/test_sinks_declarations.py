"""What is declared of tables fits the messages, and what a kind of message lacks is said by name when the sink is imported."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Literal, get_args, get_origin

import pytest

from schemas import topics
from schemas.base import Event, Message
from schemas.call import CallEvent
from schemas.trigger import CallbackTrigger, DecisionStatus, TriggerStatus
from sinks.clickhouse import tables
from sinks.clickhouse.conversions import answer
from sinks.clickhouse.declarations import events, results
from sinks.clickhouse.declarations.shared import CODE, head_of_event, source
from sinks.clickhouse.declarations.table import Column, Table, View
from sinks.clickhouse.reading import reading
from sinks.clickhouse.registration import (
    RegistrationError,
    carried,
    check_registration,
    field_of,
    missing_parts,
    unread_fields,
)
from sinks.clickhouse.rows import row_of_event, row_of_output
from tests.integration.clickhouse_sink.messages import At, dead_letter, event, signals, trigger, wire

OF_MESSAGES = [table for table in tables.TABLES if table.model not in (None, Event)]
LARGEST = {"UInt8": 2**8 - 1, "UInt16": 2**16 - 1, "UInt32": 2**32 - 1, "UInt64": 2**64 - 1}
LISTS_NO_CODES = {("fct_outcomes", "disposition"), ("fct_dead_letters", "reason_code")}
"""Columns of codes whose comments do not list them."""
NOT_YET = {*get_args(TriggerStatus)} - {*get_args(DecisionStatus)}
"""Statuses that no worker publishes; the migration that lets the first one do so says them in the comment."""


class Complaint(Event):
    """A kind of event that nobody has declared."""

    type: Literal["complaint"]
    severity: int | None = None


def table_of(*columns: Column, model: type[Event] = Complaint) -> Table:
    own = (*head_of_event("Event time"), *columns, *source())
    return Table("fct_complaints", "Complaints", own, ("customer_id", "event_id"), model, time="occurred_at")


def literals(table: Table) -> Iterator[tuple[Column, tuple[Any, ...]]]:
    """The columns that are read in a field of fixed values, with those values."""
    assert table.model is not None
    for column in table.read:
        field = field_of(table.model, column.path)
        assert field is not None
        parts = (field.annotation, *get_args(field.annotation))
        values = [value for each in parts if get_origin(each) is Literal for value in get_args(each)]
        if values:
            yield column, tuple(values)


def test_every_kind_of_message_that_a_topic_carries_is_registered() -> None:
    check_registration(carried())
    assert {model for models in carried().values() for model in models} >= set(topics.MODELS.values())


@pytest.mark.parametrize("table", OF_MESSAGES, ids=lambda table: table.name)
def test_a_kind_without_its_table_is_named_with_the_place_to_add_one(table: Table) -> None:
    others = [each for each in tables.TABLES if each is not table]
    assert table.model is not None
    module = "results" if issubclass(table.model, Message) else "events"
    with pytest.raises(
        RegistrationError, match=f"{table.model.__name__} has no table.*declarations/{module}.py"
    ):
        check_registration(carried(), others)


def test_a_new_kind_beside_another_is_asked_for_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(topics.BESIDE, topics.CALLS, Complaint)
    with pytest.raises(RegistrationError, match="Complaint has no table"):
        check_registration(carried())


def test_a_column_of_a_field_that_there_is_not() -> None:
    [line] = missing_parts(Complaint, [table_of(Column("grade", "UInt8", "How bad"))])
    assert line.startswith("Complaint has no field grade, which fct_complaints.grade reads: ")
    assert "sinks/clickhouse/declarations" in line
    until = Column("consent_until", CODE, "Until when", "consent.until")
    changed = replace(
        results.TRIGGERS, columns=(results.TRIGGERS.columns[0], until, *results.TRIGGERS.columns[1:])
    )
    assert "no field consent.until" in missing_parts(CallbackTrigger, [changed])[0]


def test_a_column_that_cannot_hold_what_its_field_may_be() -> None:
    [line] = missing_parts(Complaint, [table_of(Column("severity", "UInt8", "How bad"))])
    assert "Complaint.severity may be None, which fct_complaints.severity cannot hold" in line
    assert missing_parts(Complaint, [table_of(Column("severity", "Nullable(UInt8)", "How bad"))]) == []
    assert missing_parts(Complaint, [table_of(Column("severity", CODE, "How bad", convert=answer))]) == []


def test_another_topic_of_triggers_needs_a_mode() -> None:
    with pytest.raises(RegistrationError, match=r"callback.trial has no mode: add it to MODES"):
        check_registration({"callback.trial": (CallbackTrigger,)})


def test_columns_that_rows_would_not_find_are_refused() -> None:
    head, more = events.CALLS.columns[:2], events.CALLS.columns[2:]
    late = replace(events.CALLS, columns=(*head, Column("early", CODE, "Before the time", "queue"), *more))
    with pytest.raises(RegistrationError, match="fct_calls has not occurred_at for column 3"):
        check_registration({}, [late])
    for table in (events.CALLS, results.TRIGGERS):
        without = tuple(column for column in table.columns if column.name != "ingested_at")
        with pytest.raises(RegistrationError, match=f"{table.name} has other columns of the record"):
            check_registration({}, [replace(table, columns=without)])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"columns": (*source(), Column("late", "UInt8", "Behind"))}, "do not stand in the order"),
        ({"identity": ("customer", "event_id")}, r"has no columns \['customer'\]"),
        ({"views": (View("v", "", without=("colour",)),)}, r"has no columns \['colour'\]"),
        ({"views": (View("v", "", latest_of=("age",)),)}, r"has no columns \['age'\]"),
        (
            {"views": (View("v", "", latest_of=("event_id",)),)},
            "v: say by `latest_by` which row of a thing is the last",
        ),
        ({"spread_by": "reason"}, "reason is not of its identity, by which rows must be spread"),
        (
            {"columns": events.CALLS.columns[:-2] + events.CALLS.columns[-1:]},
            "its day may change: it needs the column moved",
        ),
        ({"time": ""}, "say by `time` which of its rows an erasure covers"),
    ],
)
def test_a_declaration_that_does_not_fit_together(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        replace(events.CALLS, **change)


@pytest.mark.parametrize("table", OF_MESSAGES, ids=lambda table: table.name)
def test_every_field_of_a_message_has_a_column_or_is_left_out_on_purpose(table: Table) -> None:
    assert unread_fields(table) == [], "add a Column, or name the field in `without` and say why"
    assert not set(table.without) & {".".join(column.path) for column in table.columns}


def test_a_new_field_is_noticed() -> None:
    class Longer(CallEvent):
        colour: str = ""

    assert unread_fields(replace(events.CALLS, model=Longer)) == ["colour"]


def test_what_a_kind_of_event_does_not_have_is_empty() -> None:
    take, steps = reading(events.UNATTRIBUTABLE.read, Complaint)
    row = list(
        take({"type": "complaint", "event_id": "e1", "occurred_at": 0, "revised_at": None, "severity": 3})
    )
    for convert, positions in steps:
        convert(row, positions)
    assert row == ["complaint", "e1", 0, None, "", ""]


MADE: dict[str, dict[str, Any]] = {
    "fct_calls": {},
    "fct_surveys": {"csat": 1},
    "fct_cancellations": {"stage": "inquiry"},
    "fct_outcomes": {"trigger_id": "t", "attempt": 1, "disposition": "BUSY"},
    "dim_customers": {},
}
OUTPUTS: dict[str, tuple[str, Any]] = {
    "fct_triggers": (topics.TRIGGERS, trigger()),
    "fct_customer_signals": (topics.SIGNALS, signals()),
    "fct_dead_letters": (topics.DEAD_LETTERS, dead_letter()),
}


@pytest.mark.parametrize("table", OF_MESSAGES, ids=lambda table: table.name)
def test_every_code_of_a_message_is_told_from_every_other(table: Table) -> None:
    for column, values in literals(table):
        found = [value_in_row(table, column, value) for value in values]
        # "unknown" is also what None becomes; of the others none may be taken for another one.
        assert len(set(found)) == len(values), column.name


def value_in_row(table: Table, column: Column, value: object) -> object:
    """What the row of a message says in a column when its field has that value."""
    if table.name in MADE:
        made = event(table.model, **MADE[table.name] | {column.path[0]: value})  # type: ignore[arg-type]
        row = row_of_event(made, At(topics.CALLS))
    else:
        topic, message = OUTPUTS[table.name]
        changed = {column.path[-1]: value}
        if len(column.path) > 1:
            changed = {column.path[0]: getattr(message, column.path[0]).model_copy(update=changed)}
        made_row = row_of_output(wire(message.model_copy(update=changed)), At(topic))
        assert made_row is not None
        row = made_row
    return row.values[tables.COLUMNS[table.name].index(column.name)]


def test_a_code_that_a_schema_may_have_one_day_is_written_as_it_is() -> None:
    row: list[Any] = [True, False, None, "unknown", "partly"]
    answer(row, list(range(5)))
    assert row == ["yes", "no", "unknown", "unknown", "partly"]


@pytest.mark.parametrize("table", OF_MESSAGES, ids=lambda table: table.name)
def test_codes_go_into_columns_that_take_any(table: Table) -> None:
    for column, values in literals(table):
        if any(isinstance(value, str) for value in values):
            assert column.type == CODE, f"{table.name}.{column.name} would refuse a code that is added"


@pytest.mark.parametrize("table", OF_MESSAGES, ids=lambda table: table.name)
def test_a_comment_that_lists_codes_lists_all_of_them(table: Table) -> None:
    """After a code was added: say it in the comment, and have the next migration change it (`ALTER TABLE … COMMENT COLUMN`)."""
    for column, values in literals(table):
        if (table.name, column.name) not in LISTS_NO_CODES:
            told = {value for value in values if isinstance(value, str)} - NOT_YET
            assert {code for code in told if code not in column.comment} == set(), column.name


@pytest.mark.parametrize(
    "table", [each for each in OF_MESSAGES if each.kind_of_event], ids=lambda table: table.name
)
def test_a_whole_number_that_a_schema_allows_fits_its_column(table: Table) -> None:
    assert table.model is not None
    properties = table.model.model_json_schema()["properties"]
    for column in table.read:
        field = properties[column.path[0]]
        for each in field.get("anyOf", [field]):
            largest = LARGEST.get(column.type.removeprefix("Nullable(").removesuffix(")"))
            if largest is None:
                assert each.get("type") != "integer" or field.get("anyOf"), (
                    column.name
                )  # an id, whose digits are text
            elif each.get("type") != "null":
                assert 0 <= each["minimum"] <= each["maximum"] <= largest, column.name
