"""What the review page, the owner's lists and the insights page ask for."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta

import structlog

from backend.domain.errors import Gone, GoogleError, NeedsReconnect, NotFound, Refused, Rejected
from backend.domain.mail.authentication import Authentication
from backend.domain.mail.machine_mail import host_of
from backend.domain.mail.message import UNSEEN, Address, Arrival, Message, Owner
from backend.domain.mail.sender import is_free_mail, normalise, organisational_domain
from backend.domain.mailbox.decisions import Decision, RuleKind, refuse_shared_domain
from backend.domain.mailbox.insights import Figures, filled, first_monday
from backend.domain.mailbox.mailbox import Mailbox
from backend.domain.mailbox.message import MessageView, Verdict
from backend.domain.mailbox.review import (
    Done,
    Given,
    Leaving,
    Listing,
    Position,
    SenderProfile,
    Unsubscription,
    Wanted,
)
from backend.domain.mailbox.rules import (
    MOST_RULES,
    Effect,
    ParsedRules,
    Rule,
    effect_of,
    read_list,
    subject_of,
    write_list,
)
from backend.domain.policy.table import Facts, Standing, decide
from backend.domain.reading.score import Reason, Score, Shown
from backend.domain.reading.topics import Topic, unwelcomed
from backend.domain.watching.drift import Drift
from backend.domain.watching.trial import Offer, Quality, better_degree, quality
from backend.pipeline.context import Context
from backend.pipeline.notices import owner_acted
from backend.ports.public_post import Unsubscriber
from backend.ports.reader import Unread
from backend.transactions.driver import Notifier
from backend.transactions.records import News

# ---- showing: one message for its owner
# The same for page and desktop app.


async def shown(context: Context, view: MessageView, owner: Owner) -> Shown:
    """Text and marks of a message we know of. Raises as `Gmail.fetch` and `Reader.show` do."""
    fetched = await context.gmail.fetch(view.mailbox_id, view.gmail_id)
    return await context.reader.show(fetched, owner, weighed(view))


def weighed(view: MessageView) -> Score:
    """The score that decided, with its reasons, from what is kept of it."""
    reasons = tuple(
        Reason(str(r.get("text", "")), float(r.get("weight", 0.0)), tuple(map(str, r.get("words", ()))))
        for r in view.reasons
    )
    return Score(view.score or 0.0, 0.0, reasons, view.model)


# ---- review: the owner's pages and orders
# Orders are kept before anything is done about them, under a key the page was made with: the same order sent twice is
# one order.


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
        """See `Store.review`."""
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
        """See `Store.review_news`."""
        return await self.context.store.review_news(
            mailbox_id, session_hash, after, limit, self.context.clock.now()
        )

    def changed(self, mailbox_id: str) -> Notifier:
        """See `Store.changed`."""
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
        given: tuple[timedelta, Collection[str]] | None = None,
    ) -> Done:
        """Decide about some messages at once, with what waits of their sender for those in `whole`. `given`: how long
        ago the order was given, and the keys of the browser's orders before it.

        Raises `Refused` (malformed: too many, no key, or a whole domain where anybody gets an address).
        """
        if not 1 <= len(gmail_ids) <= MOST_ORDERED:
            raise malformed("pick")
        views = await self.context.store.known(mailbox_id, list(gmail_ids))
        refuse_shared_domain(decision, *(view.sender for view in views.values()))
        now = self.context.clock.now()
        at = Given(now - given[0], frozenset(given[1])) if given else None
        done = await self.context.store.order(mailbox_id, proper(key), decision, gmail_ids, now, whole, at)
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
        if not await self.context.store.begin_unsubscribe(mailbox_id, gmail_id, self._now()):
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
        await self.context.store.finish_unsubscribe(mailbox_id, gmail_id, state, host, cause, self._now())
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


# ---- own lists: allow and block rules


@dataclass(frozen=True, slots=True)
class Trial:
    """What would happen to mail of `sender`: to a plain letter, and to what is surely a pitch. The same row for
    both means that what they write does not matter."""

    sender: str
    authenticated: bool
    letter: Verdict
    pitch: Verdict
    standing: Standing

    @property
    def settled(self) -> bool:
        """Whether the content does not matter."""
        return self.letter.row is self.pitch.row


async def add(context: Context, mailbox_id: str, text: str, kind: RuleKind) -> Rule:
    """Set a rule for what the owner wrote. Raises `Refused` naming the field."""
    rule = Rule(subject_of(text), kind)
    await context.store.put_rules(mailbox_id, (rule,), context.clock.now())
    return rule


async def remove(context: Context, mailbox_id: str, subject: str) -> None:
    """Remove a rule; one that is gone is as it should be. Raises `Refused` (rule_empty) if none is named."""
    if not subject.strip():
        raise Refused("rule_empty", field="subject")
    await context.store.set_rule(mailbox_id, subject, None, context.clock.now())


async def weigh(
    context: Context, mailbox_id: str, text: str, default: RuleKind
) -> tuple[ParsedRules, Effect]:
    """What importing the text would do. Changes nothing. Raises `Refused` (rules_too_long)."""
    reading = read_list(text, default)
    known = await context.store.rules_of(mailbox_id, [rule.subject for rule in reading.rules])
    return reading, effect_of(reading.rules, known)


async def bring_in(
    context: Context, mailbox_id: str, text: str, default: RuleKind
) -> tuple[ParsedRules, Effect]:
    """Import the lines that are in order; the same text again changes nothing."""
    reading, effect = await weigh(context, mailbox_id, text, default)
    if reading.rules:
        await context.store.put_rules(mailbox_id, reading.rules, context.clock.now())
    return reading, effect


async def written_out(context: Context, mailbox_id: str) -> str:
    """All rules as text that can be brought in again."""
    found = await context.store.rules(mailbox_id, None, "", "", MOST_RULES)
    return write_list(entry.rule for entry in found)


async def trial(context: Context, mailbox: Mailbox, text: str, *, authenticated: bool) -> Trial:
    """Would this sender pass? Raises `Refused` for what is no address."""
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
    letter, pitch = (decide(facts, Score(certainty, 0.0), thresholds, (), now) for certainty in (0.0, 1.0))
    return Trial(sender, authenticated, letter, pitch, standing)


# ---- insights
# Reads; changes nothing.


SENDERS = 10


@dataclass(frozen=True, slots=True)
class InsightService:
    """The entrance of the insights page."""

    context: Context

    async def look(self, mailbox_id: str) -> tuple[Mailbox, Figures]:
        """The mailbox and the figures of its last weeks, every week there. Raises `NotFound` when it has been
        disconnected."""
        mailbox = await self.context.store.mailbox(mailbox_id)
        if mailbox is None:
            raise NotFound("not_found.mailbox")
        today = self.context.clock.now().astimezone(UTC).date()
        since = datetime.combine(first_monday(today), time(), UTC)
        figures = await self.context.store.figures(mailbox_id, since, SENDERS)
        return mailbox, replace(figures, weeks=filled(figures.weeks, today))

    async def drift(self, mailbox_id: str) -> Drift:
        """Whether the mailbox's mail has changed."""
        return await self.context.store.drift(mailbox_id)

    async def quality(self, mailbox_id: str) -> list[Quality]:
        """What the owner's answers say of the verdicts: of all first."""
        return quality(await self.context.store.labels(mailbox_id, self.context.clock.now()))

    async def better_degree(self, mailbox: Mailbox) -> Offer | None:
        """The strictness that the answers say would serve the owner better."""
        reader, now = self.context.reader, self.context.clock.now()
        answered = await self.context.store.answered(mailbox.id, reader.model_version, now)
        return better_degree(mailbox.preferences.strictness, answered, reader.thresholds)
