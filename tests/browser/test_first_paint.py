"""Nothing moves on load, however slowly a page and its scripts arrive."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.review_fixture import LOOKS, PLACES, SHIFTS, Fixture, fixture

pytestmark = pytest.mark.browser

PIECE = re.compile(rb"(?:[^<]*<[^>]*>){1,40}[^<]*")
"""Of a page: enough for a part of a row, or of the header."""

PATHS = (
    "/review",
    "/review/sender?address=s@x5.test",
    "/review/mail/m5",
    "/settings",
    "/insights",
    "/devices",
)

A_CHANCE_TO_PAINT = """() => Promise.race([
  new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))),
  new Promise((done) => setTimeout(done, 100)),
])"""

WRITTEN = """
window.written = [];
addEventListener("DOMContentLoaded", () => {
  const seen = (list) => window.written.push(...list.map(({ type, target }) => [type, target.nodeName]));
  const all = { subtree: true, childList: true, characterData: true, attributes: true };
  new MutationObserver(seen).observe(document.querySelector("main"), all);
});
"""
"""For `add_init_script`: what scripts changed once the page was there is in `window.written`."""

Send = Callable[[Mapping[str, Any]], Awaitable[None]]


class Pieces:
    """Between the app and the port: pages leave the server one piece at a time, when they are asked for."""

    def __init__(self, here: Fixture) -> None:
        self._app = here.office.app.asgi_app
        self._do = here.do
        self._loop = here.loop
        self._asked: asyncio.Queue[None] = asyncio.Queue()
        self.left = 0
        here.office.app.asgi_app = self  # type: ignore[method-assign]

    async def __call__(self, scope: Any, receive: Any, send: Send) -> None:
        is_page = False
        if "headers" in scope:  # not compressed: that could not be cut
            kept = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
            scope = {**scope, "headers": kept}

        async def in_pieces(message: Mapping[str, Any]) -> None:
            nonlocal is_page
            if message["type"] == "http.response.start":
                is_page = any(b"text/html" in value for _, value in message["headers"])
            if not is_page or not message.get("body"):
                await send(message)
                return
            head, body = message["body"].split(b"</head>")
            found = PIECE.findall(body)
            self.left = len(found)
            await send({"type": "http.response.body", "body": head + b"</head>", "more_body": True})
            for piece in found:
                await self._asked.get()
                self.left -= 1
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({**message, "body": b""})

        await self._app(scope, receive, in_pieces if scope["type"] == "http" else send)

    def next(self) -> None:
        self._do(self._asked.put(None))


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fixture]:
    with fixture(tmp_path_factory.mktemp("paint")) as opened:
        for number in range(8):
            opened.challenge(f"m{number}", f"s@x{number}.test", name=f"Seller {number}")
        yield opened


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("look", ["desktop", "phone"])
def test_nothing_moves_while_a_page_arrives(here: Fixture, browser: Browser, look: str, path: str) -> None:
    context = here.signed_in(browser, **LOOKS[look])
    context.add_init_script(SHIFTS)
    page = context.new_page()
    whole = here.office.app.asgi_app
    try:
        pieces = Pieces(here)
        page.goto(here.address + path, wait_until="commit")
        page.evaluate(A_CHANCE_TO_PAINT)
        assert pieces.left > 3
        while pieces.left:
            pieces.next()
            page.evaluate(A_CHANCE_TO_PAINT)
        page.wait_for_load_state()
    finally:
        here.office.app.asgi_app = whole  # type: ignore[method-assign]
    _painted(page)
    assert page.evaluate("window.shifted") == []
    context.close()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("look", ["desktop", "phone"])
def test_nothing_moves_when_late_scripts_arrive(
    here: Fixture, browser: Browser, look: str, path: str
) -> None:
    context = here.signed_in(browser, **LOOKS[look])
    context.add_init_script(SHIFTS)
    page = context.new_page()
    held: list[Route] = []
    page.route("**/static/*.js*", lambda route: held.append(route))
    page.goto(here.address + path, wait_until="commit")
    _painted(page)
    before = page.evaluate(PLACES)
    assert before
    assert held
    page.unroute("**/static/*.js*")  # which lets them go
    page.wait_for_load_state()
    page.evaluate(A_CHANCE_TO_PAINT)
    assert page.evaluate(PLACES) == before
    assert page.evaluate("window.shifted") == []
    context.close()


def test_no_script_writes_what_the_list_says_already(here: Fixture, browser: Browser) -> None:
    """The style of a whole list is computed again for one text, before anything has been painted."""
    context = here.signed_in(browser)
    context.add_init_script(WRITTEN)
    page = context.new_page()
    page.goto(here.address + "/review")
    page.evaluate(A_CHANCE_TO_PAINT)
    assert page.evaluate("window.written") == []
    page.locator("input[name=pick]").first.check()
    assert page.evaluate("window.written")
    context.close()


def _painted(page: Page) -> None:
    page.wait_for_function("() => performance.getEntriesByName('first-contentful-paint').length > 0")
    expect(page.locator("h1")).to_be_visible()
