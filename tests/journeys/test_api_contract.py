"""docs/reference/api.md, held by the real server: real processes, real HTTP, the sandbox's Gmail behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from tests.desktop.contract_checks import TestContract as Checks
from tests.desktop.document import Document
from tests.journeys.real_server import RealServer, RealSubject, real_server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServer]:
    with real_server(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
async def subject(server: RealServer) -> RealSubject:
    return await server.subject()


@pytest.fixture(scope="module")
def document(server: RealServer) -> Document:
    """What the server says of itself; every answer of the checks is held to it."""
    return Document(httpx.get(f"{server.url}/api/v1/openapi.json").raise_for_status().json())


@pytest.fixture
async def client(subject: RealSubject, document: Document) -> AsyncIterator[httpx.AsyncClient]:
    async with subject.client(await subject.device_token()) as client:
        client.event_hooks = {"response": [document.hook]}
        yield client


class TestRealServer(Checks):
    """Every check of the contract."""
