"""How a metric is declared: once, in the body of a class, from which its attribute and everything told of it follow.

Owns what a declaration says and how the metric is made from it; which metrics there are stands in `metrics`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar, overload

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_M = TypeVar("_M", Counter, Gauge, Histogram)


@dataclass(frozen=True, slots=True)
class Declaration(Generic[_M]):
    """One metric. Read from the class it is the declaration itself, read from an instance the metric that was made."""

    type_: type[_M]
    name: str
    """What Prometheus stores, unit and `_total` included."""
    unit: str
    meaning: str
    """A sentence: the help of the metric, and its row in docs/metrics.md."""
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    """Upper bounds, rising, of a histogram; in the unit."""

    @property
    def kind(self) -> str:
        """Prometheus' name of the type: counter, gauge or histogram."""
        return self.type_.__name__.lower()

    @property
    def series(self) -> frozenset[str]:
        """The names under which a query may ask for it."""
        if self.type_ is not Histogram:
            return frozenset({self.name})
        return frozenset(f"{self.name}_{part}" for part in ("bucket", "sum", "count"))

    def made_on(self, registry: CollectorRegistry) -> _M:
        """Return the metric, new. Raises ValueError when `registry` has one of this name."""
        options: dict[str, Any] = {"buckets": self.buckets} if self.buckets else {}
        return self.type_(self.name, self.meaning, self.labels, registry=registry, **options)

    @overload
    def __get__(self, instance: None, owner: type) -> Declaration[_M]: ...
    @overload
    def __get__(self, instance: object, owner: type) -> _M: ...
    def __get__(self, instance: object | None, owner: type) -> Declaration[_M] | _M:
        # There is no __set__, so an instance that has made its metric holds it under this name, and is asked first.
        if instance is None:
            return self
        raise AttributeError(f"{self.name} is not made yet")
