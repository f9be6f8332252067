"""What is kept of Google's moods: grants refused and swapped, gaps in history, mail the owner moved themselves."""

from __future__ import annotations

from datetime import timedelta

from backend.domain.errors import AccessLost
from backend.domain.mailbox.decisions import Decision
from backend.domain.mailbox.mailbox import AccessState, Gap
from backend.domain.mailbox.message import Outcome
from backend.transactions.records import Duty, Sighting, SyncPage
from tests.contract.store.stories import Story


async def link(story: Story) -> AccessState:
    mailbox = await story.store.mailbox("ana")
    assert mailbox is not None
    return mailbox.link


async def test_a_token_sealed_anew_never_overwrites_a_newer_grant(story: Story) -> None:
    await story.mailbox("ana")
    assert await story.store.swap_sealed_token("ana", b"sealed", b"sealed again", story.now)
    assert await story.store.sealed_token("ana") == b"sealed again"
    assert not await story.store.swap_sealed_token("ana", b"sealed", b"too late", story.now)
    assert await story.store.sealed_token("ana") == b"sealed again"
    assert not await story.store.swap_sealed_token("nobody", b"sealed", b"x", story.now)


async def test_a_refused_grant_stops_the_mailbox(story: Story) -> None:
    await story.mailbox("ana")
    await story.arrive("ana", "m1")
    since = story.pass_time(seconds=1)
    assert await story.store.lose_link("ana", AccessLost.GRANT, since, story.pass_time(seconds=1))
    assert await link(story) is AccessState.NEEDS_RECONNECT
    assert await story.due() == ()


async def test_a_grant_refused_before_the_owner_came_back_is_an_old_story(story: Story) -> None:
    await story.mailbox("ana")
    since = story.now
    story.pass_time(seconds=1)
    await story.mailbox("ana")
    assert not await story.store.lose_link("ana", AccessLost.GRANT, since, story.pass_time(seconds=1))
    assert await link(story) is AccessState.CONNECTED


async def test_a_leaving_mailbox_goes_on_leaving_without_a_grant(story: Story) -> None:
    await story.mailbox("ana")
    await story.store.set_link("ana", AccessState.LEAVING, story.now)
    since = story.pass_time(seconds=1)
    assert not await story.store.lose_link("ana", AccessLost.GRANT, since, since)
    assert await link(story) is AccessState.LEAVING
    job = await story.due_duty()
    assert job is not None
    assert job.duty is Duty.LEAVE


async def test_the_furthest_position_pushes_told_of_is_a_number(story: Story) -> None:
    await story.mailbox("ana")
    assert (await story.store.history_context("ana", [], [])).hint is None
    for position in (999, 1000, 5):
        await story.push(position)
        story.pass_time(seconds=1)
    assert (await story.store.history_context("ana", [], [])).hint == (
        1000,
        story.now - timedelta(seconds=1),
    )


async def test_held_mail_at_rest_is_what_nobody_works_on(story: Story) -> None:
    await story.mailbox("ana")
    for name in ("m1", "m2"):
        await story.receive("ana", name, Outcome.HOLD)
        story.pass_time(seconds=1)
    await story.receive("ana", "m3", Outcome.INBOX, "cy@x.test")
    await story.arrive("ana", "m4")
    await story.judge(await story.job("m4"), Outcome.HOLD, "di@x.test")
    await story.decide("ana", "m1", Decision.KEEP)
    assert list((await story.store.held_at_rest("ana", 10)).items()) == [("m1", "kept"), ("m2", "")]
    assert await story.store.held_at_rest("ana", 1) == {"m1": "kept"}


async def test_what_was_decided_is_remembered_though_it_was_taken_back(story: Story) -> None:
    await story.mailbox("ana")
    await story.receive("ana", "m1", Outcome.HOLD)
    await story.decide("ana", "m1", Decision.ALLOW, "key")
    await story.store.undo("ana", "key", story.now)
    await story.decide("ana", "m1", Decision.BLOCK)
    assert await story.store.decided_on("ana", ["m1", "m2"]) == {("m1", "allow"), ("m1", "block")}
    assert await story.store.decided_on("ana", []) == frozenset()


async def test_a_gap_is_reported_with_the_page_that_closes_it(story: Story) -> None:
    await story.mailbox("ana")
    gap = Gap(story.now - timedelta(days=9), story.now, 1, "time")
    await story.sync("ana", SyncPage((Sighting("m1", "t1", None),), cursor="9", backlog=True, gap=gap))
    await story.sync("ana", SyncPage(cursor="10"))
    kept = await story.store.mailbox("ana")
    assert kept is not None
    assert kept.gap == gap
