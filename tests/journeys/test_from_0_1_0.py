"""A database of release 0.1.0 is upgraded and served by today's processes: nothing is lost, nothing doubled."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import httpx

from backend.demo.letters import letters
from backend.demo.people import free_port, solve, until_ready
from backend.demo.play import Options, _environment, _sandbox_arguments
from backend.store.opening import open_store
from tests.journeys.conftest import command, until
from tests.journeys.from_0_1_0 import VERSION, Kept
from tests.machine import Forked
from tests.sandbox_process import SandboxProcess

SAM, MIRA, TOM = [letter for letter in letters() if letter.local]
CUSTOMER = next(letter for letter in letters() if letter.kind == "customer")
PASSED = {"dmarc": "pass", "spf": "pass", "dkim": "pass"}


@dataclass
class Moved:
    """0.1.0's mailbox in the care of today's server."""

    kept: Kept
    google: SandboxProcess
    server: Forked
    url: str
    database: Path
    environment: dict[str, str]

    def tray(self) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {self.kept.tray_token}"}
        return httpx.AsyncClient(base_url=f"{self.url}/api/v1/", headers=headers, timeout=30)

    async def command(self, *arguments: str, status: int = 0) -> str:
        """`pitchgate …`; what it said."""
        ended, said = await command(self.database.parents[1], *arguments, **self.environment)
        assert ended == status, said
        return said

    def comes(self, letter: Any, subject: str) -> str:
        told = self.google.deliver(
            self.kept.owner["email"], letter.sender, subject=subject, text=letter.text, auth=PASSED
        )
        return str(told["id"])

    def labels(self, gmail_id: str) -> set[str]:
        return {*self.google.message(self.kept.owner["email"], gmail_id)["labels"]}

    def ask(self, question: str) -> list[tuple[Any, ...]]:
        file = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)
        try:
            return file.execute(question).fetchall()
        finally:
            file.close()

    async def judged(self, *gmail_ids: str) -> None:
        """Wait until nothing is left to do about these."""

        async def look() -> bool:
            done = {name for (name,) in self.ask("SELECT gmail_id FROM messages WHERE stage IS NULL")}
            return done >= {*gmail_ids}

        await until(look, f"{gmail_ids} judged")


@asynccontextmanager
async def moved(folder: Path) -> AsyncIterator[Moved]:
    """What 0.1.0 left, with a Google beside it; today's server is not started yet."""
    kept, port, state = Kept(), free_port(), folder / "state"
    url, options = f"http://127.0.0.1:{port}", Options(folder=folder)
    with SandboxProcess(*_sandbox_arguments(options, url)[3:]) as google:
        kept.restore(state / "pitchgate.sqlite3", kept.settle(google))
        environment = _environment(options, url, google.url) | kept.settings
        environment |= {"PITCHGATE_SECRET_KEYS": kept.secret_key}
        server = Forked("server", ["backend", "serve"], environment, folder / "server.log")
        try:
            yield Moved(kept, google, server, url, state / "pitchgate.sqlite3", environment)
        finally:
            await server.stop()


async def test_a_mailbox_of_0_1_0_lives_on(tmp_path: Path) -> None:
    async with moved(tmp_path) as told, aiohttp.ClientSession() as http:
        before = sums(told)
        assert f"schema version {VERSION}" in await told.command("db", "status", status=1)
        # As docs/how-to/upgrade.md has it: the new release's commands, on a database that is still the old one's.
        await told.command("db", "backup", str(tmp_path / "before.sqlite3"))
        doctor = await told.command("doctor", "--offline")
        assert "FAIL" not in doctor
        assert "no token is kept" not in doctor, "one is, in a table that is not read before the upgrade"
        await told.command("db", "upgrade")
        assert "they open the 1 refresh token" in await told.command("doctor", "--offline")
        assert sums(told) == before, "the upgrade moves no row and no credit"
        late = {
            "customer": told.comes(CUSTOMER, "While nobody served"),
            "credit": told.comes(SAM, "While nobody served"),
            "blocked": told.comes(TOM, "While nobody served"),
        }
        await told.server.start()
        await until_ready(http, f"{told.url}/readyz", told.server)
        await told.judged(*late.values())
        assert {"INBOX"} <= told.labels(late["customer"])
        assert {"INBOX"} <= told.labels(late["credit"])
        assert "Pitchgate/Held" in told.labels(late["blocked"])
        await the_tray_is_still_let_in(told)
        await the_browser_is_signed_in(told)
        await the_old_link_delivers(told)
        await the_owner_may_change_their_mind(told)
        assert not told.google.outbox(), "nobody is answered a second time"
        await told.server.stop()
        assert "up to date" in await told.command("db", "status")
    await the_books_agree(told.database, told.kept)


def sums(told: Moved) -> list[tuple[Any, ...]]:
    """What must not change by itself."""
    questions = (
        "SELECT gmail_id, placement, outcome, policy_row, decided_by, sender, subject FROM messages ORDER BY 1",
        "SELECT sender, balance FROM balances ORDER BY 1",
        "SELECT posting_key, amount FROM ledger ORDER BY 1",
        "SELECT id, state, sender, token_hash, sealed_token FROM challenges ORDER BY 1",
        "SELECT subject, kind FROM rules ORDER BY 1",
        "SELECT correction_key, decision, before FROM corrections ORDER BY 1",
        "SELECT email, link, sealed_token, preferences, cursor FROM mailboxes",
        "SELECT address FROM correspondents ORDER BY 1",
        "SELECT id, token_hash FROM devices",
        "SELECT token_hash FROM sessions",
    )
    return [row for question in questions for row in told.ask(question)]


async def the_tray_is_still_let_in(told: Moved) -> None:
    async with told.tray() as tray:
        status = (await tray.get("status")).json()
        assert (status["email"], status["condition"]) == (told.kept.owner["email"], "active")
        assert status["preferences"]["strictness"] == "strict"
        held = (await tray.get("held")).json()
    by_sender = {each["sender"]: each for each in held["senders"]}
    assert by_sender.keys() == {MIRA.address, TOM.address, "derek.holm@fundbridge.example"}
    assert [each["gmail_id"] for each in by_sender[MIRA.address]["messages"]] == [
        told.kept.ids["open too"],
        told.kept.ids["open"],
    ]
    assert all(
        reason["text"] for each in held["senders"] for one in each["messages"] for reason in one["reasons"]
    )


async def the_browser_is_signed_in(told: Moved) -> None:
    async with httpx.AsyncClient(timeout=30, cookies=told.kept.cookie) as browser:
        page = await browser.get(f"{told.url}/review")
    assert page.status_code == 200, page.text
    assert "Mira Lindgren" in page.text


async def the_old_link_delivers(told: Moved) -> None:
    waiting = told.kept.ids["open"], told.kept.ids["open too"]
    async with httpx.AsyncClient(
        base_url=told.url, timeout=30, headers={"Accept": "application/json"}
    ) as sender:
        task = (await sender.get(f"{told.kept.link}/task")).json()
        done = await sender.post(told.kept.link, data={"payload": await asyncio.to_thread(solve, task)})
        assert done.status_code == 200, done.text
        assert (await sender.get(f"{told.kept.solved_link}/task")).status_code == 410, "it was solved before"

    async def look() -> bool:
        return all("INBOX" in told.labels(each) for each in waiting)

    await until(look, "both messages delivered")
    assert all("Pitchgate/Held" not in told.labels(each) for each in waiting)


async def the_owner_may_change_their_mind(told: Moved) -> None:
    blocked = told.kept.ids["blocked"]
    ((key,),) = told.ask(f"SELECT correction_key FROM corrections WHERE gmail_id = '{blocked}'")
    async with told.tray() as tray:
        undone = await tray.post(f"corrections/{key}/undo")
        assert undone.status_code == 200, undone.text
        again = await tray.post(f"corrections/{key}/undo")
    assert undone.json() == again.json()


async def the_books_agree(database: Path, kept: Kept) -> None:
    store = open_store(database)
    await store.open()
    try:
        assert not await store.ledger_differences()
        mailbox = await store.mailbox_by_email(kept.owner["email"])
        assert mailbox is not None
        file = sqlite3.connect(database)
        balances = dict(file.execute("SELECT sender, balance FROM balances").fetchall())
        (twice,) = file.execute(
            "SELECT COUNT(*) FROM (SELECT 1 FROM ledger GROUP BY about, posting HAVING COUNT(*) > 1)"
        ).fetchone()
        file.close()
        assert balances[SAM.address] == 0, "one was left, and one message came"
        assert not twice
    finally:
        await store.close()
