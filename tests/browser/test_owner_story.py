"""An owner's whole story in one browser, in real processes: connect, see what would have been held, choose; review by
keys; the digest's link; insights; leave."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from backend.demo.letters import OWNER, letters
from backend.demo.people import Process, Sandbox, free_port, next_morning
from backend.demo.play import Options, Stage, _create_mailboxes, _environment, _sandbox_arguments
from backend.domain.mailbox.decisions import RuleKind
from backend.domain.mailbox.mailbox import Mode, Strictness
from backend.store.opening import open_store
from tests import browsers
from tests.browser.checks import keep_picture_async
from tests.browser.conftest import PATIENCE
from tests.journeys.conftest import Journey, until

pytestmark = pytest.mark.browser

TOLD = "2 emails held from 2 senders"
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
            await _create_mailboxes(sandbox)
            for letter in letters():
                await running.deliver(letter)
            await server.start()
            await running.ready()
            yield running
        finally:
            if server is not None:
                await server.stop()
            await google.stop()


async def digests(told: Journey) -> list[dict[str, Any]]:
    emails = await told.stage.sandbox.messages(OWNER)
    return [email for email in emails if " held from " in str(email["subject"])]


async def link_in(page: Page, label: str) -> str:
    """Where a link of the digest on the page leads, in the text or in its framed HTML."""
    await page.wait_for_load_state()  # with its frames
    for frame in page.frames:
        for anchor in await frame.locator("a[href*='/d/']", has_text=label).all():
            if href := await anchor.get_attribute("href"):
                return href
    raise AssertionError(f"no link {label}")


async def test_from_the_landing_page_until_they_leave(tmp_path: Path, shots: Path) -> None:
    file = tmp_path / "state" / "pitchgate.sqlite3"
    file.parent.mkdir()
    async with town(tmp_path) as stage, async_playwright() as playwright:
        told = Journey(stage)
        chromium = await playwright.chromium.launch(
            executable_path=browsers.chromium(), args=browsers.ARGUMENTS
        )
        page = await chromium.new_page(locale="en-GB", timezone_id="Europe/Lisbon")
        page.set_default_timeout(PATIENCE)
        friend = await _first_run(told, page, shots)
        await _remembered(file, friend)
        held = [await told.write(letter) for letter in PITCHES[1:4]]
        for gmail_id in held:
            await told.settled(gmail_id, held=True)
        await _review_by_keys(told, page, held)
        await _digest(told, chromium, page, file, shots)
        await page.goto(f"{stage.server_url}/insights")
        await expect(page.get_by_role("heading", level=1)).to_have_text("Insights")
        await _leave(page, stage.server_url)
        await chromium.close()


async def _labels(stage: Stage) -> dict[str, frozenset[str]]:
    return {mail["subject"]: frozenset(mail["labels"]) for mail in await stage.sandbox.messages(OWNER)}


async def _first_run(told: Journey, page: Page, shots: Path) -> str:
    """Connect, correct the first, choose. Returns whom the owner let in."""
    before = await _labels(told.stage)
    await page.goto(told.stage.server_url)
    await page.get_by_role("button", name="Connect Gmail").click()
    await page.get_by_label(re.compile(OWNER)).check()
    await page.get_by_role("button", name="Allow").click()
    await page.get_by_role("link", name="Continue to the preview").click()
    # Sent is read, then the inbox; the page follows by itself.
    await expect(page.get_by_role("heading", name=re.compile("look like pitches"))).to_be_visible()
    for letter in PITCHES:
        await expect(page.get_by_role("heading", name=letter.subject)).to_be_visible()
    await expect(page.get_by_role("heading", name="Saturday?")).to_have_count(0)
    await keep_picture_async(page, shots / "owner-first-run.png", full_page=True)
    friend = PITCHES[0].address
    await page.get_by_role("button", name=f"Not a pitch: allow {friend}").click()
    await expect(page.get_by_role("status").filter(has_text="Marked as not a pitch")).to_be_visible()
    await page.get_by_text("Held for you to review").click()
    await page.get_by_text("Strict: hold more").click()
    await expect(page.get_by_text("nobody would be notified")).to_be_visible()
    await page.get_by_role("button", name="Use these settings").click()
    await expect(page).to_have_url(re.compile("/review$"))
    # Looking has moved nothing, and nothing that was only looked at is held or counted.
    assert await _labels(told.stage) == before
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    for letter in PITCHES:
        await expect(page.get_by_text(letter.subject)).to_have_count(0)
    return friend


async def _remembered(file: Path, friend: str) -> None:
    store = open_store(file)
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


async def _review_by_keys(told: Journey, page: Page, held: list[str]) -> None:
    """Keep one held, think again, release it: by keys alone."""
    await page.goto(f"{told.stage.server_url}/review")
    rows = page.locator(".item")
    await expect(rows).to_have_count(len(held))
    await page.keyboard.press("j")
    first = await rows.first.get_attribute("data-id") or ""
    await page.keyboard.press("e")
    await expect(rows).to_have_count(len(held) - 1)
    assert "Pitchgate/Held" in await told.labels(first), "kept held: off the list, and nowhere else"
    await page.keyboard.press("u")
    await expect(rows).to_have_count(len(held))
    await page.locator(f".item[data-id='{first}'] input[name=pick]").focus()
    await page.keyboard.press("r")
    await expect(rows).to_have_count(len(held) - 1)
    await told.settled(first, held=False)


async def _digest(told: Journey, chromium: Browser, page: Page, file: Path, shots: Path) -> None:
    """Switched on, told the next morning, and acted on by its link, which acts once."""
    await page.goto(f"{told.stage.server_url}/settings")
    await page.get_by_role("button", name="Daily").click()
    await expect(page.get_by_text("8:00 in Lisbon · English")).to_be_visible()
    left = await _held(told)
    assert len(left) == 2
    await _morning(told, file, 1)
    (digest,) = await digests(told)
    assert digest["subject"] == TOLD
    assert {"INBOX", "UNREAD"} <= set(digest["labels"])

    await page.goto(f"{told.stage.sandbox.url}/mail/{OWNER}")
    await page.get_by_role("link", name=TOLD).click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(TOLD)
    await keep_picture_async(page, shots / "owner-digest.png", full_page=True)
    link = await link_in(page, "Release")
    stranger = await (await chromium.new_context(locale="en-GB")).new_page()  # signed in nowhere
    for _ in range(2):
        await stranger.goto(link)
        await expect(stranger.get_by_text("Nothing has happened yet.")).to_be_visible()
    assert await _held(told) == left, "looking changes nothing"
    await stranger.get_by_role("button", name="Release").click()
    await expect(stranger.get_by_role("button", name="Undo")).to_be_visible()
    await told.quiet()
    assert len(await _held(told)) == 1
    await stranger.goto(link)
    await expect(stranger.get_by_role("button", name="Release")).to_have_count(0)
    # The next morning tells of what is left and what came since: a digest is no mail to judge.
    again = await told.write(PITCHES[4], sender="Otto Neu <otto@othernew.example>")
    await told.settled(again, held=True)
    await _morning(told, file, 2)
    await told.quiet()
    assert [mail["subject"] for mail in await digests(told)] == [TOLD] * 2


async def _held(told: Journey) -> set[str]:
    emails = await told.stage.sandbox.messages(OWNER)
    return {email["id"] for email in emails if "Pitchgate/Held" in email["labels"]}


async def _morning(told: Journey, file: Path, count: int) -> None:
    """The owner's next morning, and all that comes of it."""

    async def moved() -> bool:
        return next_morning(file)

    await until(moved, "the digest's beginning, kept")

    async def there() -> bool:
        return len(await digests(told)) >= count

    await until(there, f"{count} digests in the mailbox")


async def _leave(page: Page, server: str) -> None:
    await page.goto(f"{server}/settings/leave")
    await page.get_by_label(re.compile("address")).fill(OWNER)
    await page.get_by_role("button", name="Disconnect").click()
    await expect(page.get_by_role("heading", name="Disconnected and deleted")).to_be_visible()
    await page.goto(f"{server}/review")
    await expect(page.get_by_role("button", name="Continue with Google")).to_be_visible()
