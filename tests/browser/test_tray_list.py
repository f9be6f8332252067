"""The list in the tray's own window, drawn in a real browser: nothing moves under a press there either."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.axe import assert_accessible
from tests.browser.checks import keep_picture
from tray_app.window import local_page

pytestmark = pytest.mark.browser

TRAY = """
window.asked = [];
window.pywebview = { api: { ask: async (name, args) => { window.asked.push([name, args]); return window.state; } } };
"""
TOPS = "() => [...document.querySelectorAll('article')].map((one) => one.getBoundingClientRect().y)"


def message(number: int) -> dict[str, Any]:
    return {
        "gmail_id": f"m{number}", "sender": f"s{number}@x.test", "sender_name": f"Seller {number}",
        "subject": f"Offer {number}", "told": "Looks like a pitch: asks for a call", "score": 0.97, "domain": "x.test",
        "received_at": "2026-11-30T09:30:00+00:00", "tint": "t2", "note": "",
    }  # fmt: skip


def state(*numbers: int, **more: Any) -> dict[str, Any]:
    return {
        "held": [message(number) for number in numbers], "passed": [], "headline": "Active", "remedy": "",
        "no_tray": "", "online": True, "as_of": "2026-11-30T09:30:00+00:00", "waiting": 0, "signed_in": True,
        "signed_out": False, "connecting": False, "server": "", "undo": None, **more,
    }  # fmt: skip


@pytest.fixture
def window(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 900, "height": 600}, locale="en-GB")
    page = context.new_page()
    page.clock.install(time=0)
    page.clock.pause_at(1_000)  # the moment in which a press counts for nothing lasts until a test says so
    page.evaluate(f"window.state = {state(5, 4, 3, 2, 1)!r}".replace("None", "null").replace("True", "true")
                  .replace("False", "false"))  # fmt: skip
    page.evaluate(TRAY)
    page.set_content(local_page())
    expect(page.get_by_role("article")).to_have_count(5)
    page.clock.run_for(400)
    yield page
    context.close()


def tell(page: Page, *numbers: int) -> None:
    page.evaluate("(next) => { window.state = next; window.pitchgate.show(next); }", state(*numbers))


def spot(page: Page, number: int) -> tuple[float, float]:
    block = page.locator(f"article[data-sender='s{number}@x.test']").get_by_role("button", name="Block").first
    box = block.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def decided(page: Page) -> list[str]:
    asked = page.evaluate(
        "window.asked.filter(([name]) => name === 'decide').map(([, args]) => args.gmail_id)"
    )
    return list(asked)


def test_new_mail_is_offered_and_pushes_nothing(window: Page) -> None:
    before, at = window.evaluate(TOPS), spot(window, 3)
    tell(window, 7, 6, 5, 4, 3, 2, 1)
    offered = window.get_by_role("button", name="2 new: show")
    expect(offered).to_be_visible()
    assert window.evaluate(TOPS) == before
    window.mouse.click(*at)
    assert decided(window) == ["m3"]
    window.clock.run_for(400)
    offered.click()
    expect(window.get_by_role("article")).to_have_count(7)
    expect(offered).to_be_hidden()


def test_what_is_offered_can_be_read_by_everybody(window: Page, shots: Path) -> None:
    tell(window, 7, 6, 5, 4, 3, 2, 1)
    expect(window.get_by_role("button", name="2 new: show")).to_be_visible()
    window.clock.resume()  # axe waits by the page's clock: while that stands still, for ever
    keep_picture(window, shots / "tray-news.png")
    assert_accessible(window)


def test_a_press_where_something_moved_counts_for_nothing(window: Page) -> None:
    above, at = spot(window, 5), spot(window, 3)
    tell(window, 5, 3, 2, 1)  # decided elsewhere: what was below moves up
    window.mouse.click(*at)
    window.clock.run_for(250)
    window.mouse.click(*at)
    assert decided(window) == []
    window.mouse.click(*above)  # this one is where it was
    assert decided(window) == ["m5"]
    window.clock.run_for(400)
    window.mouse.click(*spot(window, 3))
    assert decided(window) == ["m5", "m3"]
