"""How much of the review list is in sight and how far it is to a release, in a real browser.

    python -m tests.bench.screens

Twelve senders wait. Counted: lines wholly in the first screenful at 1280 × 800 and 390 × 844, the first with no bar and
no toast; pixels from the top of the page to the end of the seventh line on a phone; clicks from the list to a release,
to its undo, to the text of a message. The last line is one JSON object with the goal beside each figure.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests import browsers
from tests.browser.review_fixture import Fixture, fixture, visit

SENDERS = 12
SEVENTH = 7
SIZES = {"desktop": {"width": 1280, "height": 800}, "phone": {"width": 390, "height": 844}}
GOALS = {
    "senders in sight, desktop": ">= 8",
    "senders in sight, phone": ">= 4",
    "pixels to the end of seven senders, phone": "<= 2000",
    "clicks from the list to a release": "1",
    "clicks from the list to a release taken back": "2",
    "clicks from the list to the text": "1",
}
IN_SIGHT = """() => [...document.querySelectorAll(".rows > .item")]
    .filter((row) => row.getBoundingClientRect().bottom <= innerHeight).length"""
END_OF = "(n) => Math.ceil(document.querySelectorAll('.rows > .item')[n - 1].getBoundingClientRect().bottom + scrollY)"


def main() -> None:
    """Measure and tell."""
    with (
        tempfile.TemporaryDirectory() as folder,
        fixture(Path(folder)) as here,
        sync_playwright() as playwright,
    ):
        for number in range(SENDERS):
            here.hold(f"m{number}", f"sender{number}@company{number}.example", name=f"Sender {number}")
        chromium = playwright.chromium.launch(executable_path=browsers.chromium(), args=browsers.ARGUMENTS)
        found = {**_sizes(here, chromium), **_clicks(here, chromium)}
        chromium.close()
    for name, value in found.items():
        print(f"{name}: {value} (goal {GOALS[name]})")
    print(json.dumps(found))


def _sizes(here: Fixture, browser: Browser) -> dict[str, int]:
    found: dict[str, int] = {}
    for name, size in SIZES.items():
        options: dict[str, Any] = {"viewport": size, "is_mobile": name == "phone"}
        with visit(here, browser, **options) as page:
            page.locator(".rows").wait_for()
            found[f"senders in sight, {name}"] = page.evaluate(IN_SIGHT)
            if name == "phone":
                found["pixels to the end of seven senders, phone"] = page.evaluate(END_OF, SEVENTH)
    return found


def _clicks(here: Fixture, browser: Browser) -> dict[str, int]:
    found: dict[str, int] = {}
    with visit(here, browser, viewport=SIZES["desktop"]) as page:
        clicks = _pressed(page, ".item .go")
        page.get_by_text("Released").first.wait_for()
        found["clicks from the list to a release"] = clicks
        clicks += _pressed(page, ".flash button")
        page.get_by_text("Undone").first.wait_for()
        found["clicks from the list to a release taken back"] = clicks
        found["clicks from the list to the text"] = _pressed(page, ".item .open")
        page.locator(".panel").wait_for()
    return found


def _pressed(page: Page, what: str) -> int:
    page.locator(what).first.click()
    return 1


if __name__ == "__main__":
    main()
