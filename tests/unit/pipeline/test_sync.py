"""History in pages, an empty one among them: each is committed, and the listing goes on where it was left."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from backend.pipeline.sync import PAGES_A_TURN, sync
from backend.transactions.records import Duty, DutyJob
from tests.fakes.gmail import Died
from tests.unit.pipeline.conftest import Fixture, letter


async def _wanted(fixture: Fixture) -> DutyJob:
    return await fixture.duty(Duty.SYNC)


async def _deliver(fixture: Fixture, count: int) -> list[str]:
    return [fixture.gmail.deliver(letter(f"a{n}@mia.test", "the minutes of Tuesday")) for n in range(count)]


async def _known(fixture: Fixture, messages: list[str]) -> int:
    return len(await fixture.store.known(fixture.mailbox_id, messages))


@pytest.mark.parametrize("moment", ["die_before", "die_after"])
async def test_a_death_between_two_pages_goes_on_with_the_second(fixture: Fixture, moment: str) -> None:
    fixture.gmail.history_size = 2
    messages = await _deliver(fixture, 5)
    before = (await fixture.mailbox()).cursor
    job = await _wanted(fixture)
    looks, history = 0, fixture.gmail.history

    async def third_time(mailbox_id: str, start: str, page: str = "") -> object:
        nonlocal looks
        looks += 1
        if looks == 3:
            getattr(fixture.gmail, moment).add("history")
        return await history(mailbox_id, start, page)

    fixture.gmail.history = third_time  # type: ignore[assignment, method-assign]
    with pytest.raises(Died):
        await sync(fixture.context, job)
    mailbox = await fixture.mailbox()
    assert await _known(fixture, messages) == 2, "the empty page ended nothing"
    assert (mailbox.cursor, mailbox.page_token, mailbox.page_start) == (before, "2", before)

    fixture.gmail.history = history  # type: ignore[method-assign]
    fixture.gmail.calls.clear()
    fixture.wait(seconds=61)
    await sync(fixture.context, await _wanted(fixture))
    mailbox = await fixture.mailbox()
    assert await _known(fixture, messages) == 5
    assert (mailbox.cursor, mailbox.page_token, mailbox.page_start) == (str(fixture.gmail.position), "", "")
    assert fixture.gmail.calls["history"] == 2, "the first pages were not listed again"


async def test_a_page_token_google_has_forgotten_starts_the_listing_again(fixture: Fixture) -> None:
    fixture.gmail.history_size = 2
    messages = await _deliver(fixture, 2 * (PAGES_A_TURN + 2))
    await sync(fixture.context, await _wanted(fixture))
    assert (await fixture.mailbox()).page_token
    fixture.gmail.pages.clear()
    late = fixture.gmail.deliver(letter("mia@mia.test", "and those of Wednesday"))
    fixture.wait(seconds=61)
    for _ in range(3):
        await sync(fixture.context, await _wanted(fixture))
        fixture.wait(seconds=61)
    assert await _known(fixture, [*messages, late]) == len(messages) + 1
    assert (await fixture.mailbox()).cursor == str(fixture.gmail.position)


async def test_many_pages_take_many_turns(fixture: Fixture) -> None:
    fixture.gmail.history_size = 1
    await _deliver(fixture, PAGES_A_TURN + 5)
    due = await sync(fixture.context, await _wanted(fixture))
    assert due == fixture.now(), "the rest is due at once, in a turn of its own"
    assert fixture.gmail.calls["history"] == PAGES_A_TURN


async def test_a_sync_goes_on_where_a_look_that_came_first_has_ended(
    fixture: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, commit = fixture.gmail.deliver(letter(text="the minutes of Tuesday")), fixture.store.commit_look
    job = await _wanted(fixture)

    async def second(*about: Any) -> Any:
        monkeypatch.setattr(fixture.store, "commit_look", commit)
        await commit(*about)
        fixture.gmail.deliver(letter("mia@mia.test", "and those of Wednesday"))
        return await commit(*about)

    monkeypatch.setattr(fixture.store, "commit_look", second)
    due = await sync(fixture.context, job)
    assert due > fixture.now()
    assert (await fixture.mailbox()).cursor == str(fixture.gmail.position)
    views = await fixture.store.messages(fixture.mailbox_id)
    assert len(views) == 2
    assert first in {view.gmail_id for view in views}


# ---- A push comes before Google's history shows what it told of


async def _look(fixture: Fixture) -> timedelta:
    """The look that a push asks for; how long until it is due again."""
    look = fixture.context.looks.begin()
    assert look is not None
    await fixture._looked(look)
    again = await fixture.next()
    assert again is not None
    return again - fixture.now()


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
