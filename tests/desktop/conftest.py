"""A fresh fake backend for each test, and a desktop for those that are marked so."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from tests.conftest import AS_ROOT
from tests.desktop.fake_backend import backend
from tests.desktop.screen import Screen, missing

__all__ = ["backend"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what cannot run here, saying what is missing. In CI and for root it is not skipped: it fails."""
    marked = [item for item in items if item.get_closest_marker("desktop")]
    if not marked or os.environ.get("CI") or AS_ROOT or not missing():
        return
    for item in marked:
        item.add_marker(pytest.mark.skip(reason=f"not installed: {missing()}; see requirements/desktop.sh"))


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[Screen]:
    """A desktop with a panel. Two at a time are more than two cores draw and read in time."""
    with FileLock(Path(tempfile.gettempdir()) / "pitchgate-desktop.lock"):
        desktop = Screen(tmp_path / "desktop")
        yield desktop
        desktop.close()
