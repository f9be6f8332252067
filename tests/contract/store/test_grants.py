"""Grants come and go while jobs run: what is late must not undo what is newer."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from backend.domain.errors import AccessLost
from backend.domain.mailbox.mailbox import AccessState, Gap, Preferences
from backend.transactions.records import Duty, NewMailbox, SyncPage
from tests.contract.store.stories import Story

ANA = NewMailbox("ana", "sub-ana", "ana@corp.test", "Ana", b"sealed", frozenset({"openid"}), Preferences())


async def _link(story: Story) -> AccessState:
    mailbox = await story.store.mailbox("ana")
    assert mailbox is not None
    return mailbox.link


async def test_a_token_is_swapped_only_for_the_one_it_was_read_as(story: Story) -> None:
    await story.store.connect(ANA, story.now)
    assert await story.store.swap_sealed_token("ana", b"sealed", b"rotated", story.now)
    await story.store.connect(replace(ANA, sealed_token=b"new grant"), story.pass_time(seconds=1))
    assert not await story.store.swap_sealed_token("ana", b"rotated", b"rotated again", story.now)
    assert await story.store.sealed_token("ana") == b"new grant"
    assert not await story.store.swap_sealed_token("nobody", b"x", b"y", story.now)


async def test_the_end_of_a_grant_is_that_of_its_token(story: Story) -> None:
    async def end() -> datetime | None:
        mailbox = await story.store.mailbox("ana")
        assert mailbox is not None
        return mailbox.grant_expires_at

    first, later = story.now + timedelta(days=7), story.now + timedelta(days=9)
    await story.store.connect(replace(ANA, grant_expires_at=first), story.now)
    assert await end() == first
    await story.store.save_grant_expiry("ana", b"sealed", first + timedelta(seconds=2))
    assert await end() == first, "a refresh says the same"
    await story.store.save_grant_expiry("ana", b"another", later)
    assert await end() == first
    await story.store.save_grant_expiry("ana", b"sealed", later)
    assert await end() == later
    await story.store.connect(ANA, story.pass_time(seconds=1))
    assert await end() is None


async def test_a_refused_grant_closes_the_mailbox_to_jobs_until_it_is_connected_again(story: Story) -> None:
    await story.mailbox("ana")
    began = story.pass_time(seconds=1)
    assert await story.store.lose_link("ana", AccessLost.GRANT, began, story.pass_time(seconds=1))
    assert await _link(story) is AccessState.NEEDS_RECONNECT
    await story.store.request_duty("ana", Duty.SYNC, story.now)
    assert await story.due_duty() is None
    await story.store.connect(ANA, story.pass_time(minutes=5))
    assert await story.due_duty() is not None


async def test_a_refusal_from_before_a_reconnect_does_not_undo_it(story: Story) -> None:
    await story.mailbox("ana")
    began = story.pass_time(seconds=1)
    await story.store.connect(ANA, story.pass_time(seconds=1))
    assert not await story.store.lose_link("ana", AccessLost.GRANT, began, story.pass_time(seconds=1))
    assert await _link(story) is AccessState.CONNECTED
    # The next try begins after the reconnect, and its refusal counts.
    again = story.pass_time(seconds=1)
    assert await story.store.lose_link("ana", AccessLost.GRANT, again, story.now)


async def test_a_refusal_does_not_keep_an_owner_who_is_leaving(story: Story) -> None:
    await story.mailbox("ana")
    await story.store.set_link("ana", AccessState.LEAVING, story.pass_time(seconds=1))
    assert not await story.store.lose_link("ana", AccessLost.GRANT, story.now, story.now)
    assert await _link(story) is AccessState.LEAVING
    job = await story.due_duty()
    assert job is not None
    assert job.duty is Duty.LEAVE
    assert not await story.store.lose_link("nobody", AccessLost.GRANT, story.now, story.now)


async def test_a_position_counts_only_while_google_may_still_show_it(story: Story) -> None:
    await story.mailbox("ana")
    for position, seconds in ((1200, 0), (900, 29), (99, 30)):
        story.pass_time(seconds=seconds)
        await story.push(position)
        told = (await story.store.history_context("ana", [], [])).hint
        assert told == (1200 if seconds < 30 else 99, story.now)


async def test_a_gap_is_kept_with_the_page_that_ends_it(story: Story) -> None:
    await story.mailbox("ana")
    gap = Gap(story.now - timedelta(days=2), story.now, 12, "count")
    await story.sync("ana", SyncPage(cursor="500", gap=gap))
    await story.sync("ana", SyncPage(cursor="501"))
    mailbox = await story.store.mailbox("ana")
    assert mailbox is not None
    assert mailbox.gap == gap


async def test_being_told_to_wait_is_no_failed_try(story: Story) -> None:
    await story.mailbox("ana")
    job = await story.hold("ana")
    for _ in range(3):
        await story.store.postpone_duty(job, story.now, "later", story.now, counts=False)
        found = await story.due_duty()
        assert found is not None
        job = found
        assert job.attempt == 1
    await story.store.postpone_duty(job, story.now, "failed", story.now)
    found = await story.due_duty()
    assert found is not None
    assert found.attempt == 2
    # A page that is committed is progress: failed tries are counted from there.
    await story.store.commit_sync(found, SyncPage(page_token="t", page_start="1"), story.now)
    found = await story.due_duty()
    assert found is not None
    assert found.attempt == 1
    await story.store.postpone_duty(found, story.now, "failed", story.now)
    found = await story.due_duty()
    assert found is not None
    assert found.attempt == 2
