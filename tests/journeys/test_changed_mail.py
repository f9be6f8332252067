"""A mailbox through the local Google, week by week: on a known day its mail turns Polish, and everybody hears of it."""

from __future__ import annotations

from pathlib import Path

from tests.simulations.year import corpus, live


async def test_a_change_on_a_known_day_ends_in_the_alarm_on_page_and_metrics(tmp_path: Path) -> None:
    """A short year, with enough mail a week to tell a language from words that are merely new.

    `python -m tests.simulations.year` lives a whole one."""
    found = await live(tmp_path, corpus("train_5"), weeks=13, size=50, at=10)

    assert found["before"] == ("", {"learning": 0, "steady": 1, "changed": 0})
    assert found["rang_in_week"] == 11
    sentence, metrics = found["then"]
    assert sentence.endswith("more of it is in Polish.")
    assert metrics == {"learning": 0, "steady": 0, "changed": 1}
