"""At home: a browser's sign-in opens all our pages, and what another port of the machine gets of it opens none."""

from __future__ import annotations

import re
import socket
import threading
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Request, expect

from tests.browser.review_fixture import Fixture
from tests.web.serving import served_office

pytestmark = pytest.mark.browser


def overheard(listener: socket.socket, heard: list[bytes]) -> None:
    """Another program of this machine: it keeps what a browser says to it."""
    connection, _ = listener.accept()
    with connection:
        heard.append(connection.recv(65_536))
        connection.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")


def test_another_port_gets_a_cookie_and_opens_nothing(tmp_path: Path, browser: Browser) -> None:
    with served_office(tmp_path, environment="production", live_page=False) as server:
        here = server.office

        async def ticket() -> str:
            return await here.service.ticket(await here.service.device(await here.token()), "review")

        context = browser.new_context()
        page = context.new_page()
        page.goto(f"{server.address}/enter?ticket={server.do(ticket())}")
        heading = page.get_by_role("heading", level=1)
        expect(page).to_have_title(re.compile("Review|Held"))
        assert "half" not in page.url
        page.reload()
        expect(heading).to_be_visible()
        page.goto(f"{server.address}/settings")
        expect(page.locator("form[action^='/settings']").first).to_be_attached()
        page.locator("main form button[type=submit]").first.click()
        expect(heading).to_be_visible()
        page.go_back()
        expect(heading).to_be_visible()
        page.goto(f"{server.address}/settings/data")
        with page.expect_download() as download:
            page.locator("a[download]").click()
        assert download.value.suggested_filename.startswith("pitchgate-")
        other = context.new_page()
        other.goto(f"{server.address}/insights")
        expect(other.get_by_role("heading", level=1)).to_be_visible()

        heard: list[bytes] = []
        with socket.create_server(("127.0.0.1", 0)) as listener:
            thread = threading.Thread(target=overheard, args=(listener, heard))
            thread.start()
            other.evaluate(
                "where => { location.assign(where) }", f"http://127.0.0.1:{listener.getsockname()[1]}/"
            )
            thread.join(20)
        stolen = re.search(rb"pitchgate-session=([^;\r\n]+)", heard[0])
        assert stolen is not None, "a cookie knows no port"
        for path in ("/review", "/settings", "/settings/data/export", "/review/events"):
            answer = httpx.get(server.address + path, cookies={"pitchgate-session": stolen[1].decode()})
            assert answer.status_code == 401
            assert "ana@corp.test" not in answer.text
        context.close()


def test_a_kept_order_goes_out_with_the_half_that_the_cookie_lacks(tmp_path: Path, browser: Browser) -> None:
    with served_office(tmp_path, environment="production", live_page=False) as server:
        here = Fixture(server.address, server.office, server.loop)
        here.hold("m1", "ann@x.test", name="Ann")

        async def ticket() -> str:
            return await here.office.service.ticket(
                await here.office.service.device(await here.office.token()), "review"
            )

        context = browser.new_context()
        page = context.new_page()
        sent: list[Request] = []
        page.on("request", lambda request: sent.append(request) if request.method == "POST" else None)
        page.goto(f"{here.address}/enter?ticket={here.do(ticket())}")
        line = page.locator(".rows > .item")
        expect(line).to_have_count(1)
        page.route("**/review/decide", lambda route: route.abort("internetdisconnected"))
        line.get_by_role("button", name="Block").click()
        expect(line.get_by_text("Not saved.")).to_be_visible()
        page.reload()  # what goes out now is all from what the browser has kept
        expect(line.get_by_text("Not saved.")).to_be_visible()
        assert here.decided("m1") == ""
        half = page.evaluate("localStorage.getItem('pitchgate-half')")
        assert half
        assert half not in page.evaluate("localStorage.getItem('pitchgate-orders')")

        page.unroute("**/review/decide")
        sent.clear()
        page.evaluate("dispatchEvent(new Event('online'))")
        expect(page.locator(".flash")).to_contain_text("Blocked")
        assert here.decided("m1") == "owner"
        orders = [request for request in sent if request.url.endswith("/review/decide")]
        assert [request.headers.get("x-pitchgate-half") for request in orders] == [half]
        assert page.evaluate("JSON.parse(localStorage.getItem('pitchgate-orders'))") == []
        context.close()
