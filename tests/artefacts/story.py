"""What every artefact has to do once it is installed: come up, connect, show a held sender, let the mail through."""

from __future__ import annotations

import asyncio
import platform
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from tests.desktop.screen import Screen
from tests.desktop.tray import ICON, first_label, shows
from tests.journeys.real_server import RealServer, RealSubject, consent
from tray_app.state import Icon

MB = 1e6
WINDOW = ("window", "tray_app.window")
"""How the window's process is started: see `tray_app.window_host`."""


@dataclass
class Measured:
    """Sizes in bytes, times in seconds; memory is the share of the icon's process, and of all with the window open."""

    size: int
    install: float
    start: float = 0.0
    icon: int = 0
    window: int = 0

    def row(self, name: str) -> str:
        """A line of the table in docs/reference/artefacts.md."""
        fields = (
            name,
            f"{self.size / MB:.1f} MB",
            f"{self.install:.0f} s",
            f"{self.start:.1f} s",
            f"{self.icon / MB:.0f} MB",
            f"{self.window / MB:.0f} MB" if self.window else "no window",
        )
        return "| " + " | ".join(fields) + " |"


def memory(process: subprocess.Popen[bytes]) -> tuple[int, int]:
    """Bytes in memory of the icon's process, and of all with the window's: what is shared counts in parts (PSS)."""
    icon = window = 0
    top = psutil.Process(process.pid)
    for one in (top, *top.children(recursive=True)):
        share = one.memory_full_info().pss
        of_window = "WebKit" in one.name() or any(part in WINDOW for part in one.cmdline())
        icon, window = icon + share * (not of_window), window + share
    return icon, window


def says_yes(addresses: Path, subject: RealSubject, computer: str = platform.node()) -> None:
    """The owner in front of their browser: signs in, agrees, and is led back to the app."""

    address = addresses.read_text().split()[-1]

    async def click() -> None:
        async with httpx.AsyncClient(timeout=20) as browser:
            page = await browser.get(address)
            back = await consent(browser, page, subject.email, computer)
            assert (await browser.get(back)).status_code == 200

    asyncio.run(click())


def released(subject: RealSubject, gmail_id: str) -> Callable[[], bool]:
    """Whether the message is in the inbox of the sandbox's Gmail."""

    def there() -> bool:
        labels = asyncio.run(subject.labels(gmail_id))
        return "INBOX" in labels and "Pitchgate/Held" not in labels

    return there


def play(
    screen: Screen,
    server: RealServer,
    start: Callable[[], subprocess.Popen[bytes]],
    addresses: Path,
    name: str,
    measured: Measured,
) -> None:
    """From the first start to *Quit*, by pointer; pictures are kept under `name`."""
    subject = asyncio.run(server.subject())
    began = time.monotonic()
    app = start()
    screen.until(lambda: shows(screen, Icon.ATTENTION), "the icon")
    measured.start = time.monotonic() - began
    screen.until(lambda: screen.find("button", "Connect"), "the local page with its button")
    measured.icon, measured.window = memory(app)
    screen.shot(f"{name}-first-start")

    screen.click_on("button", "Connect")
    screen.until(addresses.exists, "the browser")
    says_yes(addresses, subject)
    screen.until(lambda: first_label(screen) == f"Active for {subject.email}", "the state in the menu")

    gmail_id = asyncio.run(subject.hold(1, "Grow your pipeline"))
    screen.until(lambda: any("Grow" in item["label"] for item in screen.menu()), "the sender in the menu")
    screen.choose(ICON, "Ann Seller 1")
    screen.shot(f"{name}-menu")
    screen.keys("Escape", "Escape")
    screen.until(lambda: not screen.menus_open(), "the menu to close")
    screen.choose(ICON, "Review…")
    screen.until(lambda: screen.find("link", "Grow your pipeline"), "the server's page in the window")
    screen.shot(f"{name}-review")
    screen.choose(ICON, "Ann Seller 1", "Allow ann@seller1.example")
    screen.until(released(subject, gmail_id), "the mail back in the inbox")

    # A menu that changes while it is open closes.
    screen.until(lambda: any(item["label"].startswith("Undo") for item in screen.menu()), "the undo")
    screen.choose(ICON, "Quit")
    assert app.wait(20) == 0
