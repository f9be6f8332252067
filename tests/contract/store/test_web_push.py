"""Browsers that are told of new senders: they go with their sessions, and a round of telling is one commit."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import pytest_asyncio

from backend.domain.errors import Refused
from backend.domain.mailbox.message import Outcome
from backend.domain.mailbox.owner_digest import BROWSER_GIVEN_UP_AFTER, MOST_BROWSERS, NOTIFICATION_DELAY
from backend.ports.system import Pushed
from backend.transactions.records import Duty, Session
from tests.contract.store.stories import Story


@pytest_asyncio.fixture(loop_scope="session")
async def ana(story: Story) -> Story:
    await story.mailbox("ana")
    await story.work()
    return story


async def names(story: Story) -> list[str]:
    return [push.id for push in await story.store.web_pushes("ana", story.now)]


async def test_a_browser_is_kept_once_for_its_session(ana: Story) -> None:
    first = await ana.browser("ana")
    assert await ana.store.web_pushes("ana", ana.now) == (first,)
    await ana.store.add_web_push("ana", replace(first, id="w2", sealed=b"other", language="de"), ana.now)
    (kept,) = await ana.store.web_pushes("ana", ana.now)
    assert (kept.id, kept.sealed, kept.language) == ("w2", b"other", "de")

    await ana.store.remove_web_push("ana", first.session)
    assert await names(ana) == []


async def test_it_goes_with_its_session_however_that_ends(ana: Story) -> None:
    for number in "123":
        await ana.browser("ana", number)
    await ana.store.remove_session("ana", "s1-ana")
    assert await names(ana) == ["w2-ana", "w3-ana"]
    await ana.store.remove_other_sessions("ana", "s3-ana")
    assert await names(ana) == ["w3-ana"]
    ana.pass_time(days=31)
    assert await names(ana) == []
    await ana.browser("ana", "4")  # drops what is over
    assert await ana.store.archive_page("ana", "web_pushes", "", 9) == (
        {
            "id": "w4-ana",
            "browser": "Firefox/Linux",
            "language": "en",
            "created_at": _now(ana),
            "told_at": None,
        },
    )


async def test_a_session_that_has_ended_or_is_anothers_keeps_none(ana: Story) -> None:
    push = await ana.browser("ana")
    await ana.store.remove_session("ana", push.session)
    await ana.store.add_web_push("ana", push, ana.now)
    await ana.mailbox("eve")
    mine = await ana.browser("ana")
    await ana.store.add_web_push("eve", replace(mine, id="w9"), ana.now)
    assert await names(ana) == [mine.id]
    assert await ana.store.web_pushes("eve", ana.now) == ()


async def test_the_same_owners_next_session_takes_it_over(ana: Story) -> None:
    push = await ana.browser("ana")
    until = ana.now + timedelta(days=30)
    await ana.mailbox("eve")
    for name, mailbox_id in (("next", "ana"), ("eves", "eve")):
        await ana.store.add_session(Session(name, mailbox_id, until), ana.now)
    await ana.store.hand_over_web_push("ana", push.session, "eves")
    assert await ana.store.web_pushes("ana", ana.now) == (push,)
    await ana.store.hand_over_web_push("ana", push.session, "next")
    await ana.store.remove_session("ana", push.session)
    assert await ana.store.web_pushes("ana", ana.now) == (replace(push, session="next"),)


async def test_a_mailbox_has_a_bounded_number_of_them(ana: Story) -> None:
    for number in range(MOST_BROWSERS):
        await ana.browser("ana", str(number))
    with pytest.raises(Refused) as refused:
        await ana.browser("ana", "more")
    assert refused.value.code == "too_many_browsers"
    assert len(await names(ana)) == MOST_BROWSERS


async def test_a_held_message_makes_telling_due_only_where_a_browser_wants_it(ana: Story) -> None:
    await ana.receive("ana", "m1", Outcome.HOLD)
    ana.pass_time(seconds=NOTIFICATION_DELAY.total_seconds())
    assert await ana.due_duty() is None

    await ana.browser("ana")
    await ana.receive("ana", "m2", Outcome.INBOX)
    await ana.receive("ana", "m3", Outcome.MARK)
    assert await ana.next_due() is None or await ana.due_duty() is None
    await ana.receive("ana", "m4", Outcome.CHALLENGE)
    assert await ana.due_duty() is None
    ana.pass_time(seconds=NOTIFICATION_DELAY.total_seconds())
    job = await ana.due_duty()
    assert job is not None
    assert job.duty is Duty.WEB_PUSH


async def test_a_round_records_what_became_of_each(ana: Story) -> None:
    told, gone, late, refused, moved = [await ana.browser("ana", str(number)) for number in range(5)]
    job = await ana.hold("ana", Duty.WEB_PUSH)
    assert await ana.store.swap_web_push("ana", moved.id, moved.sealed, b"new address")
    assert not await ana.store.swap_web_push("ana", moved.id, moved.sealed, b"newer")
    now = ana.pass_time(minutes=1)
    answers = [
        (told, Pushed.SENT),
        (gone, Pushed.GONE),
        (late, Pushed.LATER),
        (refused, Pushed.REFUSED),
        (moved, Pushed.GONE),
    ]
    await ana.store.web_pushed(job, answers, now)

    assert await ana.store.web_pushes("ana", now) == (
        replace(told, told_until=now, told_at=now),
        replace(late, failing_since=now),
        replace(refused, told_until=now, told_at=now, failing_since=now),
        replace(moved, sealed=b"new address"),
    )


async def test_one_that_failed_for_days_is_forgotten_and_one_success_forgives(ana: Story) -> None:
    for outcome in (Pushed.LATER, Pushed.SENT, Pushed.LATER, Pushed.LATER):
        (push,) = (
            [await ana.browser("ana")] if not await names(ana) else await ana.store.web_pushes("ana", ana.now)
        )
        job = await ana.hold("ana", Duty.WEB_PUSH)
        await ana.store.web_pushed(job, [(push, outcome)], ana.now)
        ana.pass_time(seconds=BROWSER_GIVEN_UP_AFTER.total_seconds())
    assert await names(ana) == []


async def test_leaving_deletes_them(ana: Story) -> None:
    await ana.browser("ana")
    await ana.store.forget("ana")
    assert await names(ana) == []


def _now(story: Story) -> int:
    return int(story.now.timestamp()) * 1_000_000
