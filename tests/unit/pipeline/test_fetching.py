"""Notices that are fetched: stored before they are acknowledged, and what keeps them from coming told."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from backend.domain.errors import StoreAway, TryLater
from backend.domain.mailbox.mailbox import NoticeMode, PullFailure
from backend.pipeline.notices import Fetcher
from backend.ports.gmail import PulledNotice
from tests.unit.pipeline.conftest import Fixture, letter


def envelope(email: str, history_id: str, push_id: str) -> bytes:
    data = base64.b64encode(json.dumps({"emailAddress": email, "historyId": history_id}).encode()).decode()
    return json.dumps({"message": {"data": data, "messageId": push_id}, "subscription": "s"}).encode()


@dataclass
class FakeSource:
    """A subscription: what waits, what was acknowledged, and what it answers instead."""

    waiting: list[PulledNotice] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)
    broken: PullFailure | None = None
    subscription: str = "s"

    async def fetch(self, limit: int) -> tuple[PulledNotice, ...]:
        if self.broken is not None:
            raise TryLater("It is away.", reason=self.broken)
        if not self.waiting:
            await asyncio.Event().wait()
        return tuple(self.waiting[:limit])

    async def acknowledge(self, receipts: Sequence[str]) -> None:
        self.acknowledged += receipts
        self.waiting = [one for one in self.waiting if one.receipt not in receipts]

    def publish(self, position: int, number: int = 1) -> None:
        body = envelope("ana@corp.test", str(position), f"p{number}")
        self.waiting.append(PulledNotice(f"receipt{number}", body))


def fetching(fixture: Fixture) -> tuple[Fetcher, FakeSource]:
    settings = fixture.context.settings.model_copy(update={"notices": NoticeMode.PULL})
    fixture.context, source = replace(fixture.context, settings=settings), FakeSource()
    return Fetcher(fixture.context, source), source


async def test_a_notice_is_stored_and_then_acknowledged(fixture: Fixture) -> None:
    fetcher, source = fetching(fixture)
    gmail_id = fixture.gmail.deliver(letter())
    source.publish(fixture.gmail.position)
    assert await fetcher.turn() == 1
    assert source.acknowledged == ["receipt1"]
    await fixture.work_for(3)
    assert gmail_id in await fixture.store.known(fixture.mailbox_id, [gmail_id])


async def test_one_that_could_not_be_stored_is_not_acknowledged(fixture: Fixture) -> None:
    fetcher, source = fetching(fixture)
    source.publish(fixture.gmail.position)

    class Away:
        away = True

        def __getattr__(self, name: str) -> object:
            return getattr(fixture.store, name)

        async def note_push(self, *_: object) -> None:
            raise StoreAway("The database does not answer.")

    broken = Fetcher(replace(fixture.context, store=Away()), source)  # type: ignore[arg-type]
    assert await broken.turn() == 0
    assert source.acknowledged == []
    assert await fetcher.turn() == 1, "it came again"


async def test_the_same_notice_twice_counts_as_a_repeat(fixture: Fixture) -> None:
    fetcher, source = fetching(fixture)
    for number in (1, 1):
        source.publish(fixture.gmail.position, number)
        await fetcher.turn()
    assert fetcher.counts["repeat"] == 1


async def test_what_nobody_understands_is_acknowledged_and_counted(fixture: Fixture) -> None:
    fetcher, source = fetching(fixture)
    source.waiting.append(PulledNotice("r", b'{"message": null, "subscription": "s"}'))
    assert await fetcher.turn() == 1
    assert fetcher.counts["malformed"] == 1


async def test_what_is_missing_is_told_and_mends_itself(fixture: Fixture) -> None:
    fetcher, source = fetching(fixture)
    await fixture.store.set_notice_mode(fixture.mailbox_id, NoticeMode.PULL)
    source.broken = PullFailure.SUBSCRIPTION
    stop = asyncio.Event()
    running = asyncio.create_task(fetcher.run(stop))

    async def missing(wanted: PullFailure | None) -> None:
        async with asyncio.timeout(20):
            while (await fixture.mailbox()).pull_failure is not wanted:  # noqa: ASYNC110 - a row has no event
                await asyncio.sleep(0.01)

    await missing(PullFailure.SUBSCRIPTION)
    source.broken = None
    source.publish(fixture.gmail.position)
    await missing(None)
    stop.set()
    await running
