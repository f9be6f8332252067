"""Weeks of mail are counted once they are over, outlive the mail, and say whether it has changed."""

from __future__ import annotations

from datetime import datetime, timedelta

from backend.domain.mailbox.message import PolicyRow
from backend.domain.watching.drift import State, channel_counts
from tests.contract.store.stories import Story

B = "b" * 32
"""The digest of another model."""


def monday(story: Story) -> datetime:
    """The beginning of the week."""
    return story.now.replace(hour=9) - timedelta(days=story.now.weekday())


async def test_a_week_is_counted_when_it_is_over_and_only_once(story: Story) -> None:
    await story.mailbox("ana")
    story.now = monday(story)
    await story.a_week(6, polish=2)
    story.now -= timedelta(days=1)
    await story.store.count_weeks("ana", story.now)
    assert (await story.store.drift("ana")).weeks == ()
    story.pass_time(days=1)
    for _ in range(2):
        await story.store.count_weeks("ana", story.now)
    (week,) = (await story.store.drift("ana")).weeks
    assert (week.messages, week.model) == (6, "a" * 13)
    assert week.counts["language pl"] == 2
    assert week.counts["language en"] == 4
    assert sum(channel_counts("unknown", week.counts).values()) == 6


async def test_mail_of_people_the_owner_knows_does_not_count(story: Story) -> None:
    await story.mailbox("ana")
    await story.a_week(3, row=PolicyRow.CORRESPONDENT)
    await story.store.count_weeks("ana", story.now)
    assert (await story.store.drift("ana")).weeks == ()


async def test_a_change_is_known_with_its_cause_and_its_week_and_ends_with_it(story: Story) -> None:
    await story.mailbox("ana")
    story.now = monday(story)
    for _ in range(9):
        await story.a_week(30, polish=3)
    await story.store.count_weeks("ana", story.now)
    assert (await story.store.drift("ana")).state is State.STEADY
    assert (await story.store.census())["drift.steady"] == 1
    for _ in range(3):
        await story.a_week(30, polish=20)
        await story.store.count_weeks("ana", story.now)
    found = await story.store.drift("ana")
    assert found.state is State.CHANGED
    assert found.change is not None
    assert (found.change.cause, found.change.grown) == ("language", "pl")
    assert found.change.week == found.weeks[9].number
    assert (await story.store.census())["drift.changed"] == 1
    for _ in range(14):
        await story.a_week(30, polish=20)
    await story.store.count_weeks("ana", story.now)
    later = (await story.store.drift("ana")).change
    assert later is not None
    assert later.week == found.change.week  # though that week is no longer among those that are tested
    for _ in range(12):
        await story.a_week(30, polish=3)
    await story.store.count_weeks("ana", story.now)
    assert (await story.store.drift("ana")).state is State.STEADY


async def test_weeks_are_counted_together_when_nobody_counted_for_long(story: Story) -> None:
    await story.mailbox("ana")
    story.now = monday(story)
    await story.a_week(2)
    story.pass_time(weeks=3)
    await story.a_week(4)
    await story.store.count_weeks("ana", story.now)
    first, second = (await story.store.drift("ana")).weeks
    assert (second.number - first.number, first.messages, second.messages) == (4, 2, 4)


async def test_the_weeks_outlive_the_mail_but_not_the_owner(story: Story) -> None:
    await story.mailbox("ana")
    await story.mailbox("ben")
    for name in ("ana", "ben"):
        await story.a_week(2, name=name)
        await story.store.count_weeks(name, story.now)
    await story.store.retain("ana", story.now, story.now + timedelta(days=1), 500)
    assert len((await story.store.drift("ana")).weeks) == 1
    assert (await story.store.forget("ana"))["mail_weeks"] == 1
    gone = await story.store.drift("ana")
    assert (gone.state, gone.weeks) == (State.LEARNING, ())
    assert len((await story.store.drift("ben")).weeks) == 1


async def test_a_new_model_has_first_weeks_of_its_own(story: Story) -> None:
    await story.mailbox("ana")
    story.now = monday(story)
    for _ in range(10):
        await story.a_week(20)
    await story.store.count_weeks("ana", story.now)
    assert (await story.store.drift("ana")).state is State.STEADY
    await story.a_week(5)
    story.pass_time(weeks=-1)
    await story.a_week(20, model=B)
    await story.store.count_weeks("ana", story.now)
    found = await story.store.drift("ana")
    assert (found.state, found.weeks[-1].model, found.weeks[-1].messages) == (State.LEARNING, B[:13], 20)


async def test_after_a_year_the_first_weeks_and_the_last_are_kept(story: Story) -> None:
    await story.mailbox("ana")
    story.now = monday(story)
    for _ in range(70):
        await story.a_week(1)
        await story.store.count_weeks("ana", story.now)
    numbers = [week.number for week in (await story.store.drift("ana")).weeks]
    assert numbers[:8] == list(range(numbers[0], numbers[0] + 8))
    assert numbers[8:] == list(range(numbers[-1] - 52, numbers[-1] + 1))
    story.pass_time(weeks=-1)
    await story.a_week(2, model=B)
    await story.store.count_weeks("ana", story.now)
