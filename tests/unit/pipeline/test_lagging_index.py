"""A push comes before Google's history shows what it told of."""

from __future__ import annotations

from datetime import timedelta

import pytest

from backend.pipeline.context import DutyResult
from backend.pipeline.sync import sync
from backend.transactions.records import Duty
from tests.unit.pipeline.conftest import Fixture, letter


async def _look(fixture: Fixture) -> timedelta:
    """One sync, as the push asks for it; how long until it is due again."""
    job = await fixture.store.claim_duty("w", fixture.now(), fixture.now() + timedelta(minutes=1))
    assert job is not None
    assert job.duty is Duty.SYNC
    ended = await sync(fixture.context, job)
    assert isinstance(ended, DutyResult)
    assert ended.due is not None
    return ended.due - fixture.now()


@pytest.mark.parametrize("tells", [False, True], ids=["position lags too", "position is ahead"])
async def test_it_is_looked_again_after_seconds_and_the_cursor_waits(fixture: Fixture, tells: bool) -> None:
    before = (await fixture.mailbox()).cursor
    fixture.gmail.lag_from, fixture.gmail.lag_tells = fixture.gmail.position, tells
    mail = fixture.gmail.deliver(letter(text="the minutes of Tuesday"))
    await fixture.push()
    assert await _look(fixture) <= timedelta(seconds=5)
    assert (await fixture.mailbox()).cursor == before
    assert fixture.gmail.calls["history"] == 1

    fixture.gmail.lag_from = None  # the index has caught up; no further push comes
    await fixture.settle()
    assert mail in await fixture.store.known(fixture.mailbox_id, [mail])
    assert fixture.gmail.calls["history"] == 2


async def test_a_history_that_shows_a_part_only_is_looked_at_again_too(fixture: Fixture) -> None:
    first = fixture.gmail.deliver(letter(text="the minutes of Tuesday"))
    fixture.gmail.lag_from = fixture.gmail.position
    second = fixture.gmail.deliver(letter("mia@mia.test", "and those of Wednesday"))
    await fixture.push()
    await _look(fixture)
    assert set(await fixture.store.known(fixture.mailbox_id, [first, second])) == {first}
    fixture.gmail.lag_from = None
    await fixture.settle()
    assert set(await fixture.store.known(fixture.mailbox_id, [first, second])) == {first, second}


async def test_a_push_that_nothing_ever_follows_is_not_believed_for_ever(fixture: Fixture) -> None:
    fixture.gmail.lag_from = fixture.gmail.position
    fixture.gmail.position += 30  # something history does not tell of
    await fixture.push()
    await fixture.settle()
    assert 2 <= fixture.gmail.calls["history"] <= 8
    fixture.gmail.lag_from = None
    fixture.wait(minutes=15)
    fixture.gmail.calls.clear()
    await fixture.settle()
    assert fixture.gmail.calls["history"] == 1  # the sweep, and no more
    assert (await fixture.mailbox()).cursor == str(fixture.gmail.position)


async def test_a_push_of_what_was_seen_already_costs_one_look(fixture: Fixture) -> None:
    fixture.gmail.deliver(letter(text="the minutes of Tuesday"))
    await fixture.push()
    await fixture.settle()
    fixture.gmail.calls.clear()
    await fixture.push()
    await fixture.settle()
    assert fixture.gmail.calls["history"] == 1
