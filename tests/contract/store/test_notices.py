"""How mailboxes are told of: kept with each, changed over as a whole."""

from __future__ import annotations

from datetime import datetime, timedelta

from backend.domain.mailbox.mailbox import NoticeMode, PullFailure
from backend.transactions.records import Duty, PushFate, SyncPage
from tests.contract.store.stories import Story


async def notices_of(story: Story, mailbox_id: str) -> tuple[NoticeMode, PullFailure | None]:
    mailbox = await story.store.mailbox(mailbox_id)
    assert mailbox is not None
    return mailbox.notices, mailbox.pull_failure


async def test_a_mailbox_is_told_of_by_pushes_until_another_way_is_noted(story: Story) -> None:
    await story.mailbox("ana")
    assert await notices_of(story, "ana") == (NoticeMode.PUSH, None)
    await story.store.save_watch("ana", story.now + timedelta(days=7), "1")
    await story.store.set_notice_mode("ana", NoticeMode.POLL)
    mailbox = await story.store.mailbox("ana")
    assert mailbox is not None
    assert (mailbox.notices, mailbox.watch_expires_at) == (NoticeMode.POLL, None)


async def test_what_is_missing_is_told_of_mailboxes_that_are_fetched_for_alone(story: Story) -> None:
    for name, notices in (("ana", NoticeMode.PULL), ("bob", NoticeMode.PUSH)):
        await story.mailbox(name)
        await story.store.set_notice_mode(name, notices)
    for _ in range(2):
        await story.store.note_pull_failure(PullFailure.CREDENTIALS)
    assert await notices_of(story, "ana") == (NoticeMode.PULL, PullFailure.CREDENTIALS)
    assert await notices_of(story, "bob") == (NoticeMode.PUSH, None)
    await story.store.set_notice_mode("ana", NoticeMode.PULL)
    assert await notices_of(story, "ana") == (NoticeMode.PULL, PullFailure.CREDENTIALS), (
        "the day's renewal mends nothing"
    )
    await story.store.note_pull_failure(None)
    assert await notices_of(story, "ana") == (NoticeMode.PULL, None)


async def test_where_nothing_is_fetched_any_more_nothing_is_missing(story: Story) -> None:
    await story.mailbox("ana")
    await story.store.set_notice_mode("ana", NoticeMode.PULL)
    await story.store.note_pull_failure(PullFailure.PERMISSION)
    await story.store.set_notice_mode("ana", NoticeMode.PUSH)
    assert await notices_of(story, "ana") == (NoticeMode.PUSH, None)


async def test_the_moment_history_last_went_on_is_kept(story: Story) -> None:
    await story.mailbox("ana")
    await story.sync("ana", SyncPage(cursor="900"))
    moved, story_began = await story.store.mailbox("ana"), story.now
    assert moved is not None
    assert moved.moved_at == story_began
    story.pass_time(hours=1)
    await story.sync("ana", SyncPage(cursor="900"))
    still = await story.store.mailbox("ana")
    assert still is not None
    assert still.moved_at == story_began
    story.pass_time(hours=1)
    await story.sync("ana", SyncPage(cursor="901"))
    on = await story.store.mailbox("ana")
    assert on is not None
    assert on.moved_at == story.now


async def latest(story: Story) -> int:
    """The number of the last thing that open streams were told."""
    overview = await story.store.overview("ana")
    assert overview is not None
    return overview.latest


async def unheard(story: Story, cursor: str) -> datetime | None:
    """What is kept after a sync that ends at this cursor."""
    await story.sync("ana", SyncPage(cursor=cursor))
    mailbox = await story.store.mailbox("ana")
    assert mailbox is not None
    return mailbox.unheard_since


async def test_news_of_which_no_notice_came_is_kept_until_one_comes(story: Story) -> None:
    await story.mailbox("ana")
    assert await story.push(900) is PushFate.NEW
    assert await unheard(story, "900") is None
    story.pass_time(hours=1)
    assert await unheard(story, "900") is None, "nothing was new"
    began = story.now
    assert await unheard(story, "901") == began
    story.pass_time(hours=1)
    assert await unheard(story, "902") == began, "the first counts"
    mailbox = await story.store.mailbox("ana")
    assert mailbox is not None
    assert mailbox.silent_since(story.now) == began
    assert mailbox.silent_since(began) is None, "it may still be on its way"
    await story.push(902)
    assert await unheard(story, "903") is None


async def test_a_mailbox_that_is_asked_waits_for_no_notice(story: Story) -> None:
    await story.mailbox("ana")
    assert await unheard(story, "900") == story.now
    await story.store.set_notice_mode("ana", NoticeMode.POLL)
    mailbox = await story.store.mailbox("ana")
    assert mailbox is not None
    assert mailbox.unheard_since is None
    assert await unheard(story, "901") is None


async def test_open_streams_hear_of_the_silence_and_of_its_end(story: Story) -> None:
    await story.mailbox("ana")
    await unheard(story, "900")
    story.pass_time(hours=1)
    before = await latest(story)
    await unheard(story, "901")
    during = await latest(story)
    await story.push(901)
    assert before < during < await latest(story)


async def test_an_act_of_the_owner_makes_the_history_of_a_polled_mailbox_due(story: Story) -> None:
    await story.mailbox("ana")
    await story.work()
    job = await story.hold("ana")
    await story.store.finish_duty(job, story.now + timedelta(hours=1))
    await story.store.owner_acted("ana", story.now)
    assert await story.due_duty() is None, "Gmail tells of it"
    await story.store.set_notice_mode("ana", NoticeMode.POLL)
    await story.store.owner_acted("ana", story.now)
    due = await story.due_duty()
    assert due is not None
    assert due.duty is Duty.SYNC
    mailbox = await story.store.mailbox("ana")
    assert mailbox is not None
    assert mailbox.moved_at == story.now
