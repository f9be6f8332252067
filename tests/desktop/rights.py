"""Who may read a file."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

WINDOWS = os.name == "nt"
posix_only = pytest.mark.skipif(WINDOWS, reason="what only Linux and macOS run")
windows_only = pytest.mark.skipif(not WINDOWS, reason="what only Windows does: make test-windows")


def private(path: Path) -> bool:
    """Whether its owner only may read it. On Windows the folder of the profile sees to that, not these bits."""
    return WINDOWS or stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)
