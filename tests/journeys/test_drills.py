"""What an operator does now and then, done with mail flowing: a new release, back to the one before, new keys.

The restore drill is in test_backup.py. What each takes is printed (`-s`).
"""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

import backend
from backend.demo.letters import letters
from backend.demo.people import Process
from tests.journeys.conftest import Journey, begin_journey, command, tally
from tests.machine import Forked

ROOT = Path(backend.__file__).parents[1]


def git(*arguments: str) -> bytes:
    return subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, check=True).stdout


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """The program as it was before the newest step of the schema, in a folder of its own."""
    if not (ROOT / ".git").exists():
        pytest.skip("no history here: this is not a checkout")
    newest = (
        git("log", "-1", "--format=%H", "--diff-filter=A", "--", "backend/store/sql/migrations")
        .decode()
        .strip()
    )
    try:
        packed = git("archive", f"{newest}^", "backend")
    except subprocess.CalledProcessError:
        pytest.skip("the history here is cut short")
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(tmp_path / "before", filter="data")
    return tmp_path / "before"


def of_release(folder: Path) -> type[Forked]:
    """Servers are run from another folder of the program."""
    paths = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])

    class OfRelease(Forked):
        def __init__(self, name: str, words: list[str], environment: Mapping[str, str], log: Path) -> None:
            theirs = {"PYTHONSAFEPATH": "1", "PYTHONPATH": paths} if name == "server" else {}
            super().__init__(name, words, {**theirs, **environment}, log)

    return OfRelease


@contextmanager
def timed(what: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    print(f"\n{what}: {time.monotonic() - began:.1f} s")


async def mail(told: Journey, when: str) -> None:
    """Some messages of each kind, the last of them while nobody may be serving."""
    for letter in [letter for letter in letters() if not letter.known][:5]:
        await told.write(replace(letter, subject=f"{letter.subject} {when}"))


async def taken_over(told: Journey, server: Process) -> None:
    """The server that runs is stopped, mail comes, and `server` goes on."""
    await told.stage.server.stop()
    await mail(told, "while nobody served")
    told.stage.server = server
    await server.start()
    await told.stage.ready()
    await mail(told, "after")


async def test_to_a_new_release_and_back_to_the_one_before(tmp_path: Path, before: Path) -> None:
    copy = str(tmp_path / "before.sqlite3")
    async with begin_journey(tmp_path, of_release(before)) as told:
        older = told.stage.server
        await mail(told, "before")
        await told.quiet()
        newer = older.changed(PYTHONSAFEPATH="", PYTHONPATH="")
        with timed("to the new release"):
            assert (await command(tmp_path, "db", "backup", copy))[0] == 0
            await older.stop()
            assert (await command(tmp_path, "db", "upgrade"))[0] == 0
            await taken_over(told, newer)
        await told.quiet()
        with timed("back to the release before"):
            await newer.stop()
            status, said = await command(tmp_path, "db", "restore", copy)
            assert status == 0, said
            await taken_over(told, older.changed())
        found = await tally(told, tmp_path)
    assert found.delivered == 25
    assert found.clean, (found.lost, found.doubled)


async def test_new_keys_while_mail_flows(tmp_path: Path) -> None:
    new = Fernet.generate_key().decode()
    async with begin_journey(tmp_path) as told:
        server = told.stage.server
        old = (tmp_path / "state" / "secret.keys").read_text().strip()
        with timed("key rotation"):
            both = {"PITCHGATE_SECRET_KEYS": f"{new},{old}"}
            await taken_over(told, server.changed(**both))
            assert "1 refresh token sealed" in (await command(tmp_path, "keys", "rotate", **both))[1]
            await taken_over(told, server.changed(PITCHGATE_SECRET_KEYS=new))
        found = await tally(told, tmp_path)
    assert found.delivered == 20
    assert found.clean, (found.lost, found.doubled)
