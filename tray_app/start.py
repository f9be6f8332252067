"""How the program is started again: by the desktop, and by itself for the review window.

Three ways lead to it: an installed command, an interpreter with the package, and one folder with everything in it
(PyInstaller's, "frozen"), where the program is its own interpreter and knows no `-m`.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import MutableMapping
from pathlib import Path


def frozen() -> bool:
    """Whether this is the folder with everything in it."""
    return bool(getattr(sys, "frozen", False))


def start_command(platform: str = sys.platform, python: str = sys.executable) -> list[str]:
    """The program, for the menu and for login. On Windows those that open no console."""
    if frozen():
        return [python]
    windows = platform == "win32"
    found = shutil.which("pitchgate-trayw" if windows else "pitchgate-tray")
    if found:
        return [found]
    quiet = Path(python).with_name("pythonw.exe")
    return [str(quiet) if windows and quiet.exists() else python, "-m", "tray_app"]


def window_command(python: str = sys.executable) -> tuple[str, ...]:
    """The process of the review window (`tray_app.window`)."""
    return (python, "window") if frozen() else (python, "-m", "tray_app.window")


def give_back_libraries(environ: MutableMapping[str, str] = os.environ) -> None:
    """What we start looks for libraries where it always did: a browser must not load ours from the folder."""
    if not frozen() or not sys.platform.startswith("linux"):
        return
    environ.pop("LD_LIBRARY_PATH", None)
    if before := environ.pop("LD_LIBRARY_PATH_ORIG", ""):
        environ["LD_LIBRARY_PATH"] = before
