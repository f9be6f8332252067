"""A newcomer's first minutes, in real processes: connect, see what would have been held, correct one, choose."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from playwright.async_api import Page, async_playwright, expect

from backend.demo.google import Sandbox
from backend.demo.letters import OWNER, letters
from backend.demo.play import Options, Stage, _environment, _people, _sandbox_arguments
from backend.demo.processes import Process, free_port
from backend.domain.mailbox.correction import RuleKind
from backend.domain.mailbox.mailbox import Mode, Strictness
from backend.store import open_store
from tests import browsers
from tests.browser.conftest import PATIENCE

pytestmark = pytest.mark.browser

PITCHES = [letter for letter in letters() if letter.kind == "pitch"]


@asynccontextmanager
async def town(folder: Path) -> AsyncIterator[Stage]:
    """A local Google with an owner who has had mail for long, and a server that knows nobody yet."""
    url = f"http://127.0.0.1:{free_port()}"
    options = Options(folder=folder, port=int(url.rpartition(":")[2]))
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as http:
        google = Process("sandbox", _sandbox_arguments(options, url), {}, folder / "sandbox.log")
        await google.start(pipe=True)
        server: Process | None = None
        try:
            sandbox = Sandbox(http, str((await google.first_line())["sandbox"]))
            environment = {**_environment(options, url, sandbox.url), "PITCHGATE_DEFAULT_MODE": "observe"}
            server = Process("server", ["backend", "serve"], environment, folder / "server.log")
            running = Stage(options, http, sandbox, server, url)
            await _people(sandbox)
            for letter in letters():
                await running.deliver(letter)
            await server.start()
            await running.ready()
            yield running
        finally:
            if server is not None:
                await server.stop()
            await google.stop()


async def _shot(page: Page, shots: Path, name: str) -> None:
    await page.screenshot(path=shots / f"first-run-{name}.png", full_page=True)


async def _labels(stage: Stage) -> dict[str, frozenset[str]]:
    return {mail["subject"]: frozenset(mail["labels"]) for mail in await stage.sandbox.messages(OWNER)}


async def test_from_the_landing_page_to_the_first_correction(tmp_path: Path, shots: Path) -> None:
    async with town(tmp_path) as stage, async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=browsers.chromium(), args=browsers.ARGUMENTS
        )
        page = await chromium.new_page(locale="en-GB")
        page.set_default_timeout(PATIENCE)
        before = await _labels(stage)

        await page.goto(stage.server_url)
        await page.get_by_role("button", name="Connect Gmail").click()
        await page.get_by_label(re.compile(OWNER)).check()
        await page.get_by_role("button", name="Allow").click()
        await page.get_by_role("link", name="Continue: see what would have been held").click()
        await expect(page.get_by_role("heading", name="First run")).to_be_visible()
        await _shot(page, shots, "begin")

        # Sent is read, then the inbox; the page follows by itself.
        await expect(page.get_by_role("heading", name=re.compile("look like pitches"))).to_be_visible()
        for letter in PITCHES:
            await expect(page.get_by_role("heading", name=letter.subject)).to_be_visible()
        await expect(page.get_by_role("heading", name="Saturday?")).to_have_count(0)
        await _shot(page, shots, "preview")
        assert "Pitchgate/Held" not in frozenset().union(*(await _labels(stage)).values())

        # The first correction: this one is not sales.
        friend = PITCHES[0].address
        await page.get_by_role("button", name=f"Not a pitch: allow {friend}").click()
        await expect(page.get_by_role("status").filter(has_text="Marked as not sales")).to_be_visible()
        await page.get_by_text("Hold pitches, tell nobody").click()
        await page.get_by_text("Strict: hold more").click()
        await expect(page.get_by_text("nobody would be told")).to_be_visible()
        await _shot(page, shots, "corrected")
        await page.get_by_role("button", name="Use these settings").click()
        await expect(page).to_have_url(re.compile("/review$"))

        # Looking has moved nothing, and nothing that was only looked at is held or counted.
        after = await _labels(stage)
        assert after == before
        await expect(page.get_by_role("heading", level=1)).to_be_visible()
        for letter in PITCHES:
            await expect(page.get_by_text(letter.subject)).to_have_count(0)
        await chromium.close()
    await _remembered(tmp_path, friend)


async def _remembered(folder: Path, friend: str) -> None:
    store = open_store(folder / "state" / "pitchgate.sqlite3")
    await store.open()
    try:
        mailbox = await store.mailbox_by_email(OWNER)
        assert mailbox is not None
        wishes = mailbox.preferences
        assert (wishes.mode, wishes.strictness) == (Mode.QUARANTINE, Strictness.STRICT)
        assert await store.rules_of(mailbox.id, [friend]) == {friend: RuleKind.ALLOW}
        assert await store.messages(mailbox.id) == ()
    finally:
        await store.close()
