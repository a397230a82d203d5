"""What a worker waits for: the stack of every task, for a worker that stands still without an error.

Owns the walk from a task to the innermost thing that it awaits. It shows places in the code only, never a value.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_INNERMOST = 8
"""Places shown of a task."""


def tasks(*loops: asyncio.AbstractEventLoop) -> list[str]:
    """Return every task of these event loops that is not done: its name, and where it waits, outermost first. From any thread."""
    return sorted(_told(task) for loop in loops for task in asyncio.all_tasks(loop))


def _told(task: "asyncio.Task[Any]") -> str:
    places = list(_places(task.get_coro()))
    return f"{task.get_name()}: " + " > ".join(places[-_INNERMOST:])


def _places(awaited: Any) -> Iterator[str]:
    while awaited is not None:
        for kind, awaits in (
            ("cr_frame", "cr_await"),
            ("gi_frame", "gi_yieldfrom"),
            ("ag_frame", "ag_await"),
        ):
            if hasattr(awaited, kind):
                frame = getattr(awaited, kind)
                if frame is not None:
                    code = frame.f_code
                    yield f"{Path(code.co_filename).stem}.{code.co_name}:{frame.f_lineno}"
                awaited = getattr(awaited, awaits)
                break
        else:
            yield type(awaited).__name__
            return
