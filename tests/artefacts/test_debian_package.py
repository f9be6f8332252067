"""The .deb on a fresh Debian: installed with apt, played, and taken away again without a trace."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from tests.architecture.source import project
from tests.artefacts.places import APT, FreshDebian, artefact
from tests.artefacts.story import Measured, play
from tests.desktop.screen import Screen
from tests.journeys.real_server import RealServer

NAME = "pitchgate-tray"
OURS = ("pitchgate", "tray_app")
ICON = "/usr/share/icons/hicolor/48x48/apps/pitchgate.png"


def test_lintian_finds_no_error() -> None:
    done = subprocess.run(
        ["lintian", "--allow-root", "--fail-on", "error", artefact(f"{NAME}_*.deb")],
        capture_output=True,
        text=True,
        check=False,
    )
    print(f"\n{done.stdout}{done.stderr}")
    assert done.returncode == 0, done.stdout


def test_installed_played_and_removed(screen: Screen, server: RealServer, tmp_path: Path) -> None:
    debian = FreshDebian(screen, tmp_path / "debian")
    file = debian.take(artefact(f"{NAME}_*.deb"))
    debian.do(f"{APT} update")
    began = time.monotonic()
    debian.do(f"{APT} install -y --no-install-recommends {file}")
    measured = Measured(file.stat().st_size, time.monotonic() - began)

    entry = debian.do(f"cat /usr/share/applications/{NAME}.desktop")
    assert f"Exec={NAME}\n" in entry
    assert "Icon=pitchgate\n" in entry
    debian.do(f"test -s {ICON} && test ! -e /etc/xdg/autostart/{NAME}.desktop")
    assert project()["project"]["version"] in debian.do(f"{NAME} --version")

    (asked,) = project()["project"]["maintainers"]
    assert asked["email"] in debian.do(f"dpkg-query -W -f='${{Maintainer}}' {NAME}")

    play(
        screen,
        server,
        lambda: debian.start(NAME, "--plain-token-file", "--server", server.url),
        debian.addresses,
        "deb",
        measured,
    )
    print(f"\n{measured.row('.deb')}")

    debian.do(f"{NAME} uninstall")
    debian.do(f"{APT} purge -y {NAME}")
    assert not debian.installed(NAME)
    assert debian.traces(OURS) == []
