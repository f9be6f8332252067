"""A systemd user unit, so that a home starts with its owner's session. Written only when they say so."""

from __future__ import annotations

import os
import sys
from pathlib import Path

NAME = "pitchgate.service"
COMMAND = " && ".join(
    f"systemctl --user {words}" for words in ("daemon-reload", f"enable {NAME}", f"restart {NAME}")
)
"""Starts it, also where an older one runs."""


def place() -> Path:
    """Where systemd looks for the units of this user."""
    base = os.environ.get("XDG_CONFIG_HOME", "")
    return (Path(base) if base else Path.home() / ".config") / "systemd" / "user" / NAME


def offered() -> bool:
    """Whether this machine is one that starts units."""
    return sys.platform == "linux" and Path("/run/systemd/system").is_dir()


def unit(settings_file: Path) -> str:
    """Its text."""
    return f"""\
[Unit]
Description=Pitchgate, for one mailbox

[Service]
EnvironmentFile={_plain(settings_file)}
ExecStart={_quoted(Path(sys.executable))} -m backend serve
# always, not on-failure: a server that dies inside may leave with exit status 0
Restart=always
RestartSec=5
NoNewPrivileges=true
PrivateTmp=true

[Install]
WantedBy=default.target
"""


def write(settings_file: Path) -> Path:
    """Write it; where it is now."""
    path = place()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(unit(settings_file), encoding="utf-8")
    return path


def _plain(path: Path) -> str:
    """As systemd reads a path that fills the line: a percent sign begins a specifier."""
    return str(path).replace("%", "%%")


def _quoted(path: Path) -> str:
    """As it reads a word of a command."""
    return '"' + _plain(path).replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$") + '"'
