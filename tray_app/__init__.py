"""The desktop app: how it is called and installed. What it does: docs/reference/desktop.md."""

import sys
from importlib.metadata import PackageNotFoundError, version

APPLICATION = "pitchgate-tray"
"""The app's id on a Linux desktop: name of its desktop entry and class (WM_CLASS) of its windows."""
ICON = "pitchgate"


def installed_version() -> str:
    """The version of the installed distribution, 0 when run from bare sources."""
    try:
        return version("pitchgate-tray")
    except PackageNotFoundError:
        return "0"


def frozen() -> bool:
    """Whether this runs from the PyInstaller folder, which brings its own Python and libraries."""
    return bool(getattr(sys, "frozen", False))
