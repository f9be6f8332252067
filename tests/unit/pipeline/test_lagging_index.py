"""A push comes before Google's history shows what it told of."""

from __future__ import annotations

from datetime import timedelta

import pytest

from backend.ports.store import Duty
from tests.unit.pipeline.conftest import House, letter


async def _look(house: House) -> timedelta:
    """One sync, as the push asks for it; how long until it is due again."""
    job = await house.store.claim_duty("w", house.now(), house.now() + timedelta(minutes=1))
    assert job is not None
    assert job.duty is Duty.SYNC
    from backend.pipeline.sync import sync

    due = await sync(house.kit, job)
    await house.store.finish_duty(job, due, house.now())
    return due - house.now()


@pytest.mark.parametrize("tells", [False, True], ids=["position lags too", "position is ahead"])
async def test_it_is_looked_again_after_seconds_and_the_cursor_waits(house: House, tells: bool) -> None:
    before = (await house.mailbox()).cursor
    house.gmail.lag_from, house.gmail.lag_tells = house.gmail.position, tells
    mail = house.gmail.deliver(letter(text="the minutes of Tuesday"))
    await house.push()
    assert await _look(house) <= timedelta(seconds=5)
    assert (await house.mailbox()).cursor == before
    assert house.gmail.calls["history"] == 1

    house.gmail.lag_from = None  # the index has caught up; no further push comes
    await house.settle()
    assert mail in await house.store.known(house.mailbox_id, [mail])
    assert house.gmail.calls["history"] == 2


async def test_a_history_that_shows_a_part_only_is_looked_at_again_too(house: House) -> None:
    first = house.gmail.deliver(letter(text="the minutes of Tuesday"))
    house.gmail.lag_from = house.gmail.position
    second = house.gmail.deliver(letter("mia@mia.test", "and those of Wednesday"))
    await house.push()
    await _look(house)
    assert set(await house.store.known(house.mailbox_id, [first, second])) == {first}
    house.gmail.lag_from = None
    await house.settle()
    assert set(await house.store.known(house.mailbox_id, [first, second])) == {first, second}


async def test_a_push_that_nothing_ever_follows_is_not_believed_for_ever(house: House) -> None:
    house.gmail.lag_from = house.gmail.position
    house.gmail.position += 30  # something history does not tell of
    await house.push()
    await house.settle()
    assert 2 <= house.gmail.calls["history"] <= 8
    house.gmail.lag_from = None
    house.wait(minutes=15)
    house.gmail.calls.clear()
    await house.settle()
    assert house.gmail.calls["history"] == 1  # the sweep, and no more
    assert (await house.mailbox()).cursor == str(house.gmail.position)


async def test_a_push_of_what_was_seen_already_costs_one_look(house: House) -> None:
    house.gmail.deliver(letter(text="the minutes of Tuesday"))
    await house.push()
    await house.settle()
    house.gmail.calls.clear()
    await house.push()
    await house.settle()
    assert house.gmail.calls["history"] == 1
