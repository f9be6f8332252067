"""An owner's settings from whatever says so: a form, a command, a file that may come from anybody."""

from __future__ import annotations

from typing import Any

import pytest

from backend.domain.errors import Refused
from backend.domain.mailbox.mailbox import Preferences
from backend.locale import LANGUAGES
from backend.pipeline.modes import check_chosen
from backend.settings import Settings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (
            "paused_until",
            "2026-12-01T00:00:00",
        ),  # whose midnight? compared with an aware time it would raise for good
        ("paused_until", "tomorrow"),
        ("paused_until", 7),
        ("wording", {"en": 5}),
        ("wording", ["en"]),
        ("wording", "en"),
        ("wording", {"en": "\ud800"}),
        ("wording", {"en": "x" * 10_000}),
        ("left_alone", "CATEGORY_SOCIAL"),
        ("left_alone", [7]),
        ("left_alone", {"CATEGORY_SOCIAL": 1}),
        ("rows_off", "credit"),
        ("rows_off", [["credit"]]),
        ("rows_off", ["no such row"]),
        ("mode", ["observe"]),
        ("strictness", None),
        ("credits_per_solve", "3"),
        ("retention_days", 10**30),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(Refused) as refused:
        Preferences().changed(**{name: value})
    assert refused.value.field == name


def test_what_makes_sense_comes_back_as_it_went() -> None:
    chosen = Preferences().changed(
        paused_until="2026-12-01T00:00:00+01:00",
        wording={"de": "Guten Tag", "en": ""},
        left_alone=["CATEGORY_SOCIAL", "CATEGORY_OF_TOMORROW"],
        rows_off=["credit"],
    )
    assert Preferences.from_json(chosen.to_json()) == chosen


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("mode", "quaratine", "quarantine"),
        ("strictness", "harsh", "strict"),
        ("digest", "hourly", "weekly"),
        ("rows_off", ["credits"], "credit"),
        ("welcome", ["cars"], "events"),
    ],
)
def test_of_words_those_that_fit_are_named(name: str, value: Any, allowed: str) -> None:
    with pytest.raises(Refused) as refused:
        Preferences().changed(**{name: value})
    assert (refused.value.key, refused.value.field) == ("out_of_range.choice", name)
    assert allowed in str(refused.value.blanks["allowed"])


def test_what_there_is_not_here_is_refused_naming_what_there_is() -> None:
    with pytest.raises(Refused) as refused:
        check_chosen(Settings(), {"language": "xx"})
    assert (refused.value.field, refused.value.blanks["allowed"]) == ("language", ", ".join(LANGUAGES))
    for language in LANGUAGES:
        check_chosen(Settings(), {"language": language})
    with pytest.raises(Refused, match="zone"):
        check_chosen(Settings(), {"zone": "Europe/Nowhere"})
