"""A message to one browser: encrypted for it by `http_ece`, signed with the key it knows, posted to its maker."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

import http_ece
import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from backend.domain.errors import Refused
from backend.domain.mail.machine_mail import host_of
from backend.domain.mailbox.web_push import Subscription
from backend.ports.public_post import PushAnswer, Pushed
from backend.ports.system import Clock
from backend.public_post import Answer, PublicPost

CURVE = ec.SECP256R1()
LIFE = timedelta(hours=12)
"""How long a service keeps a message for a browser that is away, and how long a signature counts (24 h are allowed)."""
TOPIC = "held"
"""A service that still has an earlier message for the browser puts this one in its place."""


class VapidPush:
    """`backend.transactions.records.PushService`."""

    def __init__(self, contact: str, clock: Clock, post: PublicPost | None = None) -> None:
        """`contact` is the https or mailto address by which a service may complain."""
        self._contact = contact
        self._clock = clock
        self._post = post or PublicPost()

    def new_key(self) -> str:
        """See `PushService`."""
        return _text(ec.generate_private_key(CURVE).private_numbers().private_value.to_bytes(32, "big"))

    def public_key(self, key: str) -> str:
        """See `PushService`."""
        point = _private(key).public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return _text(point)

    async def push(self, to: Subscription, payload: bytes) -> PushAnswer:
        """See `PushService`."""
        now = self._clock.now()
        try:
            body = http_ece.encrypt(
                payload,
                private_key=ec.generate_private_key(CURVE),
                dh=_bytes(to.p256dh),
                auth_secret=_bytes(to.auth),
                version="aes128gcm",
            )
            answer = await self._post.send(to.endpoint, body, self._headers(to, now))
        except Refused as error:
            return PushAnswer(Pushed.LATER if error.code == "unreachable" else Pushed.REFUSED)
        except ValueError:  # bytes that are no point of the curve
            return PushAnswer(Pushed.REFUSED)
        return _read(answer, now)

    def _headers(self, to: Subscription, now: datetime) -> dict[str, str]:
        claims = {"aud": f"https://{host_of(to.endpoint)}", "exp": now + LIFE, "sub": self._contact}
        signed = jwt.encode(claims, _private(to.key), "ES256")
        return {
            "Authorization": f"vapid t={signed}, k={self.public_key(to.key)}",
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(int(LIFE.total_seconds())),
            "Topic": TOPIC,
            "Urgency": "normal",
        }


def _read(answer: Answer, now: datetime) -> PushAnswer:
    if 200 <= answer.status < 300:
        return PushAnswer(Pushed.SENT)
    if answer.status in (404, 410):
        return PushAnswer(Pushed.GONE)
    if answer.status == 429 or answer.status >= 500:
        return PushAnswer(Pushed.LATER, _named(answer.retry_after, now))
    return PushAnswer(Pushed.REFUSED)


def _named(retry_after: str, now: datetime) -> datetime | None:
    """The time that Retry-After names, in seconds or as a date."""
    if retry_after.isascii() and retry_after.isdecimal():
        return now + timedelta(seconds=min(int(retry_after[:9]), 86_400))
    try:
        named = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    return named if named.tzinfo else None


def _private(key: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(_bytes(key), "big"), CURVE)


def _text(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
