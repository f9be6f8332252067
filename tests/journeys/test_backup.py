"""A backup taken while mail flows, put back into a service at work: nothing is lost by it, and nobody is
answered twice."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path

from backend.demo.letters import OWNER, Letter, letters
from backend.demo.play import every_message
from backend.store.opening import open_store
from tests.journeys.conftest import Journey, begin_journey, command, tally, until


async def write(told: Journey, letter: Letter, name: str) -> str:
    return await told.write(replace(letter, subject=f"{letter.subject} {name}"))


async def decided(folder: Path) -> set[str]:
    store = open_store(folder / "state" / "pitchgate.sqlite3")
    await store.open()
    try:
        mailbox = await store.mailbox_by_email(OWNER)
        assert mailbox is not None
        assert not await store.ledger_differences()
        views = await every_message(store, mailbox.id)
        return {name for name, view in views.items() if view.outcome and view.stage is None}
    finally:
        await store.close()


async def test_a_backup_put_back_while_mail_flows_loses_nothing(tmp_path: Path) -> None:
    strangers = [letter for letter in letters() if not letter.known][:6]
    copy = str(tmp_path / "copy.sqlite3")
    async with begin_journey(tmp_path) as told:
        writing = asyncio.create_task(_all(told, strangers, "before"))
        status, said = await command(tmp_path, "db", "backup", copy)
        assert status == 0, said
        written = await writing
        status, said = await command(tmp_path, "db", "restore", copy)
        assert status == 1
        assert "is in use" in said
        written += await _all(told, strangers, "after the backup")
        await told.quiet()
        await told.stage.server.stop()
        began = time.monotonic()
        status, said = await command(tmp_path, "db", "restore", copy)
        assert status == 0, said
        # What told of it may have been heard before, and be forgotten now.
        await told.stage.sandbox.push_modes(drop_ratio=1.0)
        written += await _all(told, strangers, "while nobody served")
        await told.stage.server.start()
        await told.stage.ready()
        print(f"\nrestore: {time.monotonic() - began:.1f} s")
        await all_decided(tmp_path, written)
        await told.quiet()
        await told.pass_time(2)  # Google tells of a mailbox once a second: the lost notices' second passes
        await told.stage.sandbox.push_modes(drop_ratio=0.0)
        written += await _all(told, strangers, "after the restore")
        await all_decided(tmp_path, written)
        found = await tally(told, tmp_path)
    assert found.delivered == 24
    assert not found.lost
    assert not found.ledger_differences
    assert not found.doubled, "the link that left after the backup is taken up"


async def all_decided(folder: Path, written: list[str]) -> None:
    missing = set(written)

    async def look() -> bool:
        missing.difference_update(await decided(folder))
        return not missing

    await until(look, "every message decided", lambda: len(missing))


async def _all(told: Journey, strangers: list[Letter], when: str) -> list[str]:
    return [await write(told, letter, when) for letter in strangers]
