"""Whose an event is: from what a source holds (a key, a number, an address) to a customer id, or to nobody in particular."""

import re
from collections.abc import Callable
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import phonenumbers

from schemas.ids import ID_PATTERN, ID_WORDS, names_nobody
from streams.conversion.refusals import RecordError
from streams.conversion.shapes import Shape
from streams.conversion.texts import Nested, source_text
from streams.files.ndjson import InputError
from streams.mappings.language import Customer, Mapping

CustomerOf = Callable[[Any], str | None]
"""Finds the customer of a record; None for nobody in particular."""

_identifier = re.compile(ID_PATTERN).fullmatch
_HASH_BYTES = 16


def customer_of(customer: Customer, shape: Shape, mapping: Mapping, key: bytes) -> CustomerOf:
    """Return what finds a record's customer. `key` is that of the hashes. Raises InputError when it is needed and empty."""
    if customer.hash and not key:
        raise InputError(
            f"mapping {mapping.name} hashes customers: set BEHOUDLIJN_MAPPING_KEY (or BEHOUDLIJN_MAPPING_KEY_FILE) to a secret of "
            "16 characters or more, the same one each time"
        )
    text = source_text(customer, shape, mapping.blanks)
    nobody = frozenset(word.strip().lower() for word in (*mapping.nobody, *customer.nobody))
    take_out = str.maketrans("", "", customer.strip)

    @lru_cache(maxsize=20_000)  # telephone numbers take their time
    def named(said: str) -> str | None:
        if not said or said.lower() in nobody or names_nobody(said):
            return None
        found = said.translate(take_out).strip()
        if found.lower() in nobody or names_nobody(found):
            return None  # also of `<unknown>`, and before a prefix or a hash makes somebody of it
        if customer.lower:
            found = found.lower()
        if customer.kind != "text":
            number = e164(found, customer.country)
            if number is None:
                if customer.otherwise == "nobody":
                    return None
                raise RecordError(
                    "invalid_customer_id", f"customer: no telephone number that {customer.country} may have"
                )
            found = number if customer.kind == "phone" else number[1:]
        if customer.hash:
            found = blake2b(
                found.encode("utf-8", "surrogatepass"),
                digest_size=_HASH_BYTES,
                key=key[:64],
                person=b"mapping",
            ).hexdigest()
        found = customer.prefix + found
        if _identifier(found) is None:
            raise RecordError(
                "invalid_customer_id", f"customer: {ID_WORDS} are expected (hash, strip or lower may help)"
            )
        return found

    def found(record: Any) -> str | None:
        said = text(record)
        if type(said) is Nested:
            raise RecordError(
                "invalid_customer_id", "customer: one value is expected, and a list or an object is there"
            )
        return named(said)

    return found


def e164(text: str, country: str | None) -> str | None:
    """Return a telephone number in the form that all countries share; None when no telephone can have it.

    >>> e164("06 1234 5678", "NL"), e164("0031612345678", "NL"), e164("201", "NL")
    ('+31612345678', '+31612345678', None)
    """
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    if phonenumbers.is_possible_number_with_reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
        return None  # also a number without its area code, which many have
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
