"""The three acts of a script, played in a house: with or without trouble, the same."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Sequence

from backend.domain.mailbox.message import ALLOW, BLOCK, HELD
from tests.faults import helpers
from tests.faults.fixture import Fixture
from tests.faults.helpers import Tell
from tests.faults.script import OWNER, Piece, Script
from tests.faults.trouble import Trouble

SOLVE_SECONDS = 300.0


async def play(fixture: Fixture, script: Script, trouble: Trouble | None, tell: Tell) -> None:
    """Play all three acts; between them everything comes to rest, and faults are lifted."""

    async def act(part: Sequence[Piece], share: float, *others: Awaitable[None]) -> None:
        began = time.monotonic()
        if trouble is None:
            await asyncio.gather(_deliver(fixture, part, None), *others)
            await fixture.rest()
        else:
            async with trouble.during(share):
                await asyncio.gather(_deliver(fixture, part, trouble), *others)
        tell(f"  {len(part)} letters, at rest after {time.monotonic() - began:.0f} s")

    await act(script.first, 0.65)
    await act(script.second, 0.15, _owner(fixture, script), _sellers(fixture))
    await act(script.third, 0.20)


async def _deliver(fixture: Fixture, part: Sequence[Piece], trouble: Trouble | None) -> None:
    for number, piece in enumerate(part):
        if trouble is not None:
            await trouble.pace(number / len(part))
        fixture.ids[piece.key] = await fixture.sandbox.deliver(piece.letter, OWNER)


async def _owner(fixture: Fixture, script: Script) -> None:
    """What the owner does in Gmail itself, each act by its own way."""
    ids = fixture.ids

    async def move(keys: list[str], add: tuple[str, ...] = (), remove: tuple[str, ...] = ()) -> None:
        for key in keys:
            await fixture.sandbox.move(OWNER, [ids[key]], add, remove)
            await asyncio.sleep(0.05)

    await move(script.released, remove=(HELD,))
    await move(script.returned, add=("INBOX",))
    await move(script.allowed, add=(ALLOW,))
    await move(script.blocked, add=(BLOCK,))
    for key in script.answered:
        await fixture.sandbox.reply(OWNER, ids[key], "Thank you for writing. Let us talk on Tuesday at ten.")
        await asyncio.sleep(0.05)
    for key in script.declined:
        await fixture.sandbox.reply(OWNER, ids[key], "No thanks.")
        await asyncio.sleep(0.05)
    for address in script.written_to:
        await fixture.sandbox.write(OWNER, address, "Dear friend, here is the list you asked for. Yours, Ana")
        await asyncio.sleep(0.05)
    for key in script.deleted:
        await fixture.sandbox.act("delete_messages", OWNER, ids=[ids[key]])


async def _sellers(fixture: Fixture) -> None:
    """Everybody who finds a challenge solves it, however often the backend is away. All have left by now."""
    end = time.monotonic() + SOLVE_SECONDS
    while time.monotonic() < end:
        await fixture.answer_challenges()
        if helpers.all_answered(fixture.people):
            return
        await asyncio.sleep(0.5)
