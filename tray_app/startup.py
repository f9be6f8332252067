"""Starting the app: its settings, the commands that start its processes, and the single instance."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import os
import platform
import secrets
import shutil
import socket
import sys
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from filelock import FileLock, Timeout
from platformdirs import user_state_path

from tray_app.errors import AlreadyRunning, TrayError
from tray_app.words import t

# ---- Settings, read once at the start


DEFAULT_SERVER = "http://127.0.0.1:8400"


@dataclass(frozen=True, slots=True)
class Settings:
    """`folder` holds the state file and the lock; `server` is used until the owner connects to another;
    `computer` is this computer's name."""

    folder: Path
    server: str
    version: str
    computer: str


def read_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings from PITCHGATE_TRAY_HOME and PITCHGATE_TRAY_SERVER, or their defaults."""
    home = environ.get("PITCHGATE_TRAY_HOME")
    return Settings(
        folder=Path(home) if home else user_state_path("pitchgate", appauthor=False),
        server=environ.get("PITCHGATE_TRAY_SERVER", DEFAULT_SERVER).rstrip("/"),
        version=installed_version(),
        computer=(platform.node() or "this computer")[:80],
    )


def installed_version() -> str:
    """The version of the installed distribution, 0 when run from bare sources."""
    try:
        return version("pitchgate-tray")
    except PackageNotFoundError:
        return "0"


# ---- Commands


def frozen() -> bool:
    """Whether this runs from the PyInstaller folder, which brings its own Python and libraries."""
    return bool(getattr(sys, "frozen", False))


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


def window_command(python: str = sys.executable) -> tuple[str, ...]:
    """The command of the review window's process (`tray_app.window`)."""
    return (python, "window") if frozen() else (python, "-m", "tray_app.window")


def restore_library_path(environ: MutableMapping[str, str] = os.environ) -> None:
    """Undo PyInstaller's LD_LIBRARY_PATH, so that a browser we start does not load our libraries."""
    if not frozen() or not sys.platform.startswith("linux"):
        return
    environ.pop("LD_LIBRARY_PATH", None)
    if before := environ.pop("LD_LIBRARY_PATH_ORIG", ""):
        environ["LD_LIBRARY_PATH"] = before


# ---- Single instance per user


PATIENCE = 2.0


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
                async with asyncio.timeout(PATIENCE):
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
            with socket.create_connection(("127.0.0.1", int(address["port"])), timeout=PATIENCE) as link:
                link.sendall(str(address["word"]).encode())
                return link.recv(2) == b"ok"
        except (OSError, ValueError, KeyError):
            return False
