"""docs/reference/api.md, held by the fake that the tray app is tested against."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from backend.web.api.contract import document as openapi
from tests.desktop.contract_checks import TestContract as Checks
from tests.desktop.document import Document
from tests.desktop.fake_backend import FakeBackend
from tests.desktop.fake_mailbox import START
from tests.web.service import unopened


class FakeSubject:
    """The fake as a server under test."""

    def __init__(self, backend: FakeBackend) -> None:
        self.backend = backend
        self.url = backend.url

    async def device_token(self) -> str:
        return self.backend.device_token()

    async def hold(self, number: int, subject: str) -> str:
        gmail_id = f"g{len(self.backend.mailbox.messages):05}"
        at = (START + timedelta(minutes=len(self.backend.mailbox.messages))).isoformat()
        changes = {"subject": subject, "received_at": at, "changed_at": at}
        self.backend.mailbox.hold(2 * number + 1, gmail_id=gmail_id, **changes)
        return gmail_id

    async def code(self, redirect_uri: str, challenge: str, state: str) -> str:
        query = {"redirect_uri": redirect_uri, "code_challenge": challenge, "state": state, "name": "x"}
        async with httpx.AsyncClient() as browser:
            answer = await browser.post(f"{self.url}/connect/device", params=query, data={"answer": "yes"})
        return answer.headers["Location"]


@pytest.fixture(scope="module")
def document() -> Document:
    """The real server's document: the fake is held to it, so that it cannot drift from what it stands for."""
    return Document(openapi(unopened().app, "http://127.0.0.1"))


@pytest.fixture
def subject(backend: FakeBackend) -> FakeSubject:
    return FakeSubject(backend)


@pytest.fixture
async def client(subject: FakeSubject, document: Document) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {await subject.device_token()}"}
    hooks = {"response": [document.hook]}
    base = f"{subject.url}/api/v1/"
    async with httpx.AsyncClient(base_url=base, headers=headers, event_hooks=hooks) as client:
        yield client


class TestFake(Checks):
    """Every check of the contract."""
