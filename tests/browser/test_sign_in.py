"""An owner signs in at the page they wanted, in a real browser that keeps strict cookies from other sites' journeys."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import async_playwright, expect

from backend.demo.letters import OWNER
from backend.store.opening import open_store
from tests import browsers
from tests.journeys.conftest import begin_journey

pytestmark = pytest.mark.browser


async def _token(folder: Path) -> bytes | None:
    store = open_store(folder / "state" / "pitchgate.sqlite3")
    await store.open()
    try:
        mailbox = await store.mailbox_by_email(OWNER)
        return await store.sealed_token(mailbox.id) if mailbox else None
    finally:
        await store.close()


async def test_from_google_straight_to_the_page_asked_for(tmp_path: Path) -> None:
    async with begin_journey(tmp_path) as journey, async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=browsers.chromium(), args=browsers.ARGUMENTS
        )
        context = await chromium.new_context(java_script_enabled=False)
        page = await context.new_page()
        await page.goto(f"{journey.stage.server_url}/insights")
        await page.get_by_role("button", name="Continue with Google").click()
        await page.wait_for_url("**/o/oauth2/**")  # our page leads on by itself
        # By name instead of by number the local Google is another site to the browser, as the real one is.
        await page.goto(page.url.replace("127.0.0.1", "localhost", 1))
        await expect(page.get_by_role("heading", level=1)).to_contain_text("Sign in to")
        await expect(page.get_by_text("See your email address")).to_be_visible()
        await expect(page.get_by_role("checkbox")).to_have_count(0)
        token = await _token(tmp_path)
        await page.get_by_role("button", name="Allow").click()
        await page.wait_for_url(f"{journey.stage.server_url}/insights")
        await expect(page.get_by_role("heading", level=1)).to_have_text("Insights")
        assert await _token(tmp_path) == token, "signing in touches no grant"
        await page.get_by_label("Signed in as").click()
        await page.get_by_role("button", name="Sign out").click()
        await page.goto(f"{journey.stage.server_url}/insights")
        await expect(page.get_by_role("button", name="Continue with Google")).to_be_visible()
        await chromium.close()


async def test_somebody_new_is_asked_who_they_are_and_then_for_their_mailbox(tmp_path: Path) -> None:
    async with begin_journey(tmp_path) as visit, async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=browsers.chromium(), args=browsers.ARGUMENTS
        )
        page = await chromium.new_page(locale="en-GB")
        await page.goto(f"{visit.stage.server_url}/review")
        await page.get_by_role("button", name="Continue with Google").click()
        await page.get_by_role("radio", name=visit.pitch.address).check()
        await expect(page.get_by_role("checkbox")).to_have_count(0)
        await page.get_by_role("button", name="Allow").click()
        await expect(page.get_by_role("status")).to_contain_text(visit.pitch.address)
        await page.get_by_role("button", name="Continue with Google").click()
        await expect(page.get_by_role("checkbox")).to_have_count(1)
        await page.get_by_role("radio", name=visit.pitch.address).check()
        await page.get_by_role("button", name="Allow").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text(visit.pitch.address)
        await page.goto(f"{visit.stage.server_url}/devices")
        await expect(page.get_by_label(f"Signed in as {visit.pitch.address}")).to_be_visible()
        await chromium.close()
