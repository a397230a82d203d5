"""Complaints, whatever the order: as many as the contacts that somebody complained in or about, counted plainly from the events."""

from hypothesis import given
from hypothesis import strategies as some

from schemas.call import CallEvent
from schemas.survey import SurveyEvent
from streams.core.policy import Policy
from streams.core.records import Decoded
from tests.builders import DAY, Partition
from tests.property.core.histories import CUSTOMERS, Sketch, corrected, decoded
from tests.property.core.test_correction_properties import SPAN, roomy, winners


def _complaint(event: object, reasons: tuple[str, ...]) -> object:
    """The contact that an event complains in or about; its own where it names none, None when it is no complaint."""
    if isinstance(event, CallEvent):
        return event.event_id if event.direction == "inbound" and event.reason in reasons else None
    if isinstance(event, SurveyEvent) and ((event.csat or 5) <= 2 or event.answered is False):
        return event.contact_id or ("survey", event.event_id)
    return None


def plainly(events: list[Decoded], customer: str, now: int, policy: Policy) -> int:
    """The further complaints at `now` by the events that count."""
    shape = policy.shape
    window = min(30, shape.horizon_days) * DAY
    mine = [each for each in winners(events) if each.event is not None and each.event.customer_id == customer]
    contacts = {
        _complaint(each.event, shape.complaint_reasons) for each in mine if each.at > now - window
    } - {None}
    return max(0, len(contacts) - 1)


@given(corrected(span=SPAN, most=60), roomy, some.integers(0, 35 * DAY), some.data())
def test_the_contacts_that_were_complained_about_count_once_each(
    history: list[Sketch], policy: Policy, later: int, data: some.DataObject
) -> None:
    events = decoded(history)
    again = data.draw(some.lists(some.sampled_from(events), max_size=10))
    partition = Partition(policy)
    partition.feed(*data.draw(some.permutations(events + again)))
    now = partition.clock.now + later
    for customer in CUSTOMERS:
        if customer in partition.states:
            found = partition.reading("repeated_complaint", now, customer)
            assert found == plainly(events, customer, now, policy)
