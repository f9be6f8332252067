"""An app over in-memory fakes, and a client of it."""

from __future__ import annotations

import pytest
from quart import Quart

from backend.web.app import create_app
from tests.web.fakes import Client, World, world


@pytest.fixture
def around() -> World:
    """The fakes an app of this test is given."""
    return world()


@pytest.fixture
def app(around: World) -> Quart:
    return create_app(around.services)


@pytest.fixture
def client(app: Quart) -> Client:
    return app.test_client()
