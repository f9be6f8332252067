"""A backup is put back: what was answered meanwhile is not answered again, and the link in that answer works."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from email import message_from_bytes
from pathlib import Path

import pytest

from backend.domain.challenge import ChallengeState, token_hash
from backend.store.backup import back_up, restore
from backend.store.opening import open_store
from tests.doubles import PlainKeys
from tests.unit.pipeline.conftest import Fixture, letter, open_fixture


@asynccontextmanager
async def restored(fixture: Fixture, folder: Path, hours: float = 0.1) -> AsyncIterator[Fixture]:
    """The service that starts on the backup, some time later."""
    await fixture.store.close()
    fixture.wait(hours=hours)
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
        pitch = before.gmail.deliver(letter())
        await before.push()
        await before.settle()
        assert len(before.gmail.sent) == 1
        async with restored(before, tmp_path) as after:
            await after.push()
            await after.settle()
            assert len(after.gmail.sent) == 1
            assert await link_state(after, 0) is ChallengeState.SENT
            (held,) = [one for one in await after.store.messages(after.mailbox_id) if one.placement == "held"]
            assert held.gmail_id == pitch, "what was held is held, and not lost behind our own label"


@pytest.mark.parametrize("deleted", [False, True])
async def test_a_day_later_the_link_still_works_and_a_late_one_never_leaves(
    deleted: bool, tmp_path: Path
) -> None:
    async with open_fixture(tmp_path) as before:
        back_up(tmp_path / "store.sqlite3", tmp_path / "backup")
        pitch = before.gmail.deliver(letter())
        await before.push()
        await before.settle()
        left = before.gmail.sent.copy()
        if deleted:
            before.gmail.sent.clear()
        async with restored(before, tmp_path, hours=24) as after:
            await after.push()
            await after.settle()
            assert after.gmail.sent == ([] if deleted else left)
            found = await after.store.challenge_of(after.mailbox_id, pitch)
            assert found is not None
            assert found.state is (ChallengeState.FAILED if deleted else ChallengeState.SENT)


async def test_who_wrote_again_before_the_server_came_back_keeps_their_link(tmp_path: Path) -> None:
    async with open_fixture(tmp_path) as before:
        back_up(tmp_path / "store.sqlite3", tmp_path / "backup")
        before.gmail.deliver(letter())
        await before.push()
        await before.settle()
        before.gmail.deliver(letter(text="another pitchy letter"))
        async with restored(before, tmp_path) as after:
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
        before.gmail.deliver(letter(text="another pitchy letter"))
        async with restored(before, tmp_path) as after:
            await after.push()
            await after.settle()
            assert "find_link" in after.gmail.calls
            assert len(after.gmail.sent) == 2
            assert await link_state(after, 1) is ChallengeState.SENT
