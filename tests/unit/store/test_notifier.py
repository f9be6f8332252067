"""The notifiers: one a mailbox, and none that nobody holds."""

from __future__ import annotations

import asyncio
import gc

from backend.transactions.driver import Notifier, Notifiers


async def test_a_ring_wakes_all_who_wait() -> None:
    notifier = Notifier()
    waits = [asyncio.create_task(notifier.rung(20, notifier.rings)) for _ in range(3)]
    notifier.ring()
    assert await asyncio.gather(*waits) == [True] * 3


async def test_a_ring_since_it_was_heard_ends_the_wait_at_once() -> None:
    notifier = Notifier()
    heard = notifier.rings
    notifier.ring()
    assert await notifier.rung(0, heard)
    assert not await notifier.rung(0, notifier.rings)


def test_a_mailbox_has_one_notifier() -> None:
    notifiers = Notifiers()
    ana, eve = notifiers.of("ana"), notifiers.of("eve")
    assert notifiers.of("ana") is ana
    notifiers.ring("ana")
    notifiers.ring("nobody listens")
    assert (ana.rings, eve.rings) == (1, 0)
    notifiers.ring_all()
    assert (ana.rings, eve.rings) == (2, 1)


def test_a_notifier_nobody_holds_is_forgotten() -> None:
    notifiers = Notifiers()
    notifiers.of("ana").ring()
    gc.collect()
    assert notifiers.of("ana").rings == 0
