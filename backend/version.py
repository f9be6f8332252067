"""The version of Pitchgate: release, commit and schema."""

from __future__ import annotations

import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from backend.store.library import Dialect, migrations

STAMP = Path(__file__).with_name("COMMIT")
"""A file with the commit, written when a package or an image is built, as these contain no repository."""


def release() -> str:
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
    try:
        found = _git(root, "rev-parse", "--short=12", "HEAD")
        return found + ("+" if _git(root, "status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.SubprocessError):
        return "unknown"


def schema() -> int:
    return migrations(Dialect.SQLITE)[-1].version


def version_line() -> str:
    return f"pitchgate {release()}, commit {commit()}, schema {schema()}"


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)  # noqa: S603 - our words
    return done.stdout.strip()
