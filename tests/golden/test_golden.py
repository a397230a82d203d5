"""Nothing that is decided, published or written changes by a byte, unless on purpose (`python -m tests.golden`)."""

import pytest

from tests.golden import CASES, Case, hashes_of, recorded


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_known_histories_lead_to_the_recorded_bytes(case: Case) -> None:
    assert hashes_of(case) == recorded()[case.name]
