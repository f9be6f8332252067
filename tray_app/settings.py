"""The settings of the app, read once at its start. The owner's own choices are in `memory`."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from platformdirs import user_state_path

DEFAULT_SERVER = "http://127.0.0.1:8400"


@dataclass(frozen=True, slots=True)
class Settings:
    """`folder` holds the state file and the lock; `server` counts until the owner connects to another."""

    folder: Path
    server: str
    version: str
    computer: str


def read_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """From PITCHGATE_TRAY_HOME and PITCHGATE_TRAY_SERVER, with a default for each."""
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
