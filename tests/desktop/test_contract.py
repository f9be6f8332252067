"""docs/api.md, held by the fake that the tray app is tested against."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.desktop.contract_checks import TestContract as Checks
from tests.desktop.fake_backend import FakeBackend


class FakeSubject:
    """The fake as a server under test."""

    def __init__(self, backend: FakeBackend) -> None:
        self.backend = backend
        self.url = backend.url

    async def device_token(self) -> str:
        return self.backend.device_token()

    async def hold(self, number: int, subject: str) -> str:
        return str(self.backend.mailbox.hold(number, subject=subject)["gmail_id"])

    async def code(self, redirect_uri: str, challenge: str, state: str) -> str:
        query = {"redirect_uri": redirect_uri, "code_challenge": challenge, "state": state, "name": "x"}
        async with httpx.AsyncClient() as browser:
            answer = await browser.post(f"{self.url}/connect/device", params=query, data={"answer": "yes"})
        return answer.headers["Location"]


@pytest.fixture
def subject(backend: FakeBackend) -> FakeSubject:
    return FakeSubject(backend)


@pytest.fixture
async def client(subject: FakeSubject) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {await subject.device_token()}"}
    async with httpx.AsyncClient(base_url=f"{subject.url}/api/v1/", headers=headers) as client:
        yield client


class TestFake(Checks):
    """Every check of the contract."""
