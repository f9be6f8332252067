"""What people have to do and see, counted in a real browser beside the goals: `python -m tests.browser.counts`.

Clicks are those of the shortest way; a page that goes on by itself counts none. Seconds are this machine's. The last
line is JSON with what is held to a bound. docs/performance.md has the table of the last time.
"""

from __future__ import annotations

import asyncio
import json
import logging
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.async_api import Locator, Page, async_playwright
from playwright.sync_api import Browser, sync_playwright

from backend.demo.letters import OWNER, letters
from backend.demo.people import first_digest
from backend.domain.mailbox.decisions import Decision
from tests import browsers
from tests.browser.review_fixture import LOOKS, SHIFTS, Fixture, fixture, visit
from tests.browser.test_owner_story import digests, link_in, town
from tests.browser.test_review_click import presses_at_a_list_that_grows
from tests.journeys.conftest import Journey, begin_journey, until

DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
TOUCHED: dict[str, Any] = {"viewport": PHONE, "is_mobile": True, "has_touch": True}
FOLD = """(fold) => [...document.querySelectorAll("main .row .who")]
  .filter((row) => row.closest(".row").getBoundingClientRect().bottom <= fold).length"""
REVIEWED = ("/review", "/review/sender?address=sender0@vendor0.test", "/review/mail/a0")
PAINTED = ("/", *REVIEWED, "/insights", "/settings", "/explained")
FIRST_PAINT = """() => new Promise((done, failed) => {
  setTimeout(failed, 30_000, new Error("nothing was painted"));
  const first = (list) => list.getEntriesByName("first-contentful-paint").forEach((paint) => done(paint.startTime));
  new PerformanceObserver(first).observe({ type: "paint", buffered: true });
})"""
Counted = tuple[str, str, str]

bounded: dict[str, float] = {}
"""What the last line tells, by its name."""


class Clicks:
    """Clicks, counted."""

    def __init__(self) -> None:
        self.count = 0

    async def on(self, thing: Locator) -> None:
        """One more."""
        await thing.click()
        self.count += 1


async def demo(folder: Path) -> list[Counted]:
    """From the start of the demo to a released pitch, and from a digest to a released email."""
    began, clicks = time.monotonic(), Clicks()
    async with begin_journey(folder, story=True) as journey, async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=browsers.chromium(), args=browsers.ARGUMENTS
        )
        page = await chromium.new_page(locale="en-GB", viewport=DESKTOP)  # type: ignore[arg-type]
        pitch = await journey.write(journey.pitch)
        await page.goto(f"{journey.stage.server_url}/live")
        await journey.settled(pitch, held=True)
        await journey.quiet()
        bar = page.get_by_role("navigation", name="The demo, step by step")
        for button in ("See your email", "Open Ana’s reply", "Take the check"):
            await clicks.on(bar.locator(".primary", has_text=button))
        await clicks.on(page.get_by_role("button", name="Start the check"))
        await journey.settled(pitch, held=False)
        seconds = time.monotonic() - began
        bounded["demo_release_seconds"] = round(seconds, 1)
        phone = await chromium.new_page(locale="en-GB", **TOUCHED)
        taps = await _digest(journey, folder, phone)
        await chromium.close()
    return [
        ("start of the demo to a released pitch, clicks", str(clicks.count), "4, none pasted"),
        ("the same, seconds, without set-up", f"{seconds:.0f}", "90"),
        ("digest on the phone to a released email, taps", str(taps), "2"),
    ]


async def _digest(journey: Journey, folder: Path, phone: Page) -> int:
    other = next(letter for letter in letters() if letter.kind == "pitch" and not letter.local)
    held = await journey.write(other)
    await journey.settled(held, held=True)
    await first_digest(folder / "state" / "pitchgate.sqlite3", OWNER, 1)
    (digest,) = await until(lambda: digests(journey), "the digest")
    await phone.goto(f"{journey.stage.sandbox.url}/mail/{OWNER}/thread/{digest['threadId']}")
    await phone.goto(await link_in(phone, "Release"))  # tapped in a mail program
    taps = Clicks()
    await taps.on(phone.get_by_role("button", name="Release"))
    await journey.settled(held, held=False)
    return 1 + taps.count


async def correction(folder: Path) -> list[Counted]:
    """From the landing page to the first correction."""
    clicks = Clicks()
    async with town(folder) as stage, async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=browsers.chromium(), args=browsers.ARGUMENTS
        )
        page = await chromium.new_page(locale="en-GB")
        page.set_default_timeout(120_000)
        await page.goto(stage.server_url)
        await clicks.on(page.get_by_role("button", name="Connect Gmail"))
        await clicks.on(page.get_by_role("radio", name=OWNER))
        await clicks.on(page.get_by_role("button", name="Allow"))
        await clicks.on(page.get_by_role("link", name="Continue to the preview"))
        await clicks.on(page.get_by_role("button", name="Not a pitch").first)
        await page.get_by_role("status").filter(has_text="Marked as not a pitch").wait_for()
        await chromium.close()
    return [("landing page to the first correction, clicks", str(clicks.count), "5")]


def review(folder: Path) -> Iterator[Counted]:
    """What one sees of the review list."""
    with sync_playwright() as playwright, fixture(folder) as here:
        chromium = playwright.chromium.launch(executable_path=browsers.chromium(), args=browsers.ARGUMENTS)
        for number in range(7):
            here.hold(f"a{number}", f"sender{number}@vendor{number}.test", name=f"Sender {number}")
        with visit(here, chromium, **TOUCHED) as page:
            bottom = page.locator("main .row").last.evaluate("(row) => row.getBoundingClientRect().bottom")
            yield "seven senders on a phone, pixels", f"{bottom:.0f}", "2,000"
        for number in range(7, 15):
            here.hold(f"a{number}", f"sender{number}@vendor{number}.test", name=f"Sender {number}")
        goals = (("desktop, 1280 × 800", {"viewport": DESKTOP}, "8"), ("phone, 390 × 844", TOUCHED, "4"))
        for name, look, goal in goals:
            with visit(here, chromium, **look) as page:
                seen = page.evaluate(FOLD, look["viewport"]["height"])
                yield f"senders above the fold, {name}", str(seen), f"at least {goal}"
        yield from _heights(here, chromium)
        bounded["tabs_to_first_release"] = _tabs(here, chromium)
        yield "Tabs to the first Release", str(bounded["tabs_to_first_release"]), "6"
        bounded["layout_shift"] = sum(_shift(here, chromium, path) for path in REVIEWED)
        yield "layout shift on load and while an email arrives", str(bounded["layout_shift"]), "0"
        chromium.close()


def _heights(here: Fixture, chromium: Browser) -> Iterator[Counted]:
    """Of pages with 12 senders, five emails of the first of them; and what one of them weighs."""
    for number in range(12, 15):
        here.do(here.office.story.decide("ana", f"a{number}", Decision.KEEP))
    for number in range(4):
        here.hold(f"b{number}", "sender0@vendor0.test", name="Sender 0", subject=f"Following up {number}")
    look = LOOKS["phone"] | {"viewport": PHONE}
    for name, path, goal in (("12_senders", REVIEWED[0], "2,000"), ("sender", REVIEWED[1], "1,800")):
        with visit(here, chromium, path, **look) as page:
            bounded[f"phone_px_{name}"] = page.evaluate("document.documentElement.scrollHeight")
            yield f"{name.replace('_', ' ')} on a phone, pixels", f"{bounded[f'phone_px_{name}']:,}", goal
            if name == "sender":
                continue
            bounded["review_kb"] = _kilobytes(here, chromium)
            yield "the review page on the wire, kB", str(bounded["review_kb"]), "60"
            bounded["first_paint_ms"] = _first_paint(here, chromium)
            yield "first paint of the slowest page, ms", str(bounded["first_paint_ms"]), "150"
            page.locator(".row .open").first.click()
            page.locator(".panel").wait_for()
            bounded["phone_px_opened"] = page.evaluate("document.documentElement.scrollHeight")
            yield "the same with one opened, pixels", f"{bounded['phone_px_opened']:,}", "3,000"


def _kilobytes(here: Fixture, chromium: Browser) -> float:
    """Of a first visit, with all that the page needs but pictures."""
    context = here.signed_in(chromium)
    page = context.new_page()
    sizes: list[int] = []
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    session.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    page.goto(here.address + REVIEWED[0], wait_until="load")
    context.close()
    return round(sum(sizes) / 1000, 1)


def _first_paint(here: Fixture, chromium: Browser) -> float:
    """From asking for a page to its first words, of the slowest page, in a browser that has been here before. The best
    of nine visits: what else the machine does can only add to one. Colours are the browser's own: where Playwright
    sets them, the page that is left is styled once more before the next is taken in."""
    slowest = 0.0
    for path in PAINTED:
        with visit(
            here, chromium, path, color_scheme="null", reduced_motion="null", forced_colors="null"
        ) as page:
            times: list[float] = []
            for _ in range(9):
                page.wait_for_load_state()
                page.evaluate("new Promise((done) => requestIdleCallback(done, { timeout: 200 }))")
                page.goto(here.address + path)
                times.append(page.evaluate(FIRST_PAINT))
        slowest = max(slowest, min(times))
    return round(slowest, 1)


def _tabs(here: Fixture, chromium: Browser) -> int:
    """By the first link, which skips what every page has."""
    with visit(here, chromium) as page:
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        for count in range(2, 60):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.dataset.key === 'r'"):
                return count
    raise AssertionError("no Release can be reached")


def _shift(here: Fixture, chromium: Browser, path: str) -> float:
    context = here.signed_in(chromium)
    context.add_init_script(SHIFTS)
    page = context.new_page()
    page.goto(here.address + path)
    if path == REVIEWED[0]:
        here.hold("new", "new@late.test")
        page.locator("[data-news] a").wait_for()
    moved = page.evaluate("window.shifted.reduce((sum, [value]) => sum + value, 0)")
    context.close()
    return float(moved)


def presses(folder: Path) -> Iterator[Counted]:
    """How many of the presses aimed at a list that grows did something else, with a mouse and with a finger."""
    done: list[tuple[str, list[str]]] = []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browsers.chromium(), args=browsers.ARGUMENTS)
        for name, options in (("mouse", {}), ("touch", TOUCHED)):
            (place := folder / name).mkdir()
            with fixture(place) as here:
                done += presses_at_a_list_that_grows(here, chromium, options, 100)
        chromium.close()
    wrong = sum(ordered != [aimed] for aimed, ordered in done)
    bounded[f"wrong_clicks_of_{len(done)}"] = wrong
    yield f"presses with another target, of {len(done)} at a list that grows", str(wrong), "0"


def main() -> None:
    """Count, and print a table."""
    logging.disable()
    counted: list[Counted] = []
    with tempfile.TemporaryDirectory() as folder:
        places = [Path(folder, name) for name in ("demo", "town", "review", "presses")]
        for place in places:
            place.mkdir()
        counted += asyncio.run(demo(places[0]))
        counted += asyncio.run(correction(places[1]))
        counted += review(places[2])
        counted += presses(places[3])
    print("| what | counted | goal |\n|---|---|---|")
    for what, count, goal in counted:
        print(f"| {what} | {count} | {goal} |")
    print(json.dumps(bounded))


if __name__ == "__main__":
    main()
