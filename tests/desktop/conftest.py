"""A fresh fake backend for each test, and a desktop for those that are marked so."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

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


@pytest.fixture(scope="module")
def desktop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Screen]:
    """A desktop with a panel."""
    found = Screen(tmp_path_factory.mktemp("desktop") / "desktop")
    yield found
    found.close()


@pytest.fixture
def screen(desktop: Screen) -> Iterator[Screen]:
    """The file's desktop, as a new user finds it."""
    yield desktop
    desktop.clear()
