"""`examine` runs all checks in order. This module has those that need the network: clock, OAuth client, public address,
and each mailbox at Google. A check is skipped if something it depends on is broken."""

from __future__ import annotations

import asyncio
import base64
import re
import socket
import ssl
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlencode, urlsplit

import aiohttp

from backend.bootstrap import StoredGrants
from backend.doctor import machine
from backend.doctor.machine import CheckState, Finding, broken, refused, skipped, warning, well
from backend.domain.errors import (
    NO_TOPIC,
    GoogleError,
    NeedsReconnect,
    PitchgateError,
    Refused,
    Rejected,
    TryLater,
)
from backend.domain.mailbox.mailbox import WATCH_ALARM, AccessState, Mailbox, Mode, NoticeMode, PullFailure
from backend.gmail.client import Google, open_google
from backend.gmail.executor import date_of
from backend.gmail.pubsub import SCOPE, CloudCredentials
from backend.home import CONSOLE, OAuthClient, verify_client
from backend.locale import error_words
from backend.settings import Settings
from backend.settings_read import read_settings
from backend.store import opening
from backend.store.library import Dialect
from backend.system import SystemClock
from backend.terminal import cli_texts, language
from backend.transactions.store import Store
from backend.vault import MultiFernetVault

# ---- Checks over the network


SKEW = 10.0
"""Seconds a clock may be wrong before Google's tokens can be refused because of it."""
SOON = 14
"""A certificate that expires in fewer days is reported."""
TIMEOUT = aiohttp.ClientTimeout(total=15)
TROUBLE = (aiohttp.ClientError, OSError, TimeoutError)


async def check_clock(http: aiohttp.ClientSession, settings: Settings) -> Finding:
    """Whether our clock agrees with Google's, by the Date of an answer."""
    try:
        async with http.get(settings.jwks_url) as answer:
            date = date_of(answer.headers)
    except TROUBLE as error:
        host = urlsplit(settings.jwks_url).netloc
        return broken("clock", "unreachable", host=host, why=type(error).__name__)
    if date is None:
        return warning("clock", "no_date")
    off = (datetime.now(UTC) - date).total_seconds()
    if abs(off) > SKEW:
        return broken("clock", "ahead" if off > 0 else "behind", seconds=round(abs(off)))
    return well("clock", "right")


async def check_client(settings: Settings) -> Finding:
    """Whether Google knows the OAuth client and its secret."""
    client = OAuthClient(settings.client_id, settings.client_secret.get_secret_value())
    try:
        await verify_client(client, settings)
    except Refused as error:
        return refused("client", error, mend=cli_texts("doctor")("client.settings"))
    return well("client", "known")


async def check_redirect(http: aiohttp.ClientSession, settings: Settings) -> Finding:
    """Whether Google accepts our redirect address, which it checks before anybody signs in."""
    query = urlencode(
        {
            "response_type": "code",
            "client_id": settings.client_id,
            "redirect_uri": settings.redirect_uri,
            "scope": " ".join(settings.scopes),
        }
    )
    try:
        async with http.get(f"{settings.authorize_url}?{query}", allow_redirects=False) as answer:
            response = _encoded_error(answer.headers.get("Location", "")) + (
                await answer.content.read(200_000)
            ).decode("utf-8", "replace")
    except TROUBLE as error:
        return broken("redirect", "unreachable", why=type(error).__name__)
    if "redirect_uri_mismatch" in response:
        return broken("redirect", "mismatch", address=settings.redirect_uri, console=CONSOLE)
    if "invalid_scope" in response:
        return broken("redirect", "scope")
    return well("redirect", "known", address=settings.redirect_uri)


def _encoded_error(location: str) -> str:
    """The error that Google encodes in the address of its error page, or ""."""
    encoded = parse_qs(urlsplit(location).query).get("authError", [""])[0]
    try:
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_").decode(
            "utf-8", "replace"
        )
    except ValueError:
        return ""


async def check_address(http: aiohttp.ClientSession, settings: Settings) -> list[Finding]:
    """Whether our public address resolves, has a valid certificate, and is answered by Pitchgate."""
    parts = urlsplit(settings.public_url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    try:
        await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        return [broken("dns", "unknown", host=host)]
    found = [well("dns", "known", host=host)]
    if parts.scheme == "https":
        tls = await _check_certificate(host, port)
        found.append(tls)
        if tls.state == "broken":
            return found
    return [*found, await _check_server(http, settings)]


async def _check_certificate(host: str, port: int) -> Finding:
    try:
        async with asyncio.timeout(15):
            _, writer = await asyncio.open_connection(host, port, ssl=ssl.create_default_context())
    except ssl.SSLCertVerificationError as error:
        return broken("tls", "not_believed", host=host, why=error.verify_message)
    except (OSError, TimeoutError) as error:
        return broken("tls", "none", host=host, port=str(port), why=type(error).__name__)
    certificate = writer.get_extra_info("peercert") or {}
    writer.close()
    until = datetime.fromtimestamp(ssl.cert_time_to_seconds(certificate["notAfter"]), UTC)
    days = (until - datetime.now(UTC)).days
    return warning("tls", "ending", count=days) if days < SOON else well("tls", "good", count=days)


async def _check_server(http: aiohttp.ClientSession, settings: Settings) -> Finding:
    try:
        async with http.get(f"{settings.public_url}/readyz", allow_redirects=False) as answer:
            response = await answer.json(content_type=None) if answer.status in (200, 503) else None
            status = answer.status
    except (*TROUBLE, ValueError) as error:
        return broken("server", "silent", address=settings.public_url, why=type(error).__name__)
    if not isinstance(response, dict) or "model" not in response:
        return broken("server", "other", address=settings.public_url, status=str(status))
    if status != 200:
        why = re.sub(r"[^\w ,.:-]", "", str(response))[:200]
        return broken("server", "not_ready", why=why)
    return well("server", "answers", address=settings.public_url, model=str(response["model"])[:40])


# ---- Checks of each mailbox at Google


_FORBIDDEN = frozenset({"forbidden", "PERMISSION_DENIED", "http403"})
ROUND_TRIP = 15.0
"""Seconds a notice may take to arrive."""
MOST = 50
"""At most this many mailboxes are tried."""


async def check_access(google: Google, settings: Settings, mailboxes: tuple[Mailbox, ...]) -> list[Finding]:
    """Whether we still have access to each mailbox."""
    found: list[Finding] = []
    address = f"{settings.public_url}/connect"
    tried = mailboxes[:MOST]
    for mailbox in tried:
        email = mailbox.owner.email
        if mailbox.link is AccessState.NEEDS_RECONNECT:
            found.append(broken("access", "reconnect", email=email, address=address))
            continue
        try:
            await google.gmail.profile(mailbox.id)
        except NeedsReconnect as error:
            advice = cli_texts("doctor")("access.reconnect_mend", address=address)
            found.append(refused("access", error, f"{email}: ", advice))
        except GoogleError as error:
            found.append(warning("access", "later", email=email, why=_words(error)))
    return found or [well("access", "open", count=len(tried))]


def check_challenges(settings: Settings, mailboxes: tuple[Mailbox, ...]) -> list[Finding]:
    """Whether the server may send challenges, if owners have chosen the mode *challenge*."""
    if settings.challenges:
        return []
    asking = [box.owner.email for box in mailboxes if box.preferences.mode is Mode.CHALLENGE]
    return [warning("challenges", "closed", email=email) for email in asking[:MOST]]


def check_grants(mailboxes: tuple[Mailbox, ...], now: datetime) -> list[Finding]:
    """Whether Google will end the access to a mailbox by itself."""
    ending = [(at, box.owner.email) for box in mailboxes if (at := box.grant_expires_at) and at > now]
    if not ending:
        return []
    at, email = min(ending)
    return [warning("access", "testing", email=email, at=f"{at:%Y-%m-%d %H:%M}", count=len(ending))]


def check_watches(settings: Settings, mailboxes: tuple[Mailbox, ...], now: datetime) -> list[Finding]:
    """Whether every mailbox has a watch that does not end soon."""
    if not settings.notices.watched:
        return []
    found = []
    for mailbox in mailboxes:
        until, email = mailbox.watch_expires_at, mailbox.owner.email
        if until is None:
            found.append(broken("watch", "none", email=email))
        elif until <= now:
            found.append(broken("watch", "ended", email=email))
        elif until - now < WATCH_ALARM:
            found.append(warning("watch", "ending", email=email))
    return found or [well("watch", "good", count=len(mailboxes))]


def check_silence(settings: Settings, mailboxes: tuple[Mailbox, ...], now: datetime) -> list[Finding]:
    """Whether a mailbox has had changes for which no notice came."""
    if not settings.notices.watched:
        return []
    silent = [(since, box.owner.email) for box in mailboxes if (since := box.silent_since(now))]
    if not silent:
        return [well("arrival", "coming", kind=settings.notices)]
    since, email = min(silent)
    return [warning("arrival", "silent", email=email, since=f"{since:%Y-%m-%d %H:%M}", count=len(silent))]


async def check_topic(google: Google, settings: Settings, mailbox: Mailbox) -> Finding:
    """Whether Gmail may publish to the topic. Renews the mailbox's watch, for which Gmail sends a notice at once."""
    topic = settings.topic
    try:
        await google.gmail.watch(mailbox.id)
    except GoogleError as error:
        if not isinstance(error, Rejected) and error.reason != NO_TOPIC:
            return warning("topic", "later", why=_words(error))
        key = "forbidden" if error.reason in _FORBIDDEN else "refused"
        _, project, _, name = topic.split("/")
        return broken("topic", key, topic=topic, name=name, project=project, why=_words(error))
    return well("topic", "open", topic=topic)


def _words(error: GoogleError) -> str:
    return f"{error_words(language(), error)[0]} ({error.reason})"


async def _last_notice(store: Store, mailbox: Mailbox) -> datetime | None:
    stored = await store.mailbox_without_failures(mailbox.id)
    return None if stored is None or stored.hint is None else stored.hint.at


async def _last_notice_once_quiet(store: Store, mailbox: Mailbox) -> datetime | None:
    """When the last notice came, once none has followed for a second: a late one must not be taken for the one that
    renewing the watch causes."""
    now = asyncio.get_running_loop().time
    last, since = await _last_notice(store, mailbox), now()
    until = since + ROUND_TRIP
    while now() < min(since + 1.0, until):
        await asyncio.sleep(0.2)
        if (came := await _last_notice(store, mailbox)) != last:
            last, since = came, now()
    return last


async def check_round_trip(
    store: Store, settings: Settings, mailbox: Mailbox, before: datetime | None, began: datetime
) -> Finding:
    """Whether the notice that Gmail sent at `began`, when the watch was renewed, reaches the running server.
    `before`: when the one before it came."""
    until = asyncio.get_running_loop().time() + ROUND_TRIP
    while asyncio.get_running_loop().time() < until:
        came = await _last_notice(store, mailbox)
        if came is not None and (before is None or came > before):
            took = max(0.0, (datetime.now(UTC) - began).total_seconds())
            return well("round trip", "came", seconds=round(took, 1))
        await asyncio.sleep(0.2)
    return broken(
        "round trip",
        "pushed" if settings.notices is NoticeMode.PUSH else "fetched",
        seconds=ROUND_TRIP,
        subscription=settings.subscription,
        name=settings.subscription.rpartition("/")[2],
        address=settings.public_url + settings.push_path,
        account=settings.push_account,
        audience=settings.expected_audience,
    )


async def check_credentials(mailboxes: tuple[Mailbox, ...]) -> list[Finding]:
    """With pulled notices: whether this machine has credentials, and what the server reports as missing."""
    found = []
    if missing := next((mailbox.pull_failure for mailbox in mailboxes if mailbox.pull_failure), None):
        found.append(broken("fetching", missing))
    try:
        await CloudCredentials((SCOPE,)).token()
    except TryLater as error:
        found.append(broken("fetching", f"here_{PullFailure(error.reason)}"))
    return found or [well("fetching", "ready")]


# ---- All checks


async def examine(*, offline: bool = False) -> list[Finding]:
    """Run all checks, in the order in which a person would correct the faults."""
    try:
        settings = read_settings()
    except PitchgateError as error:
        return [refused("settings", error)]
    found = [
        *machine.check_settings(settings),
        *machine.check_disk(settings),
        *machine.check_descriptors(),
        *machine.check_model(settings),
    ]
    database = await machine.check_database(settings)
    found += database
    usable = all(finding.state in (CheckState.WELL, CheckState.WARNING) for finding in database)
    vault = machine.vault_of(settings)
    if isinstance(vault, Finding):
        found.append(vault)
    async with AsyncExitStack() as stack:
        store = None
        try:
            store = await _store(settings, stack) if usable else None
        except PitchgateError as error:  # for example a full disk: readable, but not to be opened for writing
            found.append(refused("database", error))
        if isinstance(vault, MultiFernetVault):
            pending = any(finding.key == "pending" for finding in database)
            found += await machine.check_keys(store, vault, pending)
        if store is not None:
            found += await machine.check_jobs(store)
        if offline:
            return [*found, skipped("network", "offline")]
        found += await _over_the_network(settings)
        if store is not None and isinstance(vault, MultiFernetVault):
            found += await _at_google(settings, store, vault)
    return found


async def _store(settings: Settings, stack: AsyncExitStack) -> Store | None:
    """The open store; None if there is no database, or its schema needs an upgrade first."""
    where = opening.configured(settings)
    if where.dialect is Dialect.SQLITE and not where.path.exists():
        return None
    from backend.store.opening import status

    if (await status(where)).pending:
        return None
    store = await opening.open_configured(settings)
    stack.push_async_callback(store.close)
    return store


async def _over_the_network(settings: Settings) -> list[Finding]:
    async with aiohttp.ClientSession(timeout=TIMEOUT) as http:
        clock = await check_clock(http, settings)
        if clock.key == "unreachable":
            return [clock, *await check_address(http, settings)]
        return [
            clock,
            await check_client(settings),
            await check_redirect(http, settings),
            *await check_address(http, settings),
        ]


async def _at_google(settings: Settings, store: Store, vault: MultiFernetVault) -> list[Finding]:
    boxes = await store.mailboxes()
    found: list[Finding] = []
    if settings.notices is NoticeMode.PULL:
        found += await check_credentials(boxes)
    if not boxes:
        return [*found, skipped("access", "nobody", address=settings.public_url)]
    now = datetime.now(UTC)
    async with open_google(settings, StoredGrants(store, vault), SystemClock()) as google:
        found += await check_access(google, settings, boxes)
        found += check_challenges(settings, boxes)
        found += check_grants(boxes, now)
        found += check_watches(settings, boxes, now)
        found += check_silence(settings, boxes, now)
        connected = next((box for box in boxes if box.link is AccessState.CONNECTED), None)
        if settings.notices.watched and connected is not None:
            before, began = await _last_notice_once_quiet(store, connected), datetime.now(UTC)
            topic = await check_topic(google, settings, connected)
            found.append(topic)
            if topic.state is CheckState.WELL:
                found.append(await check_round_trip(store, settings, connected, before, began))
    return found
