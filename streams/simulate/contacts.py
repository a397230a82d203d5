"""What happens in one contact: waiting, giving up, transfers, the answer, and the survey afterwards."""

from __future__ import annotations

from random import Random
from typing import Any, Final

from schemas import topics
from streams.simulate.calendar import HOUR_MS, Calendar
from streams.simulate.journal import Journal

REASONS: Final = (
    *("invoice", "payment", "order_status", "delivery", "product_info", "bundle", "contract", "address"),
    *("app_help", "password", "usage", "roaming", "sim_card", "number_porting", "voicemail", "email_setup"),
    *("router_setup", "tv_channels", "coverage", "appointment", "fault"),
)
"""Everyday reasons, about as many as a real contact centre tells apart: repeats by chance are rare."""
DEPARTMENTS: Final = {"fault": "technical", "technician": "technical", "cancellation": "retention"}
_CHANNELS: Final = (
    ("phone", 0.70),
    ("chat", 0.82),
    ("email", 0.88),
    ("app", 0.93),
    ("web", 0.97),
    ("store", 1.0),
)
_QUEUED: Final = ("phone", "chat")
_PATIENCE_S: Final = 300.0
"""Mean time in the queue before giving up: 4% lost at a mean wait of 12 s, 33% at 150 s."""
_COMMENTS_GOOD: Final = ("Snel geholpen.", "Vriendelijke medewerker.", "Prima, dank u.")
_COMMENTS_BAD: Final = (
    "Al drie keer gebeld en nog steeds niet opgelost.",
    "Niemand belt terug.",
    "Ik moest alles opnieuw vertellen.",
    "Veel te lang in de wacht.",
)


class Contacts:
    """The contacts of one customer."""

    def __init__(self, journal: Journal, calendar: Calendar, random: Random, *, anonymous: float) -> None:
        self._journal, self._calendar, self._random = journal, calendar, random
        self._anonymous = anonymous
        self.count = 0

    def contact(
        self,
        at: int,
        reason: str,
        *,
        solved: float,
        unhappy: float = 0.0,
        intent: float = 0.003,
        surveyed: float = 0.13,
    ) -> bool | None:
        """Write one contact that begins at `at`: True when solved, False when not, None when given up.

        `solved` is the chance of a solution, `unhappy` 0-1 what the customer brings, `intent` the chance
        that they speak of leaving, `surveyed` the chance of an answered survey.
        """
        random = self._random.random
        channel = self._channel()
        wait, abandoned = self._wait(at, channel)
        fields: dict[str, Any] = {
            "direction": "inbound",
            "channel": channel,
            "queue": DEPARTMENTS.get(reason, "service"),
            "reason": reason,
            "department": DEPARTMENTS.get(reason, "service"),
            "wait_seconds": wait,
        }
        if channel == "phone":
            fields["ivr_steps"] = 1 + int(random() * 3) + int(random() * random() * 5)
        outcome: bool | None = None
        if abandoned:
            fields["abandoned"] = True  # nobody spoke to them, so nothing is known about a solution
            talk = 0
        else:
            outcome = random() < solved
            transfers = 0
            while transfers < 5 and random() < (0.09 if outcome else 0.28):
                transfers += 1
            talk = int(60 + self._random.expovariate(1 / 280))
            fields |= {"talk_seconds": talk, "transfers": transfers}
            # An agent does not always know, and sometimes believes that it is solved when it is not.
            said = random()
            fields["resolved"] = "unknown" if said < 0.12 else bool(outcome) or said > 0.92
            fields["cancel_intent"] = random() < intent
            fields["tried_online_first"] = random() < 0.3
        self.count += 1
        nobody = random() < self._anonymous
        ended = at + (wait + talk) * 1000
        event_id = self._journal.write(topics.CALLS, ended, fields, nobody=self._random if nobody else None)
        surveyed *= 1 + unhappy
        if event_id is not None and outcome is not None and not nobody and random() < surveyed:
            transfers = int(fields["transfers"])
            self._survey(event_id, ended, outcome, burden=unhappy + wait / 400 + transfers * 0.2)
        return outcome

    def _channel(self) -> str:
        chance = self._random.random()
        return next(name for name, upto in _CHANNELS if chance < upto)

    def _wait(self, at: int, channel: str) -> tuple[int, bool]:
        if channel not in _QUEUED:
            return 0, False
        wait = self._random.expovariate(1 / self._calendar.mean_wait(at))
        patience = 3 + self._random.expovariate(1 / _PATIENCE_S)
        return (int(patience), True) if patience < wait else (int(wait), False)

    def _survey(self, contact_id: str, ended: int, solved: bool, *, burden: float) -> None:
        random = self._random
        mood = random.gauss(4.4 if solved else 2.9, 0.8) - burden
        csat = min(5, max(1, round(mood)))
        fields: dict[str, Any] = {"contact_id": contact_id, "csat": csat}
        if random.random() < 0.6:
            fields["nps"] = min(10, max(0, round(mood * 2 + random.gauss(-0.3, 1.2))))
        if random.random() < 0.5:
            fields["ces"] = min(7, max(1, round(mood * 1.4 + random.gauss(0, 0.7))))
        if random.random() < 0.7:
            fields["answered"] = solved if random.random() < 0.93 else not solved
        if random.random() < (0.35 if csat <= 2 else 0.004):
            fields["callback_requested"] = True
        if random.random() < 0.3:
            choices = _COMMENTS_BAD if csat <= 2 else _COMMENTS_GOOD
            fields["comment"] = choices[int(random.random() * len(choices))]
        at = ended + int(random.expovariate(1 / 5) * HOUR_MS) + 60_000
        self._journal.write(topics.SURVEYS, at, fields)
