"""Challenges being sent, and what a solve does."""

from __future__ import annotations

from datetime import timedelta

import pytest

from backend.domain.challenge import ChallengeState, LedgerEntry, Posting, token_hash
from backend.domain.errors import Conflict, Expired, NotFound, Refused
from backend.domain.mailbox.decisions import Decision
from backend.domain.mailbox.message import Outcome, Placement, Stage
from backend.transactions.records import MessageJob
from tests.contract.store.stories import BO, Story


async def challenge_stage(story: Story) -> MessageJob:
    """A held pitch whose challenge is about to be sent."""
    await story.mailbox("ana")
    await story.arrive("ana", "m1")
    await story.judge(await story.job("m1"), Outcome.CHALLENGE)
    assert await state(story) == ChallengeState.INTENDED
    await story.store.finish_stage(await story.job("m1"), story.now)
    job = await story.job("m1")
    assert job.stage is Stage.CHALLENGE
    return job


async def state(story: Story, gmail_id: str = "m1") -> str:
    found = await story.store.challenge_of("ana", gmail_id)
    assert found is not None
    return found.state


async def test_a_challenge_goes_from_intent_to_sent_and_forgets_its_token(story: Story) -> None:
    job = await challenge_stage(story)
    stored = await story.store.challenge_of("ana", "m1")
    assert stored is not None
    assert (stored.state, stored.sender, stored.sealed_token) == (ChallengeState.SENDING, BO, b"sealed-c1")
    assert (stored.thread_id, stored.message_id) == ("t-m1", "<c1@corp.test>")
    assert stored.expires_at == story.now + timedelta(days=14)
    await story.store.mark_sending(job, "c1", story.now)  # a second run, after a death
    assert await state(story) == ChallengeState.SENDING
    await story.store.mark_sent(job, "c1", "s1", story.now)
    sent = await story.store.challenge_by_token(token_hash("token-c1"))
    assert sent is not None
    assert (sent.state, sent.sealed_token, sent.sent_gmail_id) == (ChallengeState.SENT, b"", "s1")
    assert await story.due() == ()
    assert await story.store.challenge_by_token(token_hash("guessed")) is None


async def test_a_reply_that_left_before_a_restore_takes_its_place(story: Story) -> None:
    job = await challenge_stage(story)
    left = token_hash("token-of-before")
    assert await story.store.take_up(job, "c1", left, "s1", story.now)
    taken = await story.store.challenge_by_token(left)
    assert taken is not None
    assert (taken.id, taken.state, taken.sealed_token, taken.sent_gmail_id) == (
        *("c1", ChallengeState.SENT),
        *(b"", "s1"),
    )
    assert await story.store.challenge_by_token(token_hash("token-c1")) is None
    assert await story.due() == ()
    assert (await story.solve_id("c1")).released == ("m1",)


async def test_a_link_that_is_known_or_a_challenge_that_ended_is_not_taken_up(story: Story) -> None:
    job = await challenge_stage(story)
    assert not await story.store.take_up(job, "c1", token_hash("token-c1"), "s1", story.now)
    assert await state(story) == ChallengeState.SENDING
    await story.decide("ana", "m1", Decision.RELEASE)
    assert not await story.store.take_up(job, "c1", token_hash("token-of-before"), "s1", story.now)
    assert await state(story) == ChallengeState.VOIDED


async def test_a_challenge_that_will_not_leave_ends_and_the_mail_stays_held(story: Story) -> None:
    job = await challenge_stage(story)
    await story.store.mark_sending(job, "c1", story.now)
    await story.store.mark_unsent(job, "c1", "refused by Gmail", story.now)
    assert await state(story) == ChallengeState.FAILED
    assert await story.place("ana", "m1") is Placement.HELD
    assert await story.due() == ()
    with pytest.raises(Expired) as closed:
        await story.solve_id("c1")
    assert closed.value.code == "link_voided"


async def test_a_challenge_voided_before_it_left_may_not_leave(story: Story) -> None:
    job = await challenge_stage(story)
    await story.decide("ana", "m1", Decision.RELEASE)
    with pytest.raises(Conflict):
        await story.store.mark_sending(job, "c1", story.now)
    await story.store.finish_stage(job, story.now)
    assert await story.work() == [(Stage.RELEASE, "m1")]


async def test_one_voided_while_it_left_is_still_known_as_ours(story: Story) -> None:
    job = await challenge_stage(story)
    await story.store.mark_sending(job, "c1", story.now)
    await story.decide("ana", "m1", Decision.RELEASE)
    await story.store.mark_sent(job, "c1", "s1", story.now)
    assert await state(story) == ChallengeState.VOIDED
    assert await story.store.sent_challenge_ids("ana", ["s1"]) == {"s1"}
    assert await story.work() == [(Stage.RELEASE, "m1")]
    known = await story.store.challenge_history("ana", BO, "pitch.test", "t-m1", story.now)
    assert known.sender_last_at is not None  # it did reach them


async def test_a_challenge_of_another_message_is_not_this_jobs(story: Story) -> None:
    job = await challenge_stage(story)
    for wrong in (
        story.store.mark_sending(job, "c9", story.now),
        story.store.mark_sent(job, "c9", "s1", story.now),
        story.store.take_up(job, "c9", "hash", "s1", story.now),
        story.store.mark_unsent(job, "c9", "", story.now),
    ):
        with pytest.raises(NotFound):
            await wrong


async def test_a_pitch_is_held_solved_and_let_in(story: Story) -> None:
    await story.mailbox("ana", credits_per_solve=3)
    challenge = await story.receive("ana", "m1", Outcome.CHALLENGE)
    assert challenge is not None
    story.pass_time(hours=2)
    solved = await story.solve(challenge)
    assert (solved.released, solved.balance, solved.sender) == (("m1",), 2, BO)
    view = await story.view("ana", "m1")
    assert (view.placement, view.decided_by, view.stage) == (Placement.INBOX, "solve", Stage.RELEASE)
    assert await story.work() == [(Stage.RELEASE, "m1")]
    stored = await story.store.challenge_of("ana", "m1")
    assert stored is not None
    assert (stored.state, stored.solved_at) == (ChallengeState.SOLVED, story.now)
    assert await story.store.ledger_differences() == ()


async def test_credits_let_in_the_oldest_mail_first_while_they_last(story: Story) -> None:
    await story.mailbox("ana", credits_per_solve=2)
    await story.receive("ana", "m9", Outcome.HOLD)
    story.pass_time(minutes=1)
    challenge = await story.receive("ana", "m5", Outcome.CHALLENGE)
    story.pass_time(minutes=1)
    await story.receive("ana", "m1", Outcome.HOLD)
    await story.receive("ana", "m2", Outcome.HOLD, "cy@pitch.test")
    assert challenge is not None
    solved = await story.solve(challenge)
    assert (solved.released, solved.balance) == (("m9", "m5"), 0)
    assert await story.place("ana", "m1") is Placement.HELD
    assert await story.place("ana", "m2") is Placement.HELD


async def test_a_solve_lets_in_what_is_still_being_held(story: Story) -> None:
    await story.mailbox("ana")
    challenge = await story.receive("ana", "m1", Outcome.CHALLENGE)
    assert challenge is not None
    await story.arrive("ana", "m2", "m3")
    for job in await story.due():
        await story.judge(job, Outcome.HOLD)
    (acting,) = await story.due(1)
    solved = await story.solve(challenge)
    assert solved.released == ("m1", "m2", "m3")
    await story.store.finish_stage(acting, story.now)
    assert sorted(await story.work()) == [(Stage.RELEASE, name) for name in ("m1", "m2", "m3")]


async def test_credits_left_over_count_too(story: Story) -> None:
    await story.mailbox("ana", credits_per_solve=1)
    await story.store.post("ana", LedgerEntry(BO, 1, Posting.GRANTED, "grant:1"), story.now)
    await story.receive("ana", "m1", Outcome.HOLD)
    challenge = await story.receive("ana", "m2", Outcome.CHALLENGE)
    assert challenge is not None
    assert (await story.solve(challenge)).released == ("m1", "m2")


async def test_a_forged_sender_and_what_the_owner_decided_stay_held(story: Story) -> None:
    await story.mailbox("ana")
    await story.receive("ana", "forged", Outcome.HOLD, authenticated=False)
    await story.receive("ana", "refused", Outcome.INBOX)
    await story.decide("ana", "refused", Decision.SALES)
    await story.work()
    challenge = await story.receive("ana", "m1", Outcome.CHALLENGE)
    assert challenge is not None
    assert (await story.solve(challenge)).released == ("m1",)
    assert await story.place("ana", "forged") is Placement.HELD
    assert await story.place("ana", "refused") is Placement.HELD


async def test_an_answer_shown_twice_opens_nothing(story: Story) -> None:
    await story.mailbox("ana")
    await story.mailbox("bea")
    first = await story.receive("ana", "m1", Outcome.CHALLENGE)
    second = await story.receive("bea", "m1", Outcome.CHALLENGE)
    assert first is not None
    assert second is not None
    await story.solve(first, "same-signature")
    with pytest.raises(Refused) as refusal:
        await story.solve(second, "same-signature")
    assert refusal.value.code == "captcha_replayed"
    assert await story.place("bea", "m1") is Placement.HELD
    assert await story.store.balance("bea", BO) == 0
    assert (await story.solve(second, "another")).released == ("m1",)


async def test_a_link_works_once_and_the_second_answer_is_not_used_up(story: Story) -> None:
    await story.mailbox("ana")
    challenge = await story.receive("ana", "m1", Outcome.CHALLENGE)
    assert challenge is not None
    before = (await story.solve(challenge)).balance
    with pytest.raises(Expired) as used:
        await story.solve(challenge, "fresh")
    assert used.value.code == "link_used"
    assert await story.store.balance("ana", BO) == before


async def test_links_expire_are_voided_or_unknown(story: Story) -> None:
    await story.mailbox("ana")
    first = await story.receive("ana", "m1", Outcome.CHALLENGE)
    second = await story.receive("ana", "m2", Outcome.CHALLENGE, "cy@pitch.test")
    assert first is not None
    assert second is not None
    await story.decide("ana", "m2", Decision.RELEASE)
    with pytest.raises(Expired) as voided:
        await story.solve(second)
    assert voided.value.code == "link_voided"
    story.pass_time(days=14)
    with pytest.raises(Expired) as expired:
        await story.solve(first)
    assert expired.value.code == "link_expired"
    with pytest.raises(NotFound):
        await story.solve_id("c99")
    assert await story.store.balance("ana", BO) == 0


async def test_each_solve_makes_the_next_one_dearer(story: Story) -> None:
    await story.mailbox("ana")
    for number in range(3):
        challenge = await story.receive("ana", f"m{number}", Outcome.CHALLENGE)
        assert challenge is not None
        stored = await story.store.challenge_by_token(challenge.token_hash)
        assert stored is not None
        assert stored.solved_before == number
        await story.solve(challenge)
        await story.work()
        story.pass_time(days=8)


async def test_a_solve_that_overtakes_the_record_of_the_send_stands(story: Story) -> None:
    job = await challenge_stage(story)
    await story.store.mark_sending(job, "c1", story.now)
    solved = await story.solve_id("c1")  # the mail had left before its sending was recorded
    assert solved.released == ("m1",)
    await story.store.mark_sent(job, "c1", "s1", story.now)
    assert await state(story) == ChallengeState.SOLVED
    assert await story.store.sent_challenge_ids("ana", ["s1"]) == {"s1"}
    assert await story.work() == [(Stage.RELEASE, "m1")]
