"""The records that are published, as JSON: byte for byte what the models in `schemas` would write, without making models.

Owns the form. The fields come in the models' order, from events and policies that were validated when they were read, so
they are not validated again; tests hold every record to its model. A score that is none raises, since only arithmetic
stands before it.
"""

from typing import Any

import orjson


def record_json(fields: dict[str, Any]) -> bytes:
    """The JSON of a record, whose datetimes are in UTC. Raises ValueError when its score is no probability."""
    if not 0.0 <= fields["score"] <= 1.0:
        raise ValueError(f"a score of {fields['score']} cannot be published: it must lie between 0 and 1")
    return orjson.dumps(fields, option=orjson.OPT_UTC_Z)
