"""The owner puts messages into Gmail's spam or bin, and takes them out again."""

from __future__ import annotations

import pytest

from backend.domain.challenge import ChallengeState, LedgerEntry, Posting
from backend.domain.errors import Expired, Refused
from backend.domain.mailbox.decisions import Correction, Decision, Order, Origin, RuleKind, TakenBack
from backend.domain.mailbox.message import Outcome, Placement, Stage
from backend.domain.mailbox.review import Shelf, shelf_of
from backend.transactions.records import SyncPage
from tests.contract.store.stories import BO, Story
from tests.contract.store.test_corrections import rule, state

BLOCKED, FREE = (RuleKind.BLOCK, None), (None, None)


async def put(story: Story, gmail_id: str, decision: Decision, record: str = "7") -> None:
    """As history tells it."""
    key = f"gmail:{record}:{gmail_id}:{decision}"
    said = Correction(key, gmail_id, decision, Origin.GMAIL)
    await story.sync("ana", SyncPage(corrections=(said,)))


async def take_out(story: Story, gmail_id: str, *, lies_held: bool, record: str = "9") -> None:
    await story.sync("ana", SyncPage(returned=(TakenBack(gmail_id, record, lies_held),)))


async def stands(story: Story, gmail_id: str) -> tuple[Placement | None, str]:
    view = await story.view("ana", gmail_id)
    return view.placement, view.decided_by


async def give(story: Story, amount: int = 2) -> None:
    await story.store.post("ana", LedgerEntry(BO, amount, Posting.GRANTED, f"grant:{amount}"), story.now)


async def test_a_report_blocks_the_sender_ends_their_link_and_takes_their_credits(story: Story) -> None:
    await story.mailbox("ana")
    challenge = await story.receive("ana", "m1", Outcome.CHALLENGE)
    assert challenge is not None
    await story.receive("ana", "m2", Outcome.HOLD)
    await give(story)
    await put(story, "m1", Decision.SPAM)
    assert await stands(story, "m1") == (Placement.HELD, "spam")
    assert await stands(story, "m2") == (Placement.HELD, "owner")
    assert shelf_of(await story.view("ana", "m1")) is Shelf.KEPT
    assert await rule(story) == BLOCKED
    assert await story.store.balance("ana", BO) == 0
    with pytest.raises(Expired) as ended:
        await story.solve(challenge)
    assert ended.value.code == "link_voided"
    assert await story.work() == []
    assert await story.store.ledger_differences() == ()


async def test_a_report_that_is_taken_back_is_as_if_it_had_not_been(story: Story) -> None:
    await story.mailbox("ana")
    challenge = await story.receive("ana", "m1", Outcome.CHALLENGE)
    assert challenge is not None
    await story.receive("ana", "m2", Outcome.HOLD)
    await give(story)
    await put(story, "m1", Decision.SPAM)
    for record in ("9", "9"):  # told twice
        await take_out(story, "m1", lies_held=True, record=record)
    assert await stands(story, "m1") == (Placement.HELD, "")
    assert await stands(story, "m2") == (Placement.HELD, "")
    assert await rule(story) == FREE
    assert await story.store.balance("ana", BO) == 2
    assert await story.work() == []  # it lies where it was
    assert (await story.solve(challenge)).released == ("m1", "m2")
    assert await story.store.ledger_differences() == ()


async def test_what_comes_out_of_spam_into_the_inbox_is_let_in(story: Story) -> None:
    await story.mailbox("ana")
    challenge = await story.receive("ana", "m1", Outcome.CHALLENGE)
    assert challenge is not None
    await put(story, "m1", Decision.SPAM)
    await take_out(story, "m1", lies_held=False)
    assert await stands(story, "m1") == (Placement.INBOX, "owner")
    assert await rule(story) == FREE
    assert await state(story, "m1") == ChallengeState.VOIDED
    assert await story.work() == [(Stage.RELEASE, "m1")]


async def test_a_delivered_message_that_is_no_spam_after_all_is_moved_by_nobody(story: Story) -> None:
    await story.mailbox("ana")
    await story.receive("ana", "m1", Outcome.INBOX)
    await put(story, "m1", Decision.SPAM)
    assert await stands(story, "m1") == (Placement.HELD, "spam")
    assert await rule(story) == BLOCKED
    await take_out(story, "m1", lies_held=False)
    assert await stands(story, "m1") == (Placement.INBOX, "")
    assert await rule(story) == FREE
    assert await story.work() == []


async def test_a_forged_sender_is_not_blocked_for_what_somebody_else_wrote(story: Story) -> None:
    await story.mailbox("ana")
    challenge = await story.receive("ana", "m1", Outcome.CHALLENGE)
    assert challenge is not None
    await story.receive("ana", "forged", Outcome.HOLD, authenticated=False)
    await give(story)
    await put(story, "forged", Decision.SPAM)
    assert await stands(story, "forged") == (Placement.HELD, "spam")
    assert await rule(story) == FREE
    assert await story.store.balance("ana", BO) == 2
    assert (await story.solve(challenge)).released == ("m1",)


async def test_the_bin_ends_the_link_of_the_message_and_says_nothing_of_its_sender(story: Story) -> None:
    await story.mailbox("ana")
    challenge = await story.receive("ana", "m1", Outcome.CHALLENGE)
    assert challenge is not None
    await give(story)
    await put(story, "m1", Decision.BIN)
    assert await stands(story, "m1") == (Placement.HELD, "bin")
    assert await rule(story) == FREE
    assert await story.store.balance("ana", BO) == 2
    with pytest.raises(Expired):
        await story.solve(challenge)
    await take_out(story, "m1", lies_held=True)
    assert await stands(story, "m1") == (Placement.HELD, "")
    assert (await story.solve(challenge)).released == ("m1",)


async def test_a_link_goes_on_for_what_is_not_in_the_bin(story: Story) -> None:
    await story.mailbox("ana")
    challenge = await story.receive("ana", "m1", Outcome.CHALLENGE)
    assert challenge is not None
    await story.receive("ana", "m2", Outcome.HOLD)
    await put(story, "m1", Decision.BIN)
    assert (await story.solve(challenge)).released == ("m2",)
    assert await stands(story, "m1") == (Placement.HELD, "bin")


@pytest.mark.parametrize("word", [Decision.SPAM, Decision.BIN])
@pytest.mark.parametrize("decision", [Decision.ALLOW, Decision.ALLOW_DOMAIN, Decision.REPLIED])
async def test_kindness_to_the_sender_does_not_fetch_what_was_put_away(
    story: Story, word: Decision, decision: Decision
) -> None:
    await story.mailbox("ana")
    await story.receive("ana", "m1", Outcome.HOLD)
    await story.receive("ana", "m2", Outcome.HOLD)
    await put(story, "m1", word)
    await story.decide("ana", "m2", decision)
    assert await stands(story, "m1") == (Placement.HELD, word)
    assert await story.place("ana", "m2") is Placement.INBOX


@pytest.mark.parametrize("word", [Decision.SPAM, Decision.BIN])
async def test_it_can_be_decided_about_by_no_button_nor_undone_by_one(story: Story, word: Decision) -> None:
    await story.mailbox("ana")
    await story.receive("ana", "m1", Outcome.HOLD)
    await put(story, "m1", word)
    for decision in (Decision.RELEASE, Decision.SALES, Decision.KEEP):
        with pytest.raises(Refused) as refused:
            await story.decide("ana", "m1", decision)
        assert refused.value.key == f"put_away.{word}"
        done = await story.store.decide(
            "ana", Order(f"o-{decision}", decision, ["m1"], Origin.PAGE), story.now
        )
        assert (done.applied, done.lost) == ((), 1)
    with pytest.raises(Refused):
        await story.store.undo("ana", f"gmail:7:m1:{word}", story.now)
    assert await stands(story, "m1") == (Placement.HELD, word)
    assert await story.work() == []


async def test_mail_on_its_way_back_that_is_thrown_away_is_given_up_and_paid_back(story: Story) -> None:
    await story.mailbox("ana", credits_per_solve=1)
    challenge = await story.receive("ana", "m1", Outcome.CHALLENGE)
    assert challenge is not None
    await story.solve(challenge)
    job = await story.job("m1")
    await put(story, "m1", Decision.BIN)
    await story.store.finish_stage(job, story.now)
    assert await stands(story, "m1") == (Placement.HELD, "bin")
    assert await story.work() == []
    assert await story.store.balance("ana", BO) == 1
    await take_out(story, "m1", lies_held=False)
    assert await story.place("ana", "m1") is Placement.INBOX
    assert await story.work() == [(Stage.RELEASE, "m1")]  # what had not been done yet
    assert await story.store.balance("ana", BO) == 0
    assert await story.store.ledger_differences() == ()


async def test_a_challenge_that_has_not_left_stays_here(story: Story) -> None:
    await story.mailbox("ana")
    await story.arrive("ana", "m1")
    await story.judge(await story.job("m1"), Outcome.CHALLENGE)
    await put(story, "m1", Decision.BIN)
    assert await story.work() == []
    assert await state(story, "m1") == ChallengeState.VOIDED
    await take_out(story, "m1", lies_held=True)
    assert Stage.CHALLENGE in [stage for stage, _ in await story.work()]


@pytest.mark.parametrize(("word", "rules"), [(Decision.SPAM, BLOCKED), (Decision.BIN, FREE)])
async def test_a_message_put_away_before_it_is_read_is_not_held_and_not_answered(
    story: Story, word: Decision, rules: tuple[RuleKind | None, None]
) -> None:
    await story.mailbox("ana")
    await story.arrive("ana", "m1")
    await put(story, "m1", word)
    assert await story.judge(await story.job("m1"), Outcome.CHALLENGE) is not None
    assert await stands(story, "m1") == (Placement.HELD, word)
    assert await rule(story) == rules
    assert await story.work() == []
    assert await story.store.challenge_of("ana", "m1") is None


async def test_the_same_told_by_two_is_decided_once(story: Story) -> None:
    await story.mailbox("ana")
    await story.receive("ana", "m1", Outcome.HOLD)
    await put(story, "m1", Decision.SPAM, "found")
    await put(story, "m1", Decision.SPAM, "7")
    await put(story, "m1", Decision.BIN, "8")  # reported and thrown away: it stays reported
    assert await stands(story, "m1") == (Placement.HELD, "spam")
    await take_out(story, "m1", lies_held=True)
    assert await stands(story, "m1") == (Placement.HELD, "")
    assert await rule(story) == FREE


async def test_what_was_thrown_away_and_then_reported_comes_back_whole(story: Story) -> None:
    await story.mailbox("ana")
    challenge = await story.receive("ana", "m1", Outcome.CHALLENGE)
    assert challenge is not None
    await put(story, "m1", Decision.BIN, "7")
    story.pass_time(seconds=1)
    await put(story, "m1", Decision.SPAM, "8")
    assert await stands(story, "m1") == (Placement.HELD, "spam")
    await take_out(story, "m1", lies_held=True)
    assert await stands(story, "m1") == (Placement.HELD, "")
    assert await rule(story) == FREE
    assert (await story.solve(challenge)).released == ("m1",)


async def test_a_rule_set_since_the_report_is_left_as_it_is(story: Story) -> None:
    await story.mailbox("ana")
    await story.receive("ana", "m1", Outcome.HOLD)
    await put(story, "m1", Decision.SPAM)
    await story.store.set_rule("ana", BO, RuleKind.ALLOW, story.now)
    await take_out(story, "m1", lies_held=True)
    assert await rule(story) == (RuleKind.ALLOW, None)
