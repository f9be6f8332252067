"""Messages to browsers against a push service on loopback, which opens what it gets as the browser would."""

from __future__ import annotations

import json
import os
import ssl
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator
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

from backend.domain.mailbox.owner_digest import Subscription
from backend.ports.public_post import PushAnswer, Pushed
from backend.public_post import PublicPost, VapidPush, is_public
from tests.certificates import certificate
from tests.doubles import START, FixedClock

HOST = "push.maker.test"


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

    def subscription(self, key: str, path: str = "/send/abc") -> Subscription:
        """What the browser hands out."""
        return Subscription(f"https://{HOST}{path}", text(point(self.key)), text(self.auth), key)

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
    here = Maker(certificate(tmp_path, HOST))
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
        parts["t"], known, algorithms=["ES256"], audience=f"https://{HOST}", options={"verify_exp": False}
    )
    assert claims["sub"] == "https://gate.test"
    assert START < datetime.fromtimestamp(claims["exp"], UTC) <= START + timedelta(hours=24)
    stranger = ec.EllipticCurvePublicKey.from_encoded_point(
        ec.SECP256R1(), raw(client.public_key(client.new_key()))
    )
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(parts["t"], stranger, algorithms=["ES256"], audience=f"https://{HOST}")


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
    to = Subscription(f"https://{HOST}/x", "B" + "A" * 86, text(maker.auth), client.new_key())
    assert await client.push(to, b"{}") == PushAnswer(Pushed.REFUSED)
    assert maker.got == []
