"""Where an artefact is installed: a computer that has nothing of it yet, and shows its windows on a desktop here."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from tests.architecture.source import ROOT
from tests.deploy import debian
from tests.desktop.screen import Screen

DIST = ROOT / "dist"
APT = "apt-get -qq -o APT::Sandbox::User=root -o Dpkg::Options::=--force-unsafe-io"
BROWSER = "#!/bin/sh\necho \"$1\" >>'{}'\n"
"""The owner's browser: notes where it was sent."""


def artefact(pattern: str) -> Path:
    """The file of `make dist`."""
    (found,) = DIST.glob(pattern)
    return found


class FreshDebian:
    """Debian 13 as small as it comes; what is written to it is below `folder`."""

    def __init__(self, screen: Screen, folder: Path) -> None:
        self._screen, self._changes = screen, folder / "changes"
        self.addresses = folder / "addresses"
        self.given = folder / "given"  # the file, as a person has downloaded it
        self.given.mkdir(parents=True)
        browser = folder / "browser"
        browser.write_text(BROWSER.format(self.addresses))
        browser.chmod(0o755)
        for name in ("resolv.conf", "hosts"):
            self._keep(Path("/etc") / name)
        self._keep(debian.CERTIFICATES)
        self._environ = {
            "CHANGES": str(self._changes),
            "SHARED": "1",
            "PATH": debian.PATH,
            "BROWSER": str(browser),
            "DEBIAN_FRONTEND": "noninteractive",
            "LC_ALL": "C.UTF-8",
        }

    def _keep(self, path: Path) -> None:
        there = self._changes / "new" / path.relative_to("/")
        there.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, there)

    def take(self, file: Path) -> Path:
        """A copy of an artefact, to install from."""
        return Path(shutil.copy2(file, self.given))

    def do(self, script: str) -> str:
        """What root's shell there says; fails with all of it if its status is not 0."""
        environ = self._screen.environ | self._environ
        return debian.run(*debian.entering(debian.base()), "sh", "-ec", script, env=environ)

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """A program there, on the desktop here."""
        return self._screen.start(*debian.entering(debian.base()), *command, **self._environ)

    def traces(self, words: Iterable[str]) -> list[str]:
        """Paths there and in the home whose names have one of the words, but for apt's and dpkg's own notes."""
        homes = (self._changes / "new", self._screen.folder / "home")
        found = [
            Path(folder) / name for home in homes for folder, _, names in os.walk(home) for name in names
        ]
        notes = ("/var/log/", "/var/cache/apt/", "/var/lib/apt/")
        return [
            str(path)
            for path in found
            if any(word in str(path.relative_to(self._screen.folder.parent)) for word in words)
            and not any(note in str(path) for note in notes)
            and os.path.exists(path)  # a file that is gone is a device of the overlay's
            and path.is_file()
        ]

    def installed(self, package: str) -> bool:
        """Whether dpkg knows it at all."""
        return bool(
            self.do(f"dpkg-query -W -f='${{db:Status-Abbrev}}' {package} 2>/dev/null || true").strip()
        )
