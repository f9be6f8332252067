"""History in pages, an empty one among them: each is committed, and the listing goes on where it was left."""

from __future__ import annotations

from datetime import timedelta

import pytest

from backend.pipeline.sync import PAGES_A_TURN, sync
from backend.ports.store import Duty, DutyJob
from tests.fakes.gmail import Died
from tests.unit.pipeline.conftest import House, letter


async def _wanted(house: House) -> DutyJob:
    await house.store.want(house.mailbox_id, Duty.SYNC, house.now())
    job = await house.store.claim_duty("w", house.now(), house.now() + timedelta(minutes=1))
    assert job is not None
    assert job.duty is Duty.SYNC
    return job


async def _deliver(house: House, count: int) -> list[str]:
    return [house.gmail.deliver(letter(f"a{n}@mia.test", "the minutes of Tuesday")) for n in range(count)]


async def _known(house: House, mails: list[str]) -> int:
    return len(await house.store.known(house.mailbox_id, mails))


@pytest.mark.parametrize("moment", ["die_before", "die_after"])
async def test_a_death_between_two_pages_goes_on_with_the_second(house: House, moment: str) -> None:
    house.gmail.history_size = 2
    mails = await _deliver(house, 5)
    before = (await house.mailbox()).cursor
    job = await _wanted(house)
    looks, history = 0, house.gmail.history

    async def third_time(mailbox_id: str, start: str, page: str = "") -> object:
        nonlocal looks
        looks += 1
        if looks == 3:
            getattr(house.gmail, moment).add("history")
        return await history(mailbox_id, start, page)

    house.gmail.history = third_time  # type: ignore[assignment, method-assign]
    with pytest.raises(Died):
        await sync(house.kit, job)
    mailbox = await house.mailbox()
    assert await _known(house, mails) == 2, "the empty page ended nothing"
    assert (mailbox.cursor, mailbox.page_token, mailbox.page_start) == (before, "2", before)

    house.gmail.history = history  # type: ignore[method-assign]
    house.gmail.calls.clear()
    house.wait(seconds=61)
    await sync(house.kit, await _wanted(house))
    mailbox = await house.mailbox()
    assert await _known(house, mails) == 5
    assert (mailbox.cursor, mailbox.page_token, mailbox.page_start) == (str(house.gmail.position), "", "")
    assert house.gmail.calls["history"] == 2, "the first pages were not listed again"


async def test_a_page_token_google_has_forgotten_starts_the_listing_again(house: House) -> None:
    house.gmail.history_size = 2
    mails = await _deliver(house, 2 * (PAGES_A_TURN + 2))
    await sync(house.kit, await _wanted(house))
    assert (await house.mailbox()).page_token
    house.gmail.pages.clear()
    late = house.gmail.deliver(letter("mia@mia.test", "and those of Wednesday"))
    house.wait(seconds=61)
    for _ in range(3):
        await sync(house.kit, await _wanted(house))
        house.wait(seconds=61)
    assert await _known(house, [*mails, late]) == len(mails) + 1
    assert (await house.mailbox()).cursor == str(house.gmail.position)


async def test_many_pages_do_not_hold_the_lease_for_ever(house: House) -> None:
    house.gmail.history_size = 1
    await _deliver(house, PAGES_A_TURN + 5)
    due = await sync(house.kit, await _wanted(house))
    assert due == house.now(), "the rest is due at once, under a lease of its own"
    assert house.gmail.calls["history"] == PAGES_A_TURN
