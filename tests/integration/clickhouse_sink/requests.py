"""Connections of workers that are killed, or take turns: what happens between two requests to the store is said by the test."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sinks.clickhouse.connection import ClickHouse


class Killed(BaseException):
    """The process ends here: no `except` of the program sees it."""


class Watched(ClickHouse):
    """A connection that calls `before` with each statement, or the table of an insert, before it is sent."""

    def __init__(self, dsn: str, before: Callable[[str], None]) -> None:
        super().__init__(dsn)
        self._before = before

    def query(self, sql: str, *rest: Any, **more: Any) -> list[tuple[Any, ...]]:
        self._before(sql)
        return super().query(sql, *rest, **more)

    def command(self, sql: str, *rest: Any, **more: Any) -> None:
        self._before(sql)
        super().command(sql, *rest, **more)

    def insert(self, table: str, *rest: Any, **more: Any) -> int:
        self._before(table)
        return super().insert(table, *rest, **more)


class Countdown:
    """Kills before the request after the next `left`."""

    def __init__(self, left: int) -> None:
        self.left = left

    def __call__(self, _statement: str) -> None:
        if self.left == 0:
            raise Killed
        self.left -= 1


class Turns:
    """Of several workers the one whose turn it is sends its next request; `order` names one for each turn. Whoever has ended
    lets its turns go."""

    def __init__(self, order: str) -> None:
        self._order = list(order)
        self._ended: set[str] = set()
        self._moved = threading.Condition()

    def of(self, name: str) -> Callable[[str], None]:
        """Return what waits for a worker's turn."""

        def wait(_statement: str) -> None:
            with self._moved:
                assert self._moved.wait_for(lambda: self._next() in (name, None), 30), "no turn"
                if self._order:
                    self._order.pop(0)
                self._moved.notify_all()

        return wait

    @contextmanager
    def working(self, name: str) -> Iterator[None]:
        """For as long as a worker works."""
        try:
            yield
        finally:
            with self._moved:
                self._ended.add(name)
                self._moved.notify_all()

    def _next(self) -> str | None:
        while self._order and self._order[0] in self._ended:
            self._order.pop(0)
        return self._order[0] if self._order else None
