"""Browsers that want to be told of new senders, in the store and behind their makers' push services."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from backend.domain.mailbox.web_push import Subscription
from backend.ports.jobs import DutyJob


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


@dataclass(frozen=True, slots=True)
class WebPush:
    """One browser. `session` is the hash of its session: it ends with that. `sealed` holds its `Subscription`,
    `browser` is what it calls itself, `language` a two-letter code. `told_until`: what was held before is known;
    `told_at` when it was last told; `failing_since` from when on it could not be."""

    id: str
    session: str
    sealed: bytes
    browser: str
    language: str
    told_until: datetime
    told_at: datetime | None = None
    failing_since: datetime | None = None


class PushService(Protocol):
    """The push services of browsers' makers (RFC 8030)."""

    def new_key(self) -> str:
        """A private key for one browser, as text."""

    def public_key(self, key: str) -> str:
        """What a browser is to know a key by (RFC 8292)."""

    async def push(self, to: Subscription, payload: bytes) -> PushAnswer:
        """Send, encrypted for this browser alone, within some seconds. One that has not been delivered yet is replaced
        by the next. Raises nothing that a service or its address may cause."""


class WebPushStore(Protocol):
    """As for `backend.ports.jobs`: every method is one transaction."""

    async def web_pushes(self, mailbox_id: str, now: datetime) -> tuple[WebPush, ...]:
        """Those of a mailbox whose sessions run, oldest first."""

    async def add_web_push(self, mailbox_id: str, push: WebPush, now: datetime) -> None:
        """Keep it in place of what its session had; nothing, if that has ended. What is held by `now` is known to it.
        Raises `Refused` (too_many_browsers)."""

    async def swap_web_push(self, mailbox_id: str, push_id: str, old: bytes, new: bytes) -> bool:
        """Seal it anew, or another address of the same browser; False if it is not `old` any more."""

    async def remove_web_push(self, mailbox_id: str, session: str) -> None:
        """That of a session, if there is one."""

    async def hand_over_web_push(self, mailbox_id: str, old: str, new: str) -> None:
        """That of session `old` is session `new`'s from now on, if both are of this mailbox."""

    async def web_pushed(
        self, job: DutyJob, answers: list[tuple[WebPush, Pushed]], now: datetime, next_due: datetime | None
    ) -> None:
        """What became of a round that told up to `now`; those that are gone, or failed for too long, are removed.
        Ends the duty. Raises `LeaseLost`."""
