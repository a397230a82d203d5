"""`csv.reader` with `orjson.dumps`, and `convert` of the same file: how fast each is, in turns in one process."""

from __future__ import annotations

import csv
import gc
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import orjson

from streams.conversion.run import Conversion
from streams.files.garbage import seldom_collected
from streams.files.sorting import Sorter
from streams.mappings import load_mapping
from tests.benchmarks.say import arguments, say

TURNS: Final = 5


def plain(source: str, out: str) -> None:
    """What nobody can do without: read the cells, and write as many lines of JSON."""
    with Path(source).open(encoding="utf-8", newline="") as table, Path(out).open("wb") as stream:
        reader = csv.reader(table, delimiter=";")
        names = next(reader)
        stream.writelines(orjson.dumps(dict(zip(names, row, strict=True))) + b"\n" for row in reader)


def convert(mapping: str, source: str, out: str) -> None:
    """What `behoudlijn convert` does: times and words understood, each event held against the schema, in the order of time."""
    conversion = Conversion(load_mapping(mapping))
    with seldom_collected(), Sorter() as sorter, Path(out).open("wb") as stream:
        for converted in conversion.events([source]):
            sorter.add(converted.made)
        stream.writelines(sorter.lines())


def seconds(work: Callable[..., None], *arguments: str) -> float:
    """Return the processor time of a call."""
    gc.collect()
    began = time.process_time()
    work(*arguments)
    return time.process_time() - began


if __name__ == "__main__":
    given = arguments()
    files = given["file"], given["out"]
    turns = [(seconds(plain, *files), seconds(convert, given["mapping"], *files)) for _ in range(TURNS)]
    say("result", plain_seconds=min(a for a, _ in turns), convert_seconds=min(b for _, b in turns))
