"""One run of the app: its settings, the lock that lets one instance run, and the parts it is built from.

The view runs on the main thread, asyncio on another.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import logging
import os
import platform
import secrets
import shutil
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from filelock import FileLock, Timeout
from platformdirs import user_state_path

from tray_app import frozen, installed_version, orders
from tray_app.backend_client import HttpBackend
from tray_app.connection import Pace
from tray_app.controller import Controller, Parts, SystemBrowser
from tray_app.errors import AlreadyRunning, NoTray, NoWindow, TrayError
from tray_app.icon_view import PystrayView, WindowOnly, choose_backend
from tray_app.install import platform_autostart
from tray_app.memory import Memory
from tray_app.menu import Action, Do, snapshot
from tray_app.ports import IconView
from tray_app.secret_stores import FileSecrets, platform_secrets
from tray_app.window_host import BrowserWindow, WindowProcess
from tray_app.words import t

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
        """Carry out what the owner chose. Any thread; returns at once."""
        if self._controller is not None:
            self._controller.submit(action)

    def _view(self) -> View:
        try:
            backend = choose_backend(patience=LOGIN_PATIENCE if self._at_login else 0.0)
            return PystrayView(backend, self.submit, self._on_session_end)
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
            command=[
                *start_command(),
                "--at-login",
                *(["--plain-token-file"] if self._plain else []),
            ],
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


# ---- Settings, and the command that starts the app


@dataclass(frozen=True, slots=True)
class Settings:
    """`folder` holds the state file and the lock; `server` is used until the owner connects to another;
    `computer` is this computer's name."""

    folder: Path
    server: str
    version: str
    computer: str


def read_settings(server: str) -> Settings:
    """The settings with this server. Raises `ConnectFailed` for an address that is not safe."""
    home = os.environ.get("PITCHGATE_TRAY_HOME")
    return Settings(
        folder=Path(home) if home else user_state_path("pitchgate", appauthor=False),
        server=orders.checked_server(server),
        version=installed_version(),
        computer=(platform.node() or "this computer")[:80],
    )


def start_command(platform: str = sys.platform, python: str = sys.executable) -> list[str]:
    """The command for the menu and for login; on Windows one that opens no console."""
    if frozen():
        return [python]
    windows = platform == "win32"
    found = shutil.which("pitchgate-trayw" if windows else "pitchgate-tray")
    if found:
        return [found]
    quiet = Path(python).with_name("pythonw.exe")
    return [str(quiet) if windows and quiet.exists() else python, "-m", "tray_app"]


# ---- One instance for each user


WAKE_PATIENCE = 2.0


@contextlib.contextmanager
def writable(folder: Path) -> Iterator[None]:
    """Turn an `OSError` into a `TrayError`; except the lock's `Timeout`, which is an `OSError` too."""
    try:
        yield
    except Timeout:
        raise
    except OSError as error:
        raise TrayError(
            t("error.no_folder", folder=folder, why=error.strerror),
            t("error.no_folder_remedy"),
        ) from error


class Instance:
    """The lock of the state folder. The operating system frees it when the process dies."""

    def __init__(self, folder: Path) -> None:
        with writable(folder):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = FileLock(folder / "running.lock", thread_local=False)
        self._address = folder / "running.json"
        self._server: asyncio.Server | None = None

    def take(self) -> None:
        """Acquire the lock. If another instance has it, wake that one and raise `AlreadyRunning`."""
        try:
            with writable(self._address.parent):
                self._lock.acquire(timeout=0)
        except Timeout:
            woken = self._wake()
            raise AlreadyRunning(
                t("error.running"),
                t("error.running_woken" if woken else "error.running_look"),
            ) from None

    async def listen(self, on_wake: Callable[[], None]) -> None:
        """Call `on_wake` (asyncio thread) when a second instance starts, which knows the word from our file."""
        word = secrets.token_urlsafe(24)

        async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(OSError, TimeoutError, ValueError, asyncio.IncompleteReadError):
                async with asyncio.timeout(WAKE_PATIENCE):
                    received = await reader.readexactly(len(word))
                    if hmac.compare_digest(received, word.encode()):
                        on_wake()
                        writer.write(b"ok")
                        await writer.drain()
            writer.close()

        self._server = await asyncio.start_server(served, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        self._address.unlink(missing_ok=True)
        descriptor = os.open(self._address, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump({"port": port, "word": word}, file)

    async def stop(self) -> None:
        """Stop listening."""
        if self._server:
            self._server.close()
            self._server = None
        with contextlib.suppress(OSError):  # on Windows, while a second instance reads it
            self._address.unlink(missing_ok=True)

    def release(self) -> None:
        """Let another instance start."""
        self._lock.release()

    def _wake(self) -> bool:
        try:
            address = json.loads(self._address.read_text())
            with socket.create_connection(("127.0.0.1", int(address["port"])), timeout=WAKE_PATIENCE) as link:
                link.sendall(str(address["word"]).encode())
                return link.recv(2) == b"ok"
        except (OSError, ValueError, KeyError):
            return False
