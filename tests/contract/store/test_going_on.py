"""The lane that ends a stage goes on with the next one, which the same commit has made due; a look and the verdicts on
what it found are one commit."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from operator import attrgetter

import pytest

from backend.domain.challenge import ChallengeState
from backend.domain.errors import Conflict, LaneLost
from backend.domain.mailbox.decisions import Decision
from backend.domain.mailbox.mailbox import Mailbox, Mode, NoticeHint
from backend.domain.mailbox.message import Outcome, Placement, Stage, Verdict
from backend.domain.reading.score import Score
from backend.transactions.records import (
    MessageJob,
    Reached,
    Sighting,
    SyncPage,
)
from tests.contract.store.stories import BO, ROWS, Story

by_id = attrgetter("gmail_id")


async def judged(story: Story, outcome: Outcome = Outcome.CHALLENGE) -> MessageJob | None:
    """A pitch, judged by a lane that goes on."""
    await story.mailbox("ana")
    await story.arrive("ana", "m1")
    job = await story.job("m1")
    intent = story.intent(BO) if outcome is Outcome.CHALLENGE else None
    verdict = Verdict(outcome, ROWS[outcome], Score(0.97, 3.5, (), "m1"))
    return await story.store.record_verdict(job, verdict, story.screened(BO), intent, story.now)


async def test_judging_acting_and_answering_are_one_workers_work(story: Story) -> None:
    act = await judged(story)
    assert act is not None
    assert (act.stage, act.placement, act.attempt) == (Stage.ACT, Placement.HELD, 1)
    answer = await story.store.finish_stage(act, story.now)
    assert answer is not None
    assert answer.stage is Stage.CHALLENGE
    assert await story.due() == (replace(answer, marked=False),), "after a death the next process finds it"
    assert await story.store.finish_stage(answer, story.now) is None


async def test_a_challenge_starts_to_leave_as_its_message_is_moved(story: Story) -> None:
    act = await judged(story)
    assert act is not None
    answer = await story.store.finish_stage(act, story.now)
    assert answer is not None
    assert (answer.stage, answer.marked) == (Stage.CHALLENGE, True)
    assert await story.due() == (replace(answer, marked=False),), "after a death, a search comes first"
    leaving = await story.store.challenge_of("ana", "m1")
    assert leaving is not None
    assert leaving.state is ChallengeState.SENDING
    await story.store.mark_sent(answer, leaving.id, "sent-1", story.now)
    story.pass_time(seconds=61)
    assert await story.due() == (), "nothing is left to do"


async def test_a_challenge_that_may_have_left_is_not_marked_again(story: Story) -> None:
    act = await judged(story)
    pending = await story.store.challenge_of("ana", "m1")
    assert act is not None
    assert pending is not None
    await story.store.mark_sending(act, pending.id, story.now)
    answer = await story.store.finish_stage(act, story.now)
    assert answer is not None
    assert (answer.stage, answer.marked) == (Stage.CHALLENGE, False)


def page(*gmail_ids: str, cursor: str = "") -> SyncPage:
    """These messages, new."""
    seen = tuple(Sighting(gmail_id, "t1", frozenset({"INBOX"})) for gmail_id in gmail_ids)
    return SyncPage(seen, cursor=cursor)


ORDINARY = Verdict(Outcome.INBOX, ROWS[Outcome.INBOX], Score(0.1, -2.0, (), "m1"))
PITCH = Verdict(Outcome.CHALLENGE, ROWS[Outcome.CHALLENGE], Score(0.97, 3.5, (), "m1"))


async def at_first(story: Story) -> Mailbox:
    """The mailbox as it was before any look."""
    mailbox = await story.store.mailbox_without_failures("ana")
    assert mailbox is not None
    return replace(mailbox, cursor="")


async def jobs_of(story: Story, listed: SyncPage) -> tuple[MessageJob, ...]:
    """The messages of a page, as a look has them before they have rows."""
    return tuple(
        MessageJob(
            "ana", one.gmail_id, one.thread_id, one.stage, 1, 0, one.labels, None, False, story.now, story.now
        )
        for one in listed.sightings
    )


async def look(
    story: Story, listed: SyncPage, *reached: Reached, keep: int = 9
) -> Mapping[str, MessageJob | None]:
    """Commit a look at this page, of which the first messages are kept."""
    jobs = (await jobs_of(story, listed))[:keep]
    seen = await at_first(story)
    return await story.store.commit_look("ana", seen, listed, None, jobs, reached, story.now)


async def test_a_look_its_messages_and_their_verdicts_are_one_commit(story: Story) -> None:
    await story.mailbox("ana")
    listed = page("m1", "m2", "m3", cursor="7")
    ordinary, pitch, unready = await jobs_of(story, listed)
    kept = story.screened(BO)
    found = await look(
        story, listed, Reached(ordinary, ORDINARY, kept), Reached(pitch, PITCH, kept, story.intent(BO))
    )
    act = found["m2"]
    assert act is not None
    assert (found["m1"], act.stage, act.placement) == (None, Stage.ACT, Placement.HELD)
    assert found["m3"] == unready
    view = await story.view("ana", "m1")
    assert (view.outcome, view.stage, view.placement) == (Outcome.INBOX, None, Placement.INBOX)
    mailbox = await story.store.mailbox("ana")
    assert mailbox is not None
    assert mailbox.cursor == "7"
    assert await story.store.record_verdict(unready, ORDINARY, kept, None, story.now) is None
    answer = await story.store.finish_stage(act, story.now)
    assert answer is not None
    assert answer.stage is Stage.CHALLENGE


async def test_of_two_looks_at_one_page_the_first_counts(story: Story) -> None:
    await story.mailbox("ana")
    listed = page("m1", cursor="7")
    (job,) = await jobs_of(story, listed)
    reached = Reached(job, PITCH, story.screened(BO), story.intent(BO))
    assert (await look(story, listed, reached)).keys() == {"m1"}
    before = await story.store.challenge_of("ana", "m1")
    with pytest.raises(LaneLost):
        await look(story, page("m1", "m2", cursor="8"), replace(reached, verdict=ORDINARY))
    assert await story.store.known("ana", ["m2"]) == {}
    assert await story.store.challenge_of("ana", "m1") == before


async def test_a_look_that_rests_on_older_preferences_writes_nothing(story: Story) -> None:
    await story.mailbox("ana")
    seen, listed = await at_first(story), page("m1", cursor="7")
    await story.store.save_preferences("ana", replace(seen.preferences, mode=Mode.OBSERVE), story.now)
    (job,) = await jobs_of(story, listed)
    reached = Reached(job, PITCH, story.screened(BO), story.intent(BO))
    with pytest.raises(LaneLost):
        await story.store.commit_look("ana", seen, listed, None, (job,), (reached,), story.now)
    assert await story.store.known("ana", ["m1"]) == {}


async def test_looks_at_the_same_time_judge_each_message_once(story: Story) -> None:
    await story.mailbox("ana")
    listed = page("m1", cursor="7")
    (job,) = await jobs_of(story, listed)
    ends = await asyncio.gather(
        *(look(story, listed, Reached(job, ORDINARY, story.screened(BO))) for _ in range(5)),
        return_exceptions=True,
    )
    assert sum(isinstance(end, LaneLost) for end in ends) == 4
    log = await story.store.decisions("ana")
    assert len(log.entries) == 1


async def test_a_look_that_finds_what_is_known_judges_it_no_more(story: Story) -> None:
    await story.mailbox("ana")
    await story.receive("ana", "m1", Outcome.HOLD)
    listed = page("m1", cursor="7")
    (job,) = await jobs_of(story, listed)
    assert await look(story, listed, Reached(job, ORDINARY, story.screened(BO))) == {}
    assert await story.place("ana", "m1") is Placement.HELD


async def test_what_a_look_has_no_room_for_is_due_like_any(story: Story) -> None:
    await story.mailbox("ana")
    assert (await look(story, page("m1", "m2", "m3", cursor="7"), keep=1)).keys() == {"m1"}
    assert {job.gmail_id for job in await story.due()} == {"m1", "m2", "m3"}


async def test_a_look_whose_link_was_opened_meanwhile_writes_nothing(story: Story) -> None:
    await story.mailbox("ana")
    await story.receive("ana", "m0", Outcome.CHALLENGE)
    listed = page("m1", "m2", cursor="7")
    pitch, ordinary = await jobs_of(story, listed)
    kept = story.screened(BO)
    with pytest.raises(Conflict):
        await look(
            story, listed, Reached(ordinary, ORDINARY, kept), Reached(pitch, PITCH, kept, story.intent(BO))
        )
    assert await story.store.known("ana", ["m1", "m2"]) == {}
    mailbox = await story.store.mailbox("ana")
    assert mailbox is not None
    assert mailbox.cursor == ""


async def test_what_notices_told_of_a_look_is_kept_with_it(story: Story) -> None:
    await story.mailbox("ana")
    told = NoticeHint(7, story.now)
    seen = await at_first(story)
    await story.store.commit_look("ana", seen, page(cursor="7"), told, (), (), story.now)
    mailbox = await story.store.mailbox("ana")
    assert mailbox is not None
    assert (mailbox.hint, mailbox.unheard_since) == (told, None)


async def test_what_stays_needs_no_next_stage(story: Story) -> None:
    assert await judged(story, Outcome.INBOX) is None
    assert await story.due() == ()


async def test_a_try_that_fails_on_the_way_waits_like_any_other(story: Story) -> None:
    act = await judged(story)
    assert act is not None
    at = story.now + timedelta(seconds=4)
    await story.store.postpone(act, at, "503", story.now)
    assert await story.due() == ()
    story.pass_time(seconds=4)
    (again,) = await story.due()
    assert (again.stage, again.attempt, again.deaths) == (Stage.ACT, 2, 0)


async def test_an_owners_word_meanwhile_stands(story: Story) -> None:
    act = await judged(story)
    assert act is not None
    await story.decide("ana", "m1", Decision.RELEASE)
    assert await story.store.finish_stage(act, story.now) is None
    (release,) = await story.due()
    assert release.stage is Stage.RELEASE
