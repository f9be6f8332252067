"""What was decided is counted, and how long it took."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from backend.domain.mailbox.message import Outcome, Row
from tests.unit.pipeline.conftest import Fixture, letter


def told(fixture: Fixture, name: str, **labels: str) -> float | None:
    """What `/metrics` has under a name."""
    return fixture.context.judged.registry.get_sample_value(f"pitchgate_{name}", labels)


async def test_a_fresh_message_counts_with_its_lag(fixture: Fixture) -> None:
    fixture.gmail.deliver(letter("sam@seller.test", "dear Ana, the minutes"))
    fixture.wait(seconds=3)
    await fixture.push()
    await fixture.settle()
    assert told(fixture, "verdicts_total", row=Row.BELOW_HOLD, outcome=Outcome.INBOX, model="fake") == 1
    assert told(fixture, "verdict_lag_seconds_count") == told(fixture, "reading_seconds_count") == 1
    assert (told(fixture, "verdict_lag_seconds_sum") or 0) >= 3


async def test_what_history_decides_is_counted_without_a_model(fixture: Fixture) -> None:
    fixture.gmail.deliver(letter(), labels=frozenset({"SPAM"}))
    await fixture.push()
    await fixture.settle()
    assert told(fixture, "verdicts_total", row=Row.NOT_INCOMING, outcome=Outcome.IGNORE, model="") == 1
    assert told(fixture, "verdict_lag_seconds_count") == 0


async def test_a_message_from_the_future_of_another_clock_took_no_time(fixture: Fixture) -> None:
    gmail_id = fixture.gmail.deliver(letter("sam@seller.test", "dear Ana, the minutes"))
    arrival = fixture.gmail.messages[gmail_id]
    fixture.gmail.messages[gmail_id] = replace(
        arrival, received_at=arrival.received_at + timedelta(minutes=1)
    )
    await fixture.push()
    await fixture.settle()
    assert told(fixture, "verdict_lag_seconds_count") == 1
    assert told(fixture, "verdict_lag_seconds_sum") == 0
