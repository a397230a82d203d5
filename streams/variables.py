"""Variables and secret files that are named as if they were ours, and set nothing: misspelt, or of another version.

Owns which names mean something, and what is said of the others. One that is a slip of the pen away from a setting is a mistake:
whoever wrote it believes that it holds. Any other may belong to a newer version that shares the environment in a rolling upgrade, so
it is only told. A new setting must not be a slip away from another one (a test holds that). It must not read a value.
"""

from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Final, NamedTuple

PREFIX: Final = "BEHOUDLIJN_"
SECRETS_DIR: Final = f"{PREFIX}SECRETS_DIR"
_FILE: Final = "_FILE"
_OF_OTHERS: Final = frozenset(
    f"{PREFIX}{name}"
    for name in (
        "FAILPOINT", "COMPILED", "SOURCE",
        "MIGRATE_PASSWORD", "SINK_PASSWORD", "BI_PASSWORD", "COMMENTS_PASSWORD",
    )
)  # fmt: skip
"""Read by tests, builds, and the ClickHouse of compose."""
_OF_TESTS: Final = f"{PREFIX}TEST_"
_SHORT: Final = 6


class Strangers(NamedTuple):
    """Sentences on what is set and means nothing: `mistakes` end a process, `others` are told."""

    mistakes: tuple[str, ...]
    others: tuple[str, ...]


def strangers(environ: Mapping[str, str], settings: Collection[str], secrets: Collection[str]) -> Strangers:
    """Look through variables, and the directory of secrets that they name. `settings`: names as in the class, `secrets` among them."""
    known = {f"{PREFIX}{name.upper()}" for name in settings}
    files = {f"{PREFIX}{name.upper()}{_FILE}" for name in secrets}
    everything = known | files | _OF_OTHERS | {SECRETS_DIR}
    mistakes, others = [], []
    for name in sorted(environ):
        upper = name.upper()
        if upper in everything or upper.startswith(_OF_TESTS) or not _looks_like_ours(upper):
            continue
        if upper.removesuffix(_FILE) in known:
            mistakes.append(
                f"{name}: only secrets are read from files; set {upper.removesuffix(_FILE)} itself"
            )
        elif near := [each for each in sorted(everything) if slip(upper, each)]:
            mistakes.append(f"{name} is no setting; is {' or '.join(near)} meant?")
        else:
            others.append(_told(name, upper, everything))
    directory = environ.get(SECRETS_DIR, "")
    names = {f"{PREFIX}{name.upper()}" for name in settings}
    for file in _files(directory):
        upper = file.upper()
        if upper not in names and (near := [each for each in sorted(names) if slip(upper, each)]):
            mistakes.append(
                f"{Path(directory, file)} is no setting's; is {' or '.join(each.lower() for each in near)} meant?"
            )
    return Strangers(tuple(mistakes), tuple(others))


def slip(given: str, meant: str) -> bool:
    """Return whether `given` is `meant` with a letter or two missing, added, exchanged or in another order; of short names one."""
    length = len(meant.removeprefix(PREFIX))
    return _distance(given, meant) <= (1 if length <= _SHORT else 2)


def _looks_like_ours(upper: str) -> bool:
    first, _, rest = upper.partition("_")
    if upper.replace("_", "").startswith(PREFIX.rstrip("_")):
        return True
    return bool(rest) and _distance(f"{first}_", PREFIX) <= 2


def _told(name: str, upper: str, everything: Iterable[str]) -> str:
    near = get_close_matches(upper, everything, n=2, cutoff=0.75)
    meant = f"; is {' or '.join(near)} meant?" if near else ""
    return f"{name} is no setting of this version, and has no effect{meant}"


def _files(directory: str) -> list[str]:
    if not directory or not Path(directory).is_dir():
        return []
    names = (path.name for path in Path(directory).iterdir())
    return sorted(name for name in names if name.lower().startswith(PREFIX.lower()))


def _distance(one: str, other: str) -> int:
    """Return how many letters were missed, added, exchanged or swapped with their neighbour."""
    if abs(len(one) - len(other)) > 2:
        return 3
    before: list[int] = []
    last = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        row = [i]
        for j, b in enumerate(other, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, last = last, row
    return last[-1]
