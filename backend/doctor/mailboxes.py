"""Checks of each mailbox at Google: its access, its watch, the topic, and whether a notice makes its way to us."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from backend.doctor.finding import Finding, broken, refused, warning, well
from backend.domain.errors import GoogleError, NeedsReconnect, Rejected, TryLater
from backend.domain.mailbox.failing import NO_TOPIC
from backend.domain.mailbox.mailbox import WATCH_ALARM, Link, Mailbox, Missing, Mode, Notices
from backend.gmail.opening import Google
from backend.gmail.pubsub import SCOPE, CloudCredentials
from backend.locale.words import error_words
from backend.settings import Settings
from backend.terminal import language, words
from backend.transactions.store import Store

_FORBIDDEN = frozenset({"forbidden", "PERMISSION_DENIED", "http403"})
ROUND_TRIP = 15.0
"""Seconds a notice may take."""
MOST = 50
"""Mailboxes whose access is tried."""


async def of_access(google: Google, settings: Settings, mailboxes: tuple[Mailbox, ...]) -> list[Finding]:
    """Whether Google still lets us in, mailbox by mailbox."""
    found: list[Finding] = []
    address = f"{settings.public_url}/connect"
    for mailbox in mailboxes[:MOST]:
        email = mailbox.owner.email
        if mailbox.link is Link.NEEDS_RECONNECT:
            found.append(broken("access", "reconnect", email=email, address=address))
            continue
        try:
            await google.gmail.profile(mailbox.id)
        except NeedsReconnect as error:
            found.append(
                refused(
                    "access", error, f"{email}: ", words("doctor")("access.reconnect_mend", address=address)
                )
            )
        except GoogleError as error:
            found.append(warning("access", "later", email=email, why=_words(error)))
        if mailbox.preferences.mode is Mode.CHALLENGE and not settings.challenges:
            found.append(warning("challenges", "closed", email=email))
    return found or [well("access", "open", count=len(mailboxes))]


def of_grants(mailboxes: tuple[Mailbox, ...], now: datetime) -> list[Finding]:
    """Whether Google ends the access to a mailbox by itself."""
    ending = [(at, box.owner.email) for box in mailboxes if (at := box.grant_expires_at) and at > now]
    if not ending:
        return []
    at, email = min(ending)
    return [warning("access", "testing", email=email, at=f"{at:%Y-%m-%d %H:%M}", count=len(ending))]


def of_watches(settings: Settings, mailboxes: tuple[Mailbox, ...], now: datetime) -> list[Finding]:
    """Whether every watch has life left."""
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


def of_silence(settings: Settings, mailboxes: tuple[Mailbox, ...], now: datetime) -> list[Finding]:
    """Whether there was news in a mailbox of which no notice has come."""
    if not settings.notices.watched:
        return []
    silent = [(since, box.owner.email) for box in mailboxes if (since := box.silent_since(now))]
    if not silent:
        return [well("arrival", "coming", kind=settings.notices)]
    since, email = min(silent)
    return [warning("arrival", "silent", email=email, since=f"{since:%Y-%m-%d %H:%M}", count=len(silent))]


async def of_topic(google: Google, settings: Settings, mailbox: Mailbox) -> Finding:
    """Whether Gmail may publish to the topic: a watch is asked for again, which sends a notice at once."""
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


async def of_round_trip(
    store: Store, settings: Settings, mailbox: Mailbox, before: datetime | None, began: datetime
) -> Finding:
    """Whether the notice that the watch sent at `began` arrives at the running server; `before` is when the last one
    had come until then."""
    until = asyncio.get_running_loop().time() + ROUND_TRIP
    while asyncio.get_running_loop().time() < until:
        came = await store.last_notice(mailbox.id)
        if came is not None and (before is None or came > before):
            took = max(0.0, (datetime.now(UTC) - began).total_seconds())
            return well("round trip", "came", seconds=round(took, 1))
        await asyncio.sleep(0.2)
    return broken(
        "round trip",
        "pushed" if settings.notices is Notices.PUSH else "fetched",
        seconds=ROUND_TRIP,
        subscription=settings.subscription,
        name=settings.subscription.rpartition("/")[2],
        address=settings.public_url + settings.push_path,
        account=settings.push_account,
        audience=settings.expected_audience,
    )


async def of_credentials(mailboxes: tuple[Mailbox, ...]) -> list[Finding]:
    """With notices that are fetched: this machine's credentials, and what the server says is missing."""
    found = []
    if missing := next((mailbox.missing for mailbox in mailboxes if mailbox.missing), None):
        found.append(broken("fetching", missing))
    try:
        await CloudCredentials((SCOPE,)).token()
    except TryLater as error:
        found.append(broken("fetching", f"here_{Missing(error.reason)}"))
    return found or [well("fetching", "ready")]
