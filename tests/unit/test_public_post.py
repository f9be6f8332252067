"""The one POST and messages to browsers, against servers on loopback: what they get, and what keeps it from misuse."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import http_ece
import jwt
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from backend.domain.errors import Refused
from backend.domain.mailbox.owner_digest import PushSubscription
from backend.ports.system import PushAnswer, Pushed
from backend.public_post import OneClickUnsubscribe, PublicPost, VapidPush, is_public
from tests.certificates import certificate
from tests.doubles import START, FixedClock, in_english

HOST = "lists.pitch.test"
URL = f"https://{HOST}/u?t=%7E1&x=a%2Fb"


@dataclass
class Request:
    """One request as it came."""

    method: str
    target: str
    body: bytes
    headers: dict[str, str]


@dataclass
class ListServer:
    """A mailing list's server that answers as a test wishes."""

    pem: Path
    port: int = 0
    status: int = 200
    requests: list[Request] = field(default_factory=list)
    looked_up: list[str] = field(default_factory=list)
    addresses: Sequence[str] = ("127.0.0.1",)
    hangs: bool = False
    sent: int = 0
    released: asyncio.Event = field(default_factory=asyncio.Event)

    async def lookup(self, host: str) -> Sequence[str]:
        self.looked_up.append(host)
        return self.addresses

    def client(self, *, anywhere: bool = True, seconds: float = 5.0) -> OneClickUnsubscribe:
        """As it is wired, but for what loopback needs."""
        trust = ssl.create_default_context(cafile=str(self.pem))
        allowed = (lambda _: True) if anywhere else is_public
        return OneClickUnsubscribe(PublicPost(self.lookup, allowed, trust, self.port, seconds))

    async def answer(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.requests.append(Request(request.method, request.raw_path, await request.read(), headers))
        if self.hangs:
            await self.released.wait()
        response = web.StreamResponse(
            status=self.status,
            headers={"Location": f"https://{HOST}:{self.port}/next", "Set-Cookie": "who=ana"},
        )
        await response.prepare(request)
        if self.status == 200:
            with_much = b"x" * 65_536
            try:
                for _ in range(2_000):  # 128 MB, if anybody reads them
                    await response.write(with_much)
                    self.sent += len(with_much)
            except (ConnectionError, asyncio.CancelledError):
                pass
        return response


@pytest.fixture
async def lists(tmp_path: Path) -> AsyncIterator[ListServer]:
    here = ListServer(certificate(tmp_path, HOST))
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trust.load_cert_chain(here.pem)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", here.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=trust).start()
    here.port = runner.addresses[0][1]
    try:
        yield here
    finally:
        here.released.set()
        await runner.cleanup()


async def refused(client: OneClickUnsubscribe, url: str = URL) -> str:
    with pytest.raises(Refused) as error:
        await client.one_click(url)
    assert "t=" not in f"{error.value} {in_english(error.value)}"  # the address says who asks
    return error.value.code


async def test_one_post_and_nothing_else(lists: ListServer) -> None:
    client = lists.client()
    await client.one_click(URL)
    await client.one_click(URL)  # no cookie is brought back

    first, second = lists.requests
    assert (first.method, first.target, first.body) == (
        "POST",
        "/u?t=%7E1&x=a%2Fb",
        b"List-Unsubscribe=One-Click",
    )
    assert set(first.headers) - {"connection"} == {"host", "content-type", "content-length", "user-agent"}
    assert first.headers["content-type"] == "application/x-www-form-urlencoded"
    assert "cookie" not in second.headers
    assert lists.looked_up == [HOST, HOST]


async def test_a_large_answer_is_not_read(lists: ListServer) -> None:
    await lists.client().one_click(URL)

    assert lists.sent < 20_000_000  # what fits into the sockets between us, not the 128 MB


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_no_acceptance_and_is_not_followed(lists: ListServer, status: int) -> None:
    lists.status = status

    assert await refused(lists.client()) == "not_accepted"
    assert len(lists.requests) == 1


@pytest.mark.parametrize("status", [400, 404, 405, 500, 503])
async def test_a_refusal_is_told(lists: ListServer, status: int) -> None:
    lists.status = status

    assert await refused(lists.client()) == "not_accepted"


async def test_who_does_not_answer_is_left(lists: ListServer) -> None:
    lists.hangs = True

    assert await refused(lists.client(seconds=0.3)) == "unreachable"


async def test_a_certificate_nobody_vouches_for(lists: ListServer) -> None:
    client = OneClickUnsubscribe(PublicPost(lists.lookup, lambda _: True, None, lists.port, 5.0))

    assert await refused(client) == "unreachable"
    assert lists.requests == []


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["10.0.0.7"],
        ["169.254.169.254"],
        ["93.184.216.34", "127.0.0.1"],
        ["::1"],
        ["::ffff:10.0.0.1"],
        [],
    ],
)
async def test_a_host_that_leads_inside_is_not_spoken_to(lists: ListServer, addresses: list[str]) -> None:
    lists.addresses = addresses

    assert await refused(lists.client(anywhere=False)) == "unsafe_address"
    assert lists.requests == []


async def test_a_name_that_changes_is_looked_up_once(lists: ListServer) -> None:
    """First a public address for the check, then an inner one for the connection: there is no second look."""
    answers = iter([["127.0.0.1"], ["10.0.0.1"]])

    async def rebinding(host: str) -> Sequence[str]:
        lists.looked_up.append(host)
        return next(answers)

    trust = ssl.create_default_context(cafile=str(lists.pem))
    post = PublicPost(rebinding, lambda address: address == "127.0.0.1", trust, lists.port, 5.0)
    await OneClickUnsubscribe(post).one_click(URL)

    assert len(lists.requests) == 1
    assert lists.looked_up == [HOST]


async def test_a_host_nobody_knows(lists: ListServer) -> None:
    async def unknown(host: str) -> Sequence[str]:
        raise OSError("no such host")

    assert await refused(OneClickUnsubscribe(PublicPost(unknown))) == "unreachable"


@pytest.mark.parametrize(
    "url", [f"http://{HOST}/u?t=1", "https://127.0.0.1/u?t=1", f"https://{HOST}:8443/u?t=1"]
)
async def test_an_address_that_is_not_in_order(lists: ListServer, url: str) -> None:
    assert await refused(lists.client(), url) == "unsafe_address"
    assert lists.looked_up == []


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_public_addresses(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.0", "127.0.0.1", "127.255.0.9", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1"),
        *"169.254.169.254 192.0.0.1 192.0.2.1 198.18.0.1 224.0.0.1 240.0.0.1 255.255.255.255".split(),
        *("::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1", "2001:db8::1", "::ffff:127.0.0.1"),
        *"::ffff:169.254.169.254 64:ff9b::7f00:1 64:ff9b::a00:1 2002:7f00:1:: 2002:a00:1:: ::7f00:1".split(),
        *("2001:0:7f00:1::", "localhost", "", "1", "0x7f000001"),
        *("fec0::1", "feff::9", "3fff::1", "192.0.0.8", "192.88.99.1"),
        *("2606:4700::5efe:10.0.0.1", "2606:4700::200:5efe:7f00:1"),  # ISATAP: a tunnel to what it ends with
    ],
)
def test_addresses_that_lead_anywhere_else(address: str) -> None:
    assert not is_public(address)


# ---- Messages to browsers against a push service on loopback, which opens what it gets as the browser would


MAKER = "push.maker.test"


def text(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def raw(value: str) -> bytes:
    return urlsafe_b64decode(value + "=" * (-len(value) % 4))


def point(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


@dataclass
class Maker:
    """A browser and its maker's push service, which answers as a test wishes."""

    pem: Path
    port: int = 0
    status: int = 201
    headers: dict[str, str] = field(default_factory=dict)
    got: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    auth: bytes = field(default_factory=lambda: os.urandom(16))

    async def lookup(self, _: str) -> list[str]:
        return ["127.0.0.1"]

    def client(self, *, anywhere: bool = True) -> VapidPush:
        """As it is wired, but for what loopback needs."""
        trust = ssl.create_default_context(cafile=str(self.pem))
        allowed = (lambda _: True) if anywhere else is_public
        post = PublicPost(self.lookup, allowed, trust, self.port, 5.0)
        return VapidPush("https://gate.test", FixedClock(START), post)

    def subscription(self, key: str, path: str = "/send/abc") -> PushSubscription:
        return PushSubscription(f"https://{MAKER}{path}", text(point(self.key)), text(self.auth), key)

    async def answer(self, request: web.Request) -> web.Response:
        sent = {name.lower(): value for name, value in request.headers.items()}
        self.got.append((request.path, sent, await request.read()))
        return web.Response(status=self.status, headers=self.headers)

    def opened(self) -> dict[str, Any]:
        """What the browser shows of the latest message."""
        plain = http_ece.decrypt(
            self.got[-1][2], private_key=self.key, auth_secret=self.auth, version="aes128gcm"
        )
        found: dict[str, Any] = json.loads(plain)
        return found


@pytest.fixture
async def maker(tmp_path: Path) -> AsyncIterator[Maker]:
    here = Maker(certificate(tmp_path, MAKER))
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trust.load_cert_chain(here.pem)
    app = web.Application()
    app.router.add_post("/{path:.*}", here.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=trust).start()
    here.port = runner.addresses[0][1]
    try:
        yield here
    finally:
        await runner.cleanup()


async def pushed(maker: Maker, payload: bytes = b'{"title": "hi"}') -> PushAnswer:
    client = maker.client()
    return await client.push(maker.subscription(client.new_key()), payload)


async def test_only_the_browser_can_read_it_and_its_service_can_tell_who_sent_it(maker: Maker) -> None:
    client = maker.client()
    key = client.new_key()
    payload = json.dumps({"title": "New sender held: Zoë"}, ensure_ascii=False).encode()
    assert await client.push(maker.subscription(key), payload) == PushAnswer(Pushed.SENT)

    path, headers, body = maker.got[0]
    assert path == "/send/abc"
    assert "Zoë".encode() not in body
    assert maker.opened() == {"title": "New sender held: Zoë"}
    assert (headers["content-encoding"], headers["ttl"], headers["topic"]) == ("aes128gcm", "43200", "held")
    assert "cookie" not in headers

    scheme, _, rest = headers["authorization"].partition(" ")
    parts = dict(part.strip().split("=", 1) for part in rest.split(","))
    assert (scheme, parts["k"]) == ("vapid", client.public_key(key))
    known = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw(parts["k"]))
    claims = jwt.decode(
        parts["t"], known, algorithms=["ES256"], audience=f"https://{MAKER}", options={"verify_exp": False}
    )
    assert claims["sub"] == "https://gate.test"
    assert START < datetime.fromtimestamp(claims["exp"], UTC) <= START + timedelta(hours=24)
    stranger = ec.EllipticCurvePublicKey.from_encoded_point(
        ec.SECP256R1(), raw(client.public_key(client.new_key()))
    )
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(parts["t"], stranger, algorithms=["ES256"], audience=f"https://{MAKER}")


async def test_the_same_message_twice_is_encrypted_anew(maker: Maker) -> None:
    await pushed(maker)
    await pushed(maker)
    assert maker.got[0][2] != maker.got[1][2]


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Pushed.SENT),
        (201, Pushed.SENT),
        (204, Pushed.SENT),
        (404, Pushed.GONE),
        (410, Pushed.GONE),
        (429, Pushed.LATER),
        (500, Pushed.LATER),
        (503, Pushed.LATER),
        (302, Pushed.REFUSED),
        (400, Pushed.REFUSED),
        (403, Pushed.REFUSED),
        (413, Pushed.REFUSED),
    ],
)
async def test_what_a_service_says(maker: Maker, status: int, outcome: Pushed) -> None:
    maker.status = status
    assert (await pushed(maker)).outcome is outcome
    assert len(maker.got) == 1


@pytest.mark.parametrize(
    ("named", "wait"),
    [
        ("120", timedelta(minutes=2)),
        ("99999999999999999999", timedelta(days=1)),
        ((START + timedelta(minutes=3)).strftime("%a, %d %b %Y %H:%M:%S GMT"), timedelta(minutes=3)),
        ("soon", None),
        ("", None),
        ("٣", None),
    ],
)
async def test_the_time_a_service_names(maker: Maker, named: str, wait: timedelta | None) -> None:
    maker.status, maker.headers = 429, {"Retry-After": named}
    assert await pushed(maker) == PushAnswer(Pushed.LATER, None if wait is None else START + wait)


async def test_an_address_that_leads_inside_is_not_spoken_to(maker: Maker) -> None:
    client = maker.client(anywhere=False)
    answer = await client.push(maker.subscription(client.new_key()), b"{}")
    assert (answer.outcome, maker.got) == (Pushed.REFUSED, [])


async def test_no_answer_is_tried_again(maker: Maker) -> None:
    maker.port = 1
    assert (await pushed(maker)).outcome is Pushed.LATER


async def test_a_key_that_is_no_point_of_the_curve_is_refused(maker: Maker) -> None:
    client = maker.client()
    to = PushSubscription(f"https://{MAKER}/x", "B" + "A" * 86, text(maker.auth), client.new_key())
    assert await client.push(to, b"{}") == PushAnswer(Pushed.REFUSED)
    assert maker.got == []
