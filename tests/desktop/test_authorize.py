"""The browser round: loopback redirect and PKCE."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.desktop.fake_backend import FakeBackend
from tests.desktop.rig import FakeBrowser
from tray_app.backend_client import HttpBackend
from tray_app.errors import ConnectFailed, Refused
from tray_app.orders import DeviceAuthorization, authorize, challenge_of


class Stranger:
    """A program on this computer that calls the loopback port before the browser does."""

    def __init__(self, query: str, path: str = "") -> None:
        self.query, self.path, self.answers = query, path, list[httpx.Response]()
        self.owner = FakeBrowser()

    def open(self, url: str) -> bool:
        redirect = parse_qs(urlsplit(url).query)["redirect_uri"][0]
        target = urlsplit(redirect)
        stranger = f"http://{target.netloc}{self.path or target.path}?{self.query}"
        self.answers.append(httpx.get(stranger))
        return self.owner.open(url)


def test_the_challenge_is_the_one_of_the_standard() -> None:
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert challenge_of(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    fresh = DeviceAuthorization().verifier
    assert 43 <= len(fresh) <= 128
    digest = base64.urlsafe_b64encode(hashlib.sha256(fresh.encode()).digest())
    assert challenge_of(fresh) == digest.rstrip(b"=").decode()


async def test_each_round_has_its_own_secrets() -> None:
    one, other = DeviceAuthorization(), DeviceAuthorization()
    assert len({one.verifier, other.verifier, one.state, other.state, one.path, other.path}) == 6


async def test_the_round_ends_with_a_token(backend: FakeBackend) -> None:
    client, browser = HttpBackend(backend.url, "0.1.0"), FakeBrowser()
    token = await authorize(client, browser, backend.url, "my laptop")
    client.use_token(token.token)
    assert (await client.status()).email == token.email == "owner@example.com"
    query = parse_qs(urlsplit(browser.addresses[0]).query)
    assert query["redirect_uri"][0].startswith("http://127.0.0.1:")
    assert query["name"] == ["my laptop"]
    await client.close()


@pytest.mark.parametrize("query", ["code=stolen&state=guess", "error=denied&state=guess", "", "state="])
async def test_a_strangers_call_neither_ends_the_round_nor_gives_a_code(
    backend: FakeBackend, query: str
) -> None:
    client, stranger = HttpBackend(backend.url, "0.1.0"), Stranger(query)
    token = await authorize(client, stranger, backend.url, "x")
    assert token.token
    assert [answer.status_code for answer in stranger.answers] == [400]
    await client.close()


async def test_other_paths_answer_nothing(backend: FakeBackend) -> None:
    client, stranger = HttpBackend(backend.url, "0.1.0"), Stranger("code=x", "/favicon.ico")
    await authorize(client, stranger, backend.url, "x")
    assert [answer.status_code for answer in stranger.answers] == [404]
    await client.close()


async def test_nobody_answers(backend: FakeBackend) -> None:
    class Idle:
        def open(self, url: str) -> bool:
            return True

    client = HttpBackend(backend.url, "0.1.0")
    with pytest.raises(ConnectFailed, match="Nothing came back"):
        await authorize(client, Idle(), backend.url, "x", patience=0.05)
    await client.close()


async def test_no_browser(backend: FakeBackend) -> None:
    client = HttpBackend(backend.url, "0.1.0")
    with pytest.raises(ConnectFailed, match="No browser"):
        await authorize(client, FakeBrowser(works=False), backend.url, "x")
    await client.close()


async def test_a_code_works_once_and_only_with_its_verifier(backend: FakeBackend) -> None:
    client, attempt = HttpBackend(backend.url, "0.1.0"), DeviceAuthorization()

    async def fresh_code() -> str:
        url = attempt.address(backend.url, 1, "x").replace("%2A", "*")
        answer = await asyncio.to_thread(httpx.post, url, data={"answer": "yes"})
        return parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]

    code = await fresh_code()
    await client.exchange(code, attempt.verifier)
    with pytest.raises(Refused) as again:
        await client.exchange(code, attempt.verifier)
    assert again.value.code == "code_expired"
    code = await fresh_code()
    with pytest.raises(Refused) as wrong:
        await client.exchange(code, "another verifier")
    assert (wrong.value.code, wrong.value.field) == ("code_wrong", "verifier")
    with pytest.raises(Refused) as used_up:
        await client.exchange(code, attempt.verifier)
    assert used_up.value.code == "code_expired"
    await client.close()
