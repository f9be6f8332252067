"""Lanes on a real store, whose stages and looks are played."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from backend.domain.mailbox.message import Outcome
from backend.lanes.lanes import Lanes
from backend.pipeline.context import Context
from backend.pipeline.memory import Look
from backend.settings import Settings
from backend.transactions.records import MessageJob
from backend.transactions.store import Store
from tests.contract.store.stories import Story
from tests.doubles import FixedClock, GlassVault, SeededTokens

NOBODY: Any = None
"""Gmail, the scorer and Google's consent: no stage here asks them."""
POISON, SLOW = "m-poison", "m-slow"
TRIES = 3
STOP = 0.2


@dataclass
class Workshop:
    """A store with Ana's and Bea's mailboxes, and lanes whose stages are played: poison raises, slow never ends by
    itself, anything else is judged and passes. Looks find nothing."""

    story: Story
    clock: FixedClock
    context: Context
    ran: list[str] = field(default_factory=list)
    slow_began: asyncio.Event = field(default_factory=asyncio.Event)
    error: Exception = field(default_factory=lambda: RuntimeError("poison"))

    async def stage(self, context: Context, job: MessageJob, *_: object) -> None:
        """What a lane runs instead of screening."""
        self.ran.append(job.gmail_id)
        if job.gmail_id == POISON:
            raise self.error
        if job.gmail_id == SLOW:
            self.slow_began.set()
            await asyncio.Event().wait()
        await self.story.judge(job, Outcome.INBOX)

    def lanes(self, context: Context | None = None) -> Lanes:
        """They look all the time: the clock does not go on by itself."""
        return Lanes(context or self.context, NOBODY)

    async def work_until(self, done: Callable[[], Awaitable[bool]]) -> None:
        """Run lanes until `done`, time passing as they wait."""
        stop, running_lanes = asyncio.Event(), self.lanes()
        turn, reading = running_lanes._turn, False

        async def turned() -> None:
            nonlocal reading
            reading = True
            try:
                await turn()
            finally:
                reading = False

        running_lanes._turn = turned  # type: ignore[method-assign]
        running = asyncio.create_task(running_lanes.run(stop))
        async with asyncio.timeout(30):
            while not await done():
                # A slow disk or server is no reason for a job to be late.
                if not running_lanes.busy and not reading:
                    self.clock.advance(1)
                    self.story.now = self.clock.now()
                await asyncio.sleep(0)
        stop.set()
        await running

    async def die_over(self, gmail_id: str) -> None:
        """Lanes run until this message is under way, and die: nothing of theirs ends any more. If it has become a dead
        letter they stop in an orderly way."""
        began, stop, dying = asyncio.Event(), asyncio.Event(), self.lanes()

        async def stage(context: Context, job: MessageJob, *_: object) -> None:
            if job.gmail_id != gmail_id:
                await asyncio.sleep(0.01)
            else:
                began.set()
            if began.is_set():
                await asyncio.Event().wait()
            await self.story.judge(job, Outcome.INBOX)

        async def nothing(*_: object) -> None: ...

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("backend.lanes.running.run_stage", stage)
            patch.setattr(self.story.store, "take_back_death", nothing)
            running = asyncio.create_task(dying.run(stop))
            async with asyncio.timeout(30):
                waits = {asyncio.create_task(began.wait()), asyncio.create_task(self._dead_letter())}
                _, left = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            if not began.is_set():
                stop.set()
                await running
            dead = [running, *dying._running, *left]
            for task in dead:
                task.cancel()
            await asyncio.gather(*dead, return_exceptions=True)

    async def _dead_letter(self) -> None:
        while not await self.dead_letters():  # noqa: ASYNC110 - it stands in the database
            await asyncio.sleep(0.005)

    async def ended(self, mailbox: str, *ids: str) -> bool:
        """Whether these are done with."""
        known = await self.story.store.known(mailbox, ids)
        return len(known) == len(ids) and all(view.stage is None for view in known.values())

    async def dead_letters(self) -> list[str]:
        """Ids of the dead letters."""
        return [row["gmail_id"] for row in await self.story.store.dead_letters()]


async def opened(store: Store, story: Story, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    """A workshop with this store, in which nothing is due."""
    clock = FixedClock()
    settings = Settings(
        state_dir=folder, max_attempts=TRIES, stop_seconds=STOP, poll_seconds=0.005, worker_tasks=4
    )
    context = Context(settings, store, NOBODY, NOBODY, clock, SeededTokens(), GlassVault(), NOBODY)
    story.now = clock.now()
    for name in ("ana", "bea"):
        await story.mailbox(name)
    shop = Workshop(story, clock, context)

    async def sees_nothing(context: Context, look: Look, screeners: object) -> None:
        ana = await context.store.mailbox_without_failures(look.mailbox_id)
        assert ana is not None
        context.looks.listed(replace(ana, cursor="5"))

    monkeypatch.setattr("backend.lanes.running.run_stage", shop.stage)
    monkeypatch.setattr("backend.lanes.running.look_at", sees_nothing)
    return shop
