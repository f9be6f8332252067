"""Authorizing this computer: the system's browser, a loopback redirect, and PKCE (RFC 8252, RFC 7636)."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import html
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlencode, urlsplit

import h11

from tray_app.errors import ConnectFailed
from tray_app.ports import Backend, Browser, Token
from tray_app.words import language, t

PATIENCE = 300.0
"""How long the owner may take in the browser, in seconds."""
HEAD_LIMIT = 16_384


def challenge_of(verifier: str) -> str:
    """The S256 code challenge of a verifier."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class Attempt:
    """One browser round; the secrets are new for each."""

    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48), repr=False)
    state: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    path: str = field(default_factory=lambda: "/" + secrets.token_urlsafe(12), repr=False)

    def address(self, server: str, port: int, name: str) -> str:
        """Where the browser is sent."""
        query = {
            "redirect_uri": f"http://127.0.0.1:{port}{self.path}",
            "code_challenge": challenge_of(self.verifier),
            "code_challenge_method": "S256",
            "state": self.state,
            "name": name,
        }
        return f"{server}/connect/device?{urlencode(query)}"

    def code(self, target: str) -> str | None:
        """The code in the request `target` the browser came back with; None: not our redirect.

        Raises `ConnectFailed` for a redirect that is ours but tells of a failure, or is forged.
        """
        parts = urlsplit(target)
        if parts.path != self.path:
            return None
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if not hmac.compare_digest(query.get("state", "").encode(), self.state.encode()):
            raise ConnectFailed(t("error.foreign_answer"), t("error.connect_remedy"))
        if query.get("error") == "denied":
            raise ConnectFailed(t("error.declined"), t("error.connect_remedy"))
        if "code" not in query:
            raise ConnectFailed(t("error.no_code"), t("error.connect_remedy"))
        return query["code"]


async def authorize(
    backend: Backend, browser: Browser, server: str, name: str, patience: float = PATIENCE
) -> Token:
    """Send the owner's browser round and exchange what it brings back for a device token.

    Raises `ConnectFailed`, or the `BackendError` of the exchange.
    """
    attempt = Attempt()
    came_back: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    listener = await asyncio.start_server(_answering(attempt, came_back), "127.0.0.1", 0)
    try:
        port = listener.sockets[0].getsockname()[1]
        address = attempt.address(server, port, name)
        if not await asyncio.to_thread(browser.open, address):
            raise ConnectFailed(
                t("error.no_browser"), t("error.no_browser_remedy", address=f"{server}/connect")
            )
        async with asyncio.timeout(patience):
            code = await came_back
    except TimeoutError:
        raise ConnectFailed(t("error.no_answer"), t("error.connect_remedy")) from None
    finally:
        listener.close()
    return await backend.exchange(code, attempt.verifier)


Served = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def _answering(attempt: Attempt, came_back: asyncio.Future[str]) -> Served:
    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, TimeoutError, h11.RemoteProtocolError):
            async with asyncio.timeout(10):
                target = await _target(reader)
                status, text = _settle(attempt, came_back, target)
                writer.write(_page(status, text))
                await writer.drain()
        writer.close()

    return served


def _settle(attempt: Attempt, came_back: asyncio.Future[str], target: str) -> tuple[int, str]:
    try:
        code = attempt.code(target)
    except ConnectFailed as error:
        # Anybody on this computer can call the port: a wrong `state` must not end the round.
        ours = hmac.compare_digest(
            parse_qs(urlsplit(target).query).get("state", [""])[0].encode(), attempt.state.encode()
        )
        if ours and not came_back.done():
            came_back.set_exception(error)
        return 400, f"{error.title}. {error.remedy}"
    if code is None:
        return 404, t("browser.nothing")
    if not came_back.done():
        came_back.set_result(code)
    return 200, t("browser.done")


async def _target(reader: asyncio.StreamReader) -> str:
    parser = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_LIMIT)
    while True:
        event = parser.next_event()
        if isinstance(event, h11.Request):
            return event.target.decode("ascii", "replace") if event.method == b"GET" else "/"
        if event is not h11.NEED_DATA:
            raise h11.RemoteProtocolError("no request")
        parser.receive_data(await reader.read(HEAD_LIMIT))


def _page(status: int, text: str) -> bytes:
    body = (
        f'<!doctype html><html lang="{language()}"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">'
        f"<title>Pitchgate</title><h1>Pitchgate</h1><p>{html.escape(text)}</p></html>"
    ).encode()
    head = (
        f"HTTP/1.1 {status} {'OK' if status == 200 else 'Refused'}\r\n"
        "Content-Type: text/html; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\n"
        "Content-Security-Policy: default-src 'none'\r\n"
        "Referrer-Policy: no-referrer\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body
