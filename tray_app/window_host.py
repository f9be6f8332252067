"""The tray's side of the review window, which is a process of its own because its toolkit needs the main thread too.
Without a web view, the pages are shown in the browser.

Tray and window exchange JSON lines over the window's standard input and output, so no port is opened. Only our own
local page may send requests to the tray, never the server's page.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import os
import secrets
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import h11

from tray_app import frozen
from tray_app.errors import NoWindow, TrayError
from tray_app.ports import Browser
from tray_app.window import local_page
from tray_app.words import t

# ---- The review window as a process


LINE_LIMIT = 1 << 20
CLOSE_PATIENCE = 3.0
Answer = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]


def window_command(python: str = sys.executable) -> tuple[str, ...]:
    """The command of the review window's process (`tray_app.window`)."""
    return (python, "window") if frozen() else (python, "-m", "tray_app.window")


class WindowProcess:
    """The `Window` port. `answer` serves the local page's requests; `snapshot` returns the data it shows.

    `on_broken(mode, url)` is called when the window could not be shown, `on_closed` when the owner closed it,
    `on_lost` when the server's page did not load.
    """

    def __init__(
        self,
        answer: Answer,
        snapshot: Callable[[], dict[str, Any]],
        on_broken: Callable[[str, str], None],
        on_closed: Callable[[], None],
        on_lost: Callable[[], None],
        command: tuple[str, ...] = window_command(),
    ) -> None:
        self._answer = answer
        self._snapshot = snapshot
        self._on_broken = on_broken
        self._on_closed = on_closed
        self._on_lost = on_lost
        self._command = command
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._changed: asyncio.Handle | None = None
        self.showing = ""

    async def open_page(self, url: str) -> None:
        await self._open({"mode": "page", "url": url})

    async def open_local(self) -> None:
        if self.showing == "local":
            await self.to_front()
        else:
            await self._open({"mode": "local", "snapshot": self._snapshot()})

    async def to_front(self) -> None:
        self._say({"front": True})

    def refresh(self) -> None:
        """See `Window.refresh`. Several changes in one step of the event loop make one line."""
        if self.showing == "local" and self._changed is None:
            self._changed = asyncio.get_running_loop().call_soon(self._push)

    async def close(self) -> None:
        """Close the window, by force if it does not close by itself."""
        process, reading = self._process, self._reading
        self._process = self._reading = None
        self.showing = ""
        if process is None:
            return
        with contextlib.suppress(OSError):
            if process.stdin:
                process.stdin.close()  # the window closes at the end of its input
        try:
            async with asyncio.timeout(CLOSE_PATIENCE):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
        if reading:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _open(self, first: dict[str, Any]) -> None:
        await self.close()
        process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=None if sys.stderr else asyncio.subprocess.DEVNULL,  # none without a console, on Windows
            limit=LINE_LIMIT,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )
        self._process = process
        self.showing = str(first["mode"])
        self._say(first)
        self._reading = asyncio.create_task(self._read(process, first))

    def _say(self, line: dict[str, Any]) -> None:
        if self._process and self._process.stdin and not self._process.stdin.is_closing():
            self._process.stdin.write(json.dumps(line).encode() + b"\n")

    def _push(self) -> None:
        self._changed = None
        if self.showing == "local":
            self._say({"push": self._snapshot()})

    async def _read(self, process: asyncio.subprocess.Process, first: dict[str, Any]) -> None:
        shown = lost = False
        assert process.stdout is not None
        with contextlib.suppress(ValueError):  # a line too long, or not JSON
            while line := await process.stdout.readline():
                message = json.loads(line)
                if message.get("shown"):
                    shown = True
                elif first["mode"] == "local":
                    await self._serve(message)
                elif message.get("lost") and not lost:
                    lost = True  # sent after every failed load; open the local page only once
                    self._on_lost()
        code = await process.wait()
        if self._process is process:
            self._process = None
            self.showing = ""
            if code and not shown:
                self._on_broken(str(first["mode"]), str(first.get("url", "")))
            else:
                self._on_closed()

    async def _serve(self, message: dict[str, Any]) -> None:
        self._say({"id": message.get("id"), "answer": await answer_request(self._answer, message)})


async def answer_request(answer: Answer, asked: dict[str, Any]) -> dict[str, Any]:
    """Answer the local page's request {"do": name, "args": {…}}; a failure becomes {"error": {title, remedy}}."""
    try:
        return await answer(str(asked["do"]), dict(asked.get("args") or {}))
    except TrayError as error:
        return {"error": {"title": error.title, "remedy": error.remedy}}
    except (KeyError, TypeError, ValueError):
        return {"error": {"title": t("error.unknown_request"), "remedy": ""}}


# ---- The browser, where there is no web view


TICKET_LIFE = 60.0
"""Seconds a ticket is valid: the browser must open the page within them."""
REQUEST_LIMIT = 65_536
REQUEST_PATIENCE = 10.0
HEARTBEAT = 5.0
"""Seconds between two lines to an open page; writing to a closed one fails and so reveals it."""
CLOSE_AFTER = 15.0
"""Seconds without any open page until the window counts as closed: a reload takes less."""
HEADERS = (
    ("Content-Security-Policy", "frame-ancestors 'none'"),  # the rest of the policy is in the page's meta tag
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cache-Control", "no-store"),
    ("Connection", "close"),
)


class BrowserWindow:
    """The `Window` port over the owner's browser and a local HTTP server.

    `answer` and `snapshot` as in `WindowProcess`; `on_closed` is called when no page is open any more. A page gets
    the key for all requests in exchange for the one-time ticket in its address.
    """

    def __init__(
        self,
        browser: Browser,
        answer: Answer,
        snapshot: Callable[[], dict[str, Any]],
        on_closed: Callable[[], None],
    ) -> None:
        self._browser = browser
        self._answer = answer
        self._snapshot = snapshot
        self._on_closed = on_closed
        self._key = secrets.token_urlsafe(32)
        self._tickets: dict[str, asyncio.TimerHandle] = {}
        self._listener: asyncio.Server | None = None
        self._host = ""
        self._pages: set[asyncio.Event] = set()
        self._close_timer: asyncio.TimerHandle | None = None
        self.showing = ""

    async def open_page(self, url: str) -> None:
        """See `Window.open_page`. Raises `NoWindow` if no browser opens."""
        if not await asyncio.to_thread(self._browser.open, url):
            raise NoWindow(t("error.no_window"), t("error.no_window_remedy"))

    async def open_local(self) -> None:
        """See `Window.open_local`. Opens a new tab: we cannot bring the old one to the front."""
        if self._listener is None:
            self._listener = await asyncio.start_server(self._served, "127.0.0.1", 0)
            self._host = f"127.0.0.1:{self._listener.sockets[0].getsockname()[1]}"
        ticket = secrets.token_urlsafe(24)
        self._tickets[ticket] = asyncio.get_running_loop().call_later(TICKET_LIFE, self._expire, ticket)
        self.showing = "local"
        await self.open_page(f"http://{self._host}/#{ticket}")

    async def to_front(self) -> None:
        """Nothing to do: a browser tab comes to the front when it is opened."""

    def refresh(self) -> None:
        for changed in self._pages:
            changed.set()

    async def close(self) -> None:
        """Stop serving. Pages open in the browser stay there without effect."""
        self.showing = ""
        for timer in (*self._tickets.values(), self._close_timer):
            if timer:
                timer.cancel()
        self._tickets.clear()
        self.refresh()
        if self._listener:
            self._listener.close()
            self._listener = None

    def _expire(self, ticket: str) -> None:
        del self._tickets[ticket]
        if not self._pages:
            self._report_closed()

    def _close_unless_ticket(self) -> None:
        """No page has been open for a while. While a ticket is valid, wait for it to expire."""
        if not self._tickets:
            self._report_closed()

    def _report_closed(self) -> None:
        self.showing = ""
        self._on_closed()

    async def _served(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, TimeoutError, ValueError, KeyError, TypeError, h11.ProtocolError):
            http = h11.Connection(h11.SERVER, max_incomplete_event_size=REQUEST_LIMIT)
            async with asyncio.timeout(REQUEST_PATIENCE):
                request, body = await _request(http, reader)
            if not self._has_key(request) or request.target != b"/changes":
                status, kind, content = await self._respond(request, body)
                writer.write(_head(http, status, kind))
                writer.write(_chunk(http, content) + _end(http))
                await writer.drain()
            else:
                await self._send_changes(http, writer)
        writer.close()

    def _is_our_host(self, request: h11.Request) -> bool:
        """Whether the Host header is our address: a name pointed at us (DNS rebinding) is refused."""
        return dict(request.headers).get(b"host", b"") == self._host.encode()

    def _has_key(self, request: h11.Request) -> bool:
        given = dict(request.headers).get(b"authorization", b"")
        return self._is_our_host(request) and hmac.compare_digest(given, f"Bearer {self._key}".encode())

    async def _respond(self, request: h11.Request, body: bytes) -> tuple[int, str, str]:
        what = (request.method, request.target)
        if what == (b"GET", b"/") and self._is_our_host(request):
            return 200, "text/html", local_page(in_browser=True)
        if (
            what == (b"POST", b"/key")
            and self._is_our_host(request)
            and (timer := self._tickets.pop(body.decode(), None))
        ):
            timer.cancel()
            return 200, "text/plain", self._key
        if what == (b"POST", b"/ask") and self._has_key(request):
            asked = json.loads(body)
            answer = await answer_request(self._answer, asked)
            return 200, "application/json", json.dumps(answer)
        return 404, "text/plain", t("browser.nothing")

    async def _send_changes(self, http: h11.Connection, writer: asyncio.StreamWriter) -> None:
        """Send the page a line for each change of the state while it is open."""
        changed = asyncio.Event()
        self._pages.add(changed)
        self.showing = "local"
        if self._close_timer:
            self._close_timer.cancel()
        try:
            writer.write(_head(http, 200, "application/json"))
            while self.showing:
                line = json.dumps(self._snapshot()) if changed.is_set() else ""
                changed.clear()
                writer.write(_chunk(http, f"{line}\n"))
                await writer.drain()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(HEARTBEAT):
                        await changed.wait()
            writer.write(_end(http))
        finally:
            self._pages.discard(changed)
            if not self._pages and self.showing:
                self._close_timer = asyncio.get_running_loop().call_later(
                    CLOSE_AFTER, self._close_unless_ticket
                )


async def _request(http: h11.Connection, reader: asyncio.StreamReader) -> tuple[h11.Request, bytes]:
    request, body = None, b""
    while True:
        event = http.next_event()
        if isinstance(event, h11.Request):
            request = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage) and request is not None:
            return request, body
        elif event is not h11.NEED_DATA:
            raise ValueError("no request")
        else:
            http.receive_data(await reader.read(REQUEST_LIMIT))
        if len(body) > REQUEST_LIMIT:
            raise ValueError("request too long")


def _head(http: h11.Connection, status: int, kind: str) -> bytes:
    headers = [("Content-Type", f"{kind}; charset=utf-8"), *HEADERS]
    return http.send(h11.Response(status_code=status, headers=headers)) or b""


def _chunk(http: h11.Connection, text: str) -> bytes:
    return http.send(h11.Data(data=text.encode())) or b""


def _end(http: h11.Connection) -> bytes:
    return http.send(h11.EndOfMessage()) or b""
