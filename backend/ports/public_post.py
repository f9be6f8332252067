"""Posts to addresses that strangers or browsers' makers chose: one-click unsubscribe and web push."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from backend.domain.mailbox.owner_digest import PushSubscription


class Unsubscriber(Protocol):
    """Posts RFC 8058's one click to an address a stranger wrote, so it trusts nothing about it."""

    async def one_click(self, url: str) -> None:
        """Post once, within some seconds. Doing it again does the sender no harm: the request says the same.

        Raises `Refused` with a code: unsafe_address (not https, or a host that leads anywhere but to the public
        Internet), unreachable (no answer in time, or none at all), not_accepted (an answer other than 2xx; a
        redirect is one, for RFC 8058 forbids it).
        """


class Pushed(StrEnum):
    """What a push service said."""

    SENT = "sent"
    GONE = "gone"  # the browser does not want to hear from us any more
    LATER = "later"  # too many, an outage, no answer
    REFUSED = "refused"  # asking again would change nothing


@dataclass(frozen=True, slots=True)
class PushAnswer:
    """`retry_at`: the time the service named, if it did."""

    outcome: Pushed
    retry_at: datetime | None = None


class PushService(Protocol):
    """The push services of browsers' makers (RFC 8030)."""

    def new_key(self) -> str:
        """A private key for one browser, as text."""

    def public_key(self, key: str) -> str:
        """What a browser is to know a key by (RFC 8292)."""

    async def push(self, to: PushSubscription, payload: bytes) -> PushAnswer:
        """Send, encrypted for this browser alone, within some seconds. One that has not been delivered yet is replaced
        by the next. Raises nothing that a service or its address may cause."""
