"""What the README promises a newcomer: watch a pitch being held, open the link, solve, see the mail come back."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright, expect

from backend.demo.letters import OWNER
from tests import browsers
from tests.browser.axe import assert_accessible_async
from tests.browser.checks import keep_picture_async
from tests.journeys.conftest import begin_journey

pytestmark = pytest.mark.browser


async def _shot(page: Page, shots: Path, name: str) -> None:
    await assert_accessible_async(page)
    await keep_picture_async(page, shots / f"newcomer-{name}.png", full_page=True)


async def test_a_person_plays_both_sides(tmp_path: Path, shots: Path) -> None:
    async with begin_journey(tmp_path, story=True) as journey, async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=browsers.chromium(), args=browsers.ARGUMENTS
        )
        page = await chromium.new_page(locale="en-GB")
        bar = page.get_by_role("navigation", name="The demo, step by step")
        letter = journey.pitch
        pitch = await journey.write(letter)
        # What Sam wrote is in his own Sent, as in the demo.
        await journey.stage.sandbox.seed_sent(letter.address, OWNER, letter.subject, letter.text)
        await journey.settled(pitch, held=True)

        onward = bar.locator(".primary")
        await page.goto(f"{journey.stage.server_url}/live")
        mine = page.locator(".row.yours")
        await expect(mine).to_contain_text("Held.")
        await expect(page.get_by_role("heading", level=1)).to_have_text(
            "1 email so far: 0 in the inbox, 1 held, 0 delivered"
        )
        await _shot(page, shots, "live")

        await bar.get_by_role("link", name="Back in Ana’s inbox").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Inbox")
        await expect(page.get_by_text(journey.pitch.subject)).to_have_count(0)

        await expect(onward).to_have_text("See your email")
        await onward.click()
        await expect(page.locator(".rows .yours")).to_contain_text(journey.pitch.subject)
        # The reply may still be on its way; the strip says so and offers it by itself.
        await expect(onward).to_have_text("Open Ana’s reply")
        await onward.click()
        await expect(
            page.get_by_role("heading", level=1, name="Re: " + journey.pitch.subject)
        ).to_be_visible()
        await _shot(page, shots, "challenge-mail")
        link = await told_link(page) or ""
        assert link.startswith(journey.stage.server_url)

        await expect(onward).to_have_text("Take the check")
        await onward.click()
        assert page.url == link
        await expect(onward).to_have_count(0)
        await expect(bar.locator("[aria-current=step]")).to_have_text("3Take the check")
        await expect(bar.locator("li", has_text="done")).to_have_text(
            ["Write as Sam, done", "Open Ana’s reply, done"]
        )
        await _shot(page, shots, "captcha")
        await page.get_by_role("button", name="Start").focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", level=1)).to_have_text("Your message is on its way")
        await expect(page.locator("main").get_by_text(journey.pitch.subject)).to_be_visible()
        await expect(bar.locator("li", has_text="done")).to_have_count(3)
        await _shot(page, shots, "solved")

        await journey.settled(pitch, held=False)
        await onward.click()
        await expect(page.locator(".rows .yours")).to_contain_text(journey.pitch.subject)
        await expect(bar.locator("li", has_text="done")).to_have_count(4)
        await _shot(page, shots, "back-in-inbox")
        await page.goto(f"{journey.stage.server_url}/live")
        await expect(bar.locator("li", has_text="done")).to_have_count(4)
        for width in (390, 640, 1280):
            await page.set_viewport_size({"width": width, "height": 844})
            await _shot(page, shots, f"live-{width}")
            assert await page.evaluate("document.documentElement.scrollWidth") <= width
        await chromium.close()


async def told_link(page: Page) -> str | None:
    """The captcha link as the mail on the page shows it, in the text or in its framed HTML."""
    await page.wait_for_load_state()  # with its frames
    for frame in page.frames:
        for anchor in await frame.locator("a[href*='/c/']").all():
            if href := await anchor.get_attribute("href"):
                return href
    return None
