"""Where Chromium is, and how tests start it: alone, quiet, and without a look at the network."""

from __future__ import annotations

import shutil

MISSING = "no Chromium here; as root: apt-get install chromium"

NAMES = ("chromium", "chromium-browser", "google-chrome")

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""Without the last four Chromium calls home at every start. `--no-sandbox`: CI runs as root."""


def found() -> str:
    """The path of a Chromium, or ""."""
    return next((path for name in NAMES if (path := shutil.which(name))), "")


def chromium() -> str:
    """The path of a Chromium; an error that says what to install if there is none."""
    path = found()
    if not path:
        raise RuntimeError(MISSING)
    return path
