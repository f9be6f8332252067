"""The form of the settings: what its fields may say, and what is wrong with those that say something else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from werkzeug.datastructures import MultiDict

from backend.domain.mailbox.mailbox import (
    CATEGORIES,
    QUESTIONS,
    ROWS_ALWAYS_ON,
    DigestPace,
    Mode,
    Preferences,
    Strictness,
)
from backend.domain.mailbox.verdict import Row
from backend.domain.reading.topics import Topic
from backend.locale import LANGUAGES
from backend.pipeline.owner_digest import known_zone

NUMBERS: Mapping[str, tuple[int, int]] = {
    "credits_per_solve": (1, 20),
    "daily_challenges": (0, 200),
    "domain_challenges": (1, 50),
    "retention_days": (7, 730),
}
"""The settings that are numbers, and from where to where they go: as the preferences themselves demand."""

ROWS = tuple(row for row in Row if row not in ROWS_ALWAYS_ON and row is not Row.FAIL_OPEN)
"""The rows an owner may switch off, in the table's order."""

CHOICES: Mapping[str, tuple[str, ...]] = {
    "mode": tuple(Mode),
    "strictness": tuple(Strictness),
    "questions_a_week": tuple(map(str, QUESTIONS)),
}
DIGEST: Mapping[str, tuple[str, ...]] = {"digest": tuple(DigestPace), "language": LANGUAGES, "zone": ()}
"""What a form may leave out (an older page, a program): then it stays as it is."""

TICKS: Mapping[str, tuple[str, ...]] = {
    "left_alone": CATEGORIES,
    "rows": ROWS,
    "welcome": tuple(Topic),
}


@dataclass(frozen=True, slots=True)
class Filled:
    """The form as it is shown: texts of the single fields, sets of what is ticked, and by field the key of the
    text that says what is wrong with it."""

    single: Mapping[str, str]
    ticked: Mapping[str, frozenset[str]]
    errors: Mapping[str, str] = field(default_factory=dict)


def filled(preferences: Preferences) -> Filled:
    """The form with what is set now."""
    single = {name: str(getattr(preferences, name)) for name in (*CHOICES, *DIGEST)}
    numbers = {name: str(getattr(preferences, name)) for name in NUMBERS}
    rows = frozenset[str](ROWS) - preferences.rows_off
    ticked = {"left_alone": preferences.left_alone, "rows": rows, "welcome": preferences.welcome}
    return Filled(single | numbers, ticked)


def read(
    form: MultiDict[str, str], present: Preferences, challenges: bool = True
) -> tuple[dict[str, Any], Filled]:
    """The changes in JSON form, and the form as it was sent. There are changes only where nothing is wrong.
    `challenges`: senders can open the links of challenges."""
    single = {name: form.get(name, "").strip()[:40] for name in (*CHOICES, *NUMBERS)}
    ticked = {name: frozenset(form.getlist(name)) for name in TICKS}
    errors: dict[str, str] = {}
    changes: dict[str, Any] = {}
    for name, choices in CHOICES.items():
        changes[name] = single[name]
        if single[name] not in choices:
            errors[name] = "error_choice"
    for name in DIGEST:
        single[name] = changes[name] = form.get(name, str(getattr(present, name))).strip()[:64]
        if name == "zone" and not known_zone(single[name]):
            errors[name] = "error_zone"
        elif name != "zone" and single[name] not in DIGEST[name]:
            errors[name] = "error_choice"
    if changes["mode"] == Mode.CHALLENGE and not challenges:
        errors["mode"] = "error_challenge"
    changes["questions_a_week"] = _whole(single["questions_a_week"])
    for name, choices in TICKS.items():
        if ticked[name] - frozenset(choices):
            errors[name] = "error_choice"
    for name, (low, high) in NUMBERS.items():
        number = _whole(single[name])
        changes[name] = number
        if number is None or not low <= number <= high:
            errors[name] = "error_range"
    shown = Filled(single, {name: ticked[name] & frozenset(TICKS[name]) for name in TICKS}, errors)
    if errors:
        return {}, shown
    changes["welcome"] = sorted(ticked["welcome"])
    # What these pages do not show (a newer release may have set it) stays as it is.
    kept = present.left_alone - frozenset(CATEGORIES)
    changes["left_alone"] = sorted(ticked["left_alone"] | kept)
    changes["rows_off"] = sorted(
        (frozenset[str](ROWS) - ticked["rows"]) | (present.rows_off - frozenset(ROWS))
    )
    return changes, shown


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 6 else None
