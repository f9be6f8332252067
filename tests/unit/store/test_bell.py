"""The bells: one a mailbox, and none that nobody holds."""

from __future__ import annotations

import asyncio
import gc

from backend.store.bell import Bell, Bells


async def test_a_ring_wakes_all_who_wait() -> None:
    bell = Bell()
    waits = [asyncio.create_task(bell.rung(20, bell.rings)) for _ in range(3)]
    bell.ring()
    assert await asyncio.gather(*waits) == [True] * 3


async def test_a_ring_since_it_was_heard_ends_the_wait_at_once() -> None:
    bell = Bell()
    heard = bell.rings
    bell.ring()
    assert await bell.rung(0, heard)
    assert not await bell.rung(0, bell.rings)


def test_a_mailbox_has_one_bell() -> None:
    bells = Bells()
    ana, eve = bells.of("ana"), bells.of("eve")
    assert bells.of("ana") is ana
    bells.ring("ana")
    bells.ring("nobody listens")
    assert (ana.rings, eve.rings) == (1, 0)
    bells.ring_all()
    assert (ana.rings, eve.rings) == (2, 1)


def test_a_bell_nobody_holds_is_forgotten() -> None:
    bells = Bells()
    bells.of("ana").ring()
    gc.collect()
    assert bells.of("ana").rings == 0
