"""The answer to a command: kept so that the same command gets the same answer, and made into a record for whoever sent it.

Owns its bytes and its record. What it grants is named by the trigger's id, so that nothing personal is kept in it.
"""

from struct import Struct
from typing import Any, Final, NamedTuple

import orjson

from schemas.instants import to_datetime
from schemas.reply import Result
from streams.core.state import NEVER, RESERVED, BrokenStateError

_PREFIX: Final = RESERVED + "answer:"
_HEAD: Final = Struct("<B6xq")
_VERSION: Final = 1


class Answer(NamedTuple):
    """What was said to a command. Times in ms."""

    at: int
    result: Result
    reason: str = ""
    """Why it was refused."""
    trigger_id: str = ""
    sequence: int = 0
    """Of the trigger's record that says the same."""
    until: int = NEVER
    """When the lease is over."""

    @property
    def changed(self) -> bool:
        """Whether the command changed something."""
        return self.result != "refused"


def key_of(claimant: str, command_id: str) -> str:
    """Return the key under which the answer is kept: a claimant names its commands itself."""
    return f"{_PREFIX}{claimant}\0{command_id}"


def is_answer(key: str) -> bool:
    """Return whether a key among the lives is that of an answer."""
    return key.startswith(_PREFIX)


def encode(answer: Answer, due: int) -> bytes:
    """Return its bytes; `due` (ms): when it may go."""
    return _HEAD.pack(_VERSION, due) + orjson.dumps(list(answer))


def due_of(data: bytes) -> int:
    """Return when (ms) it may go."""
    return int(_HEAD.unpack_from(data)[1])


def decode(data: bytes) -> Answer:
    """Return the answer of these bytes. Raises BrokenStateError.

    >>> decode(encode(Answer(5, "refused", "too_old"), 9)).reason
    'too_old'
    """
    try:
        return Answer(*orjson.loads(data[_HEAD.size :]))
    except (orjson.JSONDecodeError, TypeError):
        raise BrokenStateError("an answer is not what a release stage writes") from None


def record(claimant: str, command_id: str, answer: Answer, trigger: dict[str, Any] | None) -> bytes:
    """Return the record for the claimant, as JSON; `trigger`: the fields of what was granted, while there are any."""
    return orjson.dumps(
        {
            "type": "reply",
            "schema_version": 1,
            "claimant": claimant,
            "command_id": command_id,
            "result": answer.result,
            "reason": answer.reason or None,
            "trigger_id": answer.trigger_id or None,
            "sequence": answer.sequence or None,
            "until": None if answer.until == NEVER else to_datetime(answer.until),
            "answered_at": to_datetime(answer.at),
            "trigger": trigger,
        },
        option=orjson.OPT_UTC_Z,
    )
