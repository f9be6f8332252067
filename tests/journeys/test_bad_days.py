"""A full disk, a wrong clock, few descriptors, an owner who leaves, lost keys: real processes, and nothing is lost."""

from __future__ import annotations

import asyncio
import json
import os
import re
import resource
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from backend.demo import people
from backend.demo.letters import OWNER, letters
from backend.vault import make_key
from tests.journeys.conftest import Journey, begin_journey, command, until

YEAR = 365 * 86_400.0
IN_A_NAMESPACE = ("unshare", *(() if os.geteuid() == 0 else ("--user", "--map-root-user")), "--mount")


def may_mount(folder: str = "/tmp") -> bool:
    """Whether a file system of our own may be mounted, out of sight of everybody else."""
    mount = ("mount", "-t", "tmpfs", "none", folder)
    try:
        return subprocess.run((*IN_A_NAMESPACE, *mount), capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


async def readiness(told: Journey) -> dict[str, Any]:
    async with told.stage.http.get(f"{told.stage.server_url}/readyz") as answer:
        return {**await answer.json(), "code": answer.status}


async def figures(told: Journey) -> str:
    async with told.stage.http.get(f"{told.stage.server_url}/metrics") as answer:
        return await answer.text()


async def restarted(told: Journey, *command: str, **environment: str) -> None:
    """The same server again, started by another command."""
    stage = told.stage
    await stage.server.stop()
    stage.server = stage.server.changed(**environment)
    stage.server._command = [*command] if command else stage.server._command
    await stage.server.start()
    await stage.ready()


def events(log: Path) -> list[dict[str, Any]]:
    """What the server has told its log."""
    found = []
    for line in log.read_text("utf-8", "replace").splitlines():
        if line.startswith("{"):
            found.append(json.loads(line))
    return found


class SmallDisk:
    """The state folder on a file system of 24 MB that only the server sees."""

    trouble = "disk full"

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "small"

    async def begin(self, told: Journey) -> None:
        self._folder.mkdir()
        state = self._folder.parent / "state"
        script = (
            f'mount -t tmpfs -o size=24m none {self._folder} && cp -a {state}/. {self._folder} && exec "$@"'
        )
        command = (*IN_A_NAMESPACE, "sh", "-c", script, "sh", *told.stage.server._command)
        await restarted(told, *command, PITCHGATE_STATE_DIR=str(self._folder))
        self._inside = Path(f"/proc/{told.stage.server.pid}/root") / self._folder.relative_to("/")

    def fill(self) -> None:
        with (self._inside / "fill").open("wb", buffering=0) as file:
            try:
                while file.write(bytes(4096)):
                    pass
            except OSError:
                return

    def make_room(self) -> None:
        (self._inside / "fill").unlink()


class SmallFiles:
    """A limit on the size of files, as a quota is: where no file system may be mounted."""

    trouble = "unwritable"

    def __init__(self, folder: Path) -> None:
        self._log = folder / "state" / "pitchgate.sqlite3-wal"
        self._told = folder / "server.log"

    async def begin(self, told: Journey) -> None:
        os.truncate(self._told, 0)  # it is under the same limit
        self._pid = told.stage.server.pid

    def fill(self) -> None:
        self._set(max(self._log.stat().st_size, 500_000))

    def make_room(self) -> None:
        self._set(resource.RLIM_INFINITY)

    def _set(self, size: int) -> None:
        resource.prlimit(self._pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


@pytest.mark.parametrize("kind", [SmallFiles, *([SmallDisk] if may_mount() else [])])
async def test_a_full_disk_is_told_once_and_nothing_is_lost(tmp_path: Path, kind: type[SmallDisk]) -> None:
    strangers = [letter for letter in letters() if not letter.known][:6]
    async with begin_journey(tmp_path) as told:
        disk = kind(tmp_path)
        await disk.begin(told)
        disk.fill()
        written: list[str] = []

        async def full() -> bool:
            written.append(await told.write(strangers[len(written) % 6], subject=f"no room {len(written)}"))
            return (await readiness(told))["code"] == 503

        await until(full, "the server says that it cannot write", lambda: len(written))
        before = len(events(tmp_path / "server.log"))
        written += [await told.write(letter, subject="on a full disk") for letter in strangers]

        async def refused() -> bool:
            await asyncio.sleep(0.6)  # the server answers two of these a second
            # What was heard before is in memory; the next push finds that nothing can be kept.
            written.append(await told.write(strangers[0], subject=f"on a full disk {len(written)}"))
            push = r'pitchgate_http_requests_total\{.*route="/hooks/gmail",status="503"\} [1-9]'
            return bool(re.search(push, await figures(told)))

        await until(refused, "a push is refused")
        await told.pass_time(10)  # what is counted is lines in it
        ready = await readiness(told)
        assert (ready["code"], ready["status"], ready["store"]) == (503, "not ready", disk.trouble)
        lines = [one for one in events(tmp_path / "server.log")[before:] if one["event"] != "request"]
        assert len(lines) < 25, lines
        assert "lane_lost" not in {one["event"] for one in lines}
        assert re.search(r'pitchgate_log_events_total\{event="store_fails"\} [1-9]', await figures(told))
        disk.make_room()

        async def ready_again() -> bool:
            await told.pass_time(1)
            return (await readiness(told))["code"] == 200

        stages: dict[str, str] = {}

        async def all_ended() -> bool:
            await told.pass_time(1)
            stages.clear()
            stages.update(re.findall(r'pitchgate_message_stages\{stage="(\w+)"\} (\d+)', await figures(told)))
            return stages.get("ended") == str(len(written))

        await until(ready_again, "the server is ready again")
        try:
            await until(all_ended, f"all {len(written)} messages are done with", lambda: stages.get("ended"))
        except AssertionError as error:
            error.add_note(f"messages by stage: {stages}")
            raise
        placed = {mail["id"]: mail["labels"] for mail in await told.stage.sandbox.messages(OWNER)}
        assert all(placed[one] for one in written)
        names = [one["event"] for one in events(tmp_path / "server.log")]
        assert names.count("store_fails") <= 2
        assert "store_back" in names
        assert "pitchgate_dead_letters 0.0" in await figures(told)


async def held_by(told: Journey, address: str, count: int) -> None:
    async def look() -> bool:
        mails = await told.stage.sandbox.messages(address)
        return sum("Pitchgate/Held" in mail["labels"] for mail in mails) == count

    await until(look, f"{count} held")


@contextmanager
def database(folder: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(folder / "state" / "pitchgate.sqlite3", timeout=30)) as store, store:
        yield store


def farthest_duty(folder: Path) -> float:
    """In how many days the last duty of a day's is due, by the real time."""
    with database(folder) as store:
        (due,) = store.execute(
            "SELECT MAX(due_at) / 1e6 - unixepoch() FROM duties WHERE duty <> 'digest'"
        ).fetchone()
    return float(due) / 86_400


async def test_a_clock_that_is_wrong_costs_nothing(tmp_path: Path) -> None:
    clock = tmp_path / "machine.clock"

    def set_clock(seconds: float) -> None:
        clock.with_suffix(".new").write_text(str(seconds))
        clock.with_suffix(".new").replace(clock)

    set_clock(0)
    async with begin_journey(tmp_path) as told:
        module = [sys.executable, "-m", "tests.journeys.set_clock", "serve"]
        await restarted(told, *module, MACHINE_CLOCK=str(clock))
        held = [await told.write(told.pitch, subject="before")]
        await told.settled(held[0], held=True)
        await told.quiet()
        await told.seller.look(told.stage.sandbox)
        links = list(told.seller.links)
        assert links

        async def links_live() -> bool:
            for link in links:
                async with told.stage.http.get(link) as answer:
                    if answer.status != 200:
                        return False
            return True

        async def says(word: str) -> bool:
            return word in (await readiness(told))["clock"]

        for seconds, word in ((YEAR, "ahead"), (-YEAR, "behind")):
            set_clock(seconds)
            await until(lambda word=word: says(word), f"/readyz says {word}")
            async with told.stage.http.get(f"{told.stage.server_url}/metrics") as answer:
                skew = re.search(r"^pitchgate_clock_skew_seconds (\S+)$", await answer.text(), re.MULTILINE)
            assert skew is not None
            assert abs(float(skew[1]) - seconds) < 60
            assert await links_live()
            await restarted(told)  # it comes up with the wrong time, and has only Google's word
            assert await says(word)
            assert await links_live()
            with database(tmp_path) as store:  # both would delete what is old
                store.execute("UPDATE duties SET due_at = 0 WHERE duty = 'retain'")
            held.append(await told.write(replace(told.pitch, subject=f"while it is {word}")))
            await told.settled(held[-1], held=True)
            await told.quiet()
            async with told.stage.http.get(f"{told.stage.server_url}/review") as answer:
                assert "clock" in (text := await answer.text()), text[:2000]
                assert word in text
        with database(tmp_path) as store:  # as a server of before would have left it
            store.execute("UPDATE duties SET due_at = due_at + ? WHERE due_at IS NOT NULL", (YEAR * 1e6,))
        set_clock(0)
        await restarted(told)
        await until(lambda: says("ok"), "/readyz says ok")
        await told.quiet()
        assert farthest_duty(tmp_path) < 2.1
        assert await links_live()
        with database(tmp_path) as store:
            kept = {row[0] for row in store.execute("SELECT gmail_id FROM messages WHERE placement = 'held'")}
            due = store.execute(
                "SELECT COUNT(*) FROM duties WHERE duty = 'watch' AND due_at IS NULL"
            ).fetchone()
        assert set(held) <= kept
        assert due[0] == 0
        names = [one["event"] for one in events(tmp_path / "server.log")]
        assert names.count("clock_off") >= 2  # at each start; while it ran, if that took five seconds
        assert "brought_back" in names


async def test_few_descriptors_are_told_and_the_server_answers(tmp_path: Path) -> None:
    async with begin_journey(tmp_path) as told:
        start = 'ulimit -n 64 && exec "$@"'
        await restarted(told, "sh", "-c", start, "sh", *told.stage.server._command)
        host, port = told.stage.server_url.removeprefix("http://").split(":")
        idle = [await asyncio.open_connection(host, int(port)) for _ in range(80)]
        try:
            written = [
                await told.write(letter, subject=f"few {n}") for n, letter in enumerate(letters()[:12])
            ]

            async def ready() -> bool:
                async with (
                    aiohttp.ClientSession() as http,
                    http.get(f"{told.stage.server_url}/readyz") as answer,
                ):
                    return answer.status == 200

            async def answered() -> bool:
                try:
                    return await ready()
                except aiohttp.ClientError:
                    return False

            await until(answered, "the server answers, with all those connections")
            await told.quiet()
            placed = {mail["id"]: mail["labels"] for mail in await told.stage.sandbox.messages(OWNER)}
            assert all(placed[one] for one in written)
        finally:
            for _, writer in idle:
                writer.close()
        few = [one for one in events(tmp_path / "server.log") if one["event"] == "few_descriptors"]
        assert few[-1]["limit"] == 64
        assert few[-1]["needed"] > 64


LEAVER = "zelda.quillfeather@harbourlane.example"


@asynccontextmanager
async def with_a_second_owner(folder: Path) -> AsyncIterator[Journey]:
    """A journey in which somebody else has connected, too, and has mail."""
    async with begin_journey(folder) as told:
        await told.stage.sandbox.create(LEAVER, "Zelda Quillfeather")
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(cookie_jar=jar) as browser:
            await people.connect(browser, told.stage.server_url, LEAVER)
        await told.quiet()
        await told.write(told.pitch, subject="For the one who stays")
        for number in range(6):
            letter = replace(
                told.pitch,
                sender=f"Wanda Brambleback <wanda{number}@brambleback{number}.example>",
                subject=f"Marmalade futures {number}",
            )
            await told.stage.sandbox.deliver(letter, LEAVER)
        await held_by(told, LEAVER, 6)
        await told.quiet()
        yield told


async def connected(folder: Path) -> set[str]:
    with database(folder) as store:
        return {row[0] for row in store.execute("SELECT email FROM mailboxes")}


WORDS = (b"quillfeather", b"Quillfeather", b"brambleback", b"Brambleback", b"Marmalade")


def found_in(folder: Path) -> dict[str, int]:
    """How often the leaver's words stand in each file of the state folder."""
    counts = {file.name: sum(file.read_bytes().count(word) for word in WORDS) for file in folder.iterdir()}
    return {name: count for name, count in counts.items() if count}


async def leave(told: Journey, folder: Path) -> None:
    status, said = await command(folder, "mailbox", "disconnect", LEAVER, "--yes")
    assert status == 0, said

    async def gone() -> bool:
        return LEAVER not in await connected(folder)

    await until(gone, "the owner has left")
    await told.quiet()


async def test_an_owner_who_leaves_is_in_no_file_of_a_running_server(tmp_path: Path) -> None:
    async with with_a_second_owner(tmp_path) as told:
        before = found_in(tmp_path / "state")
        assert sum(before.values()) > 20, before
        await leave(told, tmp_path)

        async def wiped() -> bool:
            return not found_in(tmp_path / "state")

        await until(wiped, "nothing of them is left", lambda: str(found_in(tmp_path / "state")))
        assert (await connected(tmp_path)) == {OWNER}
        assert told.stage.server.running
        print(f"\nbefore: {before}")


async def test_a_backup_says_which_keys_it_needs_and_brings_nobody_back(tmp_path: Path) -> None:
    new = make_key()
    copy = str(tmp_path / "copy.sqlite3")
    async with with_a_second_owner(tmp_path) as told:
        made = (tmp_path / "state" / "secret.keys").read_text().strip()
        status, said = await command(tmp_path, "db", "backup", copy)
        assert status == 0, said
        both = {"PITCHGATE_SECRET_KEYS": f"{new},{made}"}
        await restarted(told, **both)
        assert (await command(tmp_path, "keys", "rotate", **both))[0] == 0
        alone = {"PITCHGATE_SECRET_KEYS": new}
        await restarted(told, **alone)
        await leave(told, tmp_path)
        await told.stage.server.stop()

        def files() -> list[str]:
            """In the state folder, but for the two that SQLite makes and takes away when somebody looks."""
            names = (path.name for path in (tmp_path / "state").iterdir())
            return sorted(name for name in names if not name.endswith(("-wal", "-shm")))

        held = files()
        status, said = await command(tmp_path, "db", "restore", copy, **alone)
        assert status == 1
        listed = (await command(tmp_path, "keys", "list", PITCHGATE_SECRET_KEYS=made))[1]
        name = re.search(r"\b[0-9a-f]{8}\b", listed)
        assert name is not None
        assert "Nothing was restored" in said
        assert name[0] in said
        assert files() == held
        status, said = await command(tmp_path, "db", "restore", copy, **both)
        assert status == 0, said
        assert "stays away" in said
        assert await connected(tmp_path) == {OWNER, LEAVER}
        told.stage.server = told.stage.server.changed(**both)
        await told.stage.server.start()
        await told.stage.ready()
        assert await connected(tmp_path) == {OWNER}
        came = await told.write(replace(told.pitch, subject="after the restore"))
        await told.settled(came, held=True)
        # And the key is lost for good: the server starts, and its owner is asked to connect again.
        await told.stage.server.stop()
        status, said = await command(tmp_path, "db", "restore", copy, "--without-tokens", **alone)
        assert status == 0, said
        told.stage.server = told.stage.server.changed(**alone)
        await told.stage.server.start()
        await told.stage.ready()
        assert await connected(tmp_path) == {OWNER}
