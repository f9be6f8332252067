"""The pictures of the README, drawn again: `python -m tests.browser.pictures` (`make pictures`).

Beside them stands a digest of what they show, templates, styles and words, so that a test can tell when they are out
of date.
"""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from pathlib import Path

from playwright.async_api import async_playwright

from backend.demo.letters import letters
from backend.locale import catalogue
from tests import browsers
from tests.journeys.conftest import begin_journey

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "docs" / "pictures"
SHOWN = PICTURES / "shown.sha256"
WEB = ROOT / "backend" / "web"
SOURCES = (
    "templates/base.html", "templates/owner.html", "templates/review*.html", "templates/live*.html", "static/*.css",
)  # fmt: skip


SECTIONS = ("frame", "state", "review", "card", "live", "reason")
"""Whose words they show, in English."""


def digest() -> str:
    """What the pages are drawn from, as one SHA-256 in hex."""
    found = hashlib.sha256()
    words = catalogue("en")
    for name in sorted(name for name in words.ids if name.partition(".")[0] in SECTIONS):
        forms = [words.plural(name, count) for count in (1, 2)]
        found.update("\0".join((name, *forms, "")).encode())
    for path in sorted({path for pattern in SOURCES for path in WEB.glob(pattern)}):
        found.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()


async def draw(folder: Path) -> None:
    """The live page of the demo after a busy minute, and Ana's review page behind a sign-in."""
    async with begin_journey(folder) as journey, async_playwright() as playwright:
        for letter in letters():
            await journey.write(letter)
        await journey.quiet()
        chromium = await playwright.chromium.launch(
            executable_path=browsers.chromium(), args=browsers.ARGUMENTS
        )
        page = await chromium.new_page(viewport={"width": 1180, "height": 760}, locale="en-GB")
        await page.goto(f"{journey.stage.server_url}/live")
        await page.screenshot(path=PICTURES / "live.png")
        await page.goto(f"{journey.stage.server_url}/review")
        await page.get_by_role("button", name="Continue with Google").click()
        await page.get_by_role("button", name="Allow").click()
        await page.wait_for_url("**/review")
        await page.get_by_role("button", name="Release").first.wait_for()
        await page.screenshot(path=PICTURES / "review.png")
        await chromium.close()


def main() -> None:
    """Draw them."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(draw(Path(folder)))
    SHOWN.write_text(digest() + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
