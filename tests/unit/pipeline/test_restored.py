"""A backup is put back: what was answered meanwhile is not answered again, and the link in that answer works."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from email import message_from_bytes
from pathlib import Path

from backend.domain.entry.challenge import ChallengeState, token_hash
from backend.store import open_store
from backend.store.backup import back_up, restore
from tests.doubles import PlainKeys
from tests.unit.pipeline.conftest import Fixture, letter, open_fixture


@asynccontextmanager
async def restored(fixture: Fixture, folder: Path) -> AsyncIterator[Fixture]:
    """The service that starts on the backup, a minute later."""
    await fixture.store.close()
    fixture.wait(seconds=60)
    restore(folder / "backup", folder / "store.sqlite3", fixture.gmail.now)
    store = open_store(folder / "store.sqlite3", PlainKeys())
    await store.open()
    context = replace(fixture.context, store=store, started=fixture.gmail.now)
    yield replace(fixture, context=context, store=store)
    await store.close()


async def link_state(fixture: Fixture, number: int) -> ChallengeState | None:
    """What became of the link in a reply that left."""
    link = str(message_from_bytes(fixture.gmail.sent[number].raw)["X-Pitchgate-Link"])
    found = await fixture.store.challenge_by_token(token_hash(link.rpartition("/")[2]))
    return found.state if found else None


async def test_the_link_that_left_after_the_backup_works_again_and_no_other_leaves(tmp_path: Path) -> None:
    async with open_fixture(tmp_path) as before:
        back_up(tmp_path / "store.sqlite3", tmp_path / "backup")
        before.gmail.deliver(letter())
        await before.push()
        await before.settle()
        assert len(before.gmail.sent) == 1
        async with restored(before, tmp_path) as after:
            after.gmail.deliver(letter(text="another pitchy letter"))
            await after.push()
            await after.settle()
            assert len(after.gmail.sent) == 1
            assert await link_state(after, 0) is ChallengeState.SENT


async def test_a_link_the_backup_knows_is_not_taken_up_again(tmp_path: Path) -> None:
    async with open_fixture(tmp_path) as before:
        before.gmail.deliver(letter())
        await before.push()
        await before.settle()
        back_up(tmp_path / "store.sqlite3", tmp_path / "backup")
        before.wait(days=20)  # the link's life is over
        async with restored(before, tmp_path) as after:
            after.gmail.deliver(letter(text="another pitchy letter"))
            await after.push()
            await after.settle()
            assert len(after.gmail.sent) == 2
            assert await link_state(after, 1) is ChallengeState.SENT
