"""A scripted Google for each test of its adapter."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.fakes.google import FakeGoogle, fake_google


@pytest.fixture
async def fake() -> AsyncIterator[FakeGoogle]:
    async with fake_google() as fake:
        yield fake
