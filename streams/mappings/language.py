"""What a mapping file may say: how records of a source become events. Frozen models, checked where the file is read.

Owns the words of the language and which of them go together; `conversion` applies them, docs/mappings.md explains them.
"""

import codecs
import io
import re
from collections import Counter
from collections.abc import Iterable
from datetime import date
from difflib import get_close_matches
from typing import Annotated, Any, Final, Literal, Self

import jmespath
import phonenumbers
from jmespath.exceptions import JMESPathError
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from schemas.base import Code, CountryCode
from schemas.cancellation import CancellationReason
from schemas.topics import EVENT_TYPES
from schemas.values import KnownTimeZone
from streams.mappings.targets import NUMBERS, Kind, target_of

BLANKS: Final = (
    *("", "-", "na", "n/a", "#n/a", "nan", "nil", "none", "null", "(null)", "\\n", "undefined"),
    "0000-00-00 00:00:00",
)
"""Words, in lower case, with which sources say nothing."""
MAPPED: Final = tuple(
    name for name, each in EVENT_TYPES.items() if each.model.model_fields["customer_id"].is_required()
)
"""The events that a mapping may give: those of customers."""
ENVELOPE: Final = frozenset(
    {"type", "schema_version", "event_id", "customer_id", "occurred_at", "revised_at"}
)
"""Fields of an event that have a key of their own in a mapping."""
_DURATION: Final = re.compile(r"(\d{1,6}) ?(s|min|h|d)")
_UNIT_MS: Final = {"s": 1_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}
DIRECTIVES: Final = frozenset("dmYyHIMSfpbBz%")
"""What a format of times may hold after a percent sign, as `strptime` knows it."""
_ESCAPES: Final = frozenset({"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"})
"""What Python takes for encodings of text, and no export is written in."""
_OF_FORMAT: Final = {
    "csv": frozenset({"delimiter", "quote", "encoding", "skip_rows", "header", "columns", "ragged"}),
    "json": frozenset({"path"}),
    "parquet": frozenset({"columns"}),
    "xlsx": frozenset({"skip_rows", "header", "columns", "ragged", "sheet"}),
}
"""Which keys of `records` say something of a format."""
_OF_KIND: Final = {
    **dict.fromkeys(NUMBERS, frozenset({"add", "subtract", "times", "plus", "decimal"})),
    Kind.DURATION: frozenset({"add", "subtract", "times", "plus", "decimal", "unit"}),
    Kind.TEXT: frozenset({"prefix"}),
    Kind.TIME: frozenset({"format", "zone"}),
    Kind.PHONE: frozenset({"country"}),
}
"""Which keys say something of a kind of field, beside those that all have."""
_NOT_OF_TIMES: Final = frozenset({"value", "default", "blanks", "words", "otherwise"})


class MisplacedError(ValueError):
    """A mistake that stands deeper in the document than where it is noticed: at `location`, or where `text` is written."""

    def __init__(self, said: str, *location: str | int, text: str | None = None) -> None:
        self.location, self.text = location, text
        super().__init__(said)


class Part(BaseModel):
    """A part of a mapping: frozen, no unknown key."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        populate_by_name=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,  # docs/mappings.md is made of them
    )


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _as_from(value: Any) -> Any:
    return {"from": value} if isinstance(value, str | list | tuple) else value


def _milliseconds(text: Any) -> Any:
    if not isinstance(text, str):
        return text
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise ValueError("a duration is expected, such as 90 s, 10 min, 6 h or 2 d")
    return int(found[1]) * _UNIT_MS[found[2]]


def _one_character(text: str) -> str:
    text = {"tab": "\t", "\\t": "\t", "none": ""}.get(text, text)
    if len(text) > 1:
        raise ValueError("one character is expected, or tab")
    return text


def _known_encoding(name: str) -> str:
    try:
        io.TextIOWrapper(io.BytesIO(), name)
        if codecs.lookup(name).name in _ESCAPES:
            raise LookupError
    except LookupError:
        raise ValueError(
            "no such encoding; common ones are utf-8, windows-1252, iso-8859-15, utf-16"
        ) from None
    return name


def _searchable(path: str) -> str:
    try:
        jmespath.compile(path)
    except (JMESPathError, RecursionError, ValueError) as error:
        said = " ".join(str(error).removeprefix("Bad jmespath expression: ").split())
        hint = (
            ""
            if set(path) & set("[]|(){}?\"'`")
            else "; a name that is no word of letters is written as '\"a-b\"'"
        )
        raise ValueError(f"no JMESPath: {said}{hint}") from None
    return path


def _telephoned(country: str) -> str:
    if country not in phonenumbers.SUPPORTED_REGIONS:
        near = {"UK": "; the United Kingdom is GB", "EL": "; Greece is GR"}.get(country, "")
        raise ValueError(f"no country with telephone numbers of its own, by ISO 3166 (NL, BE, DE){near}")
    return country


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"no regular expression: {error}") from None
    return text


def _format(text: str) -> str:
    if text in ("iso", "epoch_s", "epoch_ms", "epoch_us", "excel"):
        return text
    unknown = sorted(set(re.findall(r"%(.?)", text)) - DIRECTIVES)
    if unknown or "%" not in text:
        raise ValueError(
            "iso, epoch_s, epoch_ms, epoch_us, excel or directives (%Y %m %d %H %M …) are expected"
            + (f"; not known: %{unknown[0]}" if unknown else "")
        )
    used = Counter(each.replace("B", "b") for each in re.findall(r"%(.)", text) if each != "%")
    twice = next((each for each, count in used.items() if count > 1), None)
    if twice is not None:
        raise ValueError(f"%{twice} stands twice")
    if not (used.keys() & set("Yy") and used.keys() & set("mb") and "d" in used):
        raise ValueError(
            "a year (%Y), a month (%m) and a day (%d) are expected; a time in two columns is joined"
        )
    if ("I" in used) != ("p" in used):
        raise ValueError("%I (an hour of twelve) and %p (AM or PM) go together; %H is an hour of 24")
    return text


def _header(value: Any) -> Any:
    known = {"true": True, "false": False, "auto": "auto"}
    if isinstance(value, str):
        if value.lower() not in known:
            raise ValueError("true, false or auto is expected")
        return known[value.lower()]
    return value


def _doubled(value: Any) -> Any:
    if isinstance(value, str) and value not in ("refuse", "order"):
        raise ValueError("refuse, order, or a column with its words (from, summer, winter) is expected")
    return value


Path = Annotated[str, Field(min_length=1, max_length=400)]
"""Where a value lies in a record: a column of a table, as its header says it; in JSON a JMESPath (`Queue.Name`)."""
Paths = Annotated[tuple[Path, ...], BeforeValidator(_listed), Field(min_length=1, max_length=20)]
Words = Annotated[tuple[str, ...], BeforeValidator(_listed)]
Milliseconds = Annotated[int, BeforeValidator(_milliseconds), Field(ge=0)]
Character = Annotated[str, AfterValidator(_one_character)]
Pattern = Annotated[str, AfterValidator(_pattern)]
TelephoneCountry = Annotated[CountryCode, AfterValidator(_telephoned)]
Prefix = Annotated[str, Field(pattern=r"^[!-~]{0,32}$")]


class Records(Part):
    """How records lie in files."""

    format: Literal["csv", "json", "parquet", "xlsx"] = "csv"
    """`csv`, `json` (one object a line, arrays, objects one after the other), `parquet` or `xlsx`. gzip and zstd are noticed."""
    delimiter: Annotated[Character, Field(min_length=1)] = ","
    """CSV: what stands between cells; `tab` for a tabulator."""
    quote: Character = '"'
    """CSV: what stands around a cell; `none` where cells are never quoted."""
    encoding: Annotated[str, AfterValidator(_known_encoding)] = "utf-8"
    """CSV: how letters are written as bytes; of older systems often `windows-1252`."""
    skip_rows: Annotated[int, Field(ge=0, le=1_000)] = 0
    """Lines before the header, or before the first record, that are passed over."""
    header: Annotated[bool | Literal["auto"] | None, BeforeValidator(_header)] = None
    """Whether the first row names the columns; by default when `columns` is absent. With both, the names of `columns` hold.
    `auto`: a first row with the names that the mapping uses is a header, and any other a record."""
    columns: tuple[Annotated[str, Field(min_length=1, max_length=200)], ...] = ()
    """Names of the columns, in order, where no header says them."""
    ragged: bool | Annotated[int, Field(ge=1)] = False
    """Rows may be shorter than the header: what is missing is blank. A number: but none has fewer cells than that."""
    path: Annotated[str, AfterValidator(_searchable)] | None = None
    """JSON: where the records lie in each document, as `Records[*]`; without it a document, or each item of an array, is one."""
    sheet: str | None = None
    """XLSX: the sheet's name; without it the first."""

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        if len(set(self.columns)) != len(self.columns):
            raise ValueError("columns: a name is given twice")
        if self.format in ("csv", "xlsx") and self.header in (False, "auto") and not self.columns:
            raise ValueError("header: without one, columns must name the columns")
        for key in sorted(self.model_fields_set - _OF_FORMAT[self.format] - {"format"}):
            known = ", ".join(sorted(each for each, keys in _OF_FORMAT.items() if key in keys))
            raise MisplacedError(f"it says nothing of format {self.format}, but of {known}", key)
        if self.delimiter == self.quote or self.delimiter in "\r\n":
            raise MisplacedError("neither the quote nor a line end can stand between cells", "delimiter")
        return self

    @property
    def header_expected(self) -> bool:
        """Whether the first row is no record."""
        return not self.columns if self.header is None else bool(self.header)


class Test(Part):
    """What a value must be. Several words hold together."""

    __test__ = False  # for pytest, which takes the name for one of its own

    equals: str | None = None
    """The value is this one. A word alone says the same: `Status: done`."""
    one_of: Annotated[Words | None, Field(alias="in")] = None
    """The value is one of these. A list alone says the same."""
    differs: Annotated[Words | None, Field(alias="not")] = None
    """The value is none of these."""
    present: bool | None = None
    """There is a value, or (`false`, or `null` alone) there is none."""
    at_least: float | None = None
    """The value is a number, and not smaller."""
    at_most: float | None = None
    """The value is a number, and not greater."""
    matches: Pattern | None = None
    """A regular expression finds something in it."""

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("one of equals, in, not, present, at_least, at_most, matches is expected")
        return self


def _as_test(value: Any) -> Any:
    if isinstance(value, str):
        return {"present": False} if value == "null" else {"equals": value}
    return {"in": value} if isinstance(value, list | tuple) else value


All = dict[Path, Annotated[Test, BeforeValidator(_as_test)]]
When = Annotated[
    tuple[All, ...], BeforeValidator(lambda value: (value,) if isinstance(value, dict) else value)
]
"""Conditions by path, all of which must hold; of a list of such one must hold."""


class Source(Part):
    """Where a value lies: one path, several that are joined, or the first of several that is not blank."""

    paths: Annotated[Paths | None, Field(alias="from")] = None
    """Where the value lies: a column, or in JSON a JMESPath; of several the values are joined. A path alone says the same."""
    either: Paths | None = None
    """The first of several that is not blank; a table need not have all of these columns."""
    join: str = " "
    """What stands between joined values."""
    extract: Pattern | None = None
    """A regular expression: its first group, or what it finds, is the value; nothing found is blank."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.paths is not None and self.either is not None:
            raise ValueError("from and either exclude each other")
        return self

    @property
    def all_paths(self) -> tuple[str, ...]:
        """Every path that is named."""
        return (self.paths or ()) + (self.either or ())


class Value(Source):
    """A field of an event: where its value lies, or a constant, and what becomes of it. The field's own type decides how it is read."""

    value: str | None = None
    """A constant."""
    default: str | None = None
    """What a blank means."""
    blanks: Words | None = None
    """The words that say nothing here, in place of the mapping's."""
    words: dict[str, str] | None = None
    """From the source's words to ours; letter case aside."""
    otherwise: str | None = None
    """Ours for all other words; `null` for none. Without it a word that is not listed is refused."""
    add: Annotated[Words, Field(max_length=20)] = ()
    """More numbers, which are added to it; a blank one counts as 0."""
    subtract: Annotated[Words, Field(max_length=20)] = ()
    """Numbers that are taken off it."""
    times: float | None = None
    """Multiply a number by this."""
    plus: float | None = None
    """Then add this, after `add`, `subtract` and `times`. Where the field is a whole number, the result is rounded half up."""
    unit: Literal["ms", "s", "min", "h"] = "s"
    """What a duration is counted in."""
    decimal: Literal[".", ","] | None = None
    """The decimal mark, where it is not the mapping's."""
    prefix: Prefix = ""
    """What to put before a text: before a `contact_id` what stands before the `id` of the contact."""
    format: Annotated[str, AfterValidator(_format)] = "iso"
    """How a time is written, as in `at`."""
    zone: KnownTimeZone | None = None
    """The time zone of a time."""
    country: TelephoneCountry | None = None
    """The country of a telephone number that does not say its own."""

    @model_validator(mode="after")
    def _of_something(self) -> Self:
        if (self.value is None) == (not self.all_paths):
            raise ValueError("from, either or value is expected")
        if self.otherwise is not None and self.words is None:
            raise ValueError("otherwise: it goes with words")
        if (self.add or self.subtract) and (self.words is not None or self.value is not None):
            raise ValueError("add, subtract: they go with numbers, neither with words nor with a constant")
        return self


class Hint(Part):
    """Another column that tells the two passes of the doubled hour apart."""

    paths: Annotated[Paths, Field(alias="from")]
    """Where the hint lies."""
    summer: Words
    """Words for the first pass, in summer time."""
    winter: Words
    """Words for the second one."""


class Time(Source):
    """A time: where it lies, how it is written, and in which zone it is where it does not say so."""

    format: Annotated[str, AfterValidator(_format)] = "iso"
    """`iso`, `epoch_s`, `epoch_ms`, `epoch_us`, `excel` (days since 1900, as a spreadsheet counts), or directives as of `strptime`."""
    zone: KnownTimeZone | None = None
    """The time zone, where it is not the mapping's `time_zone`."""
    doubled: Annotated[Literal["refuse", "order"] | Hint, BeforeValidator(_doubled)] = "refuse"
    """How the hour that comes twice in autumn is told: by the records' order (`order`), or by a column. Else such a record is refused."""

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if not self.all_paths:
            raise ValueError("from or either is expected")
        return self


class Customer(Source):
    """Whose event it is. Applied in this order: nobody, strip, lower, phone, hash, prefix."""

    kind: Annotated[Literal["text", "phone", "digits"], Field(alias="as")] = "text"
    """`phone`: a telephone number becomes E.164 (`+31612345678`); `digits`: the same without the plus sign."""
    country: TelephoneCountry | None = None
    """Of numbers that are written without their country."""
    otherwise: Literal["refuse", "nobody"] = "refuse"
    """What a number means that no telephone can have, such as an extension of the house."""
    strip: str = ""
    """Characters to take out, wherever they stand."""
    lower: bool = False
    """Make letters small."""
    hash: bool = False
    """Replace it by a keyed hash (BEHOUDLIJN_MAPPING_KEY): 32 hexadecimal digits."""
    prefix: Prefix = ""
    """What to put before it."""
    nobody: Words = ()
    """More words that mean nobody in particular."""

    @model_validator(mode="after")
    def _country_of_phones(self) -> Self:
        if not self.all_paths:
            raise ValueError("from or either is expected")
        if self.kind != "text" and self.country is None:
            raise ValueError("country: numbers without their country need one")
        return self


class EventId(Source):
    """What makes an event the same when it is sent again: fields, joined."""

    join: str = "-"
    """What stands between joined values."""
    prefix: Prefix = ""
    """What to put before it, where two systems may use the same ids."""


class EventPart(Part):
    """An event that a record gives, if `when` holds."""

    type: Literal[*MAPPED]  # type: ignore[valid-type]
    """`call`, `survey`, `cancellation`, `outcome`, `profile` or `erasure`."""
    when: When = ()
    """Which records give this event; all, when it is absent."""
    id: Annotated[EventId | None, BeforeValidator(_as_from)] = None
    """Without it: a hash of the whole record; of several that make one contact, of the first."""
    customer: Annotated[Customer | None, BeforeValidator(_as_from)] = None
    """Whose event it is, where that is not the mapping's `customer`."""
    at: Annotated[Time | None, BeforeValidator(_as_from)] = None
    """When it happened, where that is not the mapping's `at`."""
    revision: Annotated[Time | None, BeforeValidator(_as_from)] = None
    """When the source changed the record, where that is not the mapping's `revision`."""
    fields: dict[str, Annotated[Value, BeforeValidator(_as_from)]] = {}
    """The fields of the event's schema, and where their values lie."""

    @model_validator(mode="after")
    def _known_fields(self) -> Self:
        known = [name for name in EVENT_TYPES[self.type].model.model_fields if name not in ENVELOPE]
        for name, value in self.fields.items():
            if name not in known:
                near = get_close_matches(name, known, 1, 0.6)
                hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
                raise MisplacedError(f"of {self.type} there is no such field; {hint}", "fields", name)
            _check_field(self.type, name, value)
        model = EVENT_TYPES[self.type].model.model_fields
        lacking = [name for name in known if model[name].is_required() and name not in self.fields]
        if lacking:
            raise ValueError(f"fields: {self.type} needs {', '.join(lacking)}")
        return self


def _check_field(event_type: str, name: str, value: Value) -> None:
    """Raise MisplacedError for what a field of its kind cannot have, and for a word that it does not take."""
    target = target_of(event_type, name)
    fitting = _OF_KIND.get(target.kind, frozenset())
    unfit = frozenset().union(*_OF_KIND.values()) - fitting
    if target.kind is Kind.TIME:
        unfit |= _NOT_OF_TIMES
    for key in sorted(value.model_fields_set & unfit):
        kind = target.kind.name.lower()
        raise MisplacedError(f"it says nothing of {name}, which takes a {kind}", "fields", name, key)
    if target.kind not in (Kind.WORD, Kind.TRUTH):
        return
    ours: list[tuple[tuple[str, ...], str | None]] = [
        *((("words", key), word) for key, word in (value.words or {}).items()),
        *(((key,), getattr(value, key)) for key in ("value", "default", "otherwise")),
    ]
    for location, word in ours:
        if word not in (None, "", "null") and word.lower() not in target.all_words:
            raise MisplacedError(f"{name} takes {target.expected}", "fields", name, *location)


class Take(Source):
    """A value of a contact that several records tell: which of the records, and where it lies in them."""

    take: Literal["first", "last", "latest", "count", "sum", "least", "greatest"]
    """Of the records in their order in the contact: the `first` or `last` that has a value, how many there are (`count`), or of numbers the
    `sum`, the `least` or the `greatest`; `latest` is of the record that was written last."""
    when: When = ()
    """Which records are looked at; all, when it is absent."""

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if not self.all_paths and self.take != "count":
            raise ValueError("from or either is expected")
        return self


class Chain(Part):
    """Records that name one another: each has an id, and the next one's; of records with one id the latest counts."""

    id: Path
    """Where a record has its own id."""
    next: Path
    """Where it has the id of the record that follows; blank in the last one."""


class Session(Part):
    """Several records make one contact."""

    key: Annotated[Source, BeforeValidator(_as_from)]
    """What its records share."""
    at: Annotated[Time, BeforeValidator(_as_from)]
    """When each record was written: their order, and the clock of the two durations below."""
    opens: When = ()
    """Which record begins a contact (or continues it)."""
    closes: When = ()
    """A contact is whole when a closing record follows its last opening one."""
    chain: Chain | None = None
    """In place of both: whole when the chain from the first record (the one whose id is the key) has its end."""
    linger: Milliseconds = 600_000
    """A whole contact that is silent for so long is over: until then an opening record continues it."""
    timeout: Milliseconds = 86_400_000
    """One that is not whole and silent for so long is unfinished."""
    most_open: Annotated[int, Field(ge=1, le=10_000_000)] = 100_000
    """So many contacts are held at most; of more, the one that is silent for longest is given out as it is."""
    fields: dict[str, Take]
    """The joined record: names of one's own, which events use as paths."""

    @model_validator(mode="after")
    def _told(self) -> Self:
        if (self.chain is None) == (not self.closes):
            raise ValueError("either closes (with opens) or chain is expected")
        if not self.opens and self.chain is None:
            raise ValueError(
                "opens: say which record begins a contact, so that one without its beginning is noticed"
            )
        return self


class SnapshotCustomer(Part):
    """Who: a column, or (without one) the row's number; `prefix` is put before it."""

    column: Path | None = None
    """The column."""
    prefix: Prefix = ""
    """What to put before it."""


class SnapshotContacts(Part):
    """A column with a number N: N unresolved inbound calls spread over the window."""

    column: Path
    """The column."""
    reason: Code = "service"
    """The reason of the calls."""
    queue: Code = "service"
    """The queue of the calls."""
    most: Annotated[int, Field(ge=1, le=1_000)] = 100
    """A larger number is taken for a mistake in the file."""


class SnapshotComplaint(Part):
    """A column that says "complained": a call that was not resolved and a bad survey about it."""

    column: Path
    """The column."""
    values: Annotated[Words, Field(min_length=1)]
    """What the column says then."""
    others: Annotated[Words, Field(min_length=1)]
    """What the column says of all others; anything else is a mistake in the file."""
    reason: Code = "complaint"
    """The reason of the call."""
    csat: Annotated[int, Field(ge=1, le=5)] = 1
    """The grade of the survey."""


class SnapshotChurn(Part):
    """A column that says "left": a confirmed cancellation within `days` days after the reference day."""

    column: Path
    """The column."""
    values: Annotated[Words, Field(min_length=1)]
    """What the column says then."""
    others: Annotated[Words, Field(min_length=1)]
    """What the column says of those who stayed; anything else is a mistake in the file."""
    reason: CancellationReason = "unknown"
    """The reason of the cancellation."""
    days: Annotated[int, Field(ge=1, le=365)] = 30
    """The cancellation lies within so many days from the reference day."""


class SnapshotProfile(Part):
    """Columns and constants of the profile; each customer gets one, so that the silent ones count too."""

    tenure_months: Path | None = None
    """The column of the months as a customer."""
    monthly_value: Path | None = None
    """The column of what the customer is worth a month."""
    country_code: CountryCode | None = None
    """The country of all."""
    time_zone: KnownTimeZone | None = None
    """The time zone of all."""


class Snapshot(Part):
    """A table with one row a customer and no times at all: they are invented, by a fixed rule."""

    reference_day: date
    """Contacts lie before it, cancellations from it on."""
    window_days: Annotated[int, Field(ge=3, le=365)] = 90
    """Contacts lie within so many days before the reference day."""
    customer: SnapshotCustomer
    """Who the row is about."""
    profile: SnapshotProfile = SnapshotProfile()
    """What is known of the customer."""
    contacts: SnapshotContacts | None = None
    """How often the customer called."""
    complaint: SnapshotComplaint | None = None
    """Whether the customer complained."""
    churn: SnapshotChurn | None = None
    """Whether the customer left."""


class Mapping(Part):
    """One kind of source."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.\-]{1,64}$")]
    """What the mapping is called."""
    description: str = ""
    """What it is for."""
    source: str = ""
    """Where the records come from."""
    licence: str = ""
    """Under which licence, where that matters."""
    records: Records = Records()
    """How records lie in files."""
    time_zone: KnownTimeZone | None = None
    """Of times that do not say theirs."""
    decimal: Literal[".", ","] = "."
    """The decimal mark of numbers; the other one, a space or an apostrophe may stand between groups of three."""
    blanks: Words = BLANKS
    """Words that say nothing, letter case aside."""
    nobody: Words = ()
    """Words, beside the usual ones, that name nobody in particular."""
    when: When = ()
    """Which records count at all; the others are passed over, and counted."""
    customer: Annotated[Customer | None, BeforeValidator(_as_from)] = None
    """Whose the events are."""
    at: Annotated[Time | None, BeforeValidator(_as_from)] = None
    """When they happened."""
    revision: Annotated[Time | None, BeforeValidator(_as_from)] = None
    """When the source last changed the record: of two deliveries of one event the later revision counts."""
    session: Session | None = None
    """How several records make one contact; events are then made of the joined record."""
    events: tuple[EventPart, ...] = ()
    """The events that a record gives, each under its condition."""
    snapshot: Snapshot | None = None
    """In place of events: a table with one row a customer and no times."""

    @field_validator("blanks")
    @classmethod
    def _lower(cls, words: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(("", *(word.strip().lower() for word in words))))

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.snapshot is None) == (not self.events):
            raise ValueError("events (or snapshot, for a table without times) is expected")
        for number, event in enumerate(self.events):
            if event.at is None and self.at is None:
                raise MisplacedError(f"at: say where this {event.type} has its time", "events", number)
            if event.customer is None and self.customer is None:
                raise MisplacedError(f"customer: say whose this {event.type} is", "events", number)
        if self.session is not None:
            self._names_of_session(self.session)
        elif self.records.format == "json":
            _check_paths(self.event_paths())
        return self

    def _names_of_session(self, session: Session) -> None:
        for path in self.event_paths():
            if path not in session.fields:
                near = get_close_matches(path, session.fields, 1, 0.6)
                raise MisplacedError(
                    f"{path}: no field of the session"
                    + (f"; did you mean {near[0]}?" if near else f"; known: {', '.join(session.fields)}"),
                    text=path,
                )
        if self.records.format == "json":
            _check_paths(self.record_paths())

    def event_paths(self) -> list[str]:
        """Return every path that events read: in a record, or in the joined record of a session."""
        found: list[str] = []
        for source in (self.customer, self.at, self.revision):
            found += _paths_of(source)
        for event in self.events:
            sources = (event.id, event.customer, event.at, event.revision, *event.fields.values())
            found += [path for each in sources for path in _paths_of(each)]
            found += _paths_when(event.when)
        return list(dict.fromkeys(found))

    def record_paths(self) -> list[str]:
        """Return every path that is read in a record of the source; of `either` the first stands for all."""
        found = _paths_when(self.when)
        session = self.session
        if session is not None:
            found += [*_paths_of(session.key), *_paths_of(session.at), *_paths_when(session.opens)]
            found += _paths_when(session.closes)
            found += [session.chain.id, session.chain.next] if session.chain is not None else []
            for take in session.fields.values():
                found += [*_paths_of(take), *_paths_when(take.when)]
        elif self.snapshot is not None:
            found += snapshot_paths(self.snapshot)
        else:
            found += self.event_paths()
        return list(dict.fromkeys(found))


def snapshot_paths(snapshot: Snapshot) -> list[str]:
    """Return the columns that a snapshot reads."""
    parts = (snapshot.customer, snapshot.contacts, snapshot.complaint, snapshot.churn)
    named = [part.column for part in parts if part is not None]
    return [name for name in (*named, snapshot.profile.tenure_months, snapshot.profile.monthly_value) if name]


def _paths_of(source: Source | None) -> list[str]:
    if source is None:
        return []
    found = list(source.all_paths)
    if isinstance(source, Time) and isinstance(source.doubled, Hint):
        found += source.doubled.paths
    if isinstance(source, Value):
        found += (*source.add, *source.subtract)
    return found


def _paths_when(when: Iterable[All]) -> list[str]:
    return [path for each in when for path in each]


def _check_paths(paths: Iterable[str]) -> None:
    for path in paths:
        try:
            _searchable(path)
        except ValueError as error:
            raise MisplacedError(f"{path}: {error}", text=path) from None
