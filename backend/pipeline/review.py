"""What the review page, the owner's lists and the insights page call."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta

import structlog

from backend.domain.errors import Gone, GoogleError, NeedsReconnect, NotFound, Refused, Rejected
from backend.domain.mail.machine_mail import host_of
from backend.domain.mail.message import Address, Arrival, MailboxId, Message, Owner
from backend.domain.mail.sender import Authentication, normalise, organisational_domain
from backend.domain.mailbox.mailbox import Mailbox
from backend.domain.mailbox.message import MessageView, Verdict
from backend.domain.mailbox.review import (
    Check,
    Figures,
    Listing,
    Position,
    ReviewFilter,
    SenderPile,
    SenderProfile,
    Shelf,
    UnsubscribeState,
    Unsubscription,
    all_weeks,
    first_monday,
    reasons_of,
    shelf_of,
)
from backend.domain.mailbox.rules import MOST_RULES, subject_of, write_list
from backend.domain.policy.table import Facts, Standing, decide
from backend.domain.reading.score import Score, ShownMessage
from backend.domain.watching.drift import Drift
from backend.domain.watching.trial import Quality, StrictnessOffer, better_strictness, quality
from backend.pipeline.context import Context
from backend.pipeline.decide import LONGEST_ADDRESS, MOST_ORDERED
from backend.ports.system import ReadingFailed, Unsubscriber
from backend.transactions.records import News
from backend.transactions.script import Notifier

# ---- showing: one message for its owner
# Shared by the page and the desktop app.


async def shown(context: Context, view: MessageView, owner: Owner) -> ShownMessage:
    """Text and marks of a stored message. Raises as `Gmail.fetch` and `Reader.show` do."""
    fetched = await context.gmail.fetch(view.mailbox_id, view.gmail_id)
    return await context.reader.show(fetched, owner, weighed(view))


def weighed(view: MessageView) -> Score:
    """The score that decided, with its reasons, from what was kept of the message."""
    return Score(view.score or 0.0, 0.0, reasons_of(view), view.model)


# ---- review: the owner's pages and orders
# An order is stored before it is carried out, under a key made with the page: the same order sent twice counts once.


log = structlog.get_logger()

MOST_OF_SENDER = 30
"""Most messages shown of one sender."""


@dataclass(frozen=True, slots=True)
class OpenedMessage:
    """One message to read. `missing` says why nothing is `shown` (gone, later, reconnect, unreadable), "" if it is."""

    view: MessageView
    mailbox: Mailbox
    unsubscription: Unsubscription | None
    shown: ShownMessage = ShownMessage("")
    missing: str = ""


@dataclass(frozen=True, slots=True)
class ReviewService:
    """What the owner's review pages call. Errors are those of `backend.domain.errors`."""

    context: Context
    unsubscriber: Unsubscriber

    # --- seeing

    async def listing(
        self, mailbox_id: MailboxId, wanted: ReviewFilter, after: Position | None, limit: int
    ) -> Listing:
        """See `Store.review`."""
        return await self.context.store.review(mailbox_id, wanted, after, limit)

    async def sender_profile(
        self, mailbox_id: MailboxId, address: str, after: Position | None, limit: int
    ) -> SenderProfile:
        """One sender, whatever the case of their address."""
        plain = normalise(address[:LONGEST_ADDRESS])
        domain = organisational_domain(plain.rpartition("@")[2]) if "@" in plain else ""
        return await self.context.store.sender_profile(mailbox_id, plain, domain, after, limit)

    async def held_of(self, mailbox_id: MailboxId, address: str) -> SenderPile:
        """Held messages from one sender, newest first."""
        profile = await self.sender_profile(mailbox_id, address, None, MOST_OF_SENDER)
        held = tuple(view for view in profile.messages if shelf_of(view) is Shelf.HELD)
        return SenderPile(profile.address, held, more=int(profile.position is not None))

    async def held_until(self, mailbox_id: MailboxId, until: datetime) -> list[str]:
        """Held messages that came up to `until`, at most as many as one order takes."""
        found: list[str] = []
        wanted, position = ReviewFilter((Shelf.HELD,), until=until + timedelta(microseconds=1)), None
        for _ in range(MOST_ORDERED):
            listed = await self.listing(mailbox_id, wanted, position, MOST_ORDERED)
            found += [view.gmail_id for pile in listed.piles for view in pile.messages]
            position = listed.position
            if position is None or len(found) >= MOST_ORDERED:
                break
        return found[:MOST_ORDERED]

    async def letter(self, mailbox_id: MailboxId, gmail_id: str) -> OpenedMessage:
        """One message with its text, fetched now and not kept. Raises `NotFound` if it is not stored.

        It is no error if Gmail does not return the message: the owner can still decide by what is stored.
        """
        view, mailbox, unsubscription = await self.context.store.mail(mailbox_id, gmail_id)
        opened = OpenedMessage(view, mailbox, unsubscription)
        try:
            found = await shown(self.context, view, mailbox.owner)
        except (Gone, Rejected):
            return replace(opened, missing="gone")
        except ReadingFailed as error:
            log.warning("not_shown", mailbox=mailbox_id, cause=error.cause, fault=error.fault)
            return replace(opened, missing="unreadable")
        except GoogleError as error:
            return replace(opened, missing="reconnect" if isinstance(error, NeedsReconnect) else "later")
        reasons_now = tuple(
            {"text": r.code, "weight": r.weight, "words": list(r.words)} for r in found.reasons
        )
        return replace(opened, shown=found, view=replace(view, reasons=view.reasons or reasons_now))

    async def news(self, mailbox_id: MailboxId, session_hash: str, after: int | None, limit: int) -> News:
        """See `Store.review_news`."""
        return await self.context.store.review_news(
            mailbox_id, session_hash, after, limit, self.context.clock.now()
        )

    def changed(self, mailbox_id: MailboxId) -> Notifier:
        """See `Store.changed`."""
        return self.context.store.changed(mailbox_id)

    # --- ordering

    def key(self) -> str:
        """A key for the page's next order."""
        return self.context.tokens.token(18)

    async def unsubscribe(self, mailbox_id: MailboxId, gmail_id: str) -> UnsubscribeState:
        """Send RFC 8058's one-click request for this message, on the owner's order, and note the outcome.

        The order is stored first and tried by one process at a time; once done, it is not tried again. If the process
        dies meanwhile, the order can be given again. Raises `NotFound` for an unknown message.
        """
        if not await self.context.store.begin_unsubscribe(mailbox_id, gmail_id, self._now()):
            unsubscription = (await self.context.store.mail(mailbox_id, gmail_id))[2]
            return unsubscription.state if unsubscription else UnsubscribeState.TRYING
        host, cause = "", ""
        try:
            found = await self.context.reader.offer(await self.context.gmail.fetch(mailbox_id, gmail_id))
            host, cause = host_of(found.url), found.cause
            if found.url:
                await self.unsubscriber.one_click(found.url)
        except (Gone, Rejected, ReadingFailed):
            cause = "no_offer"
        except GoogleError:
            cause = "later"
        except Refused as error:
            cause = error.code
        state = UnsubscribeState.FAILED if cause else UnsubscribeState.DONE
        await self.context.store.finish_unsubscribe(mailbox_id, gmail_id, state, host, cause, self._now())
        return state

    def _now(self) -> datetime:
        return self.context.clock.now()


# ---- own lists: allow and block rules


@dataclass(frozen=True, slots=True)
class TriedSender:
    """What would happen to mail from `sender`: to a plain letter, and to an obvious pitch. The same row for both means
    that the content does not matter."""

    sender: str
    authenticated: bool
    letter: Verdict
    pitch: Verdict
    standing: Standing

    @property
    def settled(self) -> bool:
        """Whether both have the same result."""
        return self.letter.row is self.pitch.row


async def written_out(context: Context, mailbox_id: MailboxId) -> str:
    """All rules as text that can be imported again."""
    found = await context.store.rules(mailbox_id, None, "", "", MOST_RULES)
    return write_list(entry.rule for entry in found)


async def try_sender(context: Context, mailbox: Mailbox, text: str, *, authenticated: bool) -> TriedSender:
    """Would mail from this sender reach the inbox? Raises `Refused` for an invalid address."""
    sender = subject_of(text)
    if "@" not in sender:
        raise Refused("rule_address.domain", field="subject")
    now = context.clock.now()
    domain = organisational_domain(sender.rpartition("@")[2])
    standing = await context.store.standing(mailbox.id, sender, domain, "", now)
    facts = Facts(
        arrival=Arrival("", "", frozenset({"INBOX"}), now, Message(from_=(Address(sender),))),
        owner=mailbox.owner,
        authentication=Authentication(authenticated),
        preferences=mailbox.preferences,
        standing=standing,
        labels=mailbox.labels,
    )
    thresholds = context.reader.thresholds(mailbox.preferences.strictness)
    letter, pitch = (decide(facts, Score(score, 0.0), thresholds, (), now) for score in (0.0, 1.0))
    return TriedSender(sender, authenticated, letter, pitch, standing)


# ---- insights
# Reads; changes nothing.


SENDERS = 10


@dataclass(frozen=True, slots=True)
class InsightService:
    """What the insights page calls."""

    context: Context

    async def look(self, mailbox_id: MailboxId) -> tuple[Mailbox, Figures]:
        """The mailbox and the figures of its last weeks, including empty ones. Raises `NotFound` once it is
        disconnected."""
        mailbox = await self.context.store.mailbox(mailbox_id)
        if mailbox is None:
            raise NotFound("not_found.mailbox")
        today = self.context.clock.now().astimezone(UTC).date()
        since = datetime.combine(first_monday(today), time(), UTC)
        figures = await self.context.store.figures(mailbox_id, since, SENDERS)
        return mailbox, replace(figures, weeks=all_weeks(figures.weeks, today))

    async def unanswered(self, mailbox_id: MailboxId, senders: Iterable[str]) -> dict[str, Check]:
        """For each sender who was sent challenges and solved none, the latest challenge."""
        found = {}
        for sender in senders:
            checks = (await self.context.store.sender_profile(mailbox_id, sender, "", None, 1)).checks
            sent = [check for check in checks if check.sent_at]
            if sent and not any(check.solved_at for check in sent):
                found[sender] = sent[0]
        return found

    async def drift(self, mailbox_id: MailboxId) -> Drift:
        """Whether the mailbox's mail has changed."""
        return await self.context.store.drift(mailbox_id)

    async def quality(self, mailbox_id: MailboxId) -> list[Quality]:
        """What the owner's answers say about the verdicts: over all answers first, then by group."""
        return quality(await self.context.store.labels(mailbox_id, self.context.clock.now()))

    async def better_strictness(self, mailbox: Mailbox) -> StrictnessOffer | None:
        """The strictness that would have served the owner better, judging by their answers."""
        reader, now = self.context.reader, self.context.clock.now()
        answered = await self.context.store.answered(mailbox.id, reader.model_version, now)
        return better_strictness(mailbox.preferences.strictness, answered, reader.thresholds)
