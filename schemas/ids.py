"""Identifiers: what producers use as keys, and the words with which they say that they know of nobody."""

from typing import Annotated, Any, Final

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

ID_PATTERN: Final = r"^[!-~]{1,128}$"
"""1-128 printable characters of ASCII without spaces: numbers, e-mail addresses, GUIDs in braces, `+31612345678`. Other scripts come
in through a mapping that hashes or rewrites them, since two spellings of one letter must not become two customers."""
ID_WORDS: Final = "1-128 printable characters of ASCII without spaces"
"""The same in words, for messages."""
_BESIDE: Final = "0-{}()<>[].,_+*?#'\" "
"""What stands around such a word, as in `<unknown>`, `(null)` and `#N/A`, or alone, as in `0.0`, `?` and a GUID of zeros."""
_BLANK_PATTERN: Final = r"^(?:[!-~]{1,128}|\s{0,64})$"

_EXACT: Final = 2.0**53
"""Below it a float tells every whole number from the next."""

NOBODY: Final = frozenset(
    {
        *("", "-1", "anonymous", "blocked", "n/a", "na", "nan", "nat", "nil", "none", "null", "private"),
        *("restricted", "unavailable", "undefined", "unknown", "withheld", "\\n"),
        *(
            "anonymous caller",
            "no caller id",
            "not available",
            "out of area",
            "private number",
            "unknown caller",
        ),
        *("anonymous@anonymous.invalid", "sip:anonymous@anonymous.invalid"),
        *("anoniem", "anonym", "onbekend", "unbekannt"),
    }
)
"""Customer ids, in lower case, that mean "nobody in particular": half of the records of a real call log carry one."""


def names_nobody(customer_id: str | None, more: frozenset[str] = frozenset()) -> bool:
    """Return whether an inbound customer id stands for no customer in particular: a word of `NOBODY`, also in brackets, or zeros and
    marks only.

    `more`: further words, in lower case.

    >>> [names_nobody(each) for each in ("Restricted", "00000", "00000000-0000-0000-0000-000000000000", "-", "<NA>", "0.0", "c1", "100")]
    [True, True, True, True, True, True, False, False]
    """
    if customer_id is None:
        return True
    text = customer_id.strip().lower()
    return text in NOBODY or not (word := text.strip(_BESIDE)) or word in NOBODY or text in more


def _digits(number: float) -> str:
    if not number.is_integer():
        raise ValueError("a whole number is expected")
    return str(int(number))


class _Id:
    """A text of `pattern`, or a whole number (`12.0` too), which becomes its digits."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        text = core_schema.str_schema(pattern=self._pattern)
        number = core_schema.no_info_after_validator_function(str, core_schema.int_schema(strict=True, ge=0))
        whole = core_schema.no_info_after_validator_function(
            _digits, core_schema.float_schema(strict=True, allow_inf_nan=False, ge=0, lt=_EXACT)
        )
        return core_schema.union_schema(
            [text, number, whole],
            mode="left_to_right",
            custom_error_type="identifier",
            custom_error_message=f"{ID_WORDS}, or a whole number, are expected",
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"anyOf": [{"type": "string", "pattern": self._pattern}, {"type": "integer", "minimum": 0}]}


InboundId = Annotated[str, _Id(ID_PATTERN)]
"""An identifier as producers send it: `ID_PATTERN`, or a whole number."""

InboundCustomerId = Annotated[str, _Id(_BLANK_PATTERN)]
"""A customer id as producers send it: as `InboundId`, or blank when the caller was not recognised."""
