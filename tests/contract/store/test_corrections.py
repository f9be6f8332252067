"""The owner decides over our heads, and takes it back."""

from __future__ import annotations

import pytest

from backend.domain.challenge import ChallengeState, LedgerEntry, Posting
from backend.domain.errors import Expired, NotFound, Refused
from backend.domain.mailbox.decisions import Decision, RuleKind
from backend.domain.mailbox.message import Outcome, Placement, Stage
from backend.transactions.records import SyncPage
from tests.contract.store.stories import BO, Story


async def rule(story: Story, sender: str = BO) -> tuple[RuleKind | None, RuleKind | None]:
    """Rules for (the address, its domain)."""
    known = await story.store.standing("ana", sender, sender.rpartition("@")[2], "", story.now)
    return known.rules.address, known.rules.domain


async def state(story: Story, gmail_id: str) -> str:
    found = await story.store.challenge_of("ana", gmail_id)
    assert found is not None
    return found.state


async def test_a_release_lets_in_this_message_and_nothing_else(story: Story) -> None:
    await story.mailbox("ana")
    challenge = await story.receive("ana", "m1", Outcome.CHALLENGE)
    assert challenge is not None
    await story.receive("ana", "m2", Outcome.HOLD, "cy@pitch.test")
    story.pass_time(minutes=1)
    assert await story.decide("ana", "m1", Decision.RELEASE) == ("m1",)
    view = await story.view("ana", "m1")
    assert (view.placement, view.decided_by, view.changed_at) == (Placement.INBOX, "owner", story.now)
    assert await story.place("ana", "m2") is Placement.HELD
    assert await rule(story) == (None, None)
    assert await story.work() == [(Stage.RELEASE, "m1")]
    with pytest.raises(Expired) as voided:
        await story.solve(challenge)
    assert voided.value.code == "link_voided"


async def test_a_link_whose_message_is_released_goes_on_for_the_senders_other_mail(story: Story) -> None:
    await story.mailbox("ana")
    challenge = await story.receive("ana", "m1", Outcome.CHALLENGE)
    assert challenge is not None
    await story.receive("ana", "m2", Outcome.HOLD)
    await story.decide("ana", "m1", Decision.RELEASE)
    assert (await story.solve(challenge)).released == ("m2",)


async def test_releasing_other_mail_of_the_sender_leaves_their_link(story: Story) -> None:
    await story.mailbox("ana")
    challenge = await story.receive("ana", "m1", Outcome.CHALLENGE)
    assert challenge is not None
    await story.receive("ana", "m2", Outcome.HOLD)
    await story.decide("ana", "m2", Decision.RELEASE)
    assert (await story.solve(challenge)).released == ("m1",)


@pytest.mark.parametrize(
    ("decision", "let_in", "rules", "by"),
    [
        (Decision.ALLOW, ("m2", "m1"), (RuleKind.ALLOW, None), "owner"),
        (Decision.REPLIED, ("m2", "m1"), (None, None), "replied"),
        (Decision.ALLOW_DOMAIN, ("m2", "m1", "m3"), (None, RuleKind.ALLOW), "owner"),
    ],
)
async def test_letting_a_sender_in_lets_in_what_they_sent(
    story: Story,
    decision: Decision,
    let_in: tuple[str, ...],
    rules: tuple[RuleKind | None, RuleKind | None],
    by: str,
) -> None:
    await story.mailbox("ana")
    await story.receive("ana", "m1", Outcome.CHALLENGE)
    story.pass_time(minutes=1)
    await story.receive("ana", "m2", Outcome.HOLD)
    await story.receive("ana", "m3", Outcome.HOLD, "cy@pitch.test")
    await story.receive("ana", "m4", Outcome.HOLD, "di@other.test")
    await story.receive("ana", "forged", Outcome.HOLD, authenticated=False)
    assert await story.decide("ana", "m2", decision) == let_in
    assert await rule(story) == rules
    assert await state(story, "m1") == ChallengeState.VOIDED
    for gmail_id in let_in:
        assert (await story.view("ana", gmail_id)).decided_by == by
    held = {view.gmail_id for view in await story.store.messages("ana", Placement.HELD)}
    assert held == {"m1", "m2", "m3", "m4", "forged"} - set(let_in)
    assert sorted(await story.work()) == sorted((Stage.RELEASE, name) for name in let_in)


@pytest.mark.parametrize(
    ("decision", "rules"),
    [
        (Decision.BLOCK, (RuleKind.BLOCK, None)),
        (Decision.BLOCK_DOMAIN, (None, RuleKind.BLOCK)),
        (Decision.SALES, (None, None)),
    ],
)
async def test_what_slipped_through_is_held_after_all(
    story: Story, decision: Decision, rules: tuple[RuleKind | None, RuleKind | None]
) -> None:
    await story.mailbox("ana")
    await story.receive("ana", "m1", Outcome.INBOX)
    assert await story.decide("ana", "m1", decision) == ("m1",)
    assert (await story.place("ana", "m1"), await rule(story)) == (Placement.HELD, rules)
    assert await story.work() == [(Stage.ACT, "m1")]
    assert await story.store.challenge_of("ana", "m1") is None


async def test_blocking_a_held_sender_keeps_it_held_and_stops_the_answer(story: Story) -> None:
    await story.mailbox("ana")
    await story.arrive("ana", "m1")
    await story.judge(await story.job("m1"), Outcome.CHALLENGE)
    await story.store.finish_stage(await story.job("m1"), story.now)
    assert (await story.view("ana", "m1")).stage is Stage.CHALLENGE
    assert await story.decide("ana", "m1", Decision.BLOCK) == ()
    assert await state(story, "m1") == ChallengeState.VOIDED
    assert await story.work() == []
    view = await story.view("ana", "m1")
    assert (view.placement, view.decided_by) == (Placement.HELD, "owner")


@pytest.mark.parametrize("decision", [Decision.BLOCK, Decision.BLOCK_DOMAIN])
async def test_whom_the_owner_blocks_nothing_of_waits_for_their_word(
    story: Story, decision: Decision
) -> None:
    await story.mailbox("ana", mode="quarantine")
    for gmail_id in ("m1", "m2", "m3"):
        # A forged From is settled too: it stays where it is.
        await story.receive("ana", gmail_id, Outcome.HOLD, authenticated=gmail_id != "m3")
    await story.receive("ana", "m4", Outcome.HOLD, "cy@else.test")

    assert await story.decide("ana", "m1", decision, "key") == ()

    assert [group.sender for group in (await story.store.held("ana", "", None, 9)).senders] == [
        "cy@else.test"
    ]
    assert await story.work() == []  # nothing is moved in Gmail
    assert {await story.place("ana", gmail_id) for gmail_id in ("m1", "m2", "m3")} == {Placement.HELD}
    await story.store.undo("ana", "key", story.now)
    assert (await story.store.held("ana", "", None, 9)).total == 2
    assert (await story.view("ana", "m2")).decided_by == ""


async def test_a_sender_blocked_before_they_were_held_in_gmail_is_still_held(story: Story) -> None:
    await story.mailbox("ana")
    await story.arrive("ana", "m1")
    await story.judge(await story.job("m1"), Outcome.HOLD)
    await story.decide("ana", "m1", Decision.BLOCK)
    assert await story.work() == [(Stage.ACT, "m1")]


async def test_calling_held_mail_sales_only_confirms_it(story: Story) -> None:
    await story.mailbox("ana")
    challenge = await story.receive("ana", "m1", Outcome.CHALLENGE)
    assert challenge is not None
    assert await story.decide("ana", "m1", Decision.SALES) == ()
    assert await story.work() == []
    assert (await story.solve(challenge)).released == ("m1",)


async def test_letting_in_what_was_left_alone_moves_nothing(story: Story) -> None:
    await story.mailbox("ana")
    await story.receive("ana", "m1", Outcome.IGNORE)
    assert await story.decide("ana", "m1", Decision.ALLOW) == ()
    assert await story.work() == []
    assert await rule(story) == (RuleKind.ALLOW, None)


async def test_a_marked_message_that_is_released_loses_its_mark(story: Story) -> None:
    await story.mailbox("ana")
    await story.receive("ana", "m1", Outcome.MARK)
    assert await story.decide("ana", "m1", Decision.RELEASE) == ("m1",)
    assert await story.work() == [(Stage.RELEASE, "m1")]


async def test_the_same_key_decides_once(story: Story) -> None:
    await story.mailbox("ana")
    await story.receive("ana", "m1", Outcome.HOLD)
    first = await story.decide("ana", "m1", Decision.RELEASE, "key")
    again = await story.decide("ana", "m1", Decision.RELEASE, "key")
    assert first == again == ("m1",)
    with pytest.raises(Refused) as reused:
        await story.decide("ana", "m1", Decision.BLOCK, "key")
    assert reused.value.key == "key_reused"
    assert await rule(story) == (None, None)
    assert await story.place("ana", "m1") is Placement.INBOX


async def test_an_unknown_message_cannot_be_decided_about(story: Story) -> None:
    await story.mailbox("ana")
    with pytest.raises(NotFound):
        await story.decide("ana", "nothing", Decision.RELEASE)
    with pytest.raises(NotFound):
        await story.store.undo("ana", "no such key", story.now)


# Credits


async def test_an_owner_who_lets_in_paid_mail_pays_the_sender_back_once(story: Story) -> None:
    await story.mailbox("ana")
    await story.store.post("ana", LedgerEntry(BO, 1, Posting.GRANTED, "grant:1"), story.now)
    await story.arrive("ana", "m1")
    await story.judge(await story.job("m1"), Outcome.INBOX, spends=True)
    for _ in range(2):
        await story.decide("ana", "m1", Decision.ALLOW)
        assert await story.store.balance("ana", BO) == 1
    await story.receive("ana", "m2", Outcome.HOLD)
    await story.decide("ana", "m2", Decision.RELEASE)  # nothing was spent on this one
    assert await story.store.balance("ana", BO) == 1
    assert await story.store.ledger_differences() == ()


async def test_a_refund_is_taken_back_with_its_decision_and_may_be_given_again(story: Story) -> None:
    await story.mailbox("ana", credits_per_solve=1)
    challenge = await story.receive("ana", "m1", Outcome.CHALLENGE)
    assert challenge is not None
    await story.solve(challenge)
    await story.work()
    for round_ in ("first", "second"):
        await story.decide("ana", "m1", Decision.ALLOW, round_)
        assert await story.store.balance("ana", BO) == 1
        await story.store.undo("ana", round_, story.now)
        assert await story.store.balance("ana", BO) == 0
    assert await story.store.ledger_differences() == ()


async def test_a_refund_that_was_spent_is_not_taken_a_second_time(story: Story) -> None:
    await story.mailbox("ana", credits_per_solve=1)
    challenge = await story.receive("ana", "m1", Outcome.CHALLENGE)
    assert challenge is not None
    await story.solve(challenge)
    await story.work()
    await story.decide("ana", "m1", Decision.RELEASE, "key")
    await story.arrive("ana", "m2")
    await story.judge(await story.job("m2"), Outcome.INBOX, spends=True)
    await story.store.undo("ana", "key", story.now)
    assert await story.store.balance("ana", BO) == 0
    assert await story.store.ledger_differences() == ()


# Taking it back


async def test_a_release_taken_back_holds_again_and_gives_the_link_back(story: Story) -> None:
    await story.mailbox("ana")
    challenge = await story.receive("ana", "m1", Outcome.CHALLENGE)
    assert challenge is not None
    await story.decide("ana", "m1", Decision.RELEASE, "key")
    await story.work()
    assert await story.store.undo("ana", "key", story.now) == ("m1",)
    assert await story.store.undo("ana", "key", story.now) == ("m1",)
    view = await story.view("ana", "m1")
    assert (view.placement, view.decided_by) == (Placement.HELD, "")
    assert await story.work() == [(Stage.ACT, "m1")]
    assert await state(story, "m1") == ChallengeState.SENT
    assert (await story.solve(challenge)).released == ("m1",)


async def test_a_challenge_stopped_before_it_left_goes_out_after_all(story: Story) -> None:
    await story.mailbox("ana")
    await story.arrive("ana", "m1")
    await story.judge(await story.job("m1"), Outcome.CHALLENGE)
    await story.store.finish_stage(await story.job("m1"), story.now)
    await story.decide("ana", "m1", Decision.BLOCK, "key")
    assert await story.work() == []
    assert await story.store.undo("ana", "key", story.now) == ()
    assert await rule(story) == (None, None)
    assert await story.work() == [(Stage.CHALLENGE, "m1")]
    assert await state(story, "m1") == ChallengeState.SENT


async def test_a_link_is_not_given_back_once_another_is_open(story: Story) -> None:
    await story.mailbox("ana")
    old = await story.receive("ana", "m1", Outcome.CHALLENGE)
    assert old is not None
    await story.decide("ana", "m1", Decision.RELEASE, "key")
    await story.work()
    story.pass_time(days=8)
    await story.receive("ana", "m2", Outcome.CHALLENGE)
    await story.store.undo("ana", "key", story.now)
    assert await state(story, "m1") == ChallengeState.VOIDED
    assert await state(story, "m2") == ChallengeState.SENT


async def test_a_link_whose_life_ended_meanwhile_stays_dead(story: Story) -> None:
    await story.mailbox("ana")
    old = await story.receive("ana", "m1", Outcome.CHALLENGE)
    assert old is not None
    await story.decide("ana", "m1", Decision.RELEASE, "key")
    await story.work()
    story.pass_time(days=15)
    await story.store.undo("ana", "key", story.now)
    await story.work()
    with pytest.raises(Expired) as expired:
        await story.solve(old)
    assert expired.value.code == "link_expired"
    assert await story.receive("ana", "m2", Outcome.CHALLENGE) is not None


async def test_a_held_message_taken_back_returns_to_the_inbox(story: Story) -> None:
    await story.mailbox("ana")
    await story.receive("ana", "m1", Outcome.INBOX)
    await story.decide("ana", "m1", Decision.SALES, "key")
    assert await story.store.undo("ana", "key", story.now) == ("m1",)
    assert await story.place("ana", "m1") is Placement.INBOX
    assert await story.work() == [(Stage.RELEASE, "m1")]


async def test_rules_come_back_as_they_were_unless_they_were_set_anew(story: Story) -> None:
    await story.mailbox("ana")
    await story.receive("ana", "m1", Outcome.HOLD)
    await story.store.set_rule("ana", BO, RuleKind.BLOCK, story.now)
    await story.decide("ana", "m1", Decision.ALLOW, "key")
    assert await rule(story) == (RuleKind.ALLOW, None)
    await story.store.undo("ana", "key", story.now)
    assert await rule(story) == (RuleKind.BLOCK, None)
    await story.decide("ana", "m1", Decision.ALLOW, "another")
    await story.store.set_rule("ana", BO, None, story.now)
    await story.store.undo("ana", "another", story.now)
    assert await rule(story) == (None, None)


async def test_an_undo_leaves_what_was_decided_after_it(story: Story) -> None:
    await story.mailbox("ana")
    await story.receive("ana", "m1", Outcome.HOLD)
    await story.receive("ana", "m2", Outcome.HOLD)
    await story.decide("ana", "m1", Decision.ALLOW, "first")
    await story.decide("ana", "m1", Decision.BLOCK, "second")
    assert await story.store.undo("ana", "first", story.now) == ("m2",)
    assert await story.place("ana", "m1") is Placement.HELD
    assert await rule(story) == (RuleKind.BLOCK, None)


async def test_deleted_mail_is_not_brought_back(story: Story) -> None:
    await story.mailbox("ana")
    await story.receive("ana", "m1", Outcome.HOLD)
    await story.decide("ana", "m1", Decision.RELEASE, "key")
    await story.sync("ana", SyncPage(deleted=("m1",)))
    assert await story.store.undo("ana", "key", story.now) == ()
    assert await story.work() == []


async def test_a_decision_that_still_waits_is_taken_back_before_it_counts(story: Story) -> None:
    await story.mailbox("ana")
    await story.arrive("ana", "m1")
    await story.decide("ana", "m1", Decision.BLOCK, "key")
    assert await story.store.undo("ana", "key", story.now) == ()
    await story.judge(await story.job("m1"), Outcome.INBOX)
    assert await story.place("ana", "m1") is Placement.INBOX
    assert await rule(story) == (None, None)


async def test_a_decision_about_an_unread_dead_letter_moves_the_mail_without_a_rule(story: Story) -> None:
    await story.mailbox("ana")
    await story.arrive("ana", "m1")
    await story.store.make_dead_letter(await story.job("m1"), "cannot be read", story.now)
    assert await story.decide("ana", "m1", Decision.BLOCK) == ("m1",)
    assert not (await story.store.screening_context("ana")).blocks
    assert await story.work() == [(Stage.ACT, "m1")]
