"""What the Gmail add-on needs beside the other ports: who is calling, and everything a card shows at one read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from backend.domain.mailbox.mailbox import Mailbox, Preferences
from backend.domain.mailbox.verdict import Verdict
from backend.domain.policy.standing import Standing
from backend.ports.records import MessageView, Screened, Sighting


@dataclass(frozen=True, slots=True)
class Tenant:
    """A mailbox and the version of its row: `version` is another one after every change of its settings."""

    mailbox: Mailbox
    version: int


@dataclass(frozen=True, slots=True)
class SenderRecord:
    """What came of a sender so far: messages that are `held` now, checks they were `asked` to pass and `solved`."""

    held: int = 0
    asked: int = 0
    solved: int = 0


@dataclass(frozen=True, slots=True)
class Reading:
    """One message and its sender, read at one moment. `version` is another one after every decision."""

    view: MessageView
    version: int
    standing: Standing
    record: SenderRecord


class AddonCallers(Protocol):
    """Checks Google's two tokens. Every refusal is the same `Unauthenticated`; `TryLater` without Google's keys."""

    async def verify_system(self, authorization: str, audience: str) -> None:
        """The header's bearer token is Google's own for our deployment, and for exactly this endpoint."""
        ...

    async def verify_user(self, token: str) -> str:
        """The event's user token, meant for our deployment; returns the account's `sub`."""
        ...


class AddonRecords(Protocol):
    """Reads and writes of the cards. Each method is one transaction."""

    async def tenant(self, sub: str) -> Tenant | None:
        """The mailbox of a Google account. Never looked up by address: that may change hands."""
        ...

    async def reading(self, mailbox_id: str, gmail_id: str, now: datetime) -> Reading | None:
        """Everything the card of a message shows; None for a message that has no row."""
        ...

    async def sender(
        self, mailbox_id: str, sender: str, sender_domain: str, thread_id: str, now: datetime
    ) -> tuple[Standing, SenderRecord]:
        """The same of a sender whose message has no row yet."""
        ...

    async def waiting(self, mailbox_id: str, since: datetime) -> tuple[int, int]:
        """Messages held now: all, and those decided about since `since`."""
        ...

    async def adopt(
        self, mailbox_id: str, seen: Sighting, verdict: Verdict, screened: Screened | None, now: datetime
    ) -> bool:
        """Note a message no sync will bring, with what is thought of it; nothing follows. False: it was known."""
        ...

    async def prefer(self, mailbox_id: str, version: int, preferences: Preferences, now: datetime) -> bool:
        """Save the settings if nothing changed since `version`; False if something did."""
        ...
