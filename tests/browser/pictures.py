"""The pictures of the README, drawn again: `python -m tests.browser.pictures` (`make pictures`).

Beside them stands a digest of what they show, templates, styles and words, so that a test can tell when they are out
of date.
"""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.async_api import Page, ViewportSize, async_playwright

from backend.demo.letters import letters
from backend.locale import catalogue
from tests import browsers
from tests.journeys.conftest import begin_journey

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "docs" / "pictures"
SHOWN = PICTURES / "shown.sha256"
BACKEND = ROOT / "backend"
STEP_SECONDS = 3
SIZE: ViewportSize = {"width": 1180, "height": 760}
STEP_SIZE: ViewportSize = {"width": 1000, "height": 640}
SOURCES = (
    "web/templates/base.html", "web/templates/owner.html", "web/templates/review*.html", "web/templates/live*.html",
    "web/templates/story.html", "web/templates/challenge*.html", "web/static/*.css", "sandbox/static/sandbox.css",
    "sandbox/templates/story.html", "sandbox/templates/mail_frame.html", "sandbox/templates/thread.html",
    "sandbox/templates/folder.html",
)  # fmt: skip


SECTIONS = ("frame", "state", "review", "card", "live", "reason", "story", "check", "challenge")
"""Whose words they show, in English."""


def digest() -> str:
    """What the pages are drawn from, as one SHA-256 in hex."""
    found = hashlib.sha256()
    words = catalogue("en")
    for name in sorted(name for name in words.ids if name.partition(".")[0] in SECTIONS):
        forms = [words.plural(name, count) for count in (1, 2)]
        found.update("\0".join((name, *forms, "")).encode())
    for path in sorted({path for pattern in SOURCES for path in BACKEND.glob(pattern)}):
        found.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()


async def draw(folder: Path) -> None:
    """The live page of the demo after a busy minute, its four steps, and Ana's review page behind a sign-in."""
    async with begin_journey(folder, story=True) as journey, async_playwright() as playwright:
        for letter in (each for each in letters() if each.subject != journey.pitch.subject):
            await journey.write(letter)
        await journey.settled(await journey.write(journey.pitch), held=True)
        await journey.quiet()
        chromium = await playwright.chromium.launch(
            executable_path=browsers.chromium(), args=browsers.ARGUMENTS
        )
        page = await chromium.new_page(viewport=SIZE, locale="en-GB", color_scheme="light")
        await page.goto(f"{journey.stage.server_url}/live")
        await page.screenshot(path=PICTURES / "live.png")
        await _steps(page)
        await page.goto(f"{journey.stage.server_url}/review")
        await page.get_by_role("button", name="Continue with Google").click()
        await page.get_by_role("button", name="Allow").click()
        await page.wait_for_url("**/review")
        await page.set_viewport_size(SIZE)
        await page.get_by_role("button", name="Release").first.wait_for()
        await page.screenshot(path=PICTURES / "review.png")
        await chromium.close()


async def _steps(page: Page) -> None:
    """The demo as somebody plays it who only follows its strip, a picture a step."""
    onward, frames = page.locator(".narrator .primary"), []
    await page.set_viewport_size(STEP_SIZE)

    async def keep() -> None:
        await page.evaluate("document.fonts.ready")
        frames.append(Image.open(BytesIO(await page.screenshot())).convert("RGB"))

    await keep()
    await onward.click()
    for step in ("Open Ana’s reply", "Take the check"):
        await onward.filter(has_text=step).click()
        await page.wait_for_load_state("networkidle")
        await keep()
    await page.get_by_role("button", name="Start the check").click()
    await page.get_by_role("heading", name="Your message is on its way").wait_for()
    await keep()
    await onward.click()
    await page.locator(".rows .yours").wait_for()
    await keep()
    frames[0].save(
        PICTURES / "steps.webp",
        save_all=True,
        append_images=frames[1:],
        duration=STEP_SECONDS * 1000,
        loop=0,
        quality=80,
    )


def main() -> None:
    """Draw them."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(draw(Path(folder)))
    SHOWN.write_text(digest() + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
