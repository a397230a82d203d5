"""The topics by name, the event types, and which model each topic carries."""

from typing import Final, NamedTuple, get_args

from schemas.base import Event, Message, Tolerant
from schemas.call import CallEvent
from schemas.cancellation import CancellationEvent
from schemas.candidate import CANDIDATES as CANDIDATE_KINDS
from schemas.command import COMMANDS as COMMAND_KINDS
from schemas.dead_letter import DeadLetter
from schemas.erasure import ErasureEvent
from schemas.objection import ObjectionEvent
from schemas.outcome import OutcomeEvent
from schemas.parts import MissingPartError
from schemas.profile import ProfileEvent
from schemas.reply import Reply
from schemas.signals import CustomerSignals
from schemas.survey import SurveyEvent
from schemas.trigger import CallbackTrigger

CALLS: Final = "contact.calls"
SURVEYS: Final = "contact.surveys"
CANCELLATIONS: Final = "contact.cancellations"
OUTCOMES: Final = "callback.outcomes"
PROFILES: Final = "customer.profiles"
OBJECTIONS: Final = "customer.objections"
"""Each record of it lies on every partition: a number may be that of a customer of any."""

TRIGGERS: Final = "callback.triggers"
SHADOW_TRIGGERS: Final = "callback.triggers.shadow"
SIGNALS: Final = "customer.signals"
DEAD_LETTERS: Final = "contact.dead-letters"
CHANGELOG: Final = "behoudlijn.signals.changelog"
REPARTITION: Final = "behoudlijn.signals.repartition"
"""Internal: events that came on another partition than their customer's, on the way to it."""
CANDIDATES: Final = "callback.candidates"
COMMANDS: Final = "callback.commands"
REPLIES: Final = "callback.replies"
RELEASE_CHANGELOG: Final = "behoudlijn.release.changelog"
"""Of the release stage (decision 32), as the three before."""


class EventType(NamedTuple):
    """A kind of event that the pipeline reads."""

    model: type[Event]
    topic: str


EVENT_TYPES: Final[dict[str, EventType]] = {
    "profile": EventType(ProfileEvent, PROFILES),
    "erasure": EventType(ErasureEvent, PROFILES),
    "objection": EventType(ObjectionEvent, OBJECTIONS),
    "call": EventType(CallEvent, CALLS),
    "survey": EventType(SurveyEvent, SURVEYS),
    "cancellation": EventType(CancellationEvent, CANCELLATIONS),
    "outcome": EventType(OutcomeEvent, OUTCOMES),
}
"""Every event type by its field `type`: the one registration (CONTRIBUTING.md, "An event type"). Its other parts are checked
against this table when their modules are imported, or by a test that names what is missing.

The order breaks ties between events of the same millisecond: who the customer is comes first, what happened next, what came of
our callback last. On a topic with two types the first is its own and the other comes beside it: an erasure on
`customer.profiles`, since that topic is compacted, and an erasure waits there, whatever the retention, until every reader has
seen it."""


def _by_topic() -> tuple[dict[str, type[Event]], dict[str, type[Event]]]:
    own: dict[str, type[Event]] = {}
    beside: dict[str, type[Event]] = {}
    for name, (model, topic) in EVENT_TYPES.items():
        if get_args(model.model_fields["type"].annotation) != (name,):
            raise MissingPartError(
                f"event type {name!r}: the field `type` of {model.__name__} says another name"
            )
        place = beside if topic in own else own
        if topic in place:
            raise MissingPartError(f"event type {name!r}: {topic} carries two types already; give it a topic")
        place[topic] = model
    return own, beside


INPUTS, BESIDE = _by_topic()
"""What the pipeline reads: each topic's own kind of event, in the order of `EVENT_TYPES`; and what a topic carries beside it."""

OUTPUTS: Final[dict[str, type[Message]]] = {
    TRIGGERS: CallbackTrigger,
    SHADOW_TRIGGERS: CallbackTrigger,
    SIGNALS: CustomerSignals,
    DEAD_LETTERS: DeadLetter,
}
"""What the pipeline writes."""

RELEASE: Final[dict[str, tuple[type[Tolerant] | type[Message], ...]]] = {
    CANDIDATES: CANDIDATE_KINDS,
    COMMANDS: COMMAND_KINDS,
    REPLIES: (Reply,),
}
"""What the release stage reads and writes, each kind of it. No worker does yet, and `topics ensure` does not make these topics."""

MODELS: Final[dict[str, type[Event] | type[Message]]] = {**INPUTS, **OUTPUTS}
