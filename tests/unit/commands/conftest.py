"""What the commands are about."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.settings import SQLITE_FILE
from backend.store.sqlite import upgrade_file


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new database, as the settings name it: commands make none."""
    file = tmp_path / SQLITE_FILE
    upgrade_file(file)
    monkeypatch.setenv("PITCHGATE_STATE_DIR", str(tmp_path))
    return file
