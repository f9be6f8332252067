"""The review window in the owner's browser: who gets in, what it shows and does, and when it counts as closed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.async_api import Page, async_playwright, expect

from tests import browsers
from tests.browser.checks import keep_picture_async
from tests.browser.conftest import shots
from tests.desktop.fake_backend import FakeBackend
from tests.desktop.rig import FakeBrowser, Rig, running
from tray_app import orders, window_host
from tray_app.app import App, Settings
from tray_app.errors import NoWindow, TroubleKind
from tray_app.menu import Do, snapshot
from tray_app.state import Trouble
from tray_app.window_host import BrowserWindow

OFFLINE = Trouble(TroubleKind.UNREACHABLE, "No connection", "")


__all__ = ["shots"]


async def answer(name: str, args: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "args": args}


class Opened:
    """A window for one list, what it received, and a client other than a browser."""

    def __init__(self) -> None:
        self.browser = FakeBrowser()
        self.closed = asyncio.Event()
        self.window = BrowserWindow(self.browser, answer, lambda: {"held": []}, self.closed.set)
        self.client = httpx.AsyncClient(timeout=20)

    @property
    def site(self) -> str:
        parts = urlsplit(self.browser.addresses[-1])
        return f"{parts.scheme}://{parts.netloc}"

    async def key(self, ticket: str = "") -> httpx.Response:
        given = ticket or urlsplit(self.browser.addresses[-1]).fragment
        return await self.client.post(f"{self.site}/key", content=given)

    async def ask(self, **headers: str) -> httpx.Response:
        asked = {"do": "list", "args": {}}
        return await self.client.post(f"{self.site}/ask", json=asked, headers=headers)


@pytest.fixture
async def opened() -> AsyncIterator[Opened]:
    one = Opened()
    await one.window.open_local()
    yield one
    await one.client.aclose()
    await one.window.close()


async def test_a_ticket_is_good_once_and_its_key_for_as_long_as_the_app_runs(opened: Opened) -> None:
    key = await opened.key()
    assert key.status_code == 200
    assert (await opened.key()).status_code == 404
    for _ in range(2):
        told = await opened.ask(Authorization=f"Bearer {key.text}")
        assert told.json() == {"name": "list", "args": {}}


async def test_a_ticket_nobody_came_with_ends(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window_host, "TICKET_LIFE", 0.01)
    await opened.window.open_local()
    await asyncio.wait_for(opened.closed.wait(), 20)
    assert (await opened.key()).status_code == 404


async def test_a_page_that_closes_while_another_is_on_its_way_ends_nothing(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, seconds in (("HEARTBEAT", 0.02), ("CLOSE_AFTER", 0.05), ("TICKET_LIFE", 1.0)):
        monkeypatch.setattr(window_host, name, seconds)
    key = {"Authorization": f"Bearer {(await opened.key()).text}"}
    async with opened.client.stream("GET", f"{opened.site}/changes", headers=key):
        began = asyncio.get_running_loop().time()
        await opened.window.open_local()
    await asyncio.wait_for(opened.closed.wait(), 20)
    assert asyncio.get_running_loop().time() - began >= 0.99


async def test_nobody_gets_in_without_a_key_or_under_another_name(opened: Opened) -> None:
    key = (await opened.key()).text
    signed = {"Authorization": f"Bearer {key}"}
    assert (await opened.key("guessed")).status_code == 404
    assert (await opened.ask()).status_code == 404
    assert (await opened.ask(Authorization="Bearer guessed")).status_code == 404
    assert (await opened.ask(**signed, Host="rebound.example")).status_code == 404
    assert (await opened.client.get(f"{opened.site}/changes")).status_code == 404
    named = {"Host": "rebound.example"}
    assert (await opened.client.get(opened.site, headers=named)).status_code == 404
    page = await opened.client.get(opened.site)
    assert page.headers["Content-Security-Policy"] == "frame-ancestors 'none'"
    assert key not in page.text
    assert "unsafe-eval'" not in page.text.partition("<title>")[0].partition("content=")[2]
    too_long = opened.client.post(f"{opened.site}/ask", content=b"x" * 70_000, headers=signed)
    with pytest.raises(httpx.TransportError):
        await too_long


async def test_no_browser_says_what_can_be_done(opened: Opened) -> None:
    opened.browser.works = False
    with pytest.raises(NoWindow) as error:
        await opened.window.open_page("http://127.0.0.1:9/review")
    assert "default browser" in error.value.remedy


@pytest.mark.parametrize("works", [True, False])
async def test_an_app_without_a_tray_ends_with_its_page_or_without_a_browser(
    works: bool, backend: FakeBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(window_host, "TICKET_LIFE", 0.2)
    async with running(backend, tmp_path, window_only="no tray") as rig:
        rig.browser.works = works
        await rig.until(lambda: rig.window.opened == ["local"])
        app = App(Settings(tmp_path, backend.url, "0", "here"), plain_token_file=True)
        app._controller, app._no_tray_reason = rig.app, "no tray"
        app._on_window_failed("local", "")
        await rig.until(lambda: rig.view.stopped)
        assert len(rig.browser.addresses) == 1
        assert bool(rig.view.notices) is not works


@contextlib.asynccontextmanager
async def in_browser(rig: Rig) -> AsyncIterator[Page]:
    """The app's list in a real Chromium."""
    rig.app.parts.window = BrowserWindow(
        rig.browser,
        partial(orders.answer, rig.app),
        lambda: snapshot(rig.app.state, rig.app.parts.now()),
        lambda: None,
    )
    rig.do(Do.REVIEW)
    await rig.until(lambda: bool(rig.browser.addresses))
    async with async_playwright() as playwright:
        arguments = list(browsers.ARGUMENTS)
        chromium = await playwright.chromium.launch(executable_path=browsers.chromium(), args=arguments)
        page = await chromium.new_page()
        await page.goto(rig.browser.addresses[-1])
        yield page
        await chromium.close()


@pytest.mark.browser
async def test_decide_undo_and_be_told_in_a_real_browser(
    backend: FakeBackend, tmp_path: Path, shots: Path
) -> None:
    backend.mailbox.hold(1)
    async with running(backend, tmp_path) as rig:
        await rig.until(lambda: len(rig.app.state.held) == 1)
        rig.app.state = replace(
            rig.app.state, trouble=OFFLINE
        )  # so that the list is ours, not the server's page
        async with in_browser(rig) as page:
            complaints: list[str] = []
            page.on("console", lambda said: complaints.append(said.text))
            page.on("pageerror", lambda error: complaints.append(str(error)))
            await expect(page.get_by_role("article")).to_have_count(1)
            assert not urlsplit(page.url).fragment, "the ticket is gone from the address"
            backend.mailbox.hold(3, subject="Came while the page was open")
            await page.get_by_role("button", name="1 new: show").click()  # offered: nothing moves by itself
            await expect(page.get_by_text("Came while the page was open")).to_be_visible()
            await keep_picture_async(page, shots / "browser-window.png")
            await (
                page.get_by_role("article")
                .filter(has_text="Ann Seller 3")
                .get_by_role("button", name="Block")
                .click()
            )
            await expect(page.get_by_role("article")).to_have_count(1)
            await page.get_by_role("button", name="Undo").click()
            await expect(page.get_by_role("article")).to_have_count(2)
            await page.reload()
            await expect(page.get_by_role("article")).to_have_count(2)
            await rig.app.parts.window.close()
            await page.get_by_role("article").first.get_by_role("button", name="Release").click()
            await expect(page.get_by_role("alert")).to_contain_text("Pitchgate does not answer")
            assert [text for text in complaints if "ERR_CONNECTION_REFUSED" not in text] == []
