"""Messages of one sender, or of colleagues, that are screened at the same time are judged in order of date, each with
the earlier ones as evidence: whether a look has just found them or they were left in the store."""

from __future__ import annotations

import asyncio

from backend.domain.mailbox.message import Screened
from backend.domain.policy.evidence import company_domain

LINGER = 0.05
"""Seconds for which a message waits for others to be read, or judged: Google or the reading may delay one of them."""


class Place:
    """One message's place among those `beside` it: all of its mailbox that are being screened."""

    def __init__(self, gmail_id: str, beside: list[Place]) -> None:
        loop = asyncio.get_running_loop()
        self._id, self._beside = gmail_id, beside
        self._screened: Screened | None = None
        self._begun = False
        self._read: asyncio.Future[None] = loop.create_future()
        self._over: asyncio.Future[None] = loop.create_future()
        beside.append(self)

    def read(self, screened: Screened) -> None:
        """The message has been read."""
        self._screened = screened
        self._read.set_result(None)

    def leave(self) -> None:
        """Its verdict is on record, or it will have none for now."""
        self._beside.remove(self)
        self._over.set_result(None)
        if not self._read.done():
            self._read.set_result(None)

    async def others_read(self) -> None:
        """Wait a little until all have been read."""
        if unread := [other._read for other in self._beside if not other._read.done()]:
            await asyncio.wait(unread, timeout=LINGER)

    def earlier(self) -> asyncio.Future[None] | None:
        """Done when an earlier message that is evidence for this one has left; None if there is none. Then this one
        begins, and later ones wait for it, even one that turns out to be older."""
        found = next((other._over for other in self._beside if other._comes_before(self)), None)
        self._begun = found is None
        return found

    def _comes_before(self, other: Place) -> bool:
        ours, theirs = self._screened, other._screened
        if self is other or ours is None or theirs is None or not _alike(ours, theirs):
            return False
        return self._begun or (ours.received_at, self._id) < (theirs.received_at, other._id)


def _alike(one: Screened, other: Screened) -> bool:
    """Whether mail from one of these senders is evidence about the other."""
    same_firm = one.sender_domain == other.sender_domain and bool(company_domain(one.sender_domain))
    return (one.sender != "" and one.sender == other.sender) or same_firm
