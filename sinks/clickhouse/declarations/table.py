"""What a table is: its columns in order, its identity, where its rows lie, its time, and the views that people read.

Owns the words of a declaration and what follows from one by itself. It must not know a table of ours.

Rows of one identity are one, also where an engine merges within partitions only: the partition follows from the identity. Rows lie
by day, so that a report on five weeks reads five weeks (decision 25).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from schemas.base import Event, Message

Model = type[Event] | type[Message]

Convert = Callable[[list[Any], list[int]], None]
"""Changes values of a row, which is a list here, at these positions: what is read becomes what the columns take."""

Filler = Literal["topic", "message", "record", "server"]
"""What fills a column: the topic of the record, a field of the message, the record's coordinates in Kafka, or a default of the
server."""

EPHEMERAL: Final = "EPHEMERAL"
"""The default of a column that an insert may fill, and that is not kept: a worker of before fills it."""

FILLERS: Final[tuple[Filler, ...]] = ("topic", "message", "record", "server")
"""In the order in which the columns of a table stand."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column. Types, defaults and codecs are written as ClickHouse prints them."""

    name: str
    type: str
    comment: str
    field: str = ""
    """Where it is read in the message: a field (by default the one of this name), a field of a nested message
    (`consent.basis`), or of each in a tuple of them (`drivers.*.signal`)."""
    convert: Convert | None = None
    """What becomes of the value that was read; none: it is taken as it is."""
    filler: Filler = "message"
    default: str = ""
    """What the server fills in."""
    codec: str = ""
    keep_months: int | None = None
    """So many months after the time of its row the column is emptied."""

    @property
    def path(self) -> tuple[str, ...]:
        """The steps from the message to the value."""
        return tuple((self.field or self.name).split("."))


@dataclass(frozen=True, slots=True)
class View:
    """What people read of a table: each identity once."""

    name: str
    comment: str
    latest_of: tuple[str, ...] = ()
    """Columns that name a thing: of the rows that are equal in them only the last is shown. None: every identity is one."""
    latest_by: tuple[str, ...] = ()
    """Expressions by which a row is the last of these, the first that differs deciding."""
    told: tuple[tuple[Column, str], ...] = ()
    """Columns that are told of all rows of a thing, each with its expression; one of a column's name takes its place."""
    only: tuple[str, ...] = ()
    """The columns that are shown; none: all."""
    without: tuple[str, ...] = ()
    """Columns that are left out on purpose."""
    where: str = ""
    """Which rows are shown; none: all."""
    apart: bool = False
    """Whoever reads the other views does not read this one: it has a right of its own."""


@dataclass(frozen=True, slots=True)
class Keep:
    """How long rows are kept: `months` after their time, but no less than `first` months after the record came, so that an old
    history can be loaded and used. What is read again from Kafka is kept no longer."""

    months: int
    first: int = 3


@dataclass(frozen=True, slots=True)
class Table:
    """One table. Raises ValueError when what it says does not fit together."""

    name: str
    comment: str
    columns: tuple[Column, ...]
    identity: tuple[str, ...]
    """Rows that are equal in it are one."""
    model: Model | None = None
    """The message of which a record becomes a row; `Event` for one of any kind, none when no message does."""
    time: str = ""
    """When that of which a row tells happened, or was decided."""
    day: str = ""
    """The column by whose day rows lie in order. It is the same for all rows of an identity, or the table has `moved`."""
    granule: int = 128
    """Rows that are read together: what a look at one customer reads of each day on which that customer has any, and a report at the
    borders of its days. Each costs memory, so tables of many rows have larger ones."""
    spread_by: str = ""
    """The column of the identity by whose hash rows lie in one of the partitions."""
    keep: Keep | None = None
    version: str = "version"
    """The column of which, of two rows with one identity, the higher counts."""
    views: tuple[View, ...] = ()
    without: Mapping[str, str] = field(default_factory=dict)
    """Fields of the model that have no column on purpose, and why."""

    def __post_init__(self) -> None:
        order = [FILLERS.index(column.filler) for column in self.columns]
        if order != sorted(order):
            raise ValueError(f"{self.name}: the columns do not stand in the order {FILLERS}")
        if self.of_customers and not self.time:
            raise ValueError(
                f"{self.name} is about customers: say by `time` which of its rows an erasure covers"
            )
        named = {*self.identity, self.time, self.day}
        named |= {name for view in self.views for name in (*view.latest_of, *view.only, *view.without)}
        if missing := named - {""} - {column.name for column in self.columns}:
            raise ValueError(f"{self.name} has no columns {sorted(missing)}, which its declaration names")
        if self.spread_by and self.spread_by not in self.identity:
            raise ValueError(
                f"{self.name}: {self.spread_by} is not of its identity, by which rows must be spread"
            )
        if self.day and self.kind_of_event is not None and not self.moves:
            raise ValueError(f"{self.name}: of an event its day may change: it needs the column moved")
        for view in self.views:
            if bool(view.latest_of) != bool(view.latest_by):
                raise ValueError(
                    f"{view.name}: say by `latest_by` which row of a thing is the last, and by `latest_of` what that is"
                )

    @property
    def inserted(self) -> tuple[str, ...]:
        """Names of the columns that an insert fills, in order."""
        return tuple(column.name for column in self.columns if column.filler != "server")

    @property
    def read(self) -> tuple[Column, ...]:
        """The columns that are read in the message, in order."""
        return tuple(column for column in self.columns if column.filler == "message")

    @property
    def modal(self) -> bool:
        """Whether its topic says a row's mode, which stands first."""
        return self.columns[0].filler == "topic"

    @property
    def moves(self) -> bool:
        """Whether a later version of a row may lie on another day."""
        return any(column.name == "moved" for column in self.columns)

    @property
    def of_customers(self) -> bool:
        """Whether its rows are about a customer, who may be erased."""
        return "customer_id" in self.inserted

    @property
    def kind_of_event(self) -> type[Event] | None:
        """The kind of event that it holds, none when it holds something else."""
        return self.model if self.model is not None and issubclass(self.model, Event) else None

    @property
    def of_decisions(self) -> bool:
        """Whether its rows are what we wrote, and so rest upon events."""
        return self.model is not None and issubclass(self.model, Message)

    def shown(self, view: View) -> tuple[Column, ...]:
        """Return the columns of a view of this table: those of rows, then those that are told of a thing."""
        told = {column.name: column for column, _ in view.told}
        kept = [
            told.pop(column.name, column)
            for column in self.columns
            if column.name not in (*view.without, "moved") and (not view.only or column.name in view.only)
        ]
        return (*(column for column in kept if column.default != EPHEMERAL), *told.values())
