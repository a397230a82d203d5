"""The mark among a partition's states that its triggers are the desks' from now on: its open episodes were handed to them.

Owns its key and bytes. A release that knows of no desks refuses the key by name and does not start, so that nobody publishes beside them.
"""

from struct import Struct
from typing import Final

from streams.core.state import FOREVER, RESERVED

HANDED_OVER: Final = RESERVED + "desks"
_VERSION: Final = 130
"""No state's, so that release 0.2.0, which takes every key for a customer's, refuses it too."""
_MARK: Final = Struct("<B6xq")
"""Version, and the due time where a state has it (`state.due_of`)."""
MARK: Final = _MARK.pack(_VERSION, FOREVER)
