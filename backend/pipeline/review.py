"""review: what an owner sees of their mail on their own pages, and what they order there.

Orders are kept before anything is done about them, under a key the page was made with: the same order sent twice
is one order.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from backend.domain.errors import Gone, GoogleError, NeedsReconnect, Refused, Rejected
from backend.domain.mail.headers import UNSEEN
from backend.domain.mail.machine_mail import host_of
from backend.domain.mail.sender import is_free_mail, normalise, organisational_domain
from backend.domain.mailbox.decisions import Decision, RuleKind, refuse_shared_domain
from backend.domain.mailbox.mailbox import Mailbox
from backend.domain.mailbox.message import MessageView
from backend.domain.mailbox.review import (
    Done,
    Leaving,
    Listing,
    Position,
    SenderProfile,
    Unsubscription,
    Wanted,
)
from backend.domain.reading.score import Shown
from backend.domain.reading.topics import Topic, unwelcomed
from backend.pipeline.context import Context
from backend.pipeline.notices import owner_acted
from backend.pipeline.showing import shown
from backend.ports.public_post import Unsubscriber
from backend.ports.reader import Unread
from backend.transactions.driver import Notifier
from backend.transactions.records import News

log = structlog.get_logger()

MOST_ORDERED = 200
"""Messages of one order. A page shows fewer."""

MOST_CREDITS = 20
LATELY = timedelta(days=90)
"""How long a release is remembered when a topic is offered."""

KEY = re.compile(r"[A-Za-z0-9_-]{16,64}")
LONGEST_ADDRESS = 320


@dataclass(frozen=True, slots=True)
class Letter:
    """One message to be read. `missing`: why nothing is `shown` (gone, later, reconnect, unreadable), "" if it is."""

    view: MessageView
    mailbox: Mailbox
    unsubscription: Unsubscription | None
    shown: Shown = Shown("")
    missing: str = ""


@dataclass(frozen=True, slots=True)
class ReviewService:
    """The entrances of the owner's review pages. Errors are those of `backend.domain.errors`."""

    context: Context
    unsubscriber: Unsubscriber

    # --- seeing

    async def listing(self, mailbox_id: str, wanted: Wanted, after: Position | None, limit: int) -> Listing:
        """See `MessageStore.review`."""
        return await self.context.store.review(mailbox_id, wanted, after, limit)

    async def sender_profile(
        self, mailbox_id: str, address: str, after: Position | None, limit: int
    ) -> SenderProfile:
        """One sender, whatever the case of their address."""
        plain = normalise(address[:LONGEST_ADDRESS])
        domain = organisational_domain(plain.rpartition("@")[2]) if "@" in plain else ""
        return await self.context.store.sender_profile(mailbox_id, plain, domain, after, limit)

    async def letter(self, mailbox_id: str, gmail_id: str) -> Letter:
        """One message with its text, fetched now and kept nowhere. Raises `NotFound` if we know of none.

        That Gmail does not give it out is no error here: what is on record about it can still be decided upon.
        """
        view, mailbox, leaving = await self.context.store.mail(mailbox_id, gmail_id)
        letter = Letter(view, mailbox, leaving)
        try:
            found = await shown(self.context, view, mailbox.owner)
        except (Gone, Rejected):
            return replace(letter, missing="gone")
        except Unread as error:
            log.warning("not_shown", mailbox=mailbox_id, cause=error.cause, fault=error.fault)
            return replace(letter, missing="unreadable")
        except GoogleError as error:
            return replace(letter, missing="reconnect" if isinstance(error, NeedsReconnect) else "later")
        return replace(letter, shown=found)

    async def offer(self, mailbox: Mailbox) -> Topic | None:
        """The topic to ask about after a release: do they welcome it?"""
        since = self.context.clock.now() - LATELY
        released = await self.context.store.released_topics(mailbox.id, since)
        return unwelcomed(released, mailbox.preferences.welcome)

    async def news(self, mailbox_id: str, session_hash: str, after: int | None, limit: int) -> News:
        """See `DeviceStore.review_news`."""
        return await self.context.store.review_news(
            mailbox_id, session_hash, after, limit, self.context.clock.now()
        )

    def changed(self, mailbox_id: str) -> Notifier:
        """See `DeviceStore.changed`."""
        return self.context.store.changed(mailbox_id)

    # --- ordering

    def key(self) -> str:
        """What a page names its next order by."""
        return self.context.tokens.token(18)

    async def order(
        self,
        mailbox_id: str,
        key: str,
        decision: Decision,
        gmail_ids: Sequence[str],
        whole: Collection[str] = (),
    ) -> Done:
        """Decide about some messages at once, with what waits of their sender for those in `whole`.

        Raises `Refused` (malformed: too many, no key, or a whole domain where anybody gets an address).
        """
        if not 1 <= len(gmail_ids) <= MOST_ORDERED:
            raise malformed("pick")
        views = await self.context.store.known(mailbox_id, list(gmail_ids))
        refuse_shared_domain(decision, *(view.sender for view in views.values()))
        now = self.context.clock.now()
        done = await self.context.store.order(mailbox_id, proper(key), decision, gmail_ids, now, whole)
        await owner_acted(self.context, mailbox_id)
        return done

    async def undo(self, mailbox_id: str, key: str) -> None:
        """Take an order back. Raises `NotFound`, or `Refused` (no_credit) for credits spent meanwhile."""
        await self.context.store.undo_order(mailbox_id, proper(key), self.context.clock.now())
        await owner_acted(self.context, mailbox_id)

    async def give(self, mailbox_id: str, key: str, address: str, amount: int) -> int:
        """Give or take credits; the balance. Raises `Refused` (malformed, no_credit)."""
        if not 1 <= abs(amount) <= MOST_CREDITS:
            raise malformed("amount")
        plain = normalise(address)
        if "@" not in plain or len(plain) > LONGEST_ADDRESS:
            raise malformed("address")
        return await self.context.store.give(mailbox_id, proper(key), plain, amount, self.context.clock.now())

    async def set_rule(self, mailbox_id: str, subject: str, kind: RuleKind | None) -> None:
        """Set or drop the rule for an address or a domain, about mail to come. Raises `Refused` (malformed), also for
        a domain where anybody gets an address: a rule that is there can be dropped all the same."""
        plain = normalise(subject)
        if not plain or len(plain) > LONGEST_ADDRESS or UNSEEN.search(plain):
            raise malformed("subject")
        if kind is not None and "@" not in plain and is_free_mail(plain):
            raise malformed("subject")
        await self.context.store.set_rule(mailbox_id, plain, kind, self.context.clock.now())

    async def unsubscribe(self, mailbox_id: str, gmail_id: str) -> Leaving:
        """Post RFC 8058's one click for this message, on the owner's order, and note how it went.

        Kept before it is tried and tried by one at a time; done once, it is not tried again. A process that dies
        over it leaves an order that can be given again. Raises `NotFound` for an unknown message.
        """
        if not await self.context.store.ask_off(mailbox_id, gmail_id, self._now()):
            leaving = (await self.context.store.mail(mailbox_id, gmail_id))[2]
            return leaving.state if leaving else Leaving.TRYING
        host, cause = "", ""
        try:
            found = await self.context.reader.offer(await self.context.gmail.fetch(mailbox_id, gmail_id))
            host, cause = host_of(found.url), found.cause
            if found.url:
                await self.unsubscriber.one_click(found.url)
        except (Gone, Rejected, Unread):
            cause = "no_offer"
        except GoogleError:
            cause = "later"
        except Refused as error:
            cause = error.code
        state = Leaving.FAILED if cause else Leaving.DONE
        await self.context.store.told_off(mailbox_id, gmail_id, state, host, cause, self._now())
        return state

    def _now(self) -> datetime:
        return self.context.clock.now()


def proper(key: str) -> str:
    """`key`, if it is one of ours. Raises `Refused` (malformed)."""
    if not KEY.fullmatch(key):
        raise malformed("order")
    return key


def malformed(field: str) -> Refused:
    """The error for a form that none of our pages makes."""
    return Refused("malformed.form", field=field)
