"""An app over the real pipeline, and a client of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, tzinfo
from pathlib import Path

import pytest
import quart_rate_limiter
from quart import Quart

from backend.web import guards
from tests.web.service import Client, Office, office


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Office]:
    async with office(tmp_path) as opened:
        yield opened


@pytest.fixture
def app(here: Office) -> Quart:
    return here.app


@pytest.fixture
def client(app: Quart) -> Client:
    return app.test_client()


@pytest.fixture(autouse=True)
def _limits_stand_still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits refill by the clock, so a slow machine would be let through more often."""
    moment = datetime.now(UTC)

    class Still(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return moment

    for module in (quart_rate_limiter, guards):
        monkeypatch.setattr(module, "datetime", Still)
