"""Ten thousand messages wait: a page of them is as light as a page of a hundred."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.checks import look_over
from tests.browser.review_fixture import Fixture, fixture, visit
from tests.web.review_seed import fill

pytestmark = pytest.mark.browser

MOST = 40_000
"""Bytes on the wire until the page stands, headers and all; nothing was cached before."""


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Fixture]:
    with fixture(tmp_path) as opened:
        fill(tmp_path / "web.sqlite3", 10_000, opened.office.clock.now())
        yield opened


def test_the_first_paint_is_light_and_the_pages_come_to_an_end(here: Fixture, browser: Browser) -> None:
    with visit(here, browser, "/healthz") as page:
        wire = page.context.new_cdp_session(page)
        wire.send("Network.enable")
        received: list[float] = []
        wire.on("Network.loadingFinished", lambda found: received.append(found["encodedDataLength"]))

        page.goto(f"{here.address}/review", wait_until="load")

        expect(page.locator(".rows > li")).to_have_count(15)
        expect(page.get_by_text("More than 1,000 emails held for your review")).to_be_visible()
        assert len(received) >= 5  # the page, the style sheet, the scripts, the mark
        assert sum(received) < MOST, received
        page.locator(".row .open").first.click()
        expect(page.locator(".panel")).to_be_visible()
        look_over(page)

        first = page.locator(".rows .address").all_inner_texts()
        page.get_by_role("link", name="Older", exact=True).click()
        expect(page.get_by_role("link", name="From the newest")).to_be_visible()
        second = page.locator(".rows .address").all_inner_texts()
        assert len(set(first) | set(second)) == 30
