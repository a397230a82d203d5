"""The codecs of Kafka: what our two clients need to read and write each, what of it is missing, and how ours are written.

Owns that table, and the effort that goes into lz4. It must not connect. Any producer may choose any codec, and a broker may
write a topic anew in another one, so a process that lacks one must not begin: it would end at the first such record.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, NamedTuple, get_args

from aiokafka import codec as of_aiokafka
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from kafka import codec as of_kafka_python

from streams.settings import Compression


class Needs(NamedTuple):
    """Whether a client can read a codec, and the package that lets it do so."""

    readable: Callable[[], bool]
    package: str


NEEDS: Final[Mapping[Compression, tuple[Needs, ...]]] = {
    "none": (),
    "gzip": (),
    "snappy": (
        Needs(of_aiokafka.has_snappy, "cramjam"),
        Needs(of_kafka_python.has_snappy, "python-snappy"),
    ),
    "lz4": (
        Needs(of_aiokafka.has_lz4, "cramjam"),
        Needs(of_kafka_python.has_lz4, "lz4"),
    ),
    "zstd": (
        Needs(of_aiokafka.has_zstd, "cramjam"),
        Needs(of_kafka_python.has_zstd, "zstandard"),
    ),
}
"""Of each codec what aiokafka (the workers) and kafka-python (the tools) need beside themselves."""

_NUMBERS: Final[Mapping[Compression, int]] = {
    name: number for number, name in enumerate(get_args(Compression))
}
"""Kafka's own numbers, as in the attributes of a record batch."""

_LZ4_LEVEL: Final = 1
"""aiokafka takes 9, at ten times the processor time for an eighth less (docs/decisions/0015-compression.md)."""


def missing() -> dict[str, list[str]]:
    """Return the codecs that cannot be read by both clients, each with the packages that it lacks; empty when all is well."""
    lacking = {
        name: [needs.package for needs in clients if not needs.readable()] for name, clients in NEEDS.items()
    }
    return {name: packages for name, packages in lacking.items() if packages}


def problem() -> str:
    """Return which codecs cannot be read here, and what to install; empty when all can."""
    lacking = missing()
    if not lacking:
        return ""
    packages = " ".join(dict.fromkeys(package for each in lacking.values() for package in each))
    return (
        f"records compressed with {', '.join(lacking)} cannot be read here, and any producer may send them: install "
        f"{packages} (`pip install {packages}`), which `pip install behoudlijn` brings. Starting again does not help before that"
    )


def batch_number(compression: Compression) -> int:
    """Return the number by which a record batch names its codec."""
    return _NUMBERS[compression]


def spare_effort() -> None:
    """Let aiokafka write lz4 at `_LZ4_LEVEL`, for which it has no option. For a process that produces; repeatable."""
    builder = sys.modules[DefaultRecordBatchBuilder.__module__]  # compiled or in plain Python
    builder.lz4_encode = partial(of_aiokafka.lz4_encode, level=_LZ4_LEVEL)  # type: ignore[attr-defined]
