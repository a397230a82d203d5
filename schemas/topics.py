"""The topics by name, and which model each carries."""

from typing import Final

from schemas.base import Event, Message
from schemas.call import CallEvent
from schemas.cancellation import CancellationEvent
from schemas.dead_letter import DeadLetter
from schemas.erasure import ErasureEvent
from schemas.outcome import OutcomeEvent
from schemas.profile import ProfileEvent
from schemas.signals import CustomerSignals
from schemas.survey import SurveyEvent
from schemas.trigger import CallbackTrigger

CALLS: Final = "contact.calls"
SURVEYS: Final = "contact.surveys"
CANCELLATIONS: Final = "contact.cancellations"
OUTCOMES: Final = "callback.outcomes"
PROFILES: Final = "customer.profiles"

TRIGGERS: Final = "callback.triggers"
SHADOW_TRIGGERS: Final = "callback.triggers.shadow"
SIGNALS: Final = "customer.signals"
DEAD_LETTERS: Final = "contact.dead-letters"
CHANGELOG: Final = "behoudlijn.signals.changelog"
REPARTITION: Final = "behoudlijn.signals.repartition"
"""Internal: events that came on another partition than their customer's, on the way to it."""

INPUTS: Final[dict[str, type[Event]]] = {
    PROFILES: ProfileEvent,
    CALLS: CallEvent,
    SURVEYS: SurveyEvent,
    CANCELLATIONS: CancellationEvent,
    OUTCOMES: OutcomeEvent,
}
"""What the pipeline reads. The order breaks ties between events of the same millisecond: who the customer is comes first,
what happened next, what came of our callback last."""

BESIDE: Final[dict[str, type[Event]]] = {PROFILES: ErasureEvent}
"""What an input topic carries beside its own kind of event, told apart by `type`. On `customer.profiles`, since that topic is
compacted: an erasure waits there, whatever the retention, until every reader has seen it."""

OUTPUTS: Final[dict[str, type[Message]]] = {
    TRIGGERS: CallbackTrigger,
    SHADOW_TRIGGERS: CallbackTrigger,
    SIGNALS: CustomerSignals,
    DEAD_LETTERS: DeadLetter,
}
"""What the pipeline writes."""

MODELS: Final[dict[str, type[Event] | type[Message]]] = {**INPUTS, **OUTPUTS}
