"""What the fields of a policy must be to one another: a table of rules, each over several fields.

They work on plain fields, of a model or as a file has them (all of it text), and a field that cannot be read silences the rules
that need it and no others: so every mistake of a file is told at once. Owns no rule of one field alone; those are its type.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import time
from itertools import pairwise
from math import exp
from typing import Any, Final

from streams.core import policy_release_rules as release
from streams.core.policy_fields import Broken, Fields, Rule, mapping, number, openers, sequence, true

_HOURS_OF_DAY: Final = 24
_SECONDS_OF_HOUR: Final = 3600
_KINDS_OF_DAY: Final = ("weekdays", "saturday", "sunday")
_DEFAULTS: Final = {"horizon_days": 90.0, "repeat_within_days": 7.0, "silent_after_hours": 24.0}
"""Of the shape; a test compares them with the model's."""


def broken(fields: Fields, rules: Iterable[Rule]) -> Iterator[Broken]:
    """Yield where these fields break one of the rules."""
    for rule in rules:
        yield from rule(fields)


def _weights_do_as_they_say(fields: Fields) -> Iterator[Broken]:
    for name, each in mapping(mapping(fields.get("score")).get("weights")).items():
        weight, effect = number(mapping(each).get("weight")), mapping(each).get("effect")
        if weight is not None and effect in ("raises", "lowers") and (weight >= 0) != (effect == "raises"):
            yield Broken(
                ("score", "weights", name),
                "a weight >= 0 raises the score, one < 0 lowers it: change the weight or the effect",
            )


def _the_score_closes_below_where_it_opens(fields: Fields) -> Iterator[Broken]:
    opens, closes = (number(mapping(fields.get("score")).get(key)) for key in ("open_at", "close_below"))
    if opens is not None and closes is not None and closes > opens:
        yield Broken(("score",), "close_below must not be above open_at")


def _without_a_sign_nobody_is_called(fields: Fields) -> Iterator[Broken]:
    score = mapping(fields.get("score"))
    opens, intercept = number(score.get("open_at")), number(mapping(score.get("intercept")).get("value"))
    if opens is not None and intercept is not None and abs(intercept) < 700:
        alone = 1 / (1 + exp(-intercept))
        if alone >= opens:
            yield Broken(
                ("score", "open_at"),
                f"a customer without any sign has a score of {alone:.3g} (the intercept) and would be called: raise open_at, or lower "
                "the intercept",
            )


def _bands_rise_from_nought(fields: Fields) -> Iterator[Broken]:
    starts = _starts_of_bands(fields)
    if starts is not None and (not starts or starts[0] != 0 or starts != sorted(set(starts))):
        yield Broken(("bands",), "they start at 0 and rise")


def _a_band_can_be_left(fields: Fields) -> Iterator[Broken]:
    hysteresis, starts = number(fields.get("band_hysteresis", 0)), _starts_of_bands(fields)
    if hysteresis is None or starts is None or len(starts) < 2 or starts != sorted(set(starts)):
        return
    narrowest = min(above - below for below, above in pairwise(starts))
    if hysteresis >= narrowest:
        yield Broken(
            ("band_hysteresis",),
            f"{hysteresis:g} is as wide as a band ({narrowest:g}), which a falling score would then skip, or never leave: less than "
            f"{narrowest:g} is needed",
        )


def _names_are_given_once(fields: Fields) -> Iterator[Broken]:
    for key, field in (("bands", "name"), ("rules", "name")):
        seen: set[str] = set()
        for place, each in enumerate(sequence(fields.get(key))):
            name = mapping(each).get(field)
            if not isinstance(name, str):
                continue
            if name in seen:
                yield Broken((key, place), f"there is another one of the name {name}")
            seen.add(name)


def _a_rule_asks_for_something(fields: Fields) -> Iterator[Broken]:
    for place, each in enumerate(sequence(fields.get("rules"))):
        least = number(mapping(each).get("at_least"))
        if least is not None and least <= 0:
            yield Broken(
                ("rules", place, "at_least"), "every customer reaches 0: a number above it is needed"
            )


def _something_opens_an_episode(fields: Fields) -> Iterator[Broken]:
    if not any(openers(fields)):
        yield Broken((), "nothing opens an episode: give a score, a rule, or act_on_requests: true")


def _what_is_opened_has_a_purpose(fields: Fields) -> Iterator[Broken]:
    purposes = fields.get("purposes")
    if not isinstance(purposes, Mapping):
        return
    missing = [
        f"{purpose}, which {opener} opens" for purpose, opener in openers(fields) if purpose not in purposes
    ]
    if missing:
        yield Broken(("purposes",), f"missing: {'; '.join(missing)}")


def _calls_fit_into_their_time(fields: Fields) -> Iterator[Broken]:
    for purpose, handling in mapping(fields.get("purposes")).items():
        keys = ("due_hours", "valid_hours", "max_attempts", "retry_delay_seconds")
        due, valid, attempts, delay = (number(mapping(handling).get(key)) for key in keys)
        if due is not None and valid is not None and due > valid:
            yield Broken(
                ("purposes", purpose, "due_hours"),
                f"the call is due after {due:g} hours, and not valid any more after {valid:g}: due_hours must not be above valid_hours",
            )
        if valid is None or attempts is None or delay is None or attempts < 1:
            continue
        last = (attempts - 1) * delay / _SECONDS_OF_HOUR
        if last > valid:
            yield Broken(
                ("purposes", purpose, "max_attempts"),
                f"{attempts:g} attempts, {delay:g} seconds apart, take {last:.3g} hours, and the call is valid for {valid:g}: the last are "
                "never made",
            )


def _everywhere_there_are_hours(fields: Fields) -> Iterator[Broken]:
    hours = fields.get("calling_hours")
    if isinstance(hours, list | tuple) and not any(
        mapping(each).get("country") == "*" and mapping(each).get("purposes") is None for each in hours
    ):
        yield Broken(("calling_hours",), "one entry for country '*' and every purpose is needed")


def _hours_are_given_once(fields: Fields) -> Iterator[Broken]:
    seen: set[tuple[str, str, str]] = set()
    for place, each in enumerate(sequence(fields.get("calling_hours"))):
        given = mapping(each)
        country, since = given.get("country"), str(given.get("effective_from"))
        if not isinstance(country, str):
            continue
        for purpose in sequence(given.get("purposes")) or ("every purpose",):
            entry = country, str(purpose), since
            if entry in seen:
                yield Broken(
                    ("calling_hours", place), f"there is another one of {country} for {purpose} from {since}"
                )
            seen.add(entry)


def _some_hour_is_open(fields: Fields) -> Iterator[Broken]:
    for place, each in enumerate(sequence(fields.get("calling_hours"))):
        days = [_opening(mapping(each).get(kind)) for kind in (*_KINDS_OF_DAY, "holiday_hours")]
        for kind, day in zip((*_KINDS_OF_DAY, "holiday_hours"), days, strict=True):
            if day is not None and day[0] > day[1]:
                yield Broken(
                    ("calling_hours", place, kind), "it closes before it opens; hours do not go past midnight"
                )
        if all(day is not None and day[0] == day[1] for day in days[: len(_KINDS_OF_DAY)]):
            yield Broken(
                ("calling_hours", place),
                "it is closed on all days, so that nobody there could ever be called",
            )


def _holiday_hours_have_holidays(fields: Fields) -> Iterator[Broken]:
    for place, each in enumerate(sequence(fields.get("calling_hours"))):
        opening = _opening(mapping(each).get("holiday_hours"))
        if opening is not None and opening[0] < opening[1] and not mapping(each).get("holidays"):
            yield Broken(
                ("calling_hours", place, "holiday_hours"),
                "no holidays are named that would have them: say whose by `holidays`, as in `holidays: NL`",
            )


def _the_horizon_holds_what_is_looked_for(fields: Fields) -> Iterator[Broken]:
    shape = mapping(fields.get("shape"))
    horizon, repeats, silence = (number(shape.get(key, default)) for key, default in _DEFAULTS.items())
    for key, days in (
        ("repeat_within_days", repeats),
        ("silent_after_hours", None if silence is None else silence / _HOURS_OF_DAY),
    ):
        if horizon is not None and days is not None and days > horizon:
            yield Broken(
                ("shape", key),
                f"{days:g} days reach beyond the horizon of {horizon:g}, after which nothing is known",
            )


def _a_reason_is_a_word(fields: Fields) -> Iterator[Broken]:
    for place, reason in enumerate(sequence(mapping(fields.get("shape")).get("complaint_reasons"))):
        if isinstance(reason, str) and not reason.strip():
            yield Broken(
                ("shape", "complaint_reasons", place),
                "it is empty: every contact without a reason would be a complaint",
            )


def _a_probability_has_a_score(fields: Fields) -> Iterator[Broken]:
    if true(fields.get("calibrated", False)) and not fields.get("score"):
        yield Broken(("calibrated",), "there is no score that could be calibrated")


NEEDED: Final[tuple[Rule, ...]] = (
    _weights_do_as_they_say,
    _the_score_closes_below_where_it_opens,
    _bands_rise_from_nought,
    _what_is_opened_has_a_purpose,
    _everywhere_there_are_hours,
    *release.NEEDED,
)
"""Without these the core would stumble: no policy is made that breaks one."""

RULES: Final[tuple[Rule, ...]] = (
    *NEEDED,
    _without_a_sign_nobody_is_called,
    _a_probability_has_a_score,
    _a_band_can_be_left,
    _names_are_given_once,
    _a_rule_asks_for_something,
    _something_opens_an_episode,
    _calls_fit_into_their_time,
    _hours_are_given_once,
    _some_hour_is_open,
    _holiday_hours_have_holidays,
    _the_horizon_holds_what_is_looked_for,
    _a_reason_is_a_word,
    *release.FURTHER,
)
"""Every rule; what breaks one of the others would run, and cannot be meant. Files are held to all."""


def _starts_of_bands(fields: Fields) -> list[float] | None:
    """Return where the bands begin; None when one cannot be read, or none is said."""
    bands = fields.get("bands")
    if not isinstance(bands, list | tuple):
        return None
    starts = [number(mapping(band).get("starts_at")) for band in bands]
    return None if None in starts else [start for start in starts if start is not None]


def _opening(value: Any) -> tuple[time, time] | None:
    """Return when a day opens and closes; None when that cannot be read."""
    try:
        opens, closes = (time.fromisoformat(str(mapping(value)[key])) for key in ("opens", "closes"))
    except (KeyError, ValueError):
        return None
    return opens, closes
