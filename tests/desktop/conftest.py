"""A fresh fake backend for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.desktop.fake_backend import FakeBackend


@pytest.fixture
def backend() -> Iterator[FakeBackend]:
    """A running fake backend with nothing held."""
    fake = FakeBackend().start()
    yield fake
    fake.stop()
