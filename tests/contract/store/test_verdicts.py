"""A verdict and everything that follows from it, in one commit or not at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from backend.domain.challenge import ChallengeHistory, LedgerEntry, Posting
from backend.domain.errors import Conflict
from backend.domain.mailbox.decisions import Decision, RuleKind
from backend.domain.mailbox.message import Outcome, Placement, PolicyRow, Stage, Verdict
from backend.domain.policy.evidence import MOST_EMAILS, EarlierEvidence, evidence_of
from backend.domain.policy.table import Standing
from tests.contract.store.stories import BO, Story


@pytest.mark.parametrize(
    ("outcome", "placement", "stage"),
    [
        (Outcome.IGNORE, None, None),
        (Outcome.INBOX, Placement.INBOX, None),
        (Outcome.MARK, Placement.MARKED, Stage.ACT),
        (Outcome.HOLD, Placement.HELD, Stage.ACT),
        (Outcome.CHALLENGE, Placement.HELD, Stage.ACT),
    ],
)
async def test_a_verdict_says_where_and_what_is_next(
    story: Story, outcome: Outcome, placement: Placement | None, stage: Stage | None
) -> None:
    await story.mailbox("ana")
    await story.arrive("ana", "m1")
    await story.judge(await story.job("m1"), outcome)
    view = await story.view("ana", "m1")
    assert (view.placement, view.stage, view.outcome) == (placement, stage, outcome)
    follows = {Outcome.CHALLENGE: [Stage.ACT, Stage.CHALLENGE], Outcome.INBOX: [], Outcome.IGNORE: []}
    assert [done for done, _ in await story.work()] == follows.get(outcome, [Stage.ACT])


async def test_the_whole_verdict_is_recorded(story: Story) -> None:
    await story.mailbox("ana")
    await story.arrive("ana", "m1")
    story.pass_time(seconds=3)
    await story.judge(await story.job("m1"), Outcome.HOLD)
    view = await story.view("ana", "m1")
    assert (view.row, view.score, view.model) == (PolicyRow.QUARANTINE, 0.97, "m1")
    assert view.reasons == ({"text": "asks for a call", "weight": 1.5, "words": ["quick", "call"]},)
    assert (view.sender, view.sender_name, view.subject) == (BO, "Bo", "More leads")
    assert (view.decided_at, view.changed_at) == (story.now, story.now)
    assert (view.first_seen_at, view.received_at) == (story.now - timedelta(seconds=3), story.now)
    assert (view.decided_by, view.cause, view.guards) == ("", "", ())
    kept = await story.store.screened("ana", "m1")
    assert kept == story.screened()
    assert await story.store.screened("ana", "m2") is None


async def test_a_verdict_without_the_message_keeps_its_cause(story: Story) -> None:
    await story.mailbox("ana")
    await story.arrive("ana", "m1")
    assert await story.store.screened("ana", "m1") is None
    verdict = Verdict(
        Outcome.INBOX, PolicyRow.FAIL_OPEN, guards=("backlog", "stale"), cause="no such charset"
    )
    await story.store.record_verdict(await story.job("m1"), verdict, None, None, story.now)
    view = await story.view("ana", "m1")
    assert (view.placement, view.cause, view.guards) == (
        Placement.INBOX,
        "no such charset",
        ("backlog", "stale"),
    )
    assert (view.score, view.sender) == (None, "")


async def test_a_strangers_standing_is_empty(story: Story) -> None:
    await story.mailbox("ana")
    assert await story.store.standing("ana", BO, "pitch.test", "t1", story.now) == Standing()
    assert await story.store.standing("ana", "", "", "", story.now) == Standing()


async def test_the_standing_tells_rules_credits_and_what_is_held(story: Story) -> None:
    await story.mailbox("ana")
    await story.receive("ana", "m1", Outcome.HOLD)
    await story.store.set_rule("ana", "Pitch.test", RuleKind.BLOCK, story.now)
    await story.store.set_rule("ana", BO, RuleKind.ALLOW, story.now)
    await story.store.post("ana", LedgerEntry(BO, 2, Posting.GRANTED, "grant:1"), story.now)
    known = await story.store.standing("ana", BO, "pitch.test", "t1", story.now)
    assert (known.rules.address, known.rules.domain) == (RuleKind.ALLOW, RuleKind.BLOCK)
    assert (known.credits, known.earlier) == (2, EarlierEvidence(evidence_of(0.97), evidence_of(0.97), 0.97))
    colleague = await story.store.standing("ana", "cy@pitch.test", "pitch.test", "t1", story.now)
    assert (colleague.rules.address, colleague.rules.domain) == (None, RuleKind.BLOCK)
    assert (colleague.credits, colleague.earlier) == (
        0,
        EarlierEvidence(evidence_of(0.97) / 2, evidence_of(0.97) / 2),
    )
    assert (await story.store.screening_context("ana")).blocks
    await story.store.set_rule("ana", "pitch.test", None, story.now)
    assert not (await story.store.screening_context("ana")).blocks


async def test_an_owner_keeps_a_senders_mail_who_lets_in_two_emails(story: Story) -> None:
    await story.mailbox("ana")
    kept = []
    for gmail_id in ("m1", "m2"):
        await story.receive("ana", gmail_id, Outcome.HOLD)
        await story.decide("ana", gmail_id, Decision.RELEASE)
        await story.work()
        kept.append((await story.store.standing("ana", BO, "pitch.test", "t", story.now)).keeps)
    assert kept == [False, True]
    await story.decide("ana", "m2", Decision.SALES)
    assert not (await story.store.standing("ana", BO, "pitch.test", "t", story.now)).keeps


async def _earlier(
    story: Story, sender: str, now: datetime, domain: str = "pitch.test", gmail_id: str = ""
) -> EarlierEvidence:
    return (await story.store.standing("ana", sender, domain, "t", now, gmail_id)).earlier


async def test_mail_is_evidence_for_thirty_days_and_until_somebody_decides(story: Story) -> None:
    await story.mailbox("ana")
    await story.receive("ana", "m1", Outcome.HOLD)
    await story.receive("ana", "m2", Outcome.INBOX)
    await story.receive("ana", "m3", Outcome.HOLD, "cy@hold.test")
    almost = story.pass_time(days=30) - timedelta(seconds=1)
    one = evidence_of(0.97)
    assert await _earlier(story, BO, almost) == EarlierEvidence(one + one, one + one, 0.97)
    assert await _earlier(story, BO, almost, gmail_id="m2") == EarlierEvidence(one, one, 0.97)
    assert await _earlier(story, BO, story.now) == EarlierEvidence()
    await story.decide("ana", "m1", Decision.RELEASE)
    assert await _earlier(story, BO, almost) == EarlierEvidence(one, one)
    await story.decide("ana", "m3", Decision.BLOCK)
    assert await _earlier(story, "cy@hold.test", almost, "hold.test") == EarlierEvidence()


async def test_only_what_a_score_decided_is_evidence(story: Story) -> None:
    await story.mailbox("ana")
    for number, row in enumerate((PolicyRow.BLOCKED, PolicyRow.MACHINE_MAIL, PolicyRow.CORRESPONDENT)):
        await story.arrive("ana", f"m{number}")
        await story.judge(await story.job(f"m{number}"), Outcome.INBOX, row=row)
    assert await _earlier(story, BO, story.now) == EarlierEvidence()


async def test_what_gmail_does_not_vouch_for_is_no_evidence_about_the_real_sender(story: Story) -> None:
    await story.mailbox("ana")
    await story.receive("ana", "m1", Outcome.HOLD, authenticated=False)
    assert await _earlier(story, BO, story.now) == EarlierEvidence(claimed=evidence_of(0.97))


async def test_a_mail_providers_senders_are_no_colleagues(story: Story) -> None:
    await story.mailbox("ana")
    await story.receive("ana", "m1", Outcome.HOLD, "bo@gmail.com")
    assert await _earlier(story, "cy@gmail.com", story.now, "gmail.com") == EarlierEvidence()


async def test_the_latest_emails_of_a_sender_are_looked_at_and_no_more(story: Story) -> None:
    await story.mailbox("ana")
    for number in range(MOST_EMAILS + 1):
        await story.receive("ana", f"m{number}", Outcome.INBOX)
        story.pass_time(seconds=1)
    found = await _earlier(story, BO, story.now)
    assert found.proved == pytest.approx(MOST_EMAILS * evidence_of(0.97))


async def test_a_credit_is_spent_with_the_verdict(story: Story) -> None:
    await story.mailbox("ana")
    await story.store.post("ana", LedgerEntry(BO, 1, Posting.GRANTED, "grant:1"), story.now)
    await story.arrive("ana", "m1")
    await story.judge(await story.job("m1"), Outcome.INBOX, spends=True)
    assert await story.store.balance("ana", BO) == 0
    view = await story.view("ana", "m1")
    assert (view.placement, view.decided_by, view.row) == (Placement.INBOX, "credit", PolicyRow.CREDIT)
    assert await story.store.ledger_differences() == ()


async def test_a_credit_that_is_gone_undoes_the_whole_verdict(story: Story) -> None:
    await story.mailbox("ana")
    await story.arrive("ana", "m1")
    job = await story.job("m1")
    with pytest.raises(Conflict):
        await story.judge(job, Outcome.INBOX, spends=True)
    view = await story.view("ana", "m1")
    assert (view.stage, view.outcome, view.sender) == (Stage.SCREEN, "", "")
    assert await story.store.balance("ana", BO) == 0
    assert await story.store.ledger_differences() == ()
    await story.judge(job, Outcome.HOLD)


async def test_the_second_pitch_of_a_sender_opens_no_second_challenge(story: Story) -> None:
    await story.mailbox("ana")
    await story.arrive("ana", "m1", "m2")
    first, second = await story.due()
    await story.judge(first, Outcome.CHALLENGE)
    with pytest.raises(Conflict):
        await story.judge(second, Outcome.CHALLENGE)
    assert await story.store.challenge_of("ana", "m2") is None
    await story.judge(second, Outcome.HOLD)
    assert [name for stage, name in await story.work() if stage is Stage.CHALLENGE] == ["m1"]


async def test_the_same_sender_may_be_challenged_in_another_mailbox(story: Story) -> None:
    for name in ("ana", "bea"):
        await story.mailbox(name)
        assert await story.receive(name, "m1", Outcome.CHALLENGE) is not None


async def test_a_sender_is_asked_again_after_seven_days_and_an_expired_link_does_not_bar_them(
    story: Story,
) -> None:
    await story.mailbox("ana")
    await story.receive("ana", "m1", Outcome.CHALLENGE)
    story.pass_time(days=6, hours=23)
    await story.arrive("ana", "m2")
    job = await story.job("m2")
    with pytest.raises(Conflict):
        await story.judge(job, Outcome.CHALLENGE)
    await story.judge(job, Outcome.HOLD)
    await story.work()
    story.pass_time(days=7, hours=1)  # past the link's 14 days
    known = await story.store.challenge_history("ana", BO, "pitch.test", "t-m3", story.now)
    assert known == ChallengeHistory(sender_last_at=story.now - timedelta(days=14))
    assert await story.receive("ana", "m3", Outcome.CHALLENGE) is not None
    old = await story.store.challenge_of("ana", "m1")
    assert old is not None
    assert old.expired(story.now)


async def test_challenge_history_counts_by_sender_domain_day_and_thread(story: Story) -> None:
    await story.mailbox("ana")
    await story.receive("ana", "m1", Outcome.CHALLENGE)
    first_at = story.now
    story.pass_time(hours=1)
    await story.receive("ana", "m2", Outcome.CHALLENGE, "cy@pitch.test")
    await story.receive("ana", "m3", Outcome.CHALLENGE, "di@other.test")
    at = story.now
    bo = await story.store.challenge_history("ana", BO, "pitch.test", "t-m1", at)
    assert bo == ChallengeHistory(True, first_at, 2, 3, True)
    stranger = await story.store.challenge_history("ana", "ed@pitch.test", "pitch.test", "t-new", at)
    assert stranger == ChallengeHistory(False, None, 2, 3, False)
    story.pass_time(hours=23)
    next_day = await story.store.challenge_history("ana", "ed@pitch.test", "pitch.test", "t-new", story.now)
    assert (next_day.domain_today, next_day.mailbox_today) == (1, 2)


async def test_a_challenge_that_never_left_does_not_count(story: Story) -> None:
    await story.mailbox("ana")
    await story.arrive("ana", "m1")
    intent = await story.judge(await story.job("m1"), Outcome.CHALLENGE)
    assert intent is not None
    await story.decide("ana", "m1", Decision.RELEASE)
    known = await story.store.challenge_history("ana", BO, "pitch.test", "t-m1", story.now)
    assert known == ChallengeHistory()


@pytest.mark.parametrize("limit", ["domain_challenges", "daily_challenges"])
async def test_the_days_limits_hold_whoever_decided_first(story: Story, limit: str) -> None:
    limits: dict[str, Any] = {limit: 2}
    await story.mailbox("ana", **limits)
    for name in ("bo", "cy"):
        await story.receive("ana", f"m-{name}", Outcome.CHALLENGE, f"{name}@pitch.test")
    await story.arrive("ana", "m3")
    job = await story.job("m3")
    with pytest.raises(Conflict):
        await story.judge(job, Outcome.CHALLENGE, "di@pitch.test")
    await story.judge(job, Outcome.HOLD, "di@pitch.test")


async def test_a_thread_is_answered_once(story: Story) -> None:
    await story.mailbox("ana")
    await story.receive("ana", "m1", Outcome.CHALLENGE)
    await story.arrive("ana", "m2")
    job = await story.job("m2")
    await story.store.postpone(job, story.now, "", story.now)
    (job,) = await story.due()
    # Another sender answers in the same thread.
    moved = type(job)(**{name: getattr(job, name) for name in job.__slots__} | {"thread_id": "t-m1"})
    with pytest.raises(Conflict):
        await story.judge(moved, Outcome.CHALLENGE, "cy@other.test")


async def test_an_owner_who_spoke_before_the_verdict_has_the_last_word(story: Story) -> None:
    await story.mailbox("ana")
    await story.store.post("ana", LedgerEntry(BO, 1, Posting.GRANTED, "grant:1"), story.now)
    await story.arrive("ana", "m1", "m2")
    first, second = await story.due()
    assert await story.decide("ana", "m1", Decision.ALLOW) == ()
    assert await story.decide("ana", "m2", Decision.SALES) == ()
    await story.judge(first, Outcome.CHALLENGE)
    await story.judge(second, Outcome.INBOX, spends=True)
    assert await story.store.challenge_of("ana", "m1") is None
    allowed, sold = await story.view("ana", "m1"), await story.view("ana", "m2")
    assert (allowed.placement, allowed.decided_by, allowed.stage) == (Placement.INBOX, "owner", None)
    assert (sold.placement, sold.decided_by) == (Placement.HELD, "owner")
    assert await story.store.balance("ana", BO) == 1
    assert await story.work() == [(Stage.ACT, "m2")]


async def test_text_no_server_could_store_is_stored_without_what_it_could_not(story: Story) -> None:
    await story.mailbox("ana")
    await story.arrive("ana", "m1")
    hostile = replace(story.screened(), subject="a\0b \U0001f600 'quoted' -- ", sender_name="\0")
    verdict = Verdict(Outcome.HOLD, PolicyRow.QUARANTINE)
    await story.store.record_verdict(await story.job("m1"), verdict, hostile, None, story.now)
    view = await story.view("ana", "m1")
    assert (view.subject, view.sender_name) == ("ab \U0001f600 'quoted' -- ", "")


async def _held_for(story: Story, gmail_id: str, *guards: str, sender: str = BO) -> None:
    await story.arrive("ana", gmail_id)
    verdict = Verdict(Outcome.HOLD, PolicyRow.QUARANTINE, guards=guards)
    job = await story.job(gmail_id)
    await story.store.record_verdict(job, verdict, story.screened(sender), None, story.now)
    await story.work()


async def test_a_link_is_owed_where_only_a_count_was_full_and_paid_once(story: Story) -> None:
    await story.mailbox("ana")
    assert await story.store.room_at("ana", story.now) == story.now + timedelta(days=1)
    await story.receive("ana", "m0", Outcome.CHALLENGE, "cy@pitch.test")
    first = story.now
    story.pass_time(hours=1)
    await _held_for(story, "m1", "domain_limit")
    await _held_for(story, "m2", "domain_limit", "mailbox_limit", sender="di@pitch.test")
    await _held_for(story, "m3", "mailbox_limit", sender="ed@pitch.test")
    await _held_for(story, "m4", "domain_limit", "thread_answered", sender="fay@pitch.test")
    await _held_for(story, "m5", sender="gil@pitch.test")
    assert await story.store.room_at("ana", story.now) == first + timedelta(days=1)
    debts = await story.store.owed_links("ana", story.now)
    assert [debt.gmail_id for debt in debts] == ["m1", "m2", "m3"]

    paid = Verdict(Outcome.CHALLENGE, PolicyRow.CHALLENGE)
    intent = replace(story.intent(), late=True)
    await story.store.pay_link("ana", debts[0], paid, intent, story.now)
    await story.store.pay_link("ana", debts[0], paid, story.intent(), story.now)
    challenge = await story.store.challenge_of("ana", "m1")
    assert challenge is not None
    assert (challenge.id, challenge.late, challenge.reply_from) == (intent.id, True, intent.reply_from)
    view = (await story.store.known("ana", ["m1"]))["m1"]
    assert (view.outcome, view.stage, view.guards) == (Outcome.CHALLENGE, Stage.CHALLENGE, ())

    with pytest.raises(Conflict):
        await story.store.pay_link("ana", debts[1], paid, story.intent("cy@pitch.test"), story.now)
    assert (await story.store.known("ana", ["m2"]))["m2"].stage is None, "all of it or nothing"
    refused = Verdict(Outcome.HOLD, PolicyRow.QUARANTINE, guards=("vacation",))
    await story.store.pay_link("ana", debts[1], refused, None, story.now)
    assert (await story.store.known("ana", ["m2"]))["m2"].guards == ("vacation",)
    await story.decide("ana", "m3", Decision.RELEASE)
    await story.store.pay_link("ana", debts[2], paid, story.intent("ed@pitch.test"), story.now)
    assert await story.store.challenge_of("ana", "m3") is None
    assert await story.store.owed_links("ana", story.now) == ()


@pytest.mark.parametrize(
    ("first", "second", "together"),
    [
        ("a@shop1.github.io", "b@shop2.github.io", True),
        ("a@pitch.test", "b@other.test", False),
        ("a@my_shop.github.io", "b@myxshop.github.io", True),
        ("a@gmail.com", "b@gmail.com", False),
    ],
)
async def test_what_costs_nothing_is_counted_as_one(
    story: Story, first: str, second: str, together: bool
) -> None:
    await story.mailbox("ana")
    await story.receive("ana", "m1", Outcome.CHALLENGE, first)
    domain = second.rpartition("@")[2]
    known = await story.store.challenge_history("ana", second, domain, "t-new", story.now)
    assert (known.domain_today, known.mailbox_today) == (int(together), 1)
