"""Pitchgate's server: start it with `pitchgate serve`, or for development with `quart --app backend run`. And which
release and commit it is."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quart import Quart

STAMP = Path(__file__).with_name("COMMIT")
"""A file with the commit, written when a package or an image is built, as these contain no repository."""


def create_app() -> Quart:
    """The whole server as one ASGI app for `quart run`: web and job loop in one process.

    Imported only when called, or every module of the package, even the domain, would import the whole server.
    """
    app: Quart = importlib.import_module("backend.serving").development_app()
    return app


def release() -> str:
    from importlib.metadata import PackageNotFoundError, version  # late: every process imports this package

    try:
        return version("pitchgate")
    except PackageNotFoundError:
        return "0"


def commit(root: Path = Path(__file__).parents[1], stamp: Path = STAMP) -> str:
    """The first twelve digits of the commit, with a plus sign if files have been changed since; "unknown" without a
    stamp and a repository."""
    if stamp.is_file():
        return stamp.read_text(encoding="ascii").strip()[:13]
    if not (root / ".git").exists():
        return "unknown"
    import subprocess

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(root), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)  # noqa: S603 - our words
        return done.stdout.strip()

    try:
        found = git("rev-parse", "--short=12", "HEAD")
        return found + ("+" if git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.SubprocessError):
        return "unknown"
