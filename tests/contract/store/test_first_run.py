"""A preview is ordered, listed, read and spoken about; lists are kept; a leaving leaves a receipt and nothing else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from backend.domain.errors import LaneLost, NotFound, Refused
from backend.domain.mail.machine_mail import MailForm
from backend.domain.mailbox.decisions import RuleKind
from backend.domain.mailbox.mailbox import AccessState
from backend.domain.mailbox.message import Outcome
from backend.domain.mailbox.rules import MOST_RULES, Rule
from backend.domain.policy.preview import PreviewAnswer, PreviewedMail, PreviewFetch, RunState
from backend.domain.reading.score import Reason, Score
from backend.transactions.records import DisconnectReceipt, Duty, DutyJob, GrantEnd
from tests.contract.store.dump import dump
from tests.contract.store.stories import BO, Story


def mail(story: Story, gmail_id: str, sender: str = BO, **changes: Any) -> PreviewedMail:
    values: dict[str, Any] = {
        "gmail_id": gmail_id,
        "thread_id": f"t-{gmail_id}",
        "sender": sender,
        "sender_name": "Bo",
        "sender_domain": sender.rpartition("@")[2],
        "subject": "More leads",
        "received_at": story.now,
        "labels": frozenset({"INBOX", "CATEGORY_UPDATES"}),
        "authenticated": True,
        "form": MailForm.CLAIMED,
        "guards": ("stale",),
        "score": Score(0.97, 3.5, (Reason("asks for a call", 1.5, ("quick", "call")),), "m1"),
    }
    return PreviewedMail(**(values | changes))


async def ordered(story: Story, *gmail_ids: str) -> DutyJob:
    """A preview of these messages under way."""
    await story.store.order_preview("ana", story.now)
    job = await story.due_duty()
    assert job is not None
    assert job.duty is Duty.PREVIEW
    run = await story.store.preview_run("ana")
    assert run is not None
    await story.store.add_previews(job, run.run, [(one, f"t-{one}") for one in gmail_ids], story.now)
    return job


async def rule(story: Story, subject: str) -> RuleKind | None:
    return (await story.store.rules_of("ana", [subject])).get(subject)


async def test_a_preview_is_read_in_its_order_and_each_mail_counts_once(story: Story) -> None:
    await story.mailbox("ana")
    job = await ordered(story, "m3", "m2", "m1")
    assert await story.store.previews_to_read("ana", 2) == (("m3", "t-m3"), ("m2", "t-m2"))

    first = mail(story, "m3")
    assert not await story.store.record_previews(job, 1, [PreviewFetch("m3", first)], story.now)
    again = mail(story, "m3", subject="another reading")
    assert not await story.store.record_previews(job, 1, [PreviewFetch("m3", again)], story.now)
    rest = [PreviewFetch("m2", None), PreviewFetch("m1", mail(story, "m1", "carl@x.test", score=None))]
    assert await story.store.record_previews(job, 1, rest, story.now)

    run = await story.store.preview_run("ana")
    assert run is not None
    assert (run.state, run.done, run.total, run.ended_at) == (RunState.DONE, 3, 3, story.now)
    shown = await story.store.previews("ana")
    assert [one.gmail_id for one in shown] == ["m3", "m1"]
    assert shown[0] == first
    # They are no messages of ours.
    assert await story.store.known("ana", ["m1", "m2", "m3"]) == {}
    assert await story.due() == ()


async def test_an_empty_inbox_is_a_preview_that_is_done(story: Story) -> None:
    await story.mailbox("ana")
    await ordered(story)
    run = await story.store.preview_run("ana")
    assert run is not None
    assert (run.state, run.total) == (RunState.DONE, 0)


async def test_what_an_older_run_still_reports_changes_nothing(story: Story) -> None:
    await story.mailbox("ana")
    job = await ordered(story, "m1")
    await story.store.order_preview("ana", story.now)
    await story.store.add_previews(job, 1, [("m1", "t-m1")], story.now)
    assert not await story.store.record_previews(job, 1, [PreviewFetch("m1", mail(story, "m1"))], story.now)
    run = await story.store.preview_run("ana")
    assert run is not None
    assert (run.run, run.state, run.total) == (2, RunState.LISTING, 0)


async def test_nobody_reports_about_a_mailbox_that_has_gone(story: Story) -> None:
    await story.mailbox("ana")
    job = await ordered(story, "m1")
    await story.store.forget("ana")
    with pytest.raises(LaneLost):
        await story.store.record_previews(job, 1, [PreviewFetch("m1", mail(story, "m1"))], story.now)


async def test_the_owners_word_sets_a_rule_and_taking_it_back_brings_the_old_one(story: Story) -> None:
    await story.mailbox("ana")
    job = await ordered(story, "m1")
    await story.store.record_previews(job, 1, [PreviewFetch("m1", mail(story, "m1"))], story.now)
    await story.store.set_rule("ana", BO, RuleKind.BLOCK, story.now)
    for word, kind in ((PreviewAnswer.NOT_SALES, RuleKind.ALLOW), (PreviewAnswer.SALES, RuleKind.BLOCK)):
        for _ in range(2):
            await story.store.label_preview("ana", "m1", word, story.now)
        assert await rule(story, BO) is kind
        (seen,) = await story.store.previews("ana")
        assert (seen.answer, seen.standing.rules.address) == (word, kind)
    await story.store.label_preview("ana", "m1", PreviewAnswer.NOT_SALES, story.now)
    await story.store.label_preview("ana", "m1", PreviewAnswer.NONE, story.now)
    assert await rule(story, BO) is RuleKind.BLOCK

    await story.store.label_preview("ana", "m1", PreviewAnswer.NOT_SALES, story.now)
    await story.store.set_rule("ana", BO, None, story.now)  # their later word, on another page
    await story.store.label_preview("ana", "m1", PreviewAnswer.NONE, story.now)
    assert await rule(story, BO) is None
    with pytest.raises(NotFound):
        await story.store.label_preview("ana", "m9", PreviewAnswer.SALES, story.now)


async def test_a_standing_is_the_present_one(story: Story) -> None:
    await story.mailbox("ana")
    job = await ordered(story, "m1")
    await story.store.record_previews(job, 1, [PreviewFetch("m1", mail(story, "m1"))], story.now)
    await story.store.learn("ana", frozenset({BO}), "t-m1", story.now)
    await story.store.set_rule("ana", "pitch.test", RuleKind.ALLOW, story.now)
    (seen,) = await story.store.previews("ana")
    assert seen.standing.corresponded
    assert seen.standing.rules.domain is RuleKind.ALLOW


async def test_a_thread_is_an_authors_from_their_second_email_on(story: Story) -> None:
    await story.mailbox("ana")
    await story.store.order_preview("ana", story.now)
    job = await story.due_duty()
    assert job is not None
    await story.store.add_previews(job, 1, [("m2", "t"), ("m1", "t")], story.now)
    looked = [
        PreviewFetch(gmail_id, mail(story, gmail_id, received_at=story.now + timedelta(hours=number)))
        for number, gmail_id in enumerate(("m1", "m2"))
    ]
    await story.store.record_previews(job, 1, looked, story.now)
    assert [seen.standing.took_part for seen in await story.store.previews("ana")] == [False, False]
    await story.store.learn("ana", frozenset(), "t", story.now)
    assert [seen.standing.took_part for seen in await story.store.previews("ana")] == [True, False]


async def test_a_preview_goes_with_what_is_kept_of_messages(story: Story) -> None:
    await story.mailbox("ana")
    job = await ordered(story, "m1")
    await story.store.record_previews(job, 1, [PreviewFetch("m1", mail(story, "m1"))], story.now)
    assert await story.store.retain("ana", story.now, story.now, 100) == 0
    assert await story.store.retain("ana", story.now, story.now + timedelta(seconds=1), 100) == 1
    assert await story.store.previews("ana") == ()


async def test_lists_are_paged_filtered_and_bounded(story: Story) -> None:
    await story.mailbox("ana")
    many = [Rule(f"a{number:03}@x.test", RuleKind.ALLOW) for number in range(30)]
    await story.store.put_rules("ana", [*many, Rule("spam_y.test", RuleKind.BLOCK)], story.now)
    first = await story.store.rules("ana", RuleKind.ALLOW, "", "", 20)
    rest = await story.store.rules("ana", RuleKind.ALLOW, "", first[-1].rule.subject, 20)
    assert [*(e.rule for e in first), *(e.rule for e in rest)] == many
    assert [e.rule.subject for e in await story.store.rules("ana", None, "SPAM_", "", 20)] == ["spam_y.test"]
    assert await story.store.rules("ana", None, "a%", "", 20) == ()
    await story.store.put_rules("ana", [Rule("a000@x.test", RuleKind.BLOCK)], story.now)
    assert await story.store.count_rules("ana") == 31
    assert await rule(story, "a000@x.test") is RuleKind.BLOCK

    flood = [Rule(f"f{number}@x.test", RuleKind.BLOCK) for number in range(MOST_RULES)]
    with pytest.raises(Refused) as refused:
        await story.store.put_rules("ana", flood, story.now)
    assert refused.value.code == "too_many_rules"
    assert await story.store.count_rules("ana") == 31
    await story.store.put_rules("ana", flood[: MOST_RULES - 31], story.now)
    with pytest.raises(Refused) as refused:
        await story.store.set_rule("ana", "one-more.test", RuleKind.ALLOW, story.now)
    assert refused.value.code == "too_many_rules"
    await story.store.set_rule("ana", flood[0].subject, RuleKind.ALLOW, story.now)


async def test_a_receipt_outlives_the_mailbox_and_tells_what_was_deleted(story: Story, address: str) -> None:
    await story.mailbox("ana")
    await story.mailbox("eve")
    await story.receive("ana", "m1", Outcome.HOLD)
    await story.store.ask_to_leave("ana", "secret-hash", story.now)
    mailbox = await story.store.mailbox("ana")
    assert mailbox is not None
    assert mailbox.link is AccessState.LEAVING
    opened = await story.store.receipt("secret-hash")
    assert opened is not None
    assert (opened.left_at, opened.grant_end, opened.deleted) == (None, None, {})

    later = story.pass_time(seconds=5)
    deleted = await story.store.forget("ana", DisconnectReceipt(GrantEnd.REVOKED, later))
    closed = await story.store.receipt("secret-hash")
    assert closed is not None
    assert (closed.left_at, closed.grant_end, closed.deleted) == (later, GrantEnd.REVOKED, deleted)
    assert closed.deleted["messages"] == 1
    kept = await dump(address, "ana")
    assert [name for name, rows in kept.items() if rows] == ["receipts"]
    assert "corp.test" not in repr(kept["receipts"])

    await story.store.forget("ana", DisconnectReceipt(GrantEnd.REFUSED, story.pass_time(days=1)))
    assert await story.store.receipt("secret-hash") == closed  # told once
    assert await story.store.drop_receipts(story.now - timedelta(days=30)) == 0
    assert await story.store.drop_receipts(story.now) == 1
    assert await story.store.receipt("secret-hash") is None
    with pytest.raises(NotFound):
        await story.store.ask_to_leave("ana", "x", story.now)
