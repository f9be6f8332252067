"""The folder with its own Python on a fresh Debian: unpacked, played, and deleted again without a trace."""

from __future__ import annotations

import time
from pathlib import Path

from tests.architecture.source import project
from tests.artefacts.places import APT, FreshDebian, artefact
from tests.artefacts.story import Measured, play
from tests.desktop.screen import Screen
from tests.journeys.real_server import RealServer

PROGRAM = "/opt/pitchgate-tray/pitchgate-tray"
DRAWN_BY = (
    "libgirepository-2.0-0 gir1.2-ayatanaappindicator3-0.1 gir1.2-gtk-3.0 gir1.2-secret-1 gir1.2-webkit2-4.1"
)
"""As docs/reference/desktop.md asks for; a Debian with a desktop has most of it. No Python."""


def test_unpacked_played_and_deleted(screen: Screen, server: RealServer, tmp_path: Path) -> None:
    debian = FreshDebian(screen, tmp_path / "debian")
    file = debian.take(artefact("pitchgate-tray-*-linux-*.tar.xz"))
    debian.do(f"{APT} update && {APT} install -y --no-install-recommends {DRAWN_BY} xz-utils")
    began = time.monotonic()
    debian.do(f"tar -C /opt -xf {file} && {PROGRAM} install")
    measured = Measured(file.stat().st_size, time.monotonic() - began)
    entry = screen.folder / "home/.local/share/applications/pitchgate-tray.desktop"
    assert f"Exec={PROGRAM}\n" in entry.read_text()
    assert project()["project"]["version"] in debian.do(f"{PROGRAM} --version")

    play(
        screen,
        server,
        lambda: debian.start(PROGRAM, "--plain-token-file", "--server", server.url),
        debian.addresses,
        "linux",
        measured,
    )
    print(f"\n{measured.row('Linux, folder in a tar')}")

    debian.do(f"{PROGRAM} uninstall && rm -r /opt/pitchgate-tray")
    assert debian.traces(("pitchgate", "tray_app")) == []
