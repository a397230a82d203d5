"""What the HTTP layer must know of an SQL text: its kind, where inline data starts, the format of the answer.

A scanner, not a parser: it tells words from strings, comments and brackets, and leaves every judgement about
the SQL to the engine. It works on bytes, since the data of an INSERT follows the SQL in the same body and
need not be text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from deploy.embedded.clickhouse.errors import Code, EngineError

_TOKEN: Final = re.compile(
    rb"""(?P<blank>\s+|--[^\n]*|\#[!\ ][^\n]*|/\*.*?\*/)
       | (?P<quoted>'[^'\\]*(?:(?:\\.|'')[^'\\]*)*' | `[^`\\]*(?:\\.[^`\\]*)*` | "[^"\\]*(?:\\.[^"\\]*)*"
                  | \$(?P<tag>\w*)\$.*?\$(?P=tag)\$)
       | (?P<word>[A-Za-z_]\w*)
       | (?P<number>\d\w*)
       | (?P<open>[(\[{])
       | (?P<close>[)\]}])
       | (?P<end>;)
       | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
# Statements that answer with rows; the others answer with an empty body and no X-ClickHouse-Format.
_WITH_RESULT: Final = frozenset(
    {"SELECT", "WITH", "SHOW", "DESCRIBE", "DESC", "EXPLAIN", "EXISTS", "CHECK", "VALUES", "FROM", "WATCH"}
    | {"KILL", "BACKUP", "RESTORE"}
)
_STREAMED: Final = frozenset({"SELECT", "WITH"})
_SOURCES: Final = frozenset({"SELECT", "WITH", "WATCH"})


@dataclass(frozen=True, slots=True)
class Statement:
    """One SQL statement; `sql` is what the engine runs, without inline data of an INSERT and its FORMAT."""

    kind: str
    """First keyword in capitals, empty for a text without one."""
    sql: bytes
    format: str | None
    """Format named by the statement: of the answer, or of the data of an INSERT."""
    takes_data: bool
    """An INSERT whose rows follow the SQL (after FORMAT, VALUES or nothing), not from a SELECT."""
    data: bytes
    """Inline data of an INSERT."""

    @property
    def has_result(self) -> bool:
        """Whether ClickHouse answers it with a result set, be it an empty one."""
        return self.kind in _WITH_RESULT

    @property
    def streams(self) -> bool:
        """Whether the engine can hand out its result piece by piece."""
        return self.kind in _STREAMED


@dataclass(slots=True)
class _Scan:
    """Where the scanner stands in one text."""

    text: bytes
    kind: str = ""
    depth: int = 0
    ended: bool = False
    from_query: bool = False
    format_at: int = -1
    format_name: str | None = None
    after_format: str = ""
    """The first word after the format's name, empty at the end of the text."""


def parse(text: bytes) -> Statement:
    """Scan one statement.

    Raises EngineError for what ClickHouse's HTTP interface refuses before the engine: an empty query (62),
    several statements (62), `INTO OUTFILE` and `FROM INFILE` (36: the file would be the server's; the answer is
    for who did not know, since a text may hide them from a scanner: what protects files is the confinement).
    Also for `input()` (48), whose data the engine would take for nothing, without an error.
    """
    scan = _Scan(text)
    previous = ""
    for token in _TOKEN.finditer(text):
        group = token.lastgroup
        if group in ("blank", "tag"):
            continue
        if scan.ended:
            rest = text[token.start() : token.start() + 60].decode(errors="replace")
            raise EngineError.of(
                Code.SYNTAX_ERROR, f"Syntax error (Multi-statements are not allowed): failed at: {rest}."
            )
        word = token.group().decode().upper() if group == "word" else ""
        if group == "open":
            _check_function(previous, scan)
            scan.depth += 1
        elif group == "close":
            scan.depth -= 1
        elif group == "end":
            scan.ended = True
        elif word and not scan.kind:
            scan.kind = word
        elif word and (previous, word) in (("INTO", "OUTFILE"), ("FROM", "INFILE")):
            raise EngineError.of(
                Code.BAD_ARGUMENTS,
                f"{previous} {word} is not allowed over HTTP: the file would be the server's.",
            )
        elif scan.kind == "WITH" and scan.depth == 0 and (previous, word) == ("INSERT", "INTO"):
            scan.kind, scan.from_query = "INSERT", True
        elif scan.kind == "INSERT" and scan.depth == 0 and not scan.from_query:
            if word in _SOURCES:
                scan.from_query = True
            elif word == "VALUES" and previous not in ("INTO", "TABLE", "."):
                return Statement(
                    "INSERT", text[: token.start()].rstrip(), "Values", True, text[token.end() :]
                )
            elif previous == "FORMAT" and word:
                return _insert(scan, token, token.group().decode())
        _follow_format(scan, token, word, previous)
        previous = word or token.group()[:64].decode(errors="replace")
    return _whole(scan)


def _check_function(name: str, scan: _Scan) -> None:
    if name.strip('`"').upper() == "INPUT" and scan.kind == "INSERT" and scan.from_query:
        raise EngineError.of(
            Code.NOT_IMPLEMENTED,
            "INSERT ... SELECT ... FROM input() is not supported by the embedded server: the engine would "
            "drop the data. Insert into a temporary table of a session first, and select from that.",
        )


def _follow_format(scan: _Scan, token: re.Match[bytes], word: str, previous: str) -> None:
    """Remember the last `FORMAT name` outside brackets, and what follows it."""
    if scan.format_name is not None and not scan.after_format and token.lastgroup != "end":
        scan.after_format = word or "?"
    if previous == "FORMAT" and word and scan.depth == 0 and scan.kind != "FORMAT":
        scan.format_name, scan.after_format = token.group().decode(), ""
    elif word == "FORMAT" and scan.depth == 0:
        scan.format_at = token.start()


def _insert(scan: _Scan, token: re.Match[bytes], name: str) -> Statement:
    """Read an INSERT with FORMAT: its data starts after the name, blanks on that line and one line end."""
    rest = scan.text[token.end() :].lstrip(b" \t\f")
    for line_end in (b"\r\n", b"\n"):
        if rest.startswith(line_end):
            rest = rest[len(line_end) :]
            break
    return Statement("INSERT", scan.text[: scan.format_at].rstrip(), name, True, rest)


def _whole(scan: _Scan) -> Statement:
    if not scan.kind:
        raise EngineError.of(Code.SYNTAX_ERROR, "Empty query.")
    if scan.kind == "INSERT" and not scan.from_query:
        return Statement("INSERT", scan.text.rstrip().rstrip(b";"), None, True, b"")
    format_name = scan.format_name if scan.after_format in ("", "SETTINGS") else None
    return Statement(scan.kind, scan.text, format_name, False, b"")
