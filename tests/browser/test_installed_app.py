"""The owner's pages as an app on their phone: Chromium finds it good to install, and offline it says so."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from backend.web.browser_session import PAGES
from backend.web.pages import FOLDER
from tests import browsers
from tests.browser.axe import assert_accessible
from tests.browser.checks import keep_picture
from tests.browser.review_fixture import LOOKS, fixture

pytestmark = pytest.mark.browser

KEPT = """async () => {
  const found = [];
  for (const name of await caches.keys()) {
    for (const { url } of await (await caches.open(name)).keys()) found.push(new URL(url).pathname);
  }
  return found.sort();
}"""


def watched(page: Page) -> None:
    """Wait until the worker has what it keeps, and the page is in its hands."""
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    page.reload()
    page.wait_for_function("navigator.serviceWorker.controller !== null")


@pytest.mark.parametrize("path", ["/review", "/"])
def test_chromium_finds_nothing_that_keeps_it_from_being_installed(
    tmp_path: Path, browser: Browser, path: str
) -> None:
    # A profile of its own, in the whole program: where nothing is kept, nothing is installed.
    profile, chromium = tmp_path / "profile", browsers.whole_chromium()
    with (
        fixture(tmp_path) as here,
        browser.browser_type.launch_persistent_context(
            profile, executable_path=chromium, args=browsers.ARGUMENTS
        ) as context,
    ):
        secret = here.do(here.office.service.sign_in("ana"))
        context.add_cookies([{"name": "pitchgate-session", "value": secret, "url": here.address}])
        page = context.new_page()
        refused: list[str] = []
        page.on("console", lambda told: refused.append(told.text))
        page.goto(here.address + path)
        watched(page)
        wire = context.new_cdp_session(page)
        told: dict[str, Any] = wire.send("Page.getAppManifest")
        assert told["errors"] == []
        manifest = json.loads(told["data"])
        assert (manifest["display"], manifest["theme_color"]) == ("standalone", "#1f5f5b")
        for icon in manifest["icons"]:
            answer = context.request.get(f"{here.address}/static/{icon['src']}")
            assert (answer.status, answer.headers["content-type"].split(";")[0]) == (200, icon["type"])
        assert wire.send("Page.getInstallabilityErrors")["installabilityErrors"] == []
        assert not refused


@pytest.mark.parametrize("look", ["desktop", "phone", "dark"])
def test_where_the_server_is_gone_a_page_says_so_and_no_mail_was_kept(
    tmp_path: Path, browser: Browser, shots: Path, look: str
) -> None:
    with fixture(tmp_path) as here:
        here.hold("g1", subject="Grow your pipeline")
        context = here.signed_in(browser, service_workers="allow", **LOOKS[look])
        page = context.new_page()
        page.goto(f"{here.address}/review")
        watched(page)
        for path in (
            "/review",
            "/review/sender?address=bo%40pitch.test",
            "/insights",
            "/settings",
            "/settings/data",
        ):
            page.goto(here.address + path)
        assert page.evaluate(KEPT) == [
            "/offline",
            "/static/manifest.json",
            "/static/mark.svg",
            "/static/system.css",
        ]
    page.goto(f"{here.address}/review")
    expect(page.get_by_role("heading", level=1)).to_have_text("Pitchgate cannot be reached")
    expect(page.get_by_text("Grow your pipeline")).to_have_count(0)
    assert page.evaluate("document.styleSheets[0].cssRules.length") > 50, "with its style"
    keep_picture(page, shots / f"offline-{look}.png")
    assert_accessible(page)
    page.get_by_role("link", name="Try again").click()
    page.wait_for_url(f"{here.address}/review")
    expect(page.get_by_role("heading", level=1)).to_have_text("Pitchgate cannot be reached")
    context.close()


def test_another_site_cannot_use_the_worker_to_sign_a_browser_in(tmp_path: Path, browser: Browser) -> None:
    with fixture(tmp_path) as here, here.signed_in(browser, service_workers="allow") as context:
        page = context.new_page()
        page.goto(f"{here.address}/review")
        watched(page)
        caller = here.do(here.office.caller("eve"))
        url = here.do(caller.request("POST", "ticket", json={"page": "review"}))["url"]
        page.goto(f"{here.address.replace('127.0.0.1', 'localhost')}/healthz")
        with page.expect_navigation() as gone:
            page.evaluate("url => { location.href = url; }", url)
        answer = gone.value
        assert answer is not None
        assert (answer.status, answer.from_service_worker) == (403, False)


def test_the_worker_sees_to_the_pages_one_can_ask_for_and_to_no_others() -> None:
    worker = (FOLDER / "offline_worker.js").read_text(encoding="utf-8")
    listed = worker.partition("new Set([")[2].partition("])")[0]
    assert set(re.findall(r'"([^"]+)"', listed)) == PAGES | {"/"}
