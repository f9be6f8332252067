"""What each menu item, and each request of the local page, does."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from tray_app import state as states
from tray_app.authorize import authorize
from tray_app.controller import Controller
from tray_app.errors import BackendError, ConnectFailed, SecretsRefused
from tray_app.menu import Action, Do
from tray_app.ports import Backend, Token
from tray_app.snapshot import snapshot
from tray_app.state import Decision
from tray_app.words import t

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


async def carry_out(app: Controller, action: Action) -> None:
    """Do what the owner chose. Raises `TrayError`s, which are shown to them."""
    await ORDERS[action.do](app, *action.args)


async def _decide(app: Controller, gmail_id: str, decision: str) -> None:
    app.decide(gmail_id, Decision(decision))


async def _undo(app: Controller, key: str) -> None:
    app.undo(key)


async def _review(app: Controller) -> None:
    app.become(states.seen(app.state))
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


async def _questions(app: Controller) -> None:
    """The full review page, where it asks."""
    if app.backend is not None:
        await app.parts.window.open_page(await app.backend.ticket("questions"))


async def _live(app: Controller) -> None:
    """The full review page, asked for from the local one."""
    if app.backend is not None:
        await app.parts.window.open_page(await app.backend.ticket("review"))


async def _pause(app: Controller, span: str) -> None:
    now = app.parts.now()
    until = now + timedelta(hours=1) if span == "hour" else tomorrow(now)
    await _set_pause(app, until)


def tomorrow(now: datetime) -> datetime:
    """Six o'clock on the owner's next day: a pause over a late evening does not end at midnight."""
    local = now.astimezone()
    day = (local + timedelta(days=1)).date()
    return datetime(day.year, day.month, day.day, 6).astimezone()


async def _resume(app: Controller) -> None:
    await _set_pause(app, None)


async def _set_pause(app: Controller, until: datetime | None) -> None:
    if app.backend is not None:
        await app.backend.pause(until)
        app.on_reached(await app.backend.status())


async def _strictness(app: Controller, level: str) -> None:
    if app.backend is not None:
        await app.backend.set_strictness(level)
        app.on_reached(await app.backend.status())


async def _welcome(app: Controller, topic: str) -> None:
    if app.backend is not None:
        status = await app.backend.status()
        await app.backend.set_welcome(status.welcome ^ {topic})
        app.on_reached(await app.backend.status())


async def _notices(app: Controller) -> None:
    wanted = not app.state.notices
    app.parts.memory.change(notices=wanted)
    app.become(replace(app.state, notices=wanted))


async def _updates(app: Controller) -> None:
    wanted = not app.state.update_check
    app.parts.memory.change(update_check=wanted)
    app.become(replace(app.state, update_check=wanted))


async def _autostart(app: Controller) -> None:
    autostart = app.parts.autostart
    if autostart is None:
        return
    if autostart.enabled():
        autostart.disable()
    else:
        autostart.enable(app.parts.command)
    app.become(replace(app.state, autostart=autostart.enabled()))


async def _connect(app: Controller, server: str = "") -> None:
    if app.state.connecting:
        return
    address = checked_server(server or app.state.server)
    backend = await app.use_server(address)
    app.become(replace(app.state, connecting=True))
    try:
        token = await authorize(backend, app.parts.browser, address, app.parts.computer)
        await _keep_token(app, backend, address, token)
    finally:
        app.become(replace(app.state, connecting=False))
    known = app.parts.memory.kept.email
    if known and known != token.email:  # somebody else's decisions must not be sent in this name
        app.forget()
    app.parts.memory.change(email=token.email)
    app.become(replace(app.state, signed_in=True, trouble=None, waiting=len(app.outbox)))
    await app.link(token.token)
    app.tell(t("notice.connected"), t("notice.connected_text", email=token.email))


async def _keep_token(app: Controller, backend: Backend, server: str, token: Token) -> None:
    """A token with no safe place is given back at once: nobody else shall find it."""
    try:
        await asyncio.to_thread(app.parts.secrets.save, server, token.token)
    except SecretsRefused:
        backend.use_token(token.token)
        with contextlib.suppress(BackendError):
            await backend.sign_out()
        backend.use_token("")
        raise


def checked_server(address: str) -> str:
    """The server's address without a trailing slash. Raises `ConnectFailed` unless it is https, or loopback."""
    parts = urlsplit(address.strip())
    safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    if not safe or not parts.hostname or parts.query or parts.username:
        raise ConnectFailed(
            t("error.unsafe_address"),
            t("error.unsafe_address_remedy"),
        )
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


async def _sign_out(app: Controller) -> None:
    """Forget the token here first: this computer is disconnected even if the server cannot be reached."""
    await asyncio.to_thread(app.parts.secrets.forget, app.state.server)
    reached = True
    if app.backend is not None:
        try:
            await app.backend.sign_out()
        except BackendError:
            reached = False
    await app.link("")
    app.forget()
    if not reached:
        app.tell(
            t("notice.disconnected"),
            t("notice.not_told"),
        )


async def _gmail(app: Controller) -> None:
    await asyncio.to_thread(app.parts.browser.open, f"{app.state.server}/connect")


async def _devices(app: Controller) -> None:
    """The settings page lists and revokes; it opens in the browser, signed in once."""
    if app.backend is not None:
        await asyncio.to_thread(app.parts.browser.open, await app.backend.ticket("settings"))


async def _about(app: Controller) -> None:
    app.tell(f"Pitchgate {app.parts.version}", t("notice.about", server=urlsplit(app.state.server).netloc))


async def _retry(app: Controller) -> None:
    app.poke()


async def _quit(app: Controller) -> None:
    app.stop()


ORDERS: Mapping[Do, Callable[..., Awaitable[None]]] = {
    Do.DECIDE: _decide,
    Do.UNDO: _undo,
    Do.REVIEW: _review,
    Do.QUESTIONS: _questions,
    Do.PAUSE: _pause,
    Do.RESUME: _resume,
    Do.STRICTNESS: _strictness,
    Do.WELCOME: _welcome,
    Do.NOTICES: _notices,
    Do.AUTOSTART: _autostart,
    Do.UPDATES: _updates,
    Do.CONNECT: _connect,
    Do.GMAIL: _gmail,
    Do.DEVICES: _devices,
    Do.SIGN_OUT: _sign_out,
    Do.RETRY: _retry,
    Do.ABOUT: _about,
    Do.QUIT: _quit,
}


async def answer(app: Controller, name: str, args: Mapping[str, Any]) -> dict[str, Any]:
    """What the local page asks for. Unknown requests and failures answer {"error": {title, remedy}}.

    What changes the state answers nothing: the page hears of every change, a long list need not go twice.
    """
    if name == "list":
        app.become(states.seen(app.state))
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
        app.start(_live(app))
    elif name == "retry":
        app.poke()
    else:
        raise ConnectFailed(t("error.unknown_request"))
    return snapshot(app.state, app.parts.now(), app.parts.window_only)
