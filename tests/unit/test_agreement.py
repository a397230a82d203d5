"""Which settings must agree, how members tell them, and who goes on where they differ."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from streams.policies import load_policy
from streams.settings import Settings
from streams.state.agreement import AGREED, READING, agreed_of, changes, digest_of, reading_of
from streams.workers.membership import client_id_of, goes_on, strangers, told_by

DEFAULT = load_policy("default")
KEY = "a key of erasures, 16 or more"


def agreed(policy: str = "default", **settings: Any) -> dict[str, str]:
    return dict(agreed_of(Settings(**settings), load_policy(policy)))


OTHERS: dict[str, Any] = {
    "mode": "live",
    "partitions": 9,
    "topic_prefix": "acme.",
    "nobody": "the-shop",
    "future_tolerance_s": 10,
    "language": "nl",
    "erasure_key": KEY,
    "retention_ms": -1,
}


@pytest.mark.parametrize(("name", "value"), OTHERS.items())
def test_each_setting_that_decides_makes_another_digest(name: str, value: object) -> None:
    before, now = agreed(), agreed(**{name: value})
    assert digest_of(before) != digest_of(now)
    named = {"retention_ms": "erasure_keep_ms"}.get(name, name)
    assert [each.name for each in changes(before, now)] == [named]


def test_every_row_has_a_case(tmp_path: Path) -> None:
    (tmp_path / "fr.ftl").write_text("a = b", encoding="utf-8")
    assert AGREED["phrases"].of(Settings(phrases=tmp_path)) != AGREED["phrases"].of(Settings())
    assert AGREED.keys() == {*OTHERS, "erasure_keep_ms", "phrases"} - {"retention_ms"}
    assert READING.keys() < AGREED.keys()


def test_settings_that_decide_nothing_are_no_difference() -> None:
    assert agreed() == agreed(max_batch=7, session_timeout_s=20, heartbeat_s=1, dead_letter_limit="off")


def test_two_policies_differ_by_label() -> None:
    (change,) = changes(agreed(), agreed("four-unresolved-calls"))
    assert str(change) == f"policy {DEFAULT.label} → {load_policy('four-unresolved-calls').label}"
    assert not change.fixed


def test_other_partitions_need_other_states() -> None:
    assert [each.fixed for each in changes(agreed(), agreed(partitions=9))] == [True]


def test_secrets_show_as_fingerprints_only() -> None:
    told = agreed(erasure_key=KEY)
    assert KEY not in str(told)
    dsn = "clickhouse://user:secret@host:8123/behoudlijn"
    assert reading_of(Settings(clickhouse_dsn=dsn))["database"] == "/behoudlijn"
    assert "secret" not in str(reading_of(Settings(clickhouse_dsn="clickhouse://user:secret@host:8123")))


def test_a_record_of_an_older_worker_tells_of_no_change() -> None:
    assert changes({}, agreed()) == []


LIVE, SHADOW = (client_id_of("signals", agreed(mode=mode)) for mode in ("live", "shadow"))
OTHER_POLICY = client_id_of("signals", agreed("four-unresolved-calls"))
NEXT_RELEASE = client_id_of("signals", agreed() | {"one more": "setting"})


def test_a_client_id_shows_the_mode_and_a_digest() -> None:
    assert LIVE.startswith("behoudlijn-signals-live-")
    assert client_id_of("sink", reading_of(Settings())).startswith("behoudlijn-sink-")
    told = told_by(LIVE)
    assert told is not None
    assert told.mode == "live"


def test_members_with_other_settings_are_strangers() -> None:
    assert strangers(SHADOW, [SHADOW, LIVE, LIVE, OTHER_POLICY]) == sorted([LIVE, OTHER_POLICY])


@pytest.mark.parametrize("name", ["faust-0.15.3", "behoudlijn-members", "", "behoudlijn-signals-live-xyz"])
def test_a_member_that_tells_nothing_is_let_be(name: str) -> None:
    assert strangers(SHADOW, [name]) == []


def test_a_release_that_compares_other_settings_is_let_be_but_for_its_mode() -> None:
    assert strangers(SHADOW, [NEXT_RELEASE]) == []
    assert strangers(LIVE, [NEXT_RELEASE]) == [NEXT_RELEASE]


def test_of_those_who_meet_exactly_one_kind_goes_on_and_shadow_before_live() -> None:
    everyone = [LIVE, SHADOW, OTHER_POLICY]
    on = [each for each in everyone if goes_on(each, [other for other in everyone if other != each])]
    assert len(on) == 1
    assert not goes_on(LIVE, [SHADOW])
    assert goes_on(SHADOW, [LIVE])
