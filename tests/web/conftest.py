"""An app over the real pipeline, and a client of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from quart import Quart

from tests.web.service import Client, Office, office


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Office]:
    """Ana's and Eve's mailboxes."""
    async with office(tmp_path) as opened:
        yield opened


@pytest.fixture
def app(here: Office) -> Quart:
    return here.app


@pytest.fixture
def client(app: Quart) -> Client:
    return app.test_client()
