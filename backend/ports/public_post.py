"""Posts to addresses that strangers or browser vendors chose: one-click unsubscribe and web push."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from backend.domain.mailbox.owner_digest import PushSubscription


class Unsubscriber(Protocol):
    """Posts RFC 8058's one-click request to an address that a stranger wrote."""

    async def one_click(self, url: str) -> None:
        """Post once, within some seconds. A second request does no harm, because it says the same.

        Raises `Refused` with a code: unsafe_address (not https, or a host outside the public Internet), unreachable (no
        answer in time), not_accepted (an answer other than 2xx; redirects too, which RFC 8058 forbids)."""


class Pushed(StrEnum):
    """The answer of a push service."""

    SENT = "sent"
    GONE = "gone"  # the browser does not want to hear from us any more
    LATER = "later"  # too many, an outage, no answer
    REFUSED = "refused"  # asking again would change nothing


@dataclass(frozen=True, slots=True)
class PushAnswer:
    """The answer, and `retry_at`, the time that the service named, if any."""

    outcome: Pushed
    retry_at: datetime | None = None


class PushService(Protocol):
    """The push services of browser vendors (RFC 8030)."""

    def new_key(self) -> str:
        """A new private key for one browser, as text."""

    def public_key(self, key: str) -> str:
        """The public key that the browser gets (RFC 8292)."""

    async def push(self, to: PushSubscription, payload: bytes) -> PushAnswer:
        """Send, encrypted for this browser alone, within some seconds. A message that is not delivered yet is replaced
        by the next. Raises nothing that a service or its address may cause."""
