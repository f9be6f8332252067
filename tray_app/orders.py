"""Carries out menu items and requests from the local page."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import html
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import h11

from tray_app import state as states
from tray_app.controller import Controller
from tray_app.errors import BackendError, ConnectFailed, SecretsRefused
from tray_app.menu import Action, Do, snapshot
from tray_app.ports import Backend, Browser, Token
from tray_app.state import Decision
from tray_app.words import language, t

# ---- Authorizing this computer


PATIENCE = 300.0
"""Seconds the owner may take in the browser."""
HEAD_LIMIT = 16_384


def challenge_of(verifier: str) -> str:
    """The S256 code challenge of a verifier."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class DeviceAuthorization:
    """One authorization of this computer in the browser (OAuth code with PKCE). The secrets are new each time.

    `path` is that of the redirect address: unguessable, so that other local programs cannot answer.
    """

    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48), repr=False)
    state: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    path: str = field(default_factory=lambda: "/" + secrets.token_urlsafe(12), repr=False)

    def address(self, server: str, port: int, name: str) -> str:
        """The server's page to open. `port`: where we listen on loopback; `name`: this computer's."""
        query = {
            "redirect_uri": f"http://127.0.0.1:{port}{self.path}",
            "code_challenge": challenge_of(self.verifier),
            "code_challenge_method": "S256",
            "state": self.state,
            "name": name,
        }
        return f"{server}/connect/device?{urlencode(query)}"

    def code(self, target: str) -> str | None:
        """The code in the browser's request `target`; None if that is not the redirect address.

        Raises `ConnectFailed` for a redirect with an error, without a code, or with a wrong `state`.
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
    """Authorize this computer in the owner's browser; returns the device token.

    Raises `ConnectFailed`, or the `BackendError` of the exchange.
    """
    attempt = DeviceAuthorization()
    code_future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    listener = await asyncio.start_server(_redirect_handler(attempt, code_future), "127.0.0.1", 0)
    try:
        port = listener.sockets[0].getsockname()[1]
        address = attempt.address(server, port, name)
        if not await asyncio.to_thread(browser.open, address):
            raise ConnectFailed(
                t("error.no_browser"), t("error.no_browser_remedy", address=f"{server}/connect")
            )
        async with asyncio.timeout(patience):
            code = await code_future
    except TimeoutError:
        raise ConnectFailed(t("error.no_answer"), t("error.connect_remedy")) from None
    finally:
        listener.close()
    return await backend.exchange(code, attempt.verifier)


ConnectionHandler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def _redirect_handler(attempt: DeviceAuthorization, code_future: asyncio.Future[str]) -> ConnectionHandler:
    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, TimeoutError, h11.RemoteProtocolError):
            async with asyncio.timeout(10):
                target = await _read_target(reader)
                status, text = _handle_redirect(attempt, code_future, target)
                writer.write(_page(status, text))
                await writer.drain()
        writer.close()

    return served


def _handle_redirect(
    attempt: DeviceAuthorization, code_future: asyncio.Future[str], target: str
) -> tuple[int, str]:
    try:
        code = attempt.code(target)
    except ConnectFailed as error:
        # Any local program can call the port: a wrong `state` must not end the authorization.
        genuine = hmac.compare_digest(
            parse_qs(urlsplit(target).query).get("state", [""])[0].encode(), attempt.state.encode()
        )
        if genuine and not code_future.done():
            code_future.set_exception(error)
        return 400, f"{error.title}. {error.remedy}"
    if code is None:
        return 404, t("browser.nothing")
    if not code_future.done():
        code_future.set_result(code)
    return 200, t("browser.done")


async def _read_target(reader: asyncio.StreamReader) -> str:
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


# ---- Menu items and requests from the local page


LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


async def carry_out(app: Controller, action: Action) -> None:
    """Do what the owner chose. Raises `TrayError`, which the caller shows."""
    match action.do, action.args:
        case Do.DECIDE, (gmail_id, decision):
            app.decide(gmail_id, Decision(decision))
        case Do.UNDO, (key,):
            app.undo(key)
        case Do.REVIEW, _:
            await _review(app)
        case Do.QUESTIONS, _:
            await _open_page(app, "questions")
        case Do.ANSWER, (gmail_id, answer):
            await _answer(app, gmail_id, answer)
        case Do.PAUSE, (span,):
            now = app.parts.now()
            await _pause(app, now + timedelta(hours=1) if span == "hour" else tomorrow(now))
        case Do.RESUME, _:
            await _pause(app, None)
        case Do.STRICTNESS, (level,):
            await _strictness(app, level)
        case Do.NOTICES, _:
            app.parts.memory.change(notices=not app.state.notices)
            app.set_state(replace(app.state, notices=not app.state.notices))
        case Do.UPDATES, _:
            app.parts.memory.change(update_check=not app.state.update_check)
            app.set_state(replace(app.state, update_check=not app.state.update_check))
        case Do.AUTOSTART, _:
            _toggle_autostart(app)
        case Do.CONNECT, _:
            await _connect(app, app.state.server)
        case Do.GMAIL, _:
            await asyncio.to_thread(app.parts.browser.open, f"{app.state.server}/connect")
        case Do.DEVICES, _:
            await _devices(app)
        case Do.SIGN_OUT, _:
            await _sign_out(app)
        case Do.RETRY, _:
            app.poke()
        case Do.ABOUT, _:
            host = urlsplit(app.state.server).netloc
            app.notify(f"Pitchgate {app.parts.version}", t("notice.about", server=host))
        case Do.QUIT, _:
            app.stop()
        case _:
            raise ValueError(f"{action} cannot be carried out")


async def _review(app: Controller) -> None:
    app.set_state(states.marked_seen(app.state))
    state = app.state
    if app.backend is not None and state.signed_in and not state.trouble and not app.parts.window_only:
        try:
            if app.parts.window.showing == "page":
                await app.parts.window.to_front()
            else:
                await app.parts.window.open_page(await app.backend.ticket("review"))
            return
        except BackendError as error:
            if not error.retryable:
                raise
    await app.parts.window.open_local()


async def _open_page(app: Controller, page: str) -> None:
    """Open a page of the server in the window, signed in by a one-time ticket."""
    if app.backend is not None:
        await app.parts.window.open_page(await app.backend.ticket(page))


async def _answer(app: Controller, gmail_id: str, answer: str) -> None:
    if app.backend is None:
        return
    try:
        await app.backend.answer(gmail_id, answer)
    finally:  # one that is refused may be about a message that is gone: the list is read anew
        app.on_status(await app.backend.status())


def tomorrow(now: datetime) -> datetime:
    """Six in the morning of the owner's next day, so that a pause does not end at midnight."""
    local = now.astimezone()
    day = (local + timedelta(days=1)).date()
    return datetime(day.year, day.month, day.day, 6).astimezone()


async def _pause(app: Controller, until: datetime | None) -> None:
    if app.backend is not None:
        await app.backend.pause(until)
        app.on_status(await app.backend.status())


async def _strictness(app: Controller, level: str) -> None:
    if app.backend is not None:
        await app.backend.set_strictness(level)
        app.on_status(await app.backend.status())


def _toggle_autostart(app: Controller) -> None:
    autostart = app.parts.autostart
    if autostart is None:
        return
    if autostart.enabled():
        autostart.disable()
    else:
        autostart.enable(app.parts.command)
    app.set_state(replace(app.state, autostart=autostart.enabled()))


async def _connect(app: Controller, server: str) -> None:
    if app.state.connecting:
        return
    address = checked_server(server)
    backend = await app.use_server(address)
    app.set_state(replace(app.state, connecting=True))
    try:
        token = await authorize(backend, app.parts.browser, address, app.parts.computer)
        await _keep_token(app, backend, address, token)
    finally:
        app.set_state(replace(app.state, connecting=False))
    known = app.parts.memory.settings.email
    if known and known != token.email:  # unsent decisions belong to the other mailbox
        app.forget()
    app.parts.memory.change(email=token.email)
    app.set_state(replace(app.state, signed_in=True, trouble=None, waiting=len(app.outbox)))
    await app.connect_with(token.token)
    app.notify(t("notice.connected"), t("notice.connected_text", email=token.email))


async def _keep_token(app: Controller, backend: Backend, server: str, token: Token) -> None:
    """Save the token; if there is no safe place for it, revoke it at once."""
    try:
        await asyncio.to_thread(app.parts.secrets.save, server, token.token)
    except SecretsRefused:
        backend.use_token(token.token)
        with contextlib.suppress(BackendError):
            await backend.sign_out()
        backend.use_token("")
        raise


def checked_server(address: str) -> str:
    """The server's address without a trailing slash. Raises `ConnectFailed` unless it is https or loopback."""
    parts = urlsplit(address.strip())
    safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    if not safe or not parts.hostname or parts.query or parts.username:
        raise ConnectFailed(t("error.unsafe_address"), t("error.unsafe_address_remedy"))
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


async def _sign_out(app: Controller) -> None:
    """Delete the token here first, so that this works without the server too, then revoke it there."""
    await asyncio.to_thread(app.parts.secrets.forget, app.state.server)
    revoked = True
    if app.backend is not None:
        try:
            await app.backend.sign_out()
        except BackendError:
            revoked = False
    await app.connect_with("")
    app.forget()
    if not revoked:
        app.notify(t("notice.disconnected"), t("notice.not_told"))


async def _devices(app: Controller) -> None:
    """Open the settings page, which lists and revokes computers, signed in by a one-time ticket."""
    if app.backend is not None:
        await asyncio.to_thread(app.parts.browser.open, await app.backend.ticket("settings"))


async def answer(app: Controller, name: str, args: Mapping[str, Any]) -> dict[str, Any]:
    """Serve the request `name` of the local page. Unknown ones raise `ConnectFailed`.

    `decide` and `undo` answer {}: the page gets every new state pushed anyway.
    """
    if name == "list":
        app.set_state(states.marked_seen(app.state))
    elif name == "decide":
        app.decide(str(args.get("gmail_id")), Decision(str(args.get("decision"))))
        return {}
    elif name == "undo":
        app.undo(str(args.get("key")))
        return {}
    elif name == "preview":
        if app.backend is None:
            raise ConnectFailed(t("menu.not_connected"))
        return {"text": await app.backend.preview(str(args.get("gmail_id")))}
    elif name == "connect":
        app.start(_connect(app, checked_server(str(args.get("server")))))
    elif name == "live":
        app.start(_open_page(app, "review"))
    elif name == "retry":
        app.poke()
    else:
        raise ConnectFailed(t("error.unknown_request"))
    return snapshot(app.state, app.parts.now(), app.parts.window_only)
