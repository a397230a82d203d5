"""What a failure is called in the log: one sentence, without anything of a record in it.

Owns which exceptions may speak for themselves: our own and the Kafka client's, which name topics and settings. Any other
is a bug, and its text may quote what it stumbled over: of that only type and place are told.
"""

import traceback
from typing import Final

from aiokafka.errors import GroupAuthorizationFailedError, TopicAuthorizationFailedError

_OURS: Final = frozenset({"aiokafka", "deploy", "sinks", "streams"})


def explains_itself(error: BaseException) -> bool:
    """Return whether the text of `error` is made for people and holds no data."""
    return isinstance(error, OSError) or type(error).__module__.partition(".")[0] in _OURS


def reason(error: BaseException) -> str:
    """Return what happened, and where it helps, what to do."""
    name = type(error).__name__
    match error:
        case TopicAuthorizationFailedError() | GroupAuthorizationFailedError():
            kind = "topic" if isinstance(error, TopicAuthorizationFailedError) else "group"
            return (
                f"{name}: Kafka does not let us use the {kind} {_names(error)} any more; "
                "`behoudlijn topics acls` prints the rights that a worker needs"
            )
        case _ if explains_itself(error):
            return f"{name}: {error}"
        case _:
            return f"{name}{_place(error)}: a bug, please report it (its text is withheld: it may quote a record)"


def frames(error: BaseException) -> str:
    """Return a traceback with every exception's type and none of their texts, the first cause first."""
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    before = frames(cause) if cause is not None else ""
    text = str(error) if explains_itself(error) else "[withheld]"
    stack = "".join(traceback.format_tb(error.__traceback__))
    return f"{before}{stack}{type(error).__module__}.{type(error).__qualname__}: {text}\n"


def _names(error: BaseException) -> str:
    found: list[str] = []
    for part in error.args:
        found += sorted(map(str, part)) if isinstance(part, set | frozenset | list | tuple) else [str(part)]
    return ", ".join(found)


def _place(error: BaseException) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1:]
    return "".join(f" at {frame.filename}:{frame.lineno} in {frame.name}" for frame in last)
