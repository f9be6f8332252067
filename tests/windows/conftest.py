"""A desktop with Windows programs on it for each test, and a backend on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.desktop.fake_backend import backend
from tests.windows.wine import Wine, missing

__all__ = ["backend"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """These run where `make test-windows` has set up what they need, and nowhere else."""
    for item in items:
        if missing() and item.get_closest_marker("windows"):
            item.add_marker(pytest.mark.skip(reason=f"not set up: {missing()}; make test-windows"))


@pytest.fixture
def wine(tmp_path: Path) -> Iterator[Wine]:
    """A desktop with a panel, and Wine."""
    desktop = Wine(tmp_path / "desktop")
    yield desktop
    desktop.close()
