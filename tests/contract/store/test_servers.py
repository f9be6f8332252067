"""What servers leave one another."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from backend.domain.mailbox.mailbox import NoticeHint
from backend.store import sqlite
from backend.store.opening import open_store
from backend.store.sqlite import alone
from backend.transactions.records import Duty
from tests.contract.store.stories import Story


async def test_one_process_owns_the_mailboxes_of_a_file_and_the_next_knows_how_it_ended(
    tmp_path: Path,
) -> None:
    stores = [open_store(tmp_path / "pitchgate.sqlite3") for _ in range(3)]
    for store in stores:
        await store.open()
    first, second, third = (store.ownership for store in stores)
    stops, changes = [asyncio.Event() for _ in stores], asyncio.Event()
    owning = [asyncio.create_task(first.run(stops[0], changes.set))]
    await changes.wait()
    assert (first.owns("ana"), first.after_death("ana")) == (True, False)
    stops[1].set()
    await second.run(stops[1], changes.set)
    assert not second.owns("ana")
    owning[0].cancel()  # it dies: nothing of it ends as it should
    await asyncio.gather(*owning, return_exceptions=True)
    for one, dead in ((second, True), (third, False)):
        changes.clear()
        stop = asyncio.Event()
        running = asyncio.create_task(one.run(stop, changes.set))
        await changes.wait()
        assert (one.owns("ana"), one.after_death("ana")) == (True, dead)
        stop.set()
        await running
        assert not one.owns("ana")
    for store in stores:
        await store.close()


async def test_what_another_process_writes_into_the_file_wakes_its_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "AGAIN", 0.01)
    owner, other = (open_store(tmp_path / "pitchgate.sqlite3") for _ in range(2))
    await owner.open()
    await other.open()
    stop, woken = asyncio.Event(), asyncio.Event()
    running = asyncio.create_task(owner.ownership.run(stop, lambda: None))
    story = Story(owner)
    await story.mailbox("ana")
    while not owner.ownership.owns("ana") or owner._driver.written_by_others():  # type: ignore[attr-defined]  # noqa: ASYNC110
        await asyncio.sleep(0)
    owner.on_due(lambda mailbox_id: woken.set())
    await other.request_duty("ana", Duty.SYNC, story.now)
    async with asyncio.timeout(20):
        await woken.wait()
    stop.set()
    await running
    await owner.close()
    await other.close()


def test_one_server_is_alone_until_it_ends(tmp_path: Path) -> None:
    database = tmp_path / "pitchgate.sqlite3"
    with alone(database) as first:
        with alone(database) as second:
            assert (first, second) == (True, False)
        with alone(tmp_path / "other.sqlite3") as other:
            assert other
    with alone(database) as after:
        assert after


async def test_a_server_has_the_lock_before_its_lanes_run(tmp_path: Path) -> None:
    database = tmp_path / "pitchgate.sqlite3"
    store = open_store(database)
    await store.open()
    store.ownership.join(lambda among: None)
    with alone(database) as beside:
        assert not beside
    await store.close()
    with alone(database) as after:
        assert after


FAR = timedelta(days=365)


async def test_what_a_clock_a_year_ahead_put_off_is_due_now(story: Story) -> None:
    await story.mailbox("ana")
    await story.arrive("ana", "m1")
    ahead = story.now + FAR
    for duty in (Duty.WATCH, Duty.RETAIN, Duty.DIGEST):
        await story.store.request_duty("ana", duty, ahead)
    await story.store.postpone(await story.job("m1"), ahead, "503", story.now)
    await story.store.request_duty("ana", Duty.SYNC, story.now + timedelta(hours=1))
    latest = {duty: timedelta(days=2) for duty in Duty}

    brought = await story.store.bring_back(story.now, latest, story.now + timedelta(days=2))

    assert brought == 4
    work = await story.store.lane_work("ana", 9)
    assert {job.duty for job in work.duties if job.due_at <= story.now} == {
        Duty.WATCH,
        Duty.RETAIN,
        Duty.DIGEST,
    }
    assert [job.gmail_id for job in await story.due()] == ["m1"]
    assert await story.store.bring_back(story.now, latest, story.now + timedelta(days=2)) == 0


async def test_a_push_that_was_put_off_by_a_wrong_clock_is_looked_at_at_once(story: Story) -> None:
    await story.mailbox("ana")
    ahead = story.now + FAR
    await story.store.note_push("ana@corp.test", NoticeHint(7, ahead), ahead)
    latest = {duty: timedelta(days=2) for duty in Duty}
    await story.store.bring_back(story.now, latest, story.now + timedelta(days=2))
    again = story.now + timedelta(seconds=1)
    job = await story.due_duty()
    assert job is not None
    await story.store.finish_duty(job, None)
    await story.push(8, again_at=again)
    job = await story.due_duty()
    assert job is not None
    assert job.duty is Duty.SYNC
