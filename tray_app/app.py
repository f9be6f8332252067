"""Builds the app from the platform's parts and runs it: the view on the main thread, asyncio on another."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any, Protocol

from tray_app import desktop, orders
from tray_app.backend_client import HttpBackend
from tray_app.connection import Pace
from tray_app.controller import Controller, Parts, SystemBrowser
from tray_app.desktop import WindowOnly
from tray_app.errors import NoTray, NoWindow
from tray_app.memory import Memory
from tray_app.menu import Action, Do, snapshot
from tray_app.ports import Autostart, IconView, Secrets
from tray_app.secret_stores import FileSecrets
from tray_app.startup import Instance, Settings, start_command
from tray_app.window_host import BrowserWindow, WindowProcess

LOGIN_PATIENCE = 20.0
"""Seconds to wait for the panel at login."""
END_PATIENCE = 10.0
SESSION_PATIENCE = 4.0
"""Seconds to shut down in when the session ends: Windows kills a program after five."""
log = logging.getLogger("pitchgate.tray")


class View(IconView, Protocol):
    """A view that owns the main thread while it runs."""

    def run(self, on_ready: Callable[[], None]) -> None: ...


class App:
    """One run of the app. Its methods belong to the main thread unless their docstring names another."""

    def __init__(self, settings: Settings, *, plain_token_file: bool = False, at_login: bool = False) -> None:
        self._settings = settings
        self._secrets = (
            FileSecrets(settings.folder / "token.json") if plain_token_file else platform_secrets()
        )
        self._plain = plain_token_file
        self._at_login = at_login
        self._controller: Controller | None = None
        self._no_tray_reason = ""
        self._worker: threading.Thread | None = None
        self._failure: BaseException | None = None

    def run(self) -> int:
        """Run until the owner quits or the session ends; returns the exit code. Raises `AlreadyRunning`."""
        instance = Instance(self._settings.folder)
        instance.take()
        try:
            view = self._view()
            self._quit_on_signals()
            self._worker = threading.Thread(target=self._work, args=(view, instance), name="pitchgate")
            view.run(self._worker.start)
            self.submit(Action(Do.QUIT))
            self._worker.join(END_PATIENCE)
        finally:
            instance.release()
        if self._failure is not None:
            raise self._failure
        return 0

    def submit(self, action: Action) -> None:
        """See `Orders.submit`. Any thread."""
        if self._controller is not None:
            self._controller.submit(action)

    def _view(self) -> View:
        from tray_app.pystray_view import PystrayView

        try:
            backend = desktop.choose(patience=LOGIN_PATIENCE if self._at_login else 0.0)
            return PystrayView(backend, lambda: self, self._on_session_end)
        except NoTray as error:
            self._no_tray_reason = f"{error.title}. {error.remedy}".strip()
            if sys.stderr:  # None without a console
                sys.stderr.write(self._no_tray_reason + "\n")
            return WindowOnly()

    def _on_session_end(self) -> None:
        """Shut down before Windows or macOS kills the process at log-off. Main thread."""
        self.submit(Action(Do.QUIT))
        if self._worker is not None:
            self._worker.join(SESSION_PATIENCE)

    def _quit_on_signals(self) -> None:
        """End cleanly on SIGTERM and SIGHUP, which a Linux log-off sends. Decisions are already on disk."""
        if str(sys.platform) == "darwin":
            return  # `MacLoop` handles them

        def ask_to_end(number: int, frame: Any) -> None:
            self.submit(Action(Do.QUIT))

        for name in ("SIGTERM", "SIGHUP"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), ask_to_end)

    def _work(self, view: View, instance: Instance) -> None:
        """Body of the asyncio thread."""
        try:
            asyncio.run(self._serve(view, instance))
        except BaseException as error:
            log.exception("app_ended_on_error")
            self._failure = error
            view.stop()

    async def _serve(self, view: View, instance: Instance) -> None:
        memory = Memory(self._settings.folder / "state.json")
        window = WindowProcess(
            self._answer, self._snapshot, self._on_window_failed, self._on_window_closed, self._on_page_failed
        )
        parts = Parts(
            version=self._settings.version,
            default_server=self._settings.server,
            make_backend=lambda server: HttpBackend(server, self._settings.version),
            view=view,
            window=window,
            secrets=self._secrets,
            browser=SystemBrowser(),
            memory=memory,
            autostart=platform_autostart(),
            command=self.command(),
            computer=self._settings.computer,
            pace=Pace(),
            window_only=self._no_tray_reason,
        )
        controller = Controller(parts, orders.carry_out)
        await instance.listen(lambda: controller.start(orders.carry_out(controller, Action(Do.REVIEW))))
        self._controller = controller
        try:
            await controller.run()
        finally:
            await instance.stop()

    def command(self) -> list[str]:
        """The command that starts this app at login."""
        return [*start_command(), "--at-login", *(["--plain-token-file"] if self._plain else [])]

    # --- the window's callbacks, asyncio thread

    async def _answer(self, name: str, args: dict[str, Any]) -> dict[str, Any]:
        assert self._controller is not None
        return await orders.answer(self._controller, name, args)

    def _snapshot(self) -> dict[str, Any]:
        assert self._controller is not None
        return snapshot(self._controller.state, self._controller.parts.now(), self._no_tray_reason)

    def _on_window_failed(self, mode: str, url: str) -> None:
        """There is no web view: from now on show the pages in the browser, beginning with this one."""
        assert self._controller is not None
        parts = self._controller.parts
        parts.window = BrowserWindow(parts.browser, self._answer, self._snapshot, self._on_window_closed)
        self._controller.start(self._open_in_browser(parts.window, mode, url))

    async def _open_in_browser(self, window: BrowserWindow, mode: str, url: str) -> None:
        try:
            await (window.open_page(url) if mode == "page" else window.open_local())
        except NoWindow:
            self._on_window_closed()
            raise

    def _on_page_failed(self) -> None:
        """The server's page did not load: show the local page instead of the web view's error text."""
        assert self._controller is not None
        self._controller.start(self._controller.parts.window.open_local())

    def _on_window_closed(self) -> None:
        if self._no_tray_reason and self._controller is not None:
            self._controller.stop()


def platform_secrets() -> Secrets:
    """The `Secrets` of this platform's keyring."""
    if str(sys.platform).startswith("linux"):
        from tray_app.secret_stores import SecretServiceSecrets

        return SecretServiceSecrets()
    from tray_app.keyring_secrets import KeyringSecrets

    return KeyringSecrets()


def platform_autostart() -> Autostart | None:
    """This platform's `Autostart`; None where there is none."""
    platform = str(sys.platform)
    if platform == "win32":
        from tray_app.autostart import WindowsAutostart

        return WindowsAutostart()
    if platform == "darwin":
        from tray_app.autostart import MacAutostart

        return MacAutostart()
    if platform.startswith("linux"):
        from tray_app.autostart import LinuxAutostart

        return LinuxAutostart()
    return None
