"""A process is killed wherever it waits for the store, for Google or for the reader; the next one ends in the same
place. The places are found by running: whatever is awaited from outside is one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from inspect import iscoroutinefunction
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from backend.domain.mailbox.message import Placement
from backend.transactions.store import Store
from tests.fakes.gmail import LABELS
from tests.unit.pipeline.conftest import Fixture, letter, open_fixture

ENOUGH = 200
"""Places at most: a story that never ends is found out."""


@dataclass
class Killer:
    """Kills at the `place` where it waits, counted from 0: `before` what is asked for is done, or after it."""

    place: int
    before: bool
    names: list[str] = field(default_factory=list)
    dead: asyncio.Event = field(default_factory=asyncio.Event)

    async def at(self, name: str, work: Callable[[], Awaitable[Any]]) -> Any:
        """Do the work, unless this is where it ends. Nothing of a process that was killed goes on."""
        here = len(self.names) == self.place
        self.names.append(name)
        if here and self.before:
            self.dead.set()
        if self.dead.is_set():
            await asyncio.Event().wait()
        done = await work()
        if here:
            self.dead.set()
        if self.dead.is_set():
            await asyncio.Event().wait()
        return done


class Watched:
    """`inner`, each call of which that is awaited is a place to die at."""

    def __init__(self, inner: Any, name: str, killer: Killer) -> None:
        self._inner, self._name, self._killer = inner, name, killer

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not (iscoroutinefunction(found) or (isinstance(self._inner, Store) and callable(found))):
            return found

        def call(*args: Any, **named: Any) -> Awaitable[Any]:
            return self._killer.at(f"{self._name}.{name}", lambda: found(*args, **named))

        return call


async def live(fixture: Fixture, killer: Killer, story: Callable[[], Awaitable[None]]) -> bool:
    """Live the story in a process that `killer` may kill, then in another that nobody kills; whether it was killed."""
    context, store = fixture.context, fixture.store
    parts: dict[str, Any] = {
        name: Watched(getattr(context, name), name, killer) for name in ("store", "gmail", "reader")
    }
    fixture.context, fixture.store = replace(context, **parts), parts["store"]
    others = asyncio.all_tasks()
    living, dying = asyncio.ensure_future(story()), asyncio.create_task(killer.dead.wait())
    await asyncio.wait({living, dying}, return_when=asyncio.FIRST_COMPLETED)
    killed = killer.dead.is_set()
    ours = asyncio.all_tasks() - others
    for task in ours:
        task.cancel()
    ends = await asyncio.gather(*ours, return_exceptions=True)
    assert killed or not [end for end in ends if isinstance(end, Exception)]
    fixture.context, fixture.store = context, store
    if killed:
        fixture.screening.clear()
        fixture.die()
    await fixture.settle()
    await fixture.push()  # of what we did ourselves
    await fixture.settle()
    return killed


async def seen(fixture: Fixture, *names: str) -> dict[str, object]:
    """Whatever must be the same however often somebody died."""
    views = await fixture.store.known(fixture.mailbox_id, names)
    chain = await fixture.store.decision_chain(fixture.mailbox_id)
    counts = await fixture.store.census(fixture.now())
    assert await fixture.store.ledger_differences() == ()
    return {
        "rows": sorted((name, v.outcome, v.row, v.stage, v.placement) for name, v in views.items()),
        "held": [LABELS.held in fixture.gmail.labels_of(name) for name in names],
        "inbox": ["INBOX" in fixture.gmail.labels_of(name) for name in names],
        "sent": len(fixture.gmail.sent),
        "decided": chain and chain.number,
        "links": {name: number for name, number in counts.items() if name.startswith("challenges.")},
        "dead letters": counts["dead_letters"],
        "balance": await fixture.store.balance(fixture.mailbox_id, "sam@seller.test"),
        "cursor": (await fixture.mailbox()).cursor == str(fixture.gmail.position),
    }


async def told(path: Path, killer: Killer) -> tuple[bool, dict[str, object]]:
    """A push tells of two ordinary messages and a pitch, which is held and answered."""
    await asyncio.to_thread(path.mkdir)
    async with open_fixture(path) as fixture:
        names = [
            fixture.gmail.deliver(letter(f"kim{day}@shop.test", f"the minutes of day {day}"))
            for day in range(2)
        ]
        names.append(fixture.gmail.deliver(letter()))

        async def story() -> None:
            await fixture.push()
            await fixture.settle()

        return await live(fixture, killer, story), await seen(fixture, *names)


async def solved(path: Path, killer: Killer) -> tuple[bool, dict[str, object]]:
    """The sender of a held pitch has answered the check, and it comes back."""
    await asyncio.to_thread(path.mkdir)
    async with open_fixture(path) as fixture:
        pitch = fixture.gmail.deliver(letter())
        await fixture.push()
        await fixture.settle()
        link = await fixture.store.challenge_of(fixture.mailbox_id, pitch)
        assert link is not None
        await fixture.store.solve(link.id, "signature", link.expires_at, 0, fixture.now())
        assert (await fixture.store.known(fixture.mailbox_id, [pitch]))[pitch].placement is Placement.INBOX
        return await live(fixture, killer, fixture.settle), await seen(fixture, pitch)


@pytest.mark.parametrize("story", [told, solved])
@pytest.mark.parametrize("before", [True, False])
async def test_a_death_wherever_anybody_waits_changes_nothing(
    tmp_path: Path, story: Callable[[Path, Killer], Awaitable[tuple[bool, object]]], before: bool
) -> None:
    undisturbed = Killer(ENOUGH, before)
    killed, expected = await story(tmp_path / "whole", undisturbed)
    assert not killed
    assert {name.partition(".")[0] for name in undisturbed.names} >= {"store", "gmail"}
    for place in count():
        killer = Killer(place, before)
        killed, found = await story(tmp_path / str(place), killer)
        assert found == expected, f"killed {'before' if before else 'after'} {killer.names[place]} ({place})"
        if not killed:
            break
        assert place < ENOUGH
    assert place >= len(undisturbed.names) >= 7
