"""The reference dialer over a simulated quarter: each attempt is made in a window of its trigger, by day where the customer lives."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from schemas.trigger import CallbackTrigger
from streams.core.engine import Clock, process_batch
from streams.core.holiday_calendar import holidays_of
from streams.demo.dial_list import Call, DialList, simulated
from streams.files.ndjson import Line
from streams.policies import load_policy
from streams.simulate import SimulationSettings, simulate
from tests.plain_backlog import queues_of, runs_of

ARRIVAL = int(datetime(2027, 1, 1, tzinfo=UTC).timestamp() * 1000)


def triggers_of_a_quarter() -> list[CallbackTrigger]:
    """What is published of 400 customers, in order."""
    quarter = simulate(SimulationSettings(400, seed=1), lambda _: None)
    lines = [Line("simulated", number, each.value) for number, each in enumerate(quarter.records, 1)]
    policy, states, clock, found = load_policy("default"), dict[str, bytes](), Clock(), []
    [by_topic] = queues_of(lines, 1, ARRIVAL).values()
    for run in runs_of(by_topic):
        result = process_batch(run, states, policy, clock)
        found += [each.value for each in result.outputs if each.kind == "trigger"]
        for customer, data in result.states.items():
            if data is None:
                del states[customer]
            else:
                states[customer] = data
    return [CallbackTrigger.model_validate_json(value) for value in found]


def dialled(triggers: list[CallbackTrigger]) -> list[Call]:
    """Every attempt, by the clock that the triggers tell, as `dial --clock trigger` and the demo make them."""
    dial_list, made, now = DialList(), [], triggers[0].updated_at
    for trigger in triggers:
        now = max(now, trigger.updated_at)
        for inclusive in (False, True):
            if inclusive:
                dial_list.take(trigger)
            for call in dial_list.calls_until(now, inclusive=inclusive):
                dial_list.answered(call, simulated(call.trigger, call.attempt))
                made.append(call)
    return made


def test_nobody_is_called_at_night_on_a_sunday_or_a_holiday() -> None:
    calls = dialled(triggers_of_a_quarter())
    assert len(calls) > 30
    assert any(call.attempt > 1 for call in calls)
    for call in calls:
        assert call.trigger.callable is not None
        assert any(opens <= call.at < closes for opens, closes in call.trigger.callable)
        local = call.at.astimezone(ZoneInfo(call.trigger.time_zone or "Europe/Amsterdam"))
        assert 9 <= local.hour < 22
        assert local.weekday() < 6
        assert local.date() not in holidays_of("NL", local.year)
