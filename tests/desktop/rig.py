"""A controller with hand-written stand-ins for everything but the network, the state file and the clock's pace."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.desktop.fake_backend import FakeBackend
from tray_app import orders
from tray_app.backend_client import HttpBackend, Patience
from tray_app.connection import Pace
from tray_app.controller import Controller, Parts
from tray_app.errors import SecretsRefused
from tray_app.memory import Memory
from tray_app.menu import Action, Do, Item, Screen

QUICK = Patience(connect=0.5, answer=0.3, silence=5.0)
BRISK = Pace(first=0.05, most=0.1, no_hurry=0.1)


@dataclass
class FakeView:
    """Remembers what it was asked to show."""

    screens: list[Screen] = field(default_factory=list)
    notices: list[tuple[str, str]] = field(default_factory=list)
    stopped: bool = False

    def show(self, screen: Screen) -> None:
        self.screens.append(screen)

    def notify(self, title: str, body: str) -> None:
        self.notices.append((title, body))

    def stop(self) -> None:
        self.stopped = True

    @property
    def screen(self) -> Screen:
        return self.screens[-1]


@dataclass
class FakeWindow:
    """Remembers what was opened in it."""

    opened: list[str] = field(default_factory=list)
    showing: str = ""

    async def open_page(self, url: str) -> None:
        self.showing = "page"
        self.opened.append(url)

    async def open_local(self) -> None:
        self.showing = "local"
        self.opened.append("local")

    async def to_front(self) -> None:
        self.opened.append("front")

    def refresh(self) -> None:
        pass

    async def close(self) -> None:
        self.showing = ""


@dataclass
class FakeSecrets:
    """A keyring in memory; `locked` makes it refuse."""

    tokens: dict[str, str] = field(default_factory=dict)
    locked: bool = False

    def load(self, server: str) -> str:
        self._check()
        return self.tokens.get(server, "")

    def save(self, server: str, token: str) -> None:
        self._check()
        self.tokens[server] = token

    def forget(self, server: str) -> None:
        self._check()
        self.tokens.pop(server, None)

    def _check(self) -> None:
        if self.locked:
            raise SecretsRefused("The keyring did not open", "Unlock it.")


@dataclass
class FakeBrowser:
    """A browser with an owner in front of it, who answers the consent page with `says`."""

    says: str = "yes"
    addresses: list[str] = field(default_factory=list)
    pages: list[str] = field(default_factory=list)
    works: bool = True

    def open(self, url: str) -> bool:
        self.addresses.append(url)
        if self.works and "/connect/device" in url:
            answer = httpx.post(url, data={"answer": self.says})
            self.pages.append(httpx.get(answer.headers["Location"]).text)
        return self.works


class FakeAutostart:
    """On or off."""

    command: list[str] | None = None

    def enabled(self) -> bool:
        return self.command is not None

    def enable(self, command: list[str]) -> None:
        self.command = command

    def disable(self) -> None:
        self.command = None


@dataclass
class Rig:
    """A running controller and all it touches."""

    app: Controller
    backend: FakeBackend
    view: FakeView
    window: FakeWindow
    secrets: FakeSecrets
    browser: FakeBrowser
    autostart: FakeAutostart

    async def until(self, true: Callable[[], bool], seconds: float = 30.0) -> None:
        """Wait for it, at most `seconds`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not true():  # noqa: ASYNC110 - what is waited for is often in another thread
                    await asyncio.sleep(0.01)
        assert true(), f"never came true; state {self.app.state}; notices {self.view.notices}"

    def do(self, do: Do, *args: str) -> None:
        self.app.submit(Action(do, args))

    def labels(self) -> list[str]:
        """Every label of the menu, sub-menus too."""
        return [item.label for item in flat(self.view.screen.menu)]

    def choose(self, label: str) -> None:
        """Click the item whose label begins so."""
        item = next(i for i in flat(self.view.screen.menu) if i.label.startswith(label) and i.action)
        assert item.action is not None
        self.app.submit(item.action)


def flat(items: tuple[Item, ...]) -> list[Item]:
    """The items and all below them."""
    return [one for item in items for one in (item, *flat(item.children))]


@contextlib.asynccontextmanager
async def running(
    backend: FakeBackend,
    folder: Path,
    *,
    signed_in: bool = True,
    secrets: FakeSecrets | None = None,
    patience: Patience = QUICK,
    window_only: str = "",
) -> AsyncIterator[Rig]:
    """A controller against `backend`, its state file in `folder`; ends with it."""
    secrets = secrets or FakeSecrets()
    if signed_in and not secrets.tokens:
        secrets.tokens[backend.url] = backend.device_token()
    view, window, browser, autostart = FakeView(), FakeWindow(), FakeBrowser(), FakeAutostart()
    parts = Parts(
        version="0.1.0",
        default_server=backend.url,
        make_backend=lambda server: HttpBackend(server, "0.1.0", patience),
        view=view,
        window=window,
        secrets=secrets,
        browser=browser,
        memory=Memory(folder / "state.json"),
        autostart=autostart,
        command=["pitchgate-tray"],
        computer="test computer",
        pace=BRISK,
        window_only=window_only,
    )
    app = Controller(parts, orders.carry_out)
    rig = Rig(app, backend, view, window, secrets, browser, autostart)
    work = asyncio.create_task(app.run())
    try:
        yield rig
    finally:
        app.stop()
        async with asyncio.timeout(5):
            await work
