"""An owner's settings from whatever says so: a form, a command, a file that may come from anybody."""

from __future__ import annotations

from typing import Any

import pytest

from backend.domain.errors import Refused
from backend.domain.mailbox.mailbox import Preferences


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
