"""Nothing that is decided, published or written changes by a byte, unless on purpose (`python -m tests.golden`)."""

import pytest

from tests.golden import CASES, Case, hashes_of, recorded

EVERY_DAY = [case for case in CASES if case.partitions == 3 or not case.history.startswith("simulated")]
"""All but four that take half a minute each: `make golden-pythons` has those too."""


@pytest.mark.timeout(600)
@pytest.mark.parametrize("case", EVERY_DAY, ids=[case.name for case in EVERY_DAY])
def test_known_histories_lead_to_the_recorded_bytes(case: Case) -> None:
    assert hashes_of(case) == recorded()[case.name]
