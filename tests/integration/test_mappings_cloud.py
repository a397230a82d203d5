"""The mappings of clouds and tables on the samples beside the documentation: what comes out, in bytes and in words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from streams.conversion.refusals import Refusal
from streams.files.ndjson import Line, check_line
from tests.converted import converted, converted_with_counts

SAMPLES = Path(__file__).parents[2] / "docs" / "examples" / "exports"
FILES = {
    "amazon-connect": ("contact-records.json",),
    "stripe-events": ("webhooks.ndjson", "events-page.json"),
    "calls-table": ("gesprekken.csv",),
    "surveys-table": ("responses.csv",),
}
PLACES = {name: [str(SAMPLES / name / each) for each in files] for name, files in FILES.items()}
CALL = {
    "ContactId": "a",
    "InitialContactId": None,
    "NextContactId": None,
    "InitiationMethod": "INBOUND",
    "Channel": "VOICE",
    "CustomerEndpoint": {"Type": "TELEPHONE_NUMBER", "Address": "+31612345678"},
    "DisconnectTimestamp": "2025-11-03T09:00:00Z",
    "LastUpdateTimestamp": "2025-11-03T09:01:00Z",
}
SUBSCRIPTION = {"customer": "cus_1", "cancel_at": None, "cancel_at_period_end": False, "status": "active"}


def read(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in converted(name, *PLACES[name])]


def of(path: Path, name: str, *records: dict[str, Any]) -> list[dict[str, Any]]:
    """Convert records that a test makes."""
    path.write_text("".join(map(json.dumps, records)), encoding="utf-8")
    return [json.loads(line) for line in converted(name, str(path))]


@pytest.mark.parametrize("name", FILES)
def test_samples_give_the_golden_events_each_time(name: str) -> None:
    golden = (SAMPLES / name / "events.ndjson").read_bytes().splitlines()
    assert converted(name, *PLACES[name]) == golden
    assert converted(name, *reversed(PLACES[name])) == golden


@pytest.mark.parametrize("name", FILES)
def test_the_decoder_of_the_workers_accepts_all_and_no_record_is_refused(name: str) -> None:
    lines, counts = converted_with_counts(name, *PLACES[name])
    for number, line in enumerate(lines, 1):
        check_line(Line(name, number, line))
    assert counts.rejections.total == 0


@pytest.mark.parametrize("name", FILES)
def test_an_id_comes_twice_only_if_a_record_was_sent_again(name: str) -> None:
    ids = [(event["type"], event["event_id"]) for event in read(name)]
    again = sorted({each[1] for each in ids if ids.count(each) > 1})
    assert again == {
        "amazon-connect": ["00000001-0000-4000-8000-000000000001"],
        "stripe-events": ["evt_example0001"],
        "surveys-table": ["r-2002"],
    }.get(name, [])


def test_every_sample_says_that_it_was_made() -> None:
    for name in FILES:
        assert "We made" in (SAMPLES / name / "README.md").read_text(encoding="utf-8")


class TestAmazonConnect:
    """Contact records."""

    NAME = "amazon-connect"

    def by_id(self, number: int) -> list[dict[str, Any]]:
        return [event for event in read(self.NAME) if event["event_id"].startswith(f"{number:08x}-")]

    def test_a_chain_is_one_contact_under_the_id_of_its_first_record(self) -> None:
        [call] = self.by_id(3)
        assert not self.by_id(4) + self.by_id(5)
        assert (call["transfers"], call["wait_seconds"], call["talk_seconds"]) == (2, 270, 980)
        assert (call["occurred_at"], call["queue"]) == ("2025-11-03T09:36:15Z", "Retention")
        assert call["direction"] == "inbound"
        assert call["cancel_intent"] is True

    def test_a_record_that_was_sent_again_is_the_same_event_in_a_later_revision(self) -> None:
        first, second = self.by_id(1)
        assert first["occurred_at"] == second["occurred_at"]
        assert first["revised_at"] < second["revised_at"]
        assert (first["resolved"], second["resolved"]) == (False, True)

    def test_a_chain_bears_the_revision_of_whichever_part_was_updated_last(self, tmp_path: Path) -> None:
        chain = [
            CALL | {"NextContactId": "b", "LastUpdateTimestamp": "2025-11-03T09:30:00Z"},
            CALL | {"ContactId": "b", "InitialContactId": "a", "InitiationMethod": "TRANSFER"},
        ]
        [call] = of(tmp_path / "chain.json", self.NAME, *chain)
        assert (call["event_id"], call["transfers"]) == ("a", 1)
        assert call["revised_at"] == "2025-11-03T09:30:00Z"

    def test_records_one_a_line_are_read_as_those_without_line_ends(self, tmp_path: Path) -> None:
        [sample] = PLACES[self.NAME]
        lines = tmp_path / "lines.json"
        lines.write_text(Path(sample).read_text(encoding="utf-8").replace("}{", "}\n{"), encoding="utf-8")
        assert len(lines.read_bytes().splitlines()) == 21
        assert converted(self.NAME, str(lines)) == converted(self.NAME, sample)

    def test_a_part_that_comes_much_later_alone_changes_nothing(self, tmp_path: Path) -> None:
        chain = [
            CALL | {"NextContactId": "b"},
            CALL | {"ContactId": "b", "InitialContactId": "a", "InitiationMethod": "TRANSFER"},
            CALL | {"ContactId": "z", "LastUpdateTimestamp": "2025-11-05T08:59:00Z"},
            CALL | {"NextContactId": "b", "LastUpdateTimestamp": "2025-11-05T09:00:00Z"},
        ]
        path = tmp_path / "late.json"
        path.write_text("".join(map(json.dumps, chain)), encoding="utf-8")
        lines, counts = converted_with_counts(self.NAME, str(path))
        found = {event["event_id"]: event["transfers"] for event in map(json.loads, lines)}
        assert (len(lines), found) == (2, {"a": 1, "z": 0})
        assert (counts.unfinished, counts.rejections.total) == (1, 0)

    def test_a_first_record_that_names_itself_is_the_first_one_too(self, tmp_path: Path) -> None:
        [call] = of(tmp_path / "self.json", self.NAME, CALL | {"InitialContactId": "a"})
        assert call["event_id"] == "a"

    def test_who_waits_and_gives_up_has_abandoned(self) -> None:
        abandoned = [event["event_id"][:8] for event in read(self.NAME) if event.get("abandoned")]
        assert abandoned == ["00000002"]

    def test_nobody_waits_on_the_line_for_a_callback_that_they_chose(self) -> None:
        [call] = self.by_id(17)
        assert not self.by_id(18)
        assert (call["wait_seconds"], call["transfers"], call["direction"]) == (180, 0, "inbound")

    def test_our_own_callbacks_are_outcomes_and_no_contacts(self) -> None:
        ours = [event for number in range(11, 17) for event in self.by_id(number)]
        assert {event["type"] for event in ours} == {"outcome"}
        said = [(event["trigger_id"], event["attempt"], event["disposition"]) for event in ours]
        assert said == [
            ("tr-example-1", 1, "NO_ANSWER"),
            ("tr-example-1", 2, "MACHINE"),
            ("tr-example-1", 3, "ANSWERED_HUMAN"),
            ("tr-example-2", 1, "ABANDONED"),
            ("tr-example-4", 1, "DO_NOT_CALL"),
        ]

    @pytest.mark.parametrize(
        ("record", "disposition"),
        [
            ({}, "NO_ANSWER"),
            ({"ConnectedToSystemTimestamp": "2025-11-03T08:55:00Z"}, "ABANDONED"),
            ({"AnsweringMachineDetectionStatus": "SIT_TONE_BUSY"}, "BUSY"),
            ({"AnsweringMachineDetectionStatus": "SIT_TONE_INVALID_NUMBER"}, "INVALID_NUMBER"),
            ({"AnsweringMachineDetectionStatus": "FAX_MACHINE_DETECTED"}, "MACHINE"),
            ({"AnsweringMachineDetectionStatus": "AMD_UNRESOLVED"}, "NO_ANSWER"),
            ({"AnsweringMachineDetectionStatus": "AMD_ERROR"}, None),
            ({"AnsweringMachineDetectionStatus": "ERROR"}, None),
            ({"DisconnectReason": "TELECOM_BUSY"}, "BUSY"),
            ({"DisconnectReason": "TELECOM_PROBLEM"}, None),
            ({"DisconnectReason": "EXPIRED"}, None),
        ],
    )
    @pytest.mark.parametrize("spoke", [False, True])
    def test_dispositions(
        self, tmp_path: Path, record: dict[str, Any], disposition: str | None, spoke: bool
    ) -> None:
        attributes = {"behoudlijn_trigger_id": "t-1"}
        made = CALL | {"InitiationMethod": "API", "Attributes": attributes} | record
        certain = disposition in ("BUSY", "INVALID_NUMBER", "MACHINE")
        if spoke:
            made["Agent"] = {"ConnectedToAgentTimestamp": "2025-11-03T08:56:00Z"}
            disposition = disposition if certain else "ANSWERED_HUMAN"
        events = of(tmp_path / "own.json", self.NAME, made)
        assert [event["disposition"] for event in events] == ([disposition] if disposition else [])

    @pytest.mark.parametrize(
        ("channel", "method", "direction"),
        [
            ("VOICE", "INBOUND", "inbound"),
            ("VOICE", "OUTBOUND", "outbound"),
            ("VOICE", "API", "outbound"),
            ("VOICE", "CALLBACK", "outbound"),
            ("VOICE", "WEBRTC_API", "inbound"),
            ("VOICE", "MONITOR", None),
            ("CHAT", "API", "inbound"),
            ("EMAIL", "AGENT_REPLY", "outbound"),
            ("TASK", "API", None),
        ],
    )
    def test_who_began(self, tmp_path: Path, channel: str, method: str, direction: str | None) -> None:
        made = CALL | {"Channel": channel, "InitiationMethod": method}
        events = of(tmp_path / "one.json", self.NAME, made)
        assert [event["direction"] for event in events] == ([direction] if direction else [])

    @pytest.mark.parametrize(
        ("address", "customer"),
        [
            ("+31612345678", "+31612345678"),
            ("+266696687", None),
            ("anonymous", None),
            ("sip:17@pbx.example", None),
        ],
    )
    def test_whose(self, tmp_path: Path, address: str, customer: str | None) -> None:
        [call] = of(tmp_path / "one.json", self.NAME, CALL | {"CustomerEndpoint": {"Address": address}})
        assert call["customer_id"] == customer

    def test_a_chain_whose_rest_is_missing_is_kept_for_the_next_time(self, tmp_path: Path) -> None:
        kept: list[Refusal] = []
        _, counts = converted_with_counts(self.NAME, *PLACES[self.NAME], refuse=kept.append)
        assert (counts.unfinished_contacts, counts.passed_over) == (1, 2)
        [rest] = kept
        last = CALL | {"ContactId": f"{20:08x}-0000-4000-8000-0000000000{20:02x}"}
        last |= {"InitialContactId": json.loads(rest.raw)["ContactId"], "InitiationMethod": "TRANSFER"}
        [call] = of(tmp_path / "both.json", self.NAME, json.loads(rest.raw), last)
        assert call["transfers"] == 1


class TestStripeEvents:
    """Cancellations."""

    NAME = "stripe-events"

    def stages(self, customer: str) -> list[tuple[str, str, str | None]]:
        return [
            (event["stage"], event.get("reason", "unknown"), event.get("effective_at"))
            for event in read(self.NAME)
            if event["customer_id"] == customer
        ]

    def test_asked_kept_asked_again_and_gone(self) -> None:
        end = "2025-11-05T10:00:00Z"
        assert self.stages("K-2001") == [
            ("requested", "price", end),
            ("requested", "price", end),  # the same event, sent again
            ("withdrawn", "unknown", None),
            ("requested", "competitor_offer", end),
            ("confirmed", "competitor_offer", end),
        ]

    @pytest.mark.parametrize("customer", ["cus_example2", "cus_example3", "cus_example8", "cus_test"])
    def test_neither_failed_payments_nor_other_changes_nor_tests_are_cancellations(
        self, customer: str
    ) -> None:
        assert self.stages(customer) == []

    def test_a_day_that_is_moved_is_a_request_for_the_new_day(self) -> None:
        assert [each[2] for each in self.stages("cus_example4")] == [
            "2025-12-31T23:00:00Z",
            "2026-01-31T23:00:00Z",
        ]

    def test_an_end_without_a_reason_counts_if_it_was_announced(self) -> None:
        assert self.stages("cus_example5") == []
        assert [each[0] for each in self.stages("cus_example6")] == ["requested", "confirmed"]

    def test_an_end_at_once_is_confirmed_with_what_the_customer_said(self) -> None:
        assert self.stages("cus_example7") == [("confirmed", "service", "2025-11-24T12:00:00Z")]

    @pytest.mark.parametrize(
        ("before", "after", "stage"),
        [
            ({"cancel_at_period_end": False}, {"cancel_at_period_end": True}, "requested"),
            ({"cancel_at": None}, {"cancel_at": 1798000000}, "requested"),
            ({"cancel_at": 1798000000}, {"cancel_at": None}, "withdrawn"),
            (
                {"cancel_at_period_end": True},
                {"cancel_at": 1798000000},
                None,
            ),  # to a day, which it had already
            ({"cancel_at_period_end": True, "cancel_at": 1797000000}, {"cancel_at": 1798000000}, "requested"),
            ({"cancel_at": 1797000000}, {"cancel_at_period_end": True}, None),
            ({"cancel_at": 1797000000}, {"status": "canceled"}, None),
            ({"status": "past_due"}, {"cancel_at_period_end": True}, None),  # announced before
            (None, {"cancel_at_period_end": True}, None),
        ],
    )
    def test_what_changed_decides(
        self, tmp_path: Path, before: dict[str, Any] | None, after: dict[str, Any], stage: str | None
    ) -> None:
        event = {"id": "evt_1", "object": "event", "created": 1796000000, "livemode": True}
        event |= {"type": "customer.subscription.updated", "data": {"object": SUBSCRIPTION | after}}
        if before is not None:
            event["data"]["previous_attributes"] = before  # type: ignore[index]
        found = of(tmp_path / "one.json", self.NAME, event)
        assert [each["stage"] for each in found] == ([stage] if stage else [])

    def test_lines_a_page_and_an_array_are_read_alike(self, tmp_path: Path) -> None:
        events = [json.loads(line) for line in Path(PLACES[self.NAME][0]).read_text().splitlines()]
        forms: tuple[Any, ...] = (events, {"object": "list", "data": events})
        lines = converted(self.NAME, PLACES[self.NAME][0])
        for number, form in enumerate(forms):
            path = tmp_path / f"{number}.json"
            path.write_text(json.dumps(form, indent=1), encoding="utf-8")
            assert converted(self.NAME, str(path)) == lines


def test_a_row_of_the_calls_table_is_a_call_and_a_survey_about_it() -> None:
    events = read("calls-table")
    calls = {event["event_id"]: event for event in events if event["type"] == "call"}
    surveys = [event for event in events if event["type"] == "survey"]
    assert (len(calls), len(surveys)) == (9, 4)
    for survey in surveys:
        assert survey["customer_id"] == calls[survey["contact_id"]]["customer_id"]
        assert survey["occurred_at"] == calls[survey["contact_id"]]["occurred_at"]


def test_the_calls_table_is_read_as_it_is_meant() -> None:
    calls = {event["event_id"]: event for event in read("calls-table") if event["type"] == "call"}
    assert {calls[each]["customer_id"] for each in ("G-1001", "G-1002", "G-1009")} == {"+31612345678"}
    assert [calls[each]["customer_id"] for each in ("G-1005", "G-1008")] == [None, None]
    assert (calls["G-1001"]["wait_seconds"], calls["G-1001"]["talk_seconds"]) == (12.5, 255)
    assert calls["G-1001"]["reason"] == "Rechnung & Vertrag"
    assert calls["G-1003"]["reason"] == "café zonder internet"
    assert calls["G-1004"]["reason"] == "too expensive"
    hours = [calls[each]["occurred_at"] for each in ("G-1006", "G-1007")]
    assert hours == ["2025-10-26T00:30:00Z", "2025-10-26T01:10:00Z"]


def test_the_surveys_table_is_read_as_it_is_meant() -> None:
    rows = read("surveys-table")
    answers = {event["event_id"]: event for event in rows}
    scaled = {each: answers[each].get("csat") for each in answers}
    assert scaled == {
        "r-2001": 5, "r-2002": 2, "r-2003": 4, "r-2005": 3, "r-2006": 4, "r-2007": 2, "r-2008": None,
    }  # fmt: skip
    assert answers["r-2002"]["revised_at"] == "2025-10-26T17:00:00Z"
    assert "nps" not in answers["r-2003"]
    hours = [answers[each]["occurred_at"] for each in ("r-2006", "r-2007")]
    assert hours == ["2025-10-26T00:40:00Z", "2025-10-26T01:20:00Z"]
    assert answers["r-2005"]["customer_id"] == answers["r-2001"]["customer_id"]


@pytest.mark.parametrize(
    ("grade", "csat"), list(zip(range(11), [1, 1, 2, 2, 3, 3, 3, 4, 4, 5, 5], strict=True))
)
def test_grades_of_the_surveys_table(tmp_path: Path, grade: int, csat: int) -> None:
    path = tmp_path / "one.csv"
    head = Path(PLACES["surveys-table"][0]).read_text(encoding="utf-8").splitlines()[:3]
    path.write_text("\n".join([*head, f"1,10/24/2025,09:20 AM,K-1,,{grade},,,,,,"]), encoding="utf-8")
    [line] = converted("surveys-table", str(path))
    assert json.loads(line)["csat"] == csat
