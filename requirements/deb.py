"""`pitchgate-tray_VERSION_all.deb` from the wheel, for requirements/dist.sh: `python deb.py SOURCE WHEEL OUT`.

Everything else it needs comes from Debian 13. SOURCE_DATE_EPOCH is the time of every file, so the same commit gives
the same package. The menu entry and its icons are those of `pitchgate-tray install`, for all users.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from email.utils import formatdate
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

PACKAGE = "pitchgate-tray"
NAMES = {"pillow": "pil", "python-xlib": "xlib", "pywebview": "webview"}
"""What Debian calls otherwise."""
DESKTOP = (
    "gir1.2-ayatanaappindicator3-0.1",
    "gir1.2-gtk-3.0",
    "gir1.2-secret-1",
    "gir1.2-webkit2-4.1",
    "python3-gi",
)
"""What draws icon and window, and what reaches the keyring; no package index has it."""
CONTROL = """Package: {package}
Version: {version}
Architecture: all
Maintainer: {maintainer}
Installed-Size: {size}
Depends: {depends}
Recommends: gnome-keyring | kwalletmanager, xdg-utils
Section: mail
Priority: optional
Description: Sales pitches held from your Gmail inbox, in the tray
 Pitchgate keeps unsolicited sales emails out of a Gmail inbox. This is its
 desktop app: it tells you of held emails, shows them and takes your
 decisions, without a connection too. It needs a Pitchgate server to connect
 to.
"""
COPYRIGHT = """Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: pitchgate

Files: *
Copyright: {holder}
License: Expat

License: Expat
{text}
"""
MANUAL = """.TH PITCHGATE-TRAY 1
.SH NAME
pitchgate-tray \\- decide about held sales pitches, in the tray
.SH SYNOPSIS
.B pitchgate-tray
.RI [ OPTIONS ]
.RI [ COMMAND ]
.SH DESCRIPTION
Shows an icon in the tray. All options and commands are listed by
.BR "pitchgate-tray \\-\\-help" .
Before the package is removed,
.B pitchgate-tray uninstall
forgets the token and what is kept in the home folder.
"""
COMMAND = "#!/usr/bin/python3\nfrom tray_app.entry import main\n\nmain()\n"
SCRIPTS = {
    "postinst": '#!/bin/sh\nset -e\nif [ "$1" = configure ]; then py3compile -p {package}; fi\n',
    "prerm": "#!/bin/sh\nset -e\npy3clean -p {package}\n",
}


def depends(project: dict[str, Any]) -> str:
    """The distribution's requirements as Debian names them, and what draws."""
    found = ["python3:any", *DESKTOP]
    for requirement in map(Requirement, project["dependencies"]):
        if requirement.marker is None or requirement.marker.evaluate({"sys_platform": "linux"}):
            (least,) = requirement.specifier
            found.append(f"python3-{NAMES.get(requirement.name, requirement.name)} (>= {least.version})")
    return ", ".join(sorted(found))


def maintainer(source: Path) -> str:
    """Whom to ask, of both distributions, as pyproject.toml names them: `Name <address>`."""
    first, *_ = tomllib.loads((source / "pyproject.toml").read_text())["project"]["maintainers"]
    return f"{first['name']} <{first['email']}>"


def fill(root: Path, source: Path, wheel: Path, version: str) -> None:
    """The files of the package, below `root`."""
    with zipfile.ZipFile(wheel) as files:
        files.extractall(root / "usr/lib/python3/dist-packages")
    for record in root.rglob("*.dist-info/RECORD"):  # pip's notes: dpkg has its own
        record.unlink()
    _write(root / "usr/bin" / PACKAGE, COMMAND.encode(), 0o755)
    menu = "from tray_app.install import install; install(['pitchgate-tray'], 'linux')"
    where = {**os.environ, "XDG_DATA_HOME": str(root / "usr/share"), "PYTHONPATH": str(source)}
    subprocess.run([sys.executable, "-B", "-c", menu], env=where, check=True)
    about = root / "usr/share/doc" / PACKAGE
    _write(about / "copyright", copyright_text(source / "LICENSE").encode())
    when = formatdate(int(os.environ["SOURCE_DATE_EPOCH"]))
    change = f"{PACKAGE} ({version}) stable; urgency=medium\n\n  * See CHANGELOG.md of the source.\n\n"
    _write(about / "changelog.gz", _packed(f"{change} -- {maintainer(source)}  {when}\n"))
    _write(root / "usr/share/man/man1" / f"{PACKAGE}.1.gz", _packed(MANUAL))


def copyright_text(licence: Path) -> str:
    """The licence in the form machines read too."""
    _, holder, *rest = (part for part in licence.read_text().split("\n\n") if part.strip())
    lines = "\n\n".join(rest).strip().splitlines()
    text = "\n".join(f" {line}" if line else " ." for line in lines)
    return COPYRIGHT.format(holder=holder.removeprefix("Copyright (c) "), text=text)


def about(root: Path, source: Path, project: dict[str, Any]) -> None:
    """The folder DEBIAN."""
    paths = sorted(path for path in root.rglob("*") if path.is_file())
    size = sum(path.stat().st_size for path in paths) // 1024 + 1
    sums = [f"{hashlib.md5(p.read_bytes()).hexdigest()}  {p.relative_to(root)}\n" for p in paths]  # noqa: S324
    given = {
        "package": PACKAGE,
        "maintainer": maintainer(source),
        "version": project["version"],
        "size": size,
    }
    _write(root / "DEBIAN/control", CONTROL.format(depends=depends(project), **given).encode())
    _write(root / "DEBIAN/md5sums", "".join(sums).encode())
    for name, script in SCRIPTS.items():
        _write(root / "DEBIAN" / name, script.format(package=PACKAGE).encode(), 0o755)


def _packed(text: str) -> bytes:
    return gzip.compress(text.encode(), 9, mtime=0)


def _write(path: Path, content: bytes, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(mode)


def main(source: Path, wheel: Path, out: Path) -> None:
    """Make the package."""
    project = tomllib.loads((source / "tray_app/pyproject.toml").read_text())["project"]
    version = str(project["version"])
    os.umask(0o022)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "root"
        root.mkdir(mode=0o755)
        fill(root, source, wheel, version)
        about(root, source, project)
        for path in root.rglob("*"):
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        build = ["dpkg-deb", "--root-owner-group", "-Zxz", "--build", root, out]
        subprocess.run(build, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
