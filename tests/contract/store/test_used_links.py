"""A link goes on delivering while mail of its sender waits: at the next price, exactly once, until it is closed."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from backend.domain.challenge import Challenge, ChallengeIntent, Solved
from backend.domain.errors import Expired, Refused
from backend.domain.mailbox.decisions import Decision
from backend.domain.mailbox.message import Outcome, Placement, PolicyRow
from backend.domain.policy.evidence import EarlierEvidence, evidence_of
from tests.contract.store.stories import BO, Story


async def waiting(story: Story, messages: int, credits_per_solve: int = 2) -> ChallengeIntent:
    """A link, and so many messages of its sender that wait: m0 is the oldest."""
    await story.mailbox("ana", credits_per_solve=credits_per_solve)
    challenge = await story.receive("ana", "m0", Outcome.CHALLENGE)
    assert challenge is not None
    for number in range(1, messages):
        story.pass_time(minutes=1)
        await story.receive("ana", f"m{number}", Outcome.HOLD)
    return challenge


async def known(story: Story, challenge: ChallengeIntent) -> Challenge:
    found = await story.store.challenge_by_token(challenge.token_hash)
    assert found is not None
    return found


async def let_in(story: Story, challenge: ChallengeIntent) -> tuple[str, ...]:
    """The link is solved and what it releases is moved."""
    solved = await story.solve(challenge)
    await story.work()
    return solved.released


async def is_open(story: Story) -> bool:
    return (await story.store.challenge_history("ana", BO, "pitch.test", "t-new", story.now)).open_for_sender


async def refusal(story: Story, challenge: ChallengeIntent, signature: str = "") -> str:
    with pytest.raises((Expired, Refused)) as refused:
        await story.solve(challenge, signature)
    return str(refused.value.code)


async def test_the_same_link_delivers_the_rest_at_the_next_price(story: Story) -> None:
    challenge = await waiting(story, 5)
    before = await known(story, challenge)
    assert (before.waiting, before.delivers(2), before.solved_before, before.oldest) == (5, 2, 0, "m0")

    first = await story.solve(challenge)
    assert (first.released, first.balance, first.waiting) == (("m0", "m1"), 0, 3)
    assert first.subjects == ("More leads", "More leads")
    assert await is_open(story)
    between = await known(story, challenge)
    assert (between.waiting, between.delivers(2), between.solved_before, between.oldest) == (3, 2, 1, "m2")

    assert (await story.solve(challenge)).released == ("m2", "m3")
    last = await story.solve(challenge)
    assert (last.released, last.balance, last.waiting) == (("m4",), 1, 0)
    assert (await known(story, challenge)).solved_before == 3
    assert not await is_open(story)
    assert await refusal(story, challenge) == "link_used"
    assert await story.store.ledger_differences() == ()


async def test_mail_that_finds_no_credit_opens_the_used_link_again_until_its_life_ends(story: Story) -> None:
    challenge = await waiting(story, 1, credits_per_solve=1)
    await let_in(story, challenge)
    assert await refusal(story, challenge) == "link_used"
    story.pass_time(days=3)
    await story.receive("ana", "m1", Outcome.HOLD)
    assert await is_open(story)
    assert await let_in(story, challenge) == ("m1",)
    await story.receive("ana", "m2", Outcome.HOLD)
    story.pass_time(days=11)
    assert not await is_open(story)
    assert await refusal(story, challenge) == "link_expired"


async def test_of_two_solves_at_once_one_counts(story: Story) -> None:
    challenge = await waiting(story, 4)
    done = await asyncio.gather(
        *(
            story.store.solve(challenge.id, f"answer-{n}", story.now + timedelta(minutes=15), 0, story.now)
            for n in range(8)
        ),
        return_exceptions=True,
    )
    assert [one.released for one in done if isinstance(one, Solved)] == [("m0", "m1")]
    assert [one.code for one in done if isinstance(one, Refused)] == ["captcha_expired"] * 7
    assert await story.store.balance("ana", BO) == 0
    assert (await known(story, challenge)).solved_before == 1


async def test_an_answer_delivers_once_though_the_link_goes_on(story: Story) -> None:
    challenge = await waiting(story, 3, credits_per_solve=1)
    await story.solve(challenge, "the answer")
    assert await refusal(story, challenge, "the answer") == "captcha_replayed"
    assert await story.place("ana", "m1") is Placement.HELD


async def test_a_block_closes_a_used_link_and_taking_it_back_opens_it(story: Story) -> None:
    challenge = await waiting(story, 3, credits_per_solve=1)
    await story.solve(challenge)
    await story.decide("ana", "m1", Decision.BLOCK, "the-block")
    assert await refusal(story, challenge) == "link_used"
    assert not await is_open(story)
    await story.store.undo("ana", "the-block", story.now)
    assert (await story.solve(challenge)).released == ("m1",)
    assert (await known(story, challenge)).solved_before == 2


async def test_what_came_under_a_block_is_not_for_a_link_to_deliver(story: Story) -> None:
    challenge = await waiting(story, 1, credits_per_solve=1)
    await let_in(story, challenge)
    await story.arrive("ana", "m1")
    await story.judge(await story.job("m1"), Outcome.HOLD, row=PolicyRow.BLOCKED)
    await story.work()
    assert not await is_open(story)
    standing = await story.store.standing("ana", BO, "pitch.test", "t-new", story.now)
    assert standing.earlier == EarlierEvidence()
    assert await refusal(story, challenge) == "link_used"


async def test_forged_mail_that_waits_opens_no_link(story: Story) -> None:
    challenge = await waiting(story, 1, credits_per_solve=1)
    await let_in(story, challenge)
    await story.receive("ana", "m1", Outcome.HOLD, authenticated=False)
    standing = await story.store.standing("ana", BO, "pitch.test", "t-new", story.now)
    assert standing.earlier == EarlierEvidence(claimed=evidence_of(0.97))
    assert await refusal(story, challenge) == "link_used"


async def test_a_later_link_takes_the_place_of_a_used_one(story: Story) -> None:
    first = await waiting(story, 1, credits_per_solve=1)
    await story.solve(first)
    await story.work()
    story.pass_time(days=8)
    second = await story.receive("ana", "m1", Outcome.CHALLENGE)
    assert second is not None
    assert await refusal(story, first) == "link_used"
    assert (await known(story, second)).solved_before == 1
    assert (await story.solve(second)).released == ("m1",)


async def test_a_message_of_the_link_that_is_gone_leaves_the_others_their_link(story: Story) -> None:
    challenge = await waiting(story, 2)
    await story.arrive("ana", "x")  # a page of history that tells of a deletion comes with others
    await story.judge(await story.job("x"), Outcome.INBOX, "cy@else.test")
    job = await story.hold("ana")
    await story.store.commit_sync(job, story.deletion("m0"), story.now)
    assert (await story.solve(challenge)).released == ("m1",)
