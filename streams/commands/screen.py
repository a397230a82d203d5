"""What a person reads on the terminal: tables and sentences that fit its width, whole lines where somebody reads them by a program.

Owns the width, and that texts of strangers are shown as they are: neither as markup nor as commands to the terminal.
"""

from __future__ import annotations

import os
from typing import Any, Final

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Column, Table
from rich.text import Text

_UNBOUNDED: Final = 100_000
"""Columns of an output that is no terminal: nothing is wrapped or cut, as `grep` and editors want it."""
_LINES: Final = 25
_CONTROLS: Final = {
    code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"
} | {code: f"\\u{code:04x}" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}
"""What would command a terminal, or turn the direction of a line, and how it is shown."""


class Screen(Console):
    """Standard output, or standard error. As wide as the terminal, or as COLUMNS says."""

    def __init__(self, *, stderr: bool = False, **more: Any) -> None:
        super().__init__(stderr=stderr, markup=False, highlight=False, emoji=False, **more)
        if "width" not in more and not self.is_terminal and "COLUMNS" not in os.environ:
            self.width, self.height = _UNBOUNDED, _LINES  # both, or a terminal that is called dumb counts 80

    def render_str(self, text: str, **more: Any) -> Text:
        """Make a text of strangers one that can be shown."""
        return super().render_str(shown(text), **more)

    def on_broken_pipe(self) -> None:
        """Leave it to `ending` what happens when the reader has gone."""
        raise BrokenPipeError


def shown(text: str) -> str:
    """Return a text in which control characters are written out."""
    return text.translate(_CONTROLS)


def moment(ms: int | None) -> str:
    """Return a time (ms) to the second, in UTC; `-` for none."""
    from schemas.instants import to_datetime

    return "-" if ms is None else f"{to_datetime(ms):%Y-%m-%d %H:%M:%S}"


class Listing(Table):
    """A table below its heading, which may be wider than the table is: an id is not broken for that."""

    heading: str = ""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Render heading and table."""
        if self.heading:
            yield console.render_str(self.heading, style="bold", overflow="fold")
        yield from super().__rich_console__(console, options)


def listing(*columns: Column | str, title: str = "") -> Listing:
    """Return an empty table in the manner of all."""
    table = Listing(*columns)
    table.heading = title
    return table


def words(header: str, *, narrowest: int | None = None) -> Column:
    """Return a column of sentences, which give way when the terminal is narrow: their lines break between words."""
    return Column(header, overflow="fold", min_width=narrowest)


def whole(header: str, *, right: bool = False) -> Column:
    """Return a column that decides, and is never broken: numbers, times, codes."""
    return Column(header, no_wrap=True, justify="right" if right else "left")
