"""Where Chromium is, and how tests start it: alone, quiet, and without a look at the network."""

from __future__ import annotations

import shutil

MISSING = "no Chromium here; as root: apt-get install chromium"

WHOLE = ("chromium", "chromium-browser", "google-chrome")
SHELL = "chromium-headless-shell"
"""The same engine without the program around it: a page takes a third of the processor time."""

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--in-process-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""Without the last four Chromium calls home at every start. `--no-sandbox`: CI runs as root. What paints is no process
of its own: a page takes a sixth less processor time."""


def found() -> str:
    """The path of a Chromium that shows pages, or ""."""
    return shutil.which(SHELL) or _whole()


def chromium() -> str:
    """The path of a Chromium that shows pages; or an error that says what to install."""
    return _or_fail(found())


def whole_chromium() -> str:
    """The path of a Chromium with the program around it: it installs apps and shows notifications."""
    return _or_fail(_whole())


def _whole() -> str:
    return next((path for name in WHOLE if (path := shutil.which(name))), "")


def _or_fail(path: str) -> str:
    if not path:
        raise RuntimeError(MISSING)
    return path
