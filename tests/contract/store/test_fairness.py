"""Many mailboxes share one process: however much one of them has to do, the others are not kept waiting."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from backend.domain.mailbox.message import Outcome
from backend.lanes import lanes
from backend.lanes.lanes import Lanes
from backend.pipeline.context import Context
from backend.settings import Settings
from backend.transactions.records import Duty, DutyJob, MessageJob, Sighting, SyncPage
from backend.transactions.store import Store
from tests.contract.store.stories import Story
from tests.doubles import FixedClock, GlassVault, SeededTokens

NOBODY: Any = None
TASKS = 8


class Busy:
    """A process of `TASKS` tasks. Every message of Ana's takes until `free`, everybody else's no time."""

    def __init__(self, store: Store, story: Story, folder: Path) -> None:
        self.clock = FixedClock()
        settings = Settings(state_dir=folder, poll_seconds=0.005, stop_seconds=0.2, worker_tasks=TASKS)
        self.context = Context(
            settings, store, NOBODY, NOBODY, self.clock, SeededTokens(), GlassVault(), NOBODY
        )
        story.now = self.clock.now()
        self.story = story
        self.free = asyncio.Event()
        self.under_way = self.most = 0
        self.synced: list[str] = []

    async def stage(self, context: Context, job: MessageJob, *_: object) -> None:
        """What is run instead of screening."""
        if not job.mailbox_id.startswith("ana"):
            await self.story.judge(job, Outcome.INBOX)
            return
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await self.free.wait()
        self.under_way -= 1
        await self.story.judge(job, Outcome.INBOX)

    async def duty(self, context: Context, authorizer: object, job: DutyJob, *_: object) -> None:
        """What is run instead of a duty."""
        self.synced.append(job.mailbox_id)
        await context.store.finish_duty(job, None)

    async def ended(self, mailbox: str, *ids: str) -> bool:
        """Whether these are done with."""
        known = await self.story.store.known(mailbox, ids)
        return len(known) == len(ids) and all(view.stage is None for view in known.values())


@pytest_asyncio.fixture(loop_scope="session")
async def busy(store: Store, story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Busy:
    made = Busy(store, story, tmp_path)
    monkeypatch.setattr("backend.lanes.running.run_stage", made.stage)
    monkeypatch.setattr("backend.lanes.running.run_duty", made.duty)
    monkeypatch.setattr("backend.lanes.running.look_at", sees_nothing)
    return made


async def sees_nothing(*_: object) -> None: ...


async def _while_it_works(busy: Busy, *until: Any) -> None:
    """Run lanes until each of these holds, in their order; then let Ana's messages end."""
    stop = asyncio.Event()
    running = asyncio.create_task(Lanes(busy.context, NOBODY).run(stop))
    try:
        async with asyncio.timeout(30):
            for done in until:
                while not await done():  # noqa: ASYNC110 - what is waited for stands in the database
                    await asyncio.sleep(0.001)
    finally:
        stop.set()
        await running


async def test_a_mailbox_with_much_to_do_leaves_room_for_the_others(busy: Busy) -> None:
    story = busy.story
    await story.mailbox("ana")
    await story.mailbox("bea")
    messages = [f"a{number}" for number in range(3 * TASKS)]
    await story.arrive("ana", *messages)

    async def under_way() -> bool:
        return busy.under_way == TASKS // lanes.SHARES

    async def bea_comes() -> bool:
        seen = tuple(Sighting(gmail_id, f"t-{gmail_id}", None) for gmail_id in ("b1", "b2"))
        page = SyncPage(sightings=seen)
        bea = await story.store.mailbox_without_failures("bea")
        assert bea is not None
        await story.store.commit_look("bea", bea, page, None, (), (), story.now)
        return True

    async def bea_ends() -> bool:
        return await busy.ended("bea", "b1", "b2")

    async def ana_ends() -> bool:
        busy.free.set()
        return await busy.ended("ana", *messages)

    await _while_it_works(busy, under_way, bea_comes, bea_ends, ana_ends)
    assert busy.most <= TASKS // lanes.SHARES


async def test_messages_leave_room_for_duties(busy: Busy) -> None:
    """With every mailbox busy a push still gets its look."""
    story = busy.story
    names = [f"ana{number}" for number in range(2 * TASKS)]
    for name in (*names, "bea"):
        await story.mailbox(name)
    for name in names:
        await story.arrive(name, f"m-{name}")

    async def under_way() -> bool:
        return busy.under_way >= TASKS - TASKS // lanes.SHARES

    async def bea_is_pushed() -> bool:
        await story.store.request_duty("bea", Duty.SYNC, story.now)
        return True

    async def bea_is_synced() -> bool:
        return "bea" in busy.synced

    await _while_it_works(busy, under_way, bea_is_pushed, bea_is_synced)
    assert busy.most == TASKS - TASKS // lanes.SHARES
