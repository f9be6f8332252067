"""Whoever waits for an owner's changes is woken by the commit that makes one, and by nobody else's."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from backend.domain.errors import AccessLost
from backend.domain.mailbox.decisions import Decision
from backend.domain.mailbox.mailbox import AccessState
from backend.domain.mailbox.message import Outcome
from backend.store.opening import open_store
from backend.transactions.records import NewDevice, OneTimeCode, Purpose, Scope, Session
from backend.transactions.script import Notifier
from tests.contract.store.stories import Story

PATIENCE = 20.0


async def someone_connected(story: Story) -> None:
    """Ana with a held message, a computer and a browser; Eve with nothing."""
    await story.mailbox("ana")
    await story.mailbox("eve")
    code = OneTimeCode("c1", "ana", Purpose.DEVICE, "x", story.now + timedelta(seconds=120), "laptop")
    await story.store.add_code(code, story.now)
    await story.store.exchange("c1", "x", NewDevice("d1", "h1", frozenset(Scope)), story.now)
    await story.store.add_session(Session("s1", "ana", story.now + timedelta(days=1), "d1"), story.now)
    await story.receive("ana", "m1", Outcome.HOLD)


CHANGES: dict[str, Callable[[Story], Awaitable[Any]]] = {
    "held": lambda story: story.receive("ana", "m2", Outcome.HOLD),
    "decided": lambda story: story.decide("ana", "m1", Decision.RELEASE),
    "settings": lambda story: story.store.change_preferences("ana", {"strictness": "strict"}, story.now),
    "link": lambda story: story.store.set_link(
        "ana", AccessState.NEEDS_RECONNECT, story.now, AccessLost.GRANT
    ),
    "device": lambda story: story.store.remove_device("ana", "d1"),
    "session": lambda story: story.store.remove_session("ana", "s1"),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_a_change_wakes_who_waits_for_this_mailbox_and_nobody_else(story: Story, change: str) -> None:
    await someone_connected(story)
    ana, eve = story.store.changed("ana"), story.store.changed("eve")
    before = eve.rings
    woken = asyncio.create_task(ana.rung(PATIENCE, ana.rings))
    await CHANGES[change](story)
    assert await woken
    heard = eve.rings
    await story.store.change_preferences("eve", {"strictness": "strict"}, story.now)
    assert await eve.rung(PATIENCE, heard)
    assert eve.rings == before + 1, "told in order: nothing of Ana's came before"


async def test_a_change_between_the_look_and_the_wait_is_not_slept_through(story: Story) -> None:
    await someone_connected(story)
    notifier = story.store.changed("ana")
    heard = notifier.rings
    news = await story.store.news("ana", "d1", None, 0)
    await story.decide("ana", "m1", Decision.RELEASE)
    assert await notifier.rung(PATIENCE, heard)
    assert (await story.store.news("ana", "d1", news.latest, 10)).events


async def test_reading_and_what_changes_nothing_wake_nobody(story: Story) -> None:
    await someone_connected(story)
    ana, eve = story.store.changed("ana"), story.store.changed("eve")
    await _heard_all(story, eve, "strict")
    before = ana.rings
    await story.store.overview("ana")
    await story.store.change_preferences("ana", {}, story.now)
    await story.store.device_seen("ana", "d1", story.now)
    await _heard_all(story, eve, "relaxed")
    assert ana.rings == before


async def _heard_all(story: Story, eve: Notifier, strictness: str) -> None:
    """Changes are told in order, so once Eve has heard of hers, whatever was to be told of Ana's has come too."""
    heard = eve.rings
    await story.store.change_preferences("eve", {"strictness": strictness}, story.now)
    assert await eve.rung(PATIENCE, heard)


@pytest.mark.parametrize("address", ["postgres"], indirect=True)
async def test_a_change_on_one_replica_wakes_streams_on_another(story: Story, address: str) -> None:
    await someone_connected(story)
    other = open_store(address)
    await other.open()
    try:
        notifier = other.changed("ana")
        woken = asyncio.create_task(notifier.rung(PATIENCE, notifier.rings))
        await story.decide("ana", "m1", Decision.RELEASE)
        assert await woken
    finally:
        await other.close()
