"""Counts for the owner's insights: what was held, what they thought of it, what became of the challenges."""

from __future__ import annotations

from datetime import timedelta

from backend.domain.mailbox.decisions import Decision, RuleKind
from backend.domain.mailbox.message import Outcome
from backend.domain.mailbox.review import Funnel, SenderCount, Week
from tests.contract.store.stories import Story

LONG = timedelta(days=91)


async def test_an_empty_mailbox_has_empty_figures(story: Story) -> None:
    await story.mailbox()

    figures = await story.store.figures("ana", story.now - LONG, 10)

    assert (figures.weeks, figures.senders, figures.wrong, figures.missed) == ((), (), 0, 0)
    assert figures.funnel == Funnel()


async def test_held_mail_is_counted_by_its_week_and_its_sender(story: Story) -> None:
    await story.mailbox()
    monday = story.now.date() - timedelta(days=story.now.weekday())
    await story.receive("ana", "m1", Outcome.HOLD)
    asked = await story.receive("ana", "m2", Outcome.CHALLENGE, "cy@pitch.test")
    assert asked is not None
    await story.store.write_note("ana", asked.id, "We met in Porto.", story.now)
    await story.receive("ana", "m3", Outcome.HOLD, "cy@pitch.test")
    await story.decide("ana", "m3", Decision.KEEP)
    await story.receive("ana", "m4", Outcome.INBOX, "cy@pitch.test")
    story.pass_time(weeks=1)
    await story.receive("ana", "m5", Outcome.HOLD)
    await story.receive("ana", "m6", Outcome.HOLD, "dee@pitch.test")
    await story.decide("ana", "m6", Decision.RELEASE)

    figures = await story.store.figures("ana", story.now - LONG, 3)

    assert figures.weeks == (Week(monday, 3, 0), Week(monday + timedelta(weeks=1), 2, 1))
    assert figures.senders == (
        SenderCount("bo@pitch.test", "Bo", 2, 0, waiting="m5"),
        SenderCount("cy@pitch.test", "Bo", 2, 0, noted=1),
        SenderCount("dee@pitch.test", "Bo", 1, 1),
    )


async def test_a_sender_is_shown_with_the_rule_that_counts_for_them(story: Story) -> None:
    await story.mailbox()
    for number, sender in enumerate(("bo@pitch.test", "cy@pitch.test", "dee@other.test")):
        await story.receive("ana", f"m{number}", Outcome.HOLD, sender)
    await story.store.set_rule("ana", "pitch.test", RuleKind.BLOCK, story.now)
    await story.store.set_rule("ana", "cy@pitch.test", RuleKind.ALLOW, story.now)

    senders = (await story.store.figures("ana", story.now - LONG, 3)).senders

    assert {one.sender: one.rule for one in senders} == {
        "bo@pitch.test": "block",
        "cy@pitch.test": "allow",
        "dee@other.test": "",
    }


async def test_a_week_begins_on_monday_at_midnight(story: Story) -> None:
    await story.mailbox()
    monday = story.now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(
        days=7 - story.now.weekday()
    )
    story.now = monday - timedelta(microseconds=1)
    await story.receive("ana", "m1", Outcome.HOLD)
    story.now = monday
    await story.receive("ana", "m2", Outcome.HOLD)

    weeks = (await story.store.figures("ana", story.now - LONG, 2)).weeks

    assert [(week.monday, week.held) for week in weeks] == [
        (monday.date() - timedelta(weeks=1), 1),
        (monday.date(), 1),
    ]


async def test_older_mail_does_not_count(story: Story) -> None:
    await story.mailbox()
    await story.receive("ana", "m1", Outcome.HOLD)
    story.pass_time(days=100)

    assert (await story.store.figures("ana", story.now - LONG, 2)).weeks == ()


async def test_the_owners_word_counts_and_taken_back_it_does_not(story: Story) -> None:
    await story.mailbox()
    for gmail_id, outcome in (("m1", Outcome.HOLD), ("m2", Outcome.HOLD), ("m3", Outcome.INBOX)):
        await story.receive("ana", gmail_id, outcome, f"{gmail_id}@pitch.test")
    await story.decide("ana", "m1", Decision.ALLOW, "key-1")
    await story.decide("ana", "m3", Decision.SALES, "key-3")

    disagreed = await story.store.figures("ana", story.now - LONG, 2)
    for key in ("key-1", "key-3"):
        await story.store.undo("ana", key, story.now)
    agreed = await story.store.figures("ana", story.now - LONG, 2)

    assert (disagreed.wrong, disagreed.missed, disagreed.let_in) == (1, 1, 1)
    assert (agreed.wrong, agreed.missed, agreed.let_in) == (0, 0, 0)


async def test_a_sender_who_solved_was_not_held_wrongly(story: Story) -> None:
    await story.mailbox()
    intent = await story.receive("ana", "m1", Outcome.CHALLENGE)
    assert intent is not None
    await story.solve(intent)

    figures = await story.store.figures("ana", story.now - LONG, 2)

    assert (figures.let_in, figures.wrong) == (1, 0)
    assert figures.funnel == Funnel(sent=1, begun=1, solved=1)


async def test_the_funnel_tells_regrets_from_solves(story: Story) -> None:
    await story.mailbox()
    await story.receive("ana", "m1", Outcome.CHALLENGE, "a@pitch.test")
    await story.receive("ana", "m2", Outcome.CHALLENGE, "b@pitch.test")
    await story.decide("ana", "m1", Decision.RELEASE)
    await story.decide("ana", "m2", Decision.BLOCK)  # they agree: nothing is regretted

    assert (await story.store.figures("ana", story.now - LONG, 2)).funnel == Funnel(sent=2, regretted=1)


async def test_nothing_of_another_owner_is_counted(story: Story) -> None:
    await story.mailbox()
    await story.mailbox("eve")
    await story.receive("ana", "m1", Outcome.CHALLENGE)

    figures = await story.store.figures("eve", story.now - LONG, 2)

    assert (figures.held, figures.senders, figures.funnel) == (0, (), Funnel())
