"""What screens, metrics and retention see."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from backend.domain.errors import AccessLost
from backend.domain.mailbox.decisions import Decision
from backend.domain.mailbox.mailbox import AccessState
from backend.domain.mailbox.message import FailOpenCause, Outcome, Placement, PolicyRow, Stage, Verdict
from backend.transactions.records import Duty
from tests.contract.store.stories import BO, Story


async def listed(story: Story, placement: Placement | None = None, **page: Any) -> list[str]:
    views = await story.store.messages("ana", placement, **page)
    return [view.gmail_id for view in views]


async def test_pages_show_the_latest_change_first_and_meet_without_a_gap(story: Story) -> None:
    await story.mailbox("ana")
    await story.arrive("ana", *(f"m{number}" for number in range(7)))
    await story.due()
    story.pass_time(seconds=1)
    await story.decide("ana", "m3", Decision.RELEASE)
    order = [f"m{number}" for number in (6, 5, 4, 3, 2, 1, 0)]
    assert await listed(story) == order
    pages, before = [], ""
    while page := await listed(story, limit=3, before=before):
        pages.append(page)
        before = page[-1]
    assert pages == [order[:3], order[3:6], order[6:]]
    assert await listed(story, before="never seen") == []
    assert await listed(story, limit=0) == []


async def test_a_change_brings_a_message_to_the_top(story: Story) -> None:
    await story.mailbox("ana")
    for name in ("m1", "m2"):
        await story.receive("ana", name, Outcome.HOLD)
        story.pass_time(seconds=1)
    await story.decide("ana", "m1", Decision.RELEASE)
    assert await listed(story) == ["m1", "m2"]


async def test_pages_by_place_show_that_place_only(story: Story) -> None:
    await story.mailbox("ana")
    for number in range(3):
        for outcome in (Outcome.HOLD, Outcome.INBOX, Outcome.MARK, Outcome.IGNORE):
            await story.receive("ana", f"{outcome}{number}", outcome, f"{outcome}{number}@x.test")
            story.pass_time(seconds=1)
    assert await listed(story, Placement.HELD) == ["hold2", "hold1", "hold0"]
    assert await listed(story, Placement.MARKED) == ["mark2", "mark1", "mark0"]
    assert await listed(story, Placement.INBOX) == ["inbox2", "inbox1", "inbox0"]
    assert await listed(story, Placement.HELD, limit=1, before="hold2") == ["hold1"]


async def test_the_census_counts_everything(story: Story) -> None:
    await story.mailbox("ana")
    challenge = await story.receive("ana", "m1", Outcome.CHALLENGE)
    await story.receive("ana", "m2", Outcome.HOLD)
    await story.receive("ana", "m3", Outcome.INBOX, "cy@x.test")
    await story.arrive("ana", "m6")
    unjudged = Verdict(Outcome.INBOX, PolicyRow.FAIL_OPEN, cause=FailOpenCause.TOO_SLOW)
    await story.store.record_verdict(await story.job("m6"), unjudged, None, None, story.now)
    await story.arrive("ana", "m4", "m5")
    first, _ = await story.due()
    await story.store.make_dead_letter(first, "unreadable", story.now)
    assert challenge is not None
    await story.solve(challenge)
    counts = await story.store.census(story.pass_time(seconds=90))
    expected = {
        "mailboxes": 1,
        "messages.challenge": 1,
        "messages.hold": 1,
        "messages.inbox": 2,
        "messages.undecided": 2,
        "stages.release": 2,
        "stages.screen": 2,
        "stages.ended": 2,
        "dead_letters": 1,
        "fail_open.too_slow": 1,
        "challenges.solved": 1,
        "oldest_due_seconds": 90,
    }
    assert {name: counts.get(name) for name in expected} == expected


async def test_the_census_counts_watches_that_want_somebodys_eye(story: Story) -> None:
    hours = {
        "lapsed": -1,
        "lapsed-now": 0,
        "lapsing": 1,
        "lapsing-too": 47,
        "fresh": 48,
        "away": -1,
        "gone": 1,
    }
    for name, left in hours.items():
        await story.mailbox(name)
        await story.store.save_watch(name, story.now + timedelta(hours=left), "1")
    await story.mailbox("unwatched")
    await story.store.set_link("away", AccessState.NEEDS_RECONNECT, story.now, AccessLost.GRANT)
    await story.store.set_link("gone", AccessState.LEAVING, story.now)

    counts = await story.store.census(story.now)

    watches = {name: n for name, n in counts.items() if name.startswith(("watches.", "links."))}
    assert watches == {
        "links.needs_reconnect": 1,
        "watches.unwatched": 1,
        "watches.lapsed": 2,
        "watches.lapsing": 2,
    }


async def test_an_empty_store_has_nothing_due(story: Story) -> None:
    counts = await story.store.census(story.now)
    assert (counts["mailboxes"], counts["dead_letters"], counts["oldest_due_seconds"]) == (0, 0, 0)
    assert (counts["watches.unwatched"], counts["watches.lapsed"], counts["watches.lapsing"]) == (0, 0, 0)
    assert await story.next_due() is None
    await story.store.ping()


async def test_retention_deletes_what_ended_long_ago_in_small_batches(story: Story) -> None:
    await story.mailbox("ana")
    await story.receive("ana", "m1", Outcome.CHALLENGE)
    for number in range(2, 6):
        await story.receive("ana", f"m{number}", Outcome.HOLD)
    await story.decide("ana", "m2", Decision.RELEASE)
    await story.work()
    await story.arrive("ana", "waiting")
    story.pass_time(days=110)
    before = story.now - timedelta(days=90)
    # Five messages, their challenge, the decision, and what the log of decisions told of it: six entries.
    batches = [await story.store.retain("ana", story.now, before, 3) for _ in range(6)]
    assert batches == [3, 3, 3, 3, 1, 0]
    assert await listed(story) == ["waiting"]
    assert (await story.job("waiting")).stage is Stage.SCREEN


async def test_retention_spares_the_young_the_unfinished_and_the_neighbours(story: Story) -> None:
    await story.mailbox("ana")
    await story.mailbox("bea")
    await story.receive("bea", "m1", Outcome.HOLD)
    story.pass_time(days=10)
    await story.receive("ana", "young", Outcome.CHALLENGE)
    cutoff = story.now
    assert await story.store.retain("ana", story.now, cutoff, 100) == 0
    assert await story.store.retain("ana", story.now, cutoff + timedelta(seconds=1), 100) == 2
    # The message and what the log told of it; its link still works.
    assert await story.store.challenge_of("ana", "young") is not None
    assert len(await story.store.known("bea", ["m1"])) == 1
    assert await story.store.balance("ana", BO) == 0


async def test_the_next_due_time_is_never_too_late(story: Story) -> None:
    await story.mailbox("ana")
    at = story.now + timedelta(seconds=5)
    await story.store.request_duty("ana", Duty.SYNC, at)
    assert await story.next_due() == at
    story.pass_time(seconds=5)
    job = await story.due_duty()
    assert job is not None
    await story.store.finish_duty(job, None)
    assert await story.next_due() is None
