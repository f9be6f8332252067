"""Checks of each mailbox at Google: its access, its watch, the topic, and whether a notice makes its way to us."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from backend.doctor.finding import Finding, broken, refused, warning, well
from backend.domain.errors import GoogleError, NeedsReconnect, Rejected, TryLater
from backend.domain.mailbox.mailbox import WATCH_ALARM, Link, Mailbox, Mode
from backend.domain.mailbox.notices import CHALLENGE_NEEDS, Missing, Notices
from backend.gmail.credentials import CloudCredentials
from backend.gmail.opening import Google
from backend.gmail.pubsub import SCOPE
from backend.locale.words import told
from backend.settings import Settings
from backend.store import SqlStore
from backend.terminal import language

_FORBIDDEN = frozenset({"forbidden", "PERMISSION_DENIED", "http403"})
ROUND_TRIP = 15.0
"""Seconds a notice may take."""
MOST = 50
"""Mailboxes whose access is tried."""
_MISSING = {
    Missing.CREDENTIALS: "gcloud auth application-default login, or name a key file in GOOGLE_APPLICATION_CREDENTIALS.",
    Missing.SUBSCRIPTION: "gcloud pubsub subscriptions create NAME --topic=TOPIC --expiration-period=never",
    Missing.RIGHT: "gcloud pubsub subscriptions add-iam-policy-binding NAME --member=… --role=roles/pubsub.subscriber",
    Missing.CONNECTION: "Look at the network; Pub/Sub is asked at PITCHGATE_PUBSUB_URL.",
}


async def of_access(google: Google, settings: Settings, mailboxes: tuple[Mailbox, ...]) -> list[Finding]:
    """Whether Google still lets us in, mailbox by mailbox."""
    found: list[Finding] = []
    mend = f"Its owner opens {settings.public_url}/connect."
    for mailbox in mailboxes[:MOST]:
        email = mailbox.owner.email
        if mailbox.link is Link.NEEDS_RECONNECT:
            found.append(broken("access", f"{email}: must be connected again", mend))
            continue
        try:
            await google.gmail.profile(mailbox.id)
        except NeedsReconnect as error:
            found.append(refused("access", error, f"{email}: ", mend))
        except GoogleError as error:
            found.append(
                warning(
                    "access", f"{email}: {told(language(), error)[0]} ({error.reason})", "Try again later."
                )
            )
        if mailbox.preferences.mode is Mode.CHALLENGE and not settings.challenges:
            text = f"{email}: mode challenge needs {CHALLENGE_NEEDS}; pitches are held in silence"
            found.append(warning("challenges", text, "Set PITCHGATE_PUBLIC_URL to one."))
    return found or [well("access", f"Google lets us into {len(mailboxes)} mailboxes")]


def of_watches(settings: Settings, mailboxes: tuple[Mailbox, ...], now: datetime) -> list[Finding]:
    """Whether every watch has life left."""
    if not settings.notices.watched:
        return []
    found = []
    for mailbox in mailboxes:
        until, email = mailbox.watch_expires_at, mailbox.owner.email
        mend = "Look at the server's log for job_failed with job=watch; the topic's publisher right is the usual cause."
        if until is None:
            found.append(broken("watch", f"{email}: there is none", mend))
        elif until <= now:
            found.append(broken("watch", f"{email}: it has run out; mail is found by the sweep alone", mend))
        elif until - now < WATCH_ALARM:
            found.append(warning("watch", f"{email}: less than 48 hours are left", mend))
    return found or [well("watch", f"{len(mailboxes)} mailboxes, none about to run out")]


def of_silence(settings: Settings, mailboxes: tuple[Mailbox, ...], now: datetime) -> list[Finding]:
    """Whether there was news in a mailbox of which no notice has come."""
    if not settings.notices.watched:
        return [
            well("notices", f"Gmail is asked every {settings.poll_interval:.0f} s; nothing has to arrive")
        ]
    silent = [(since, box.owner.email) for box in mailboxes if (since := box.silent_since(now))]
    if not silent:
        return [well("notices", f"by {settings.notices}; no mailbox has had news without a notice")]
    since, email = min(silent)
    text = f"{email}: none has come since {since:%Y-%m-%d %H:%M} UTC; mail is found by the sweep"
    more = f" ({len(silent) - 1} more mailboxes likewise)" if silent[1:] else ""
    return [
        warning("notices", text + more, "What broke is in the line “topic” or “round trip” of this list.")
    ]


async def of_topic(google: Google, settings: Settings, mailbox: Mailbox) -> Finding:
    """Whether Gmail may publish to the topic: a watch is asked for again, which sends a notice at once."""
    topic = settings.topic
    try:
        await google.gmail.watch(mailbox.id)
    except Rejected as error:
        if error.reason in _FORBIDDEN:
            mend = (
                f"gcloud pubsub topics add-iam-policy-binding {topic.rpartition('/')[2]}"
                " --member=serviceAccount:gmail-api-push@system.gserviceaccount.com --role=roles/pubsub.publisher"
            )
            return broken("topic", f"Gmail may not publish to {topic}", mend)
        mend = f"gcloud pubsub topics create {topic.rpartition('/')[2]} --project={topic.split('/')[1]}"
        return broken(
            "topic", f"Gmail cannot publish to {topic}: {told(language(), error)[0]} ({error.reason})", mend
        )
    except GoogleError as error:
        return warning(
            "topic", f"Gmail does not say: {told(language(), error)[0]} ({error.reason})", "Try again later."
        )
    return well("topic", f"Gmail publishes to {topic}")


async def of_round_trip(
    store: SqlStore, settings: Settings, mailbox: Mailbox, before: datetime | None, began: datetime
) -> Finding:
    """Whether the notice that the watch sent at `began` arrives at the running server; `before` is when the last one
    had come until then."""
    until = asyncio.get_running_loop().time() + ROUND_TRIP
    while asyncio.get_running_loop().time() < until:
        came = await store.last_notice(mailbox.id)
        if came is not None and (before is None or came > before):
            took = max(0.0, (datetime.now(UTC) - began).total_seconds())
            return well("round trip", f"a notice came {took:.1f} s after it was sent")
        await asyncio.sleep(0.2)
    where = settings.public_url + settings.push_path
    if settings.notices is Notices.PUSH:
        mend = (
            f"gcloud pubsub subscriptions update {settings.subscription.rpartition('/')[2]} --push-endpoint={where}"
            f" --push-auth-service-account={settings.push_account}"
            f" --push-auth-token-audience={settings.expected_audience}; and a server must run there."
        )
    else:
        mend = f"A server must run, and fetch from {settings.subscription}; its log says notices_not_fetched otherwise."
    return broken("round trip", f"no notice came within {ROUND_TRIP:.0f} s", mend)


async def of_credentials(mailboxes: tuple[Mailbox, ...]) -> list[Finding]:
    """With notices that are fetched: this machine's credentials, and what the server says is missing."""
    found = []
    if missing := next((mailbox.missing for mailbox in mailboxes if mailbox.missing), None):
        found.append(broken("fetching", f"the server cannot fetch notices: {missing}", _MISSING[missing]))
    try:
        await CloudCredentials((SCOPE,)).token()
    except TryLater as error:
        found.append(refused("fetching", error, mend=_MISSING[Missing(error.reason)]))
    return found or [well("fetching", "this machine has credentials with Google Cloud")]
