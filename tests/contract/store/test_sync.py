"""What a sync commits, and what is known of whom the owner writes to."""

from __future__ import annotations

from datetime import timedelta

import pytest

from backend.domain.errors import Refused
from backend.domain.mailbox.decisions import Correction, Decision, Origin
from backend.domain.mailbox.message import Outcome, Placement, Stage
from backend.transactions.records import Duty, Sighting, SyncPage
from tests.contract.store.stories import BO, Story


def seen(*gmail_ids: str) -> tuple[Sighting, ...]:
    return tuple(Sighting(gmail_id, f"t-{gmail_id}", None) for gmail_id in gmail_ids)


async def test_a_page_listed_twice_gives_each_message_one_row(story: Story) -> None:
    await story.mailbox("ana")
    page = SyncPage(seen("m1", "m2"), cursor="10")
    assert await story.sync("ana", page) == 2
    assert await story.sync("ana", page) == 0
    assert await story.sync("ana", SyncPage(seen("m2", "m3", "m3"), cursor="12")) == 1
    assert len(await story.due()) == 3


async def test_the_cursor_moves_forward_only_and_by_value(story: Story) -> None:
    await story.mailbox("ana")
    for found, stands in (
        ("9", "9"),
        ("10", "10"),
        ("8", "10"),
        (str(2**64 - 1), str(2**64 - 1)),
        ("11", None),
    ):
        await story.sync("ana", SyncPage(cursor=found))
        mailbox = await story.store.mailbox("ana")
        assert mailbox is not None
        assert mailbox.cursor == (stands or str(2**64 - 1))


async def test_a_cursor_that_is_no_number_undoes_the_whole_page(story: Story) -> None:
    await story.mailbox("ana")
    await story.sync("ana", SyncPage(cursor="9"))
    job = await story.hold("ana")
    with pytest.raises(Refused):
        await story.store.commit_sync(job, SyncPage(seen("m1"), cursor="0x10"), story.now)
    assert await story.store.known("ana", ["m1"]) == {}


async def test_a_listing_under_way_is_taken_up_where_it_was_left(story: Story) -> None:
    await story.mailbox("ana")
    await story.sync("ana", SyncPage(cursor="9", safe_since=story.now))
    await story.sync("ana", SyncPage(seen("m1"), page_token="page2", page_start="9"))
    halfway = await story.store.mailbox("ana")
    assert halfway is not None
    assert (halfway.cursor, halfway.page_token, halfway.page_start) == ("9", "page2", "9")
    assert halfway.safe_since == story.now
    later = story.pass_time(minutes=1)
    await story.sync("ana", SyncPage(seen("m2"), cursor="20", safe_since=later))
    done = await story.store.mailbox("ana")
    assert done is not None
    assert (done.cursor, done.page_token, done.page_start, done.safe_since) == ("20", "", "", later)


async def test_our_own_challenge_is_known_and_never_screened(story: Story) -> None:
    await story.mailbox("ana")
    challenge = await story.receive("ana", "m1", Outcome.CHALLENGE)
    assert challenge is not None
    sent = f"sent-{challenge.id}"
    assert await story.store.sent_challenge_ids("ana", [sent, "m1"]) == {sent}
    assert await story.store.sent_challenge_ids("ana", []) == frozenset()
    assert await story.arrive("ana", sent, "m2") == 1
    assert await story.store.known("ana", [sent]) == {}


async def test_a_thread_with_a_challenge_on_its_way_is_known_until_it_left(story: Story) -> None:
    await story.mailbox("ana")
    await story.arrive("ana", "m1")
    await story.judge(await story.job("m1"), Outcome.CHALLENGE)
    assert await story.store.challenge_pending_in("ana", "t-m1")
    assert not await story.store.challenge_pending_in("ana", "t-m2")
    await story.work()
    assert not await story.store.challenge_pending_in("ana", "t-m1")


async def test_mail_deleted_in_gmail_ends_wherever_it_was(story: Story) -> None:
    await story.mailbox("ana")
    challenge = await story.receive("ana", "m1", Outcome.CHALLENGE)
    assert challenge is not None
    await story.arrive("ana", "m2")
    worked_on = await story.job("m2")
    await story.sync("ana", SyncPage(seen("m3"), deleted=("m1", "m2", "m3", "m9")))
    assert await story.due() == ()
    for gmail_id in ("m1", "m2", "m3"):
        view = await story.view("ana", gmail_id)
        assert (view.stage, view.placement) == (None, None)
    stored = await story.store.challenge_of("ana", "m1")
    assert stored is not None
    assert stored.state == "voided"
    await story.judge(worked_on, Outcome.HOLD)  # came too late to hold anything
    assert await story.place("ana", "m2") is None
    assert await story.due() == ()


async def test_the_owners_moves_in_gmail_come_with_the_page(story: Story) -> None:
    await story.mailbox("ana")
    await story.receive("ana", "m1", Outcome.HOLD)
    moves = (
        Correction("g1", "m1", Decision.ALLOW, Origin.GMAIL),
        Correction("g2", "never-seen", Decision.BLOCK, Origin.GMAIL),
    )
    await story.sync("ana", SyncPage(corrections=moves, cursor="9"))
    await story.sync("ana", SyncPage(corrections=moves, cursor="10"))
    assert await story.work() == [(Stage.RELEASE, "m1")]
    standing = await story.store.standing("ana", BO, "pitch.test", "t", story.now)
    assert standing.rules.kind == "allow"


async def test_a_move_told_with_the_arrival_waits_for_the_screening(story: Story) -> None:
    await story.mailbox("ana")
    block = Correction("g1", "m1", Decision.BLOCK, Origin.GMAIL)
    await story.sync("ana", SyncPage(seen("m1"), (block,), cursor="9"))
    await story.judge(await story.job("m1"), Outcome.INBOX)
    assert await story.place("ana", "m1") is Placement.HELD
    standing = await story.store.standing("ana", BO, "pitch.test", "t", story.now)
    assert standing.rules.address == "block"
    assert await story.work() == [(Stage.ACT, "m1")]


async def test_correspondents_and_threads_are_learned_once(story: Story) -> None:
    await story.mailbox("ana")
    for _ in range(2):
        await story.store.learn("ana", frozenset({"Carl@x.test", "dora@x.test"}), "t7", story.now)
    await story.store.learn("ana", frozenset(), "", story.now)
    known = await story.store.standing("ana", "carl@x.test", "x.test", "t7", story.now)
    assert (known.corresponded, known.took_part) == (True, True)
    elsewhere = await story.store.standing("ana", "eve@x.test", "x.test", "t8", story.now)
    assert (elsewhere.corresponded, elsewhere.took_part) == (False, False)


async def test_a_thread_is_an_authors_who_had_written_in_it_or_is_a_colleague_of_a_correspondent(
    story: Story,
) -> None:
    await story.mailbox("ana")
    await story.receive("ana", "m1", Outcome.INBOX)
    await story.receive("ana", "m2", Outcome.INBOX, "forged@x.test", authenticated=False)
    story.pass_time(seconds=1)
    for thread in ("t-m1", "t-m2"):
        await story.store.learn("ana", frozenset({"carl@firm.test", "dora@gmail.com"}), thread, story.now)
    story.pass_time(seconds=1)
    await story.receive("ana", "m3", Outcome.INBOX, "late@x.test")

    async def takes_part(sender: str, domain: str, thread: str = "t-m1") -> bool:
        return (await story.store.standing("ana", sender, domain, thread, story.now)).took_part

    assert await takes_part(BO, "pitch.test")
    assert not await takes_part(BO, "pitch.test", "t-m2")
    assert not await takes_part("forged@x.test", "x.test", "t-m2")
    assert not await takes_part("late@x.test", "x.test", "t-m3")
    assert await takes_part("eve@sub.firm.test", "firm.test")
    assert not await takes_part("eve@gmail.com", "gmail.com")
    assert not await takes_part("eve@otherfirm.test", "otherfirm.test")


async def test_held_mail_is_found_by_whom_the_owner_wrote_to(story: Story) -> None:
    await story.mailbox("ana")
    await story.receive("ana", "m1", Outcome.HOLD)
    await story.receive("ana", "m2", Outcome.HOLD)
    await story.receive("ana", "m3", Outcome.INBOX, "eve@x.test")
    found = await story.store.held_from("ana", frozenset({BO, "eve@x.test", "nobody@x.test"}))
    assert found == ((BO, "m1"),)
    await story.decide("ana", "m1", Decision.REPLIED)
    assert await story.store.held_from("ana", frozenset({BO})) == ()
    assert await story.store.held_from("ana", frozenset()) == ()


async def test_the_index_goes_on_page_by_page_and_finishes_once(story: Story) -> None:
    await story.mailbox("ana")
    job = await story.hold("ana", Duty.INDEX)
    await story.store.save_index(job, "page2", 100, 240, finished=False, now=story.now)
    halfway = await story.store.mailbox("ana")
    assert halfway is not None
    assert (halfway.index_page, halfway.index_done, halfway.index_total) == ("page2", 100, 240)
    assert halfway.indexed_at is None
    await story.store.save_index(job, "", 240, 240, finished=True, now=story.now)
    done = await story.store.mailbox("ana")
    assert done is not None
    assert done.indexed_at == story.now
    story.pass_time(days=1)
    await story.store.save_index(job, "", 240, 240, finished=False, now=story.now)
    kept = await story.store.mailbox("ana")
    assert kept is not None
    assert kept.indexed_at == story.now - timedelta(days=1)


async def test_a_push_during_the_last_page_is_looked_after_all_the_same(story: Story) -> None:
    await story.mailbox("ana")
    job = await story.hold("ana")
    window = story.now + timedelta(seconds=1.1)
    await story.push(1001, again_at=window)
    await story.store.commit_sync(job, SyncPage(cursor="1000"), story.now)
    await story.store.finish_duty(job, story.now + timedelta(minutes=12))
    assert await story.due_duty() is not None
