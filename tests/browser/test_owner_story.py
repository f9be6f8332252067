"""An owner's whole story in one browser: sign in, switch the digest on, and act on what was held by its link."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright, expect

from backend.demo.letters import OWNER
from backend.demo.morning import next_morning
from tests import browsers
from tests.journeys.conftest import Journey, begin_journey, until

pytestmark = pytest.mark.browser


async def _digests(told: Journey) -> list[dict[str, Any]]:
    emails = await told.stage.sandbox.messages(OWNER)
    return [email for email in emails if " held from " in str(email["subject"])]


async def _morning(told: Journey, file: Path, digests: int) -> None:
    """The owner's next morning, and all that comes of it."""

    async def moved() -> bool:
        return next_morning(file)

    await until(moved, "the digest's beginning, kept")

    async def there() -> bool:
        return len(await _digests(told)) >= digests

    await until(there, f"{digests} digest in the mailbox")


async def _link(page: Page, label: str) -> str:
    """Where a link of the mail on the page leads, in the text or in its framed HTML."""
    for frame in page.frames:
        for anchor in await frame.locator("a[href*='/d/']", has_text=label).all():
            if href := await anchor.get_attribute("href"):
                return href
    raise AssertionError(f"no link {label}")


async def test_the_digest_from_settings_to_the_released_message(tmp_path: Path, shots: Path) -> None:
    file = tmp_path / "state" / "pitchgate.sqlite3"
    async with begin_journey(tmp_path) as told, async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=browsers.chromium(), args=browsers.ARGUMENTS
        )
        page = await chromium.new_page(locale="en-GB", timezone_id="Europe/Lisbon")
        pitch = await told.write(told.pitch)
        await told.settled(pitch, held=True)

        await page.goto(f"{told.stage.server_url}/settings")
        await page.get_by_role("button", name="Continue with Google").click()
        await page.get_by_role("radio", name=OWNER).check()
        await page.get_by_role("button", name="Allow").click()
        await page.wait_for_url("**/settings")
        await page.get_by_label("Every day").check()
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_label("Every day")).to_be_checked()
        await expect(page.get_by_label("Time zone")).to_have_value("Europe/Lisbon")

        await _morning(told, file, 1)
        await told.quiet()
        (digest,) = await _digests(told)
        assert digest["subject"] == "1 email held from 1 sender"
        assert {"INBOX", "UNREAD"} <= set(digest["labels"])

        await page.goto(f"{told.stage.sandbox.url}/mail/{OWNER}")
        await page.get_by_role("link", name="1 email held from 1 sender").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("1 email held from 1 sender")
        await page.screenshot(path=shots / "digest-in-webmail.png", full_page=True)
        link = await _link(page, "Release")
        stranger = await (await chromium.new_context(locale="en-GB")).new_page()  # signed in nowhere
        for _ in range(2):
            await stranger.goto(link)
            await expect(stranger.get_by_text("Nothing has happened yet.")).to_be_visible()
        assert "Pitchgate/Held" in await told.labels(pitch), "looking changes nothing"
        await stranger.screenshot(path=shots / "digest-link.png", full_page=True)
        await stranger.get_by_role("button", name="Release").click()
        await told.settled(pitch, held=False)
        await expect(stranger.get_by_role("button", name="Undo")).to_be_visible()
        await stranger.goto(link)
        await expect(stranger.get_by_role("button", name="Release")).to_have_count(0)
        await stranger.screenshot(path=shots / "digest-link-used.png", full_page=True)

        await page.goto(f"{told.stage.server_url}/review?view=let_in")
        await expect(page.get_by_text(told.pitch.subject).first).to_be_visible()
        # Of the next morning there is nothing to tell: what was held is released, and a digest is no mail to judge.
        again = await told.write(told.pitch, sender="Nora Neu <nora@newseller.example>")
        await told.settled(again, held=True)
        await _morning(told, file, 2)
        await told.quiet()
        assert [mail["subject"] for mail in await _digests(told)] == ["1 email held from 1 sender"] * 2
        await chromium.close()
