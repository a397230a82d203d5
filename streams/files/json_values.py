"""JSON values one after another, however they are laid out: an array, indented objects, objects without line ends.

Owns finding where a value begins and ends; what it is, the decoder of the workers tells. A part that is no JSON is given out to the end
of its line, so that one broken record costs no other.
"""

from collections.abc import Iterator
from json import JSONDecodeError, JSONDecoder
from typing import IO, Final, NamedTuple

_CHUNK: Final = 262_144
_WINDOW: Final = 4_096
_LONGEST_WORD: Final = 16
"""So near to the end of a window a mistake may be a word that is cut, such as `-Infinit` or `\\ud83d\\u`."""
_BLANK: Final = " \t\r\n"
_find: Final = JSONDecoder().raw_decode


class Value(NamedTuple):
    """A value, or a line that is none: its bytes, and the line in which it begins, counted from 1."""

    number: int
    data: bytes


def values(stream: IO[bytes], most_bytes: int, chunk_bytes: int = _CHUNK) -> Iterator[Value]:
    """Yield the values of a stream of UTF-8; those of an array, if it is one (one without its end has a last value that is
    none). Of what is longer than `most_bytes` nothing is found.

    A value that is longer than `chunk_bytes` is looked at once a chunk.
    """
    text, number, ended, begun, array, closed = "", 1, False, False, False, False
    pending = b""
    while True:
        if not ended:
            chunk = stream.read(chunk_bytes)
            ended = not chunk
            # surrogateescape: bytes that are no UTF-8 come through as they are, for the decoder to refuse.
            pending += chunk
            cut = len(pending) if ended else _whole(pending)
            text += pending[:cut].decode("utf-8", "surrogateescape")
            pending = pending[cut:]
        at = 0
        while True:
            begin = _skip(text, at, ",]" if array else "")
            closed |= "]" in text[at:begin]
            number += text.count("\n", at, begin)
            at = begin
            if at >= len(text):
                break
            if not begun:
                begun, array = True, text[at] == "["
                at += array
                continue
            end = _end_of_value(text, at)
            if end < 0:
                end = text.find("\n", at)
                if not ended and (end < 0 or len(text) - at < most_bytes):
                    break  # it may go on in the next chunk
                end = len(text) if end < 0 else end
            elif end == len(text) and not ended:
                break  # a number may go on
            yield Value(number, text[at:end].strip().encode("utf-8", "surrogateescape"))
            number += text.count("\n", at, end)
            at = end
        text = text[at:]
        if ended:
            if array and not closed:
                yield Value(number, b"[")  # the decoder tells that it has no end: something is missing
            return


def _end_of_value(text: str, at: int) -> int:
    """Return where a value ends; -1 for what is none.

    It is looked for in a window that grows: json counts the lines before a mistake, which takes ages where many lines of a long
    text are none.
    """
    window = _WINDOW
    while True:
        part = text[at : at + window]
        whole = at + window >= len(text)
        try:
            _, end = _find(part)
        except JSONDecodeError as error:
            cut = error.msg.startswith("Unterminated") or error.pos > len(part) - _LONGEST_WORD
            if whole or not cut:
                return -1
        except (ValueError, RecursionError):  # a number with thousands of digits, endless nesting
            return -1
        else:
            if whole or end < len(part):  # else a number may go on
                return at + end
        window *= 8


def _skip(text: str, at: int, also: str) -> int:
    while at < len(text) and text[at] in _BLANK + also:
        at += 1
    return at


def _whole(data: bytes) -> int:
    """Return up to where the last character of UTF-8 is whole."""
    for back in range(1, min(4, len(data)) + 1):
        byte = data[-back]
        if byte & 0xC0 == 0x80:
            continue
        length = (
            1
            if byte < 0x80
            else 2
            if byte >> 5 == 6
            else 3
            if byte >> 4 == 14
            else 4
            if byte >> 3 == 30
            else 1
        )
        return len(data) if length <= back else len(data) - back
    return len(data)
