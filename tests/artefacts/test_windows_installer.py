"""The installer for Windows in a new Wine prefix: installed, played, and uninstalled again without a trace.

Wine has no Edge WebView2, so the window's pages open in the browser, as on a Windows without one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.architecture.source import project
from tests.artefacts.places import BROWSER, artefact
from tests.artefacts.story import Measured, memory, released, says_yes
from tests.browser.conftest import shots
from tests.desktop.tray import shows
from tests.journeys.real_server import RealServer
from tests.windows.menus import menu
from tests.windows.page import shown
from tests.windows.wine import ICON, PYTHON, Wine, missing
from tray_app.state import Icon

__all__ = ["shots"]

KEY = r"HKCU\Software\Microsoft\Windows\CurrentVersion\Uninstall\Pitchgate"
RUN_KEY = r"HKCU\Software\Microsoft\Windows\CurrentVersion\Run"
KEPT = (
    "from tray_app.secret_stores import KeyringSecrets as K; import sys; print(bool(K().load(sys.argv[1])))"
)
"""Whether Windows' vault has a token, asked by another program than the one that was installed."""


@pytest.fixture
def wine(tmp_path: Path) -> Iterator[Wine]:
    assert not missing(), f"not set up: {missing()}; make dist-windows"
    desktop = Wine(tmp_path / "desktop")
    (desktop.folder / "bin/xdg-open").write_text(BROWSER.format(desktop.addresses))
    yield desktop
    desktop.close()


def test_installed_played_and_uninstalled(wine: Wine, server: RealServer, shots: Path) -> None:
    installer = artefact("pitchgate-tray-*-windows.exe")
    began = time.monotonic()
    wine.wine(str(installer), "/S", seconds=300)
    measured = Measured(installer.stat().st_size, time.monotonic() - began)
    program = wine.local / "Programs/Pitchgate/pitchgate-tray.exe"
    link = wine.roaming / "Microsoft/Windows/Start Menu/Programs/Pitchgate.lnk"
    assert program.exists()
    assert link.exists()
    assert project()["project"]["version"] in wine.wine("reg", "query", KEY)
    assert "Pitchgate" not in wine.wine("reg", "query", RUN_KEY), (
        "the start at login is the owner's to switch on"
    )

    subject = asyncio.run(server.subject())
    began = time.monotonic()
    app = wine.start("wine", str(program), "--server", server.url)
    wine.until(lambda: shows(wine, Icon.ATTENTION), "the icon", seconds=120)
    measured.start = time.monotonic() - began
    wine.until(wine.opened, "the browser, where the window would be")
    with shown(wine.opened()[0]) as page:
        page.get_by_role("button", name="Connect").click()
        wine.until(lambda: len(wine.opened()) == 2, "the server's page in the browser")
    says_yes(wine.addresses, subject, computer="")
    wine.until(lambda: shows(wine, Icon.ACTIVE), "connected")
    measured.icon, _ = memory(app)
    assert wine.wine(str(PYTHON), "-c", KEPT, server.url).split() == ["True"]

    gmail_id = asyncio.run(subject.hold(1, "Grow your pipeline"))
    wine.expected = menu("Ann Seller 1")
    wine.choose(ICON, "Ann Seller 1")
    wine.shot("windows-menu")
    wine.keys("Escape")
    wine.dismiss()
    wine.pointer(*ICON)
    wine.until(lambda: len(wine.opened()) == 3, "the review page")
    with shown(wine.opened()[-1]) as page:
        expect(page.get_by_role("link", name="Grow your pipeline")).to_be_visible()
        page.screenshot(path=shots / "windows-review.png")
    wine.choose(ICON, "Ann Seller 1", "Allow ann")
    wine.until(released(subject, gmail_id), "the mail back in the inbox")
    print(f"\n{measured.row('Windows installer, on Wine')}")

    wine.wine(str(program.with_name("uninstall.exe")), "/S")
    wine.until(lambda: not program.parent.exists(), "the program to go")
    app.wait(20)
    assert not wine.wine("reg", "query", KEY)
    assert wine.wine(str(PYTHON), "-c", KEPT, server.url).split() == ["False"]
    left = [path for folder in (wine.local, wine.roaming) for path in folder.rglob("*[Pp]itchgate*")]
    assert left == []
