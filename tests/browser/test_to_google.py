"""Google's first address leads on to another of its own: the browser follows from every page that leads to Google."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright

from backend.demo import play
from tests import browsers

pytestmark = pytest.mark.browser


@asynccontextmanager
async def leading_on(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """The server's authorize address answers with a redirect to the local Google under another name, as a Google
    account's own domain may."""
    google: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readline()).decode().split()[1]
        writer.write(
            f"HTTP/1.1 302 Found\r\nLocation: {google[0]}{path}\r\nContent-Length: 0\r\n"
            "Connection: close\r\n\r\n".encode()
        )
        await writer.drain()
        writer.close()

    real = play._environment

    def elsewhere(options: play.Options, server_url: str, url: str, *rest: Any) -> dict[str, str]:
        google.append(url.replace("127.0.0.1", "localhost"))
        settings = real(options, server_url, url, *rest)
        return settings | {"PITCHGATE_AUTHORIZE_URL": f"http://127.0.0.1:{port}/o/oauth2/v2/auth"}

    first = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = first.sockets[0].getsockname()[1]

    async def nobody(*_: object) -> None:
        """No owner connects before the browser does."""

    monkeypatch.setattr(play, "_environment", elsewhere)
    monkeypatch.setattr(play.demo_people, "connect", nobody)
    monkeypatch.setattr(play, "_until_watched", nobody)
    async with first:
        yield


async def _asks_for_consent(page: Page, running: play.Stage, path: str) -> None:
    await page.goto(running.server_url + path)
    button = page.get_by_role("button", name="Continue with Google").or_(
        page.get_by_role("button", name="Connect")
    )
    await button.first.click()
    await page.get_by_role("button", name="Allow").wait_for(timeout=15_000)
    assert page.url.startswith("http://localhost:"), page.url
    await page.go_back()
    assert page.url == running.server_url + path, "one step back is where the owner came from"


@pytest.mark.parametrize("script", [True, False])
async def test_a_redirect_at_google_is_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: bool
) -> None:
    async with (
        leading_on(monkeypatch),
        play.stage(play.Options(tmp_path), lambda _: None) as running,
        async_playwright() as playwright,
    ):
        chromium = await playwright.chromium.launch(
            executable_path=browsers.chromium(), args=browsers.ARGUMENTS
        )
        context = await chromium.new_context(java_script_enabled=script, locale="en-GB")
        page = await context.new_page()
        refused: list[str] = []
        page.on("console", lambda message: refused.append(message.text))
        for path in ("/", "/connect", "/review"):
            await _asks_for_consent(page, running, path)
        assert not [text for text in refused if "Content Security Policy" in text]
        await chromium.close()
