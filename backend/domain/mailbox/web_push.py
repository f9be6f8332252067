"""Web push: whom a browser's owner is told of, when, and what a browser may ask us to send to. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from backend.domain.errors import Refused
from backend.domain.mail.machine_mail import host_of
from backend.domain.mailbox.message import MessageView
from backend.domain.mailbox.review import Pile

SETTLE = timedelta(seconds=5)
"""How long to wait for more of a burst."""
APART = timedelta(minutes=5)
"""The least time between two notifications of one browser."""
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=5), timedelta(minutes=15)
GIVEN_UP = timedelta(days=3)
"""A browser that could not be reached for so long is forgotten."""

MOST_BROWSERS = 10
LONGEST_ENDPOINT = 1_000
_POINT = re.compile(r"B[A-Za-z0-9_-]{86}")
_SECRET = re.compile(r"[A-Za-z0-9_-]{22}")


@dataclass(frozen=True, slots=True)
class Subscription:
    """What a browser hands out to be reached by: its maker's address, its public key and secret (base64url), and the
    private key of ours that it will believe."""

    endpoint: str
    p256dh: str
    auth: str
    key: str


def subscription(endpoint: str, p256dh: str, auth: str, key: str) -> Subscription:
    """Checked. Raises `Refused` (malformed): an https address of a named host on the usual port, a point of P-256 and
    sixteen bytes. Where the host leads is checked when it is spoken to."""
    point, secret = p256dh.rstrip("="), auth.rstrip("=")
    if len(endpoint) > LONGEST_ENDPOINT or not host_of(endpoint):
        raise Refused("malformed.web_push", field="endpoint")
    if not (_POINT.fullmatch(point) and _SECRET.fullmatch(secret)):
        raise Refused("malformed.web_push", field="keys")
    return Subscription(endpoint, point, secret, key)


def newcomers(piles: Iterable[Pile], since: datetime, now: datetime) -> tuple[MessageView, ...]:
    """The newest message of each sender none of whose mail was waiting at `since` already: an owner is told of a
    sender once, not of each email."""
    return tuple(pile.messages[0] for pile in piles if all(since <= _held_at(m) < now for m in pile.messages))


def _held_at(view: MessageView) -> datetime:
    return view.decided_at or view.first_seen_at


def next_try(failing_since: datetime, now: datetime, named: datetime | None) -> datetime:
    """When to try again what has failed since then: at the time that was `named`, else after as long again."""
    wait = max(now - failing_since, (named or now) - now)
    return now + min(max(wait, FIRST_WAIT), LONGEST_WAIT)
