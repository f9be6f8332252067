"""Opt-in, `make test-dist`: installs what `make dist` made; needs root, Linux, debootstrap and Debian's packages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.desktop.screen import Screen
from tests.journeys.real_server import RealServer, real_server


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of them carry the mark by which `make test` leaves them out."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.dist)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RealServer]:
    with real_server(tmp_path / "server") as running:
        yield running


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[Screen]:
    """A desktop with a panel."""
    desktop = Screen(tmp_path / "desktop")
    yield desktop
    desktop.close()
