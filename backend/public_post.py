"""POST requests to addresses that strangers chose: which addresses are safe, one-click unsubscribe, and web push."""

from __future__ import annotations

import asyncio
import ssl
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from socket import AF_INET, AF_INET6, SOCK_STREAM, AddressFamily

import aiohttp
import http_ece
import jwt
from aiohttp.abc import AbstractResolver, ResolveResult
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from yarl import URL

from backend.domain.errors import Refused
from backend.domain.mail.machine_mail import ONE_CLICK_BODY, host_of
from backend.domain.mailbox.owner_digest import PushSubscription
from backend.ports.system import Clock, PushAnswer, Pushed

# ---- Safe addresses
# Only public addresses of the Internet, however they are written.


Lookup = Callable[[str], Awaitable[Sequence[str]]]
"""The addresses of a host, as text. Raises `OSError` if it has none."""

Allowance = Callable[[str], bool]
"""Whether a connection to an address is allowed."""

_TRANSLATED = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"), IPv6Network("::/96"))
_LOW_32_BITS = 0xFFFFFFFF
_ISATAP = (0x00005EFE, 0x02005EFE)
"""The third 32 bits of an ISATAP address, whose last 32 bits are the IPv4 address at the end of a tunnel."""
_UNREACHABLE = (
    IPv4Network("192.0.0.0/24"),  # protocol assignments
    IPv4Network("192.88.99.0/24"),  # 6to4 relays
    IPv6Network("3fff::/20"),  # documentation
)
"""Networks that Python 3.11's standard library takes for public, but IANA's registry does not."""


def is_public(text: str) -> bool:
    """Whether an address, and any IPv4 address embedded in it, is on the public Internet."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return False
        ipv4 = _embedded_ipv4(address)
        if ipv4:
            return all(_reachable(one) for one in ipv4)
    return _reachable(address)


def _embedded_ipv4(address: IPv6Address) -> tuple[IPv4Address, ...]:
    if address.ipv4_mapped is not None:
        return (address.ipv4_mapped,)
    if address.sixtofour is not None:
        return (address.sixtofour,)
    if address.teredo is not None:
        return address.teredo
    if any(address in network for network in _TRANSLATED) or int(address) >> 32 & _LOW_32_BITS in _ISATAP:
        return (IPv4Address(int(address) & _LOW_32_BITS),)
    return ()


def _reachable(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv6Address) and address.is_site_local:  # deprecated in 2004, but still routed
        return False
    if any(address in network for network in _UNREACHABLE):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


class SafeResolver(AbstractResolver):
    """Resolves a host once per connection and refuses it if any of its addresses is not allowed. So neither a name
    with a public and a private address nor one re-pointed after the check (DNS rebinding) reaches the private
    network."""

    def __init__(self, lookup: Lookup, allowed: Allowance) -> None:
        self._lookup = lookup
        self._allowed = allowed

    async def resolve(self, host: str, port: int = 0, family: AddressFamily = AF_INET) -> list[ResolveResult]:
        """The addresses to connect to. Raises `Refused` (unsafe_address) or `OSError`."""
        found = await self._lookup(host)
        if not found or not all(self._allowed(address) for address in found):
            raise Refused("unsafe_address", host=host)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=AF_INET6 if ":" in address else AF_INET,
                proto=0,
                flags=0,
            )
            for address in found[:4]
        ]

    async def close(self) -> None:
        """Nothing to close."""


# ---- One POST


SECONDS = 8.0
MOST_READ = 16 * 1024


async def system_lookup(host: str) -> list[str]:
    """The addresses of a host by the system's resolver."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, 443, type=SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(frozen=True, slots=True)
class PostReply:
    """The answer's status and its Retry-After header."""

    status: int
    retry_after: str = ""


class PublicPost:
    """Sends POST requests, each over a new connection and without cookies."""

    def __init__(
        self,
        lookup: Lookup = system_lookup,
        allowed: Allowance = is_public,
        trust: ssl.SSLContext | None = None,
        port: int = 443,
        seconds: float = SECONDS,
    ) -> None:
        """The parameters are for tests, whose hosts are on loopback."""
        self._lookup = lookup
        self._allowed = allowed
        self._trust = trust
        self._port = port
        self._seconds = seconds

    async def send(self, url: str, body: bytes, headers: Mapping[str, str]) -> PostReply:
        """Send a POST and return the answer, whatever its status. Raises `Refused` with the code unsafe_address (not
        https, or not on the public Internet) or unreachable (no answer in time)."""
        host = host_of(url)
        if not host:
            raise Refused("unsafe_address.form")
        try:
            async with asyncio.timeout(self._seconds):
                return await self._post(url, body, headers)
        except Refused:
            raise
        except (aiohttp.ClientError, OSError, ValueError, TimeoutError) as error:
            cause = error.__cause__
            if isinstance(cause, Refused):
                raise cause from None
            # `from None`: neither the address nor the answer may appear in a log.
            raise Refused("unreachable", host=host) from None

    async def _post(self, url: str, body: bytes, headers: Mapping[str, str]) -> PostReply:
        connector = aiohttp.TCPConnector(
            resolver=SafeResolver(self._lookup, self._allowed),
            use_dns_cache=False,
            force_close=True,
            limit=1,
            ssl=self._trust if self._trust is not None else True,
        )
        async with (
            aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                auto_decompress=False,
                headers={"User-Agent": "Pitchgate", **headers},
                skip_auto_headers=("Accept", "Accept-Encoding"),
                timeout=aiohttp.ClientTimeout(total=self._seconds),
                max_line_size=8 * 1024,
                max_field_size=8 * 1024,
            ) as session,
            session.post(self._target_url(url), data=body, allow_redirects=False) as answer,
        ):
            await answer.content.read(MOST_READ)
            return PostReply(answer.status, answer.headers.get("Retry-After", ""))

    def _target_url(self, url: str) -> URL:
        """The address exactly as written; in tests with their port instead of 443."""
        written = URL(url, encoded=True)
        return written if self._port == 443 else written.with_port(self._port)


# ---- One-click unsubscribe (RFC 8058)
# Sends nothing about the owner beyond what the address itself contains.


HEADERS = {"Content-Type": "application/x-www-form-urlencoded"}


class OneClickUnsubscribe:
    """`backend.ports.system.Unsubscriber`: one-click unsubscribe."""

    def __init__(self, post: PublicPost | None = None) -> None:
        self._post = post or PublicPost()

    async def one_click(self, url: str) -> None:
        answer = await self._post.send(url, ONE_CLICK_BODY, HEADERS)
        if not 200 <= answer.status < 300:
            raise Refused("not_accepted", host=host_of(url), status=str(answer.status))


# ---- Web push
# A message to one browser: encrypted for it, signed with the key it knows, and posted to its maker's push service.


CURVE = ec.SECP256R1()
LIFE = timedelta(hours=12)
"""How long the push service keeps a message for an offline browser, and how long its signature is valid (at most 24
h)."""
TOPIC = "held"
"""The service replaces an undelivered earlier message with the same topic."""


class VapidPush:
    """`backend.ports.system.PushService`: web push with VAPID signatures."""

    def __init__(self, contact: str, clock: Clock, post: PublicPost | None = None) -> None:
        """`contact` is our https or mailto address for the push service."""
        self._contact = contact
        self._clock = clock
        self._post = post or PublicPost()

    def new_key(self) -> str:
        return _to_base64(ec.generate_private_key(CURVE).private_numbers().private_value.to_bytes(32, "big"))

    def public_key(self, key: str) -> str:
        point = _private_key(key).public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return _to_base64(point)

    async def push(self, to: PushSubscription, payload: bytes) -> PushAnswer:
        now = self._clock.now()
        try:
            body = http_ece.encrypt(
                payload,
                private_key=ec.generate_private_key(CURVE),
                dh=_from_base64(to.p256dh),
                auth_secret=_from_base64(to.auth),
                version="aes128gcm",
            )
            answer = await self._post.send(to.endpoint, body, self._headers(to, now))
        except Refused as error:
            return PushAnswer(Pushed.LATER if error.code == "unreachable" else Pushed.REFUSED)
        except ValueError:  # the browser's key is not a point of the curve
            return PushAnswer(Pushed.REFUSED)
        return _push_answer(answer, now)

    def _headers(self, to: PushSubscription, now: datetime) -> dict[str, str]:
        claims = {"aud": f"https://{host_of(to.endpoint)}", "exp": now + LIFE, "sub": self._contact}
        signed = jwt.encode(claims, _private_key(to.key), "ES256")
        return {
            "Authorization": f"vapid t={signed}, k={self.public_key(to.key)}",
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(int(LIFE.total_seconds())),
            "Topic": TOPIC,
            "Urgency": "normal",
        }


def _push_answer(answer: PostReply, now: datetime) -> PushAnswer:
    if 200 <= answer.status < 300:
        return PushAnswer(Pushed.SENT)
    if answer.status in (404, 410):
        return PushAnswer(Pushed.GONE)
    if answer.status == 429 or answer.status >= 500:
        return PushAnswer(Pushed.LATER, _retry_time(answer.retry_after, now))
    return PushAnswer(Pushed.REFUSED)


def _retry_time(retry_after: str, now: datetime) -> datetime | None:
    """The time in a Retry-After header, given in seconds or as a date; None if it is invalid."""
    if retry_after.isascii() and retry_after.isdecimal():
        return now + timedelta(seconds=min(int(retry_after[:9]), 86_400))
    try:
        date = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    return date if date.tzinfo else None


def _private_key(key: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(_from_base64(key), "big"), CURVE)


def _to_base64(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def _from_base64(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
