"""Each error of ClickHouse, cell by cell: which of the sink's errors it becomes, and in which words."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError, DataError, OperationalError
from hypothesis import given
from hypothesis import strategies as some

from sinks.clickhouse.error_codes import OTHER, PASSING, REASONS, Reason, Verdict, name_of, reason_of
from sinks.clickhouse.failures import failure_of, sink_error
from sinks.contract import SinkError, SinkRefused, SinkUnavailable
from streams.settings import Settings
from streams.telemetry.exit_codes import ExitCode, code_of

CELLS = [(reason, code, name) for reason in REASONS for code, name in reason.codes.items()]
EXITS = {
    Verdict.PASSING: ExitCode.UNAVAILABLE,
    Verdict.OURS: ExitCode.MISFIT,
    Verdict.DEFECT: ExitCode.BUG,
    Verdict.THEIRS: ExitCode.MISFIT,
}
"""With which code a process ends by an error of each verdict."""
KNOWN = {code for _, code, _ in CELLS}
QUOTED = "geheim"


def told(error: Exception, *, answered: bool = False) -> SinkError:
    failure = failure_of(error, answered=answered)
    assert failure is not None
    return sink_error(failure, "db:8123/x", "the insert into fct_calls")


@pytest.mark.parametrize("raised", [DatabaseError, OperationalError])
@pytest.mark.parametrize(("reason", "code", "name"), CELLS, ids=[name for _, _, name in CELLS])
def test_a_code(reason: Reason, code: int, name: str, raised: type[Exception]) -> None:
    said = f"Code: {code}. DB::Exception: near '{QUOTED}' ({name})"
    error = told(raised(said, code=code, name=name))
    verb = "is not available for" if reason.verdict is Verdict.PASSING else "refused"
    assert str(error).startswith(
        f"ClickHouse at db:8123/x {verb} the insert into fct_calls: error {code} {name}, {reason.said}."
    )
    assert str(error).endswith(reason.advice)
    assert QUOTED not in str(error)
    assert code_of(error) is EXITS[reason.verdict]
    if reason.verdict is Verdict.PASSING:
        assert isinstance(error, SinkUnavailable)
        assert error.reason == reason.name
        assert "Nothing is lost" in str(error)
    else:
        assert isinstance(error, SinkRefused)
        assert error.code == code


@pytest.mark.parametrize(
    ("verdict", "codes"),
    [
        (Verdict.PASSING, (75, 76, 198, 201, 210, 241, 242, 243, 244, 252, 319, 341, 394, 999, 1001, 1002)),
        (Verdict.OURS, (16, 47, 60, 62, 115)),
        (Verdict.DEFECT, (6, 26, 27, 117)),
        (Verdict.THEIRS, (81, 164, 192, 193, 194, 497, 516)),
    ],
)
def test_what_was_decided_on_purpose(verdict: Verdict, codes: tuple[int, ...]) -> None:
    assert {code: reason_of(code).verdict for code in codes} == dict.fromkeys(codes, verdict)


@given(some.integers(1, 5000).filter(lambda code: code not in KNOWN))
def test_an_unknown_code_passes_and_is_told_by_the_name_that_the_server_gave(code: int) -> None:
    assert reason_of(code) is OTHER
    assert name_of(code) == ""
    error = told(DatabaseError(f"near '{QUOTED}'", code=code, name="A_NEW_ONE"))
    assert isinstance(error, SinkUnavailable)
    assert error.reason == "other"
    assert f"error {code} A_NEW_ONE, {OTHER.said}" in str(error)


@pytest.mark.parametrize("code", [76, 172, 1001, 9999])
def test_a_full_disk_is_called_that_whatever_the_server_was_doing(code: int) -> None:
    error = told(DatabaseError("Cannot create: errno: 28, strerror: No space left on device", code=code))
    assert isinstance(error, SinkUnavailable)
    assert error.reason == "disk_full"


@pytest.mark.parametrize("status", [302, 400, 401, 403, 404, 408, 429, 500, 502, 503, 504, 520])
def test_an_answer_without_a_code_is_not_clickhouses_and_passes(status: int) -> None:
    said = f"HTTP driver received HTTP status {status}, server response: {QUOTED}"
    for error in (told(DatabaseError(said)), told(OperationalError(said))):
        assert isinstance(error, SinkUnavailable)
        assert error.reason == "not_clickhouse"
        assert f"(HTTP status {status})" in str(error)
        assert QUOTED not in str(error)


def test_a_request_that_a_proxy_finds_too_large_is_never_smaller_the_next_time() -> None:
    error = told(DatabaseError("HTTP driver received HTTP status 413"))
    assert isinstance(error, SinkRefused)
    assert "BEHOUDLIJN_SINK_BATCH_ROWS" in str(error)


@pytest.mark.parametrize(
    "error", [DataError(QUOTED), TypeError(QUOTED), UnicodeDecodeError("utf-8", b"x", 0, 1, QUOTED)]
)
def test_what_the_driver_cannot_read_passes_and_what_it_cannot_send_does_not(error: Exception) -> None:
    reading = told(error, answered=True)
    assert isinstance(reading, SinkUnavailable)
    assert reading.reason == "unreadable"
    assert QUOTED not in str(reading)
    if isinstance(error, DataError):
        assert isinstance(told(error), SinkRefused)
    else:
        assert failure_of(error, answered=False) is None, "a bug is raised as it is"


def test_no_code_has_two_reasons_and_no_two_reasons_one_name() -> None:
    assert [code for code, count in Counter(code for _, code, _ in CELLS).items() if count > 1] == []
    names = [reason.name for reason in REASONS]
    assert len(set(names)) == len(names)
    assert set(PASSING) == {each.name for each in REASONS if each.verdict is Verdict.PASSING}


@pytest.mark.parametrize("reason", REASONS, ids=lambda reason: reason.name)
def test_words_fit_where_they_are_put(reason: Reason) -> None:
    assert re.fullmatch(r"[a-z_]+", reason.name), "a label of a metric"
    assert reason.said[0].islower()
    assert reason.said[-1] not in ".!?"
    assert reason.advice[0].isupper()
    assert reason.advice.endswith(".")
    named = set(re.findall(r"BEHOUDLIJN_(\w+)", reason.advice))
    assert {name.lower() for name in named} <= set(Settings.model_fields)
