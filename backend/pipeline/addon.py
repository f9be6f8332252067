"""addon: what the owner sees and does next to their mail. Reads come from the store; Gmail is asked about a message
only if it has no row.

Every action carries the version of the card it was taken on. Its idempotency key is made of message, action and
version: the same click sent again is the same decision, the same button on a newer card a new one.
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, replace
from typing import Any

from backend.domain.errors import Gone, NotFound, Rejected, TryLater
from backend.domain.mail.message import Arrival
from backend.domain.mailbox.mailbox import AccessState, Mailbox, Mode
from backend.domain.mailbox.message import MessageView, Outcome, Placement, Screened, Stage, Verdict
from backend.domain.policy import table
from backend.pipeline import decide
from backend.pipeline.context import Context
from backend.pipeline.decide import check_chosen
from backend.pipeline.notices import owner_acted
from backend.pipeline.screen import OWN_MAIL, is_ours, unjudged
from backend.ports.gmail import AddonCallers
from backend.ports.system import ReadingFailed
from backend.transactions.records import CardData, Duty, HeldSender, Sighting, Tenant

RECENT = 6
"""Senders on the home card."""
LOOKED_THROUGH = 40
"""Messages looked through for the senders of what would be held."""

PATIENCE = 7.0
"""Seconds Gmail may take to return a message. Google stops waiting for us some seconds later and would show a
failure."""


@dataclass(frozen=True, slots=True)
class CardView:
    """What a message's card shows. `reading` is None if there is nothing to say, and `trouble` says why (gone, later,
    indexing). `coming`: it has just arrived and is not sorted yet; `fresh`: it was judged for this card."""

    reading: CardData | None
    trouble: str = ""
    fresh: bool = False
    coming: bool = False


@dataclass(frozen=True, slots=True)
class Home:
    """What the home card shows: how many emails from how many senders wait for the owner, and the `recent` ones by
    sender, newest first. `marked` are emails that would be held, one per sender, in mode observe."""

    emails: int
    senders: int
    recent: tuple[HeldSender, ...]
    marked: tuple[MessageView, ...] = ()


@dataclass(frozen=True, slots=True)
class AddonService:
    """What the add-on calls. Errors are those of `backend.domain.errors`."""

    context: Context
    callers: AddonCallers
    patience: float = PATIENCE

    async def verify_system(self, authorization: str, audience: str) -> None:
        """See `AddonCallers`."""
        await self.callers.verify_system(authorization, audience)

    async def tenant(self, user_token: str) -> Tenant | None:
        """The caller's mailbox; None if they have none connected. Raises `Unauthenticated`, `TryLater`."""
        tenant = await self.context.store.tenant(await self.callers.verify_user(user_token))
        return None if tenant is None or tenant.mailbox.link is AccessState.LEAVING else tenant

    async def look(self, mailbox: Mailbox, gmail_id: str) -> CardView:
        """One message, from the store or, if it has no row, judged now. Raises `NeedsReconnect`."""
        reading = await self.context.store.card_data(mailbox.id, gmail_id, self.context.clock.now())
        if reading is not None:
            return CardView(reading)
        if mailbox.indexed_at is None:
            return CardView(None, "indexing")
        try:
            async with asyncio.timeout(self.patience):
                judged, coming = await score_unseen(self.context, mailbox, gmail_id)
        except (Gone, Rejected, ReadingFailed):
            return CardView(None, "gone")
        except (TryLater, TimeoutError):
            return CardView(None, "later")
        return CardView(judged, fresh=True, coming=coming)

    async def home(self, mailbox: Mailbox) -> Home:
        """The state of the mailbox."""
        overview = await self.context.store.overview(mailbox.id)
        marked = await self._marked(mailbox) if mailbox.preferences.mode is Mode.OBSERVE else ()
        if overview is None or not overview.messages:
            return Home(0, 0, (), marked)
        recent = (await self.context.store.held(mailbox.id, "", None, RECENT)).senders
        return Home(overview.messages, overview.senders, recent, marked)

    async def _marked(self, mailbox: Mailbox) -> tuple[MessageView, ...]:
        latest: dict[str, MessageView] = {}
        for view in await self.context.store.messages(mailbox.id, Placement.MARKED, LOOKED_THROUGH):
            latest.setdefault(view.sender, view)
        return tuple(latest.values())[:RECENT]

    async def give_credit(self, mailbox: Mailbox, gmail_id: str, version: str) -> int:
        """One credit for the sender of a message; returns their balance. Raises `NotFound`."""
        known = await self.context.store.known(mailbox.id, [gmail_id])
        sender = known[gmail_id].sender if gmail_id in known else ""
        if not sender:
            raise NotFound("not_found.message")
        return await decide.give(self.context, mailbox.id, act_key(gmail_id, "credit", version), sender, 1)

    async def save_preferences(self, tenant: Tenant, version: int, **changes: Any) -> bool:
        """Change settings; False if they were changed since `version`. Raises `Refused` naming the field."""
        check_chosen(self.context.settings, changes)
        wanted = tenant.mailbox.preferences.changed(**changes)
        saved = await self.context.store.save_preferences_unless_changed(
            tenant.mailbox.id, version, wanted, self.context.clock.now()
        )
        if saved:
            await owner_acted(self.context, tenant.mailbox.id)
        return saved


def act_key(gmail_id: str, act: str, version: str) -> str:
    """The idempotency key of one act: 37 characters of a-z, 0-9 and "-"."""
    digest = hashlib.sha256("\0".join((gmail_id, act, version)).encode()).hexdigest()
    return f"card-{digest[:32]}"


# ---- Mail that was never screened
# It stays where it is, and may be unknown because it is older than the connection, because its row has been deleted
# with age, or because it has only just arrived. The last kind must get no row here: otherwise its sync would skip it as
# known, and it would never be held or answered. It is judged all the same, and its sync is made due at once.


async def score_unseen(context: Context, mailbox: Mailbox, gmail_id: str) -> tuple[CardData, bool]:
    """Fetch the message (the one Gmail call) and judge it; True if it has only just arrived and is still to be
    screened. Raises `Gone`, `Rejected`, `NeedsReconnect` or `TryLater` as the fetch does, and `ReadingFailed`."""
    digest = await context.reader.screen(await context.gmail.fetch(mailbox.id, gmail_id), mailbox.owner)
    arrival, screened = digest.arrival, digest.kept()
    now = context.clock.now()
    standing, record = await context.store.sender(
        mailbox.id, screened.sender, screened.sender_domain, arrival.thread_id, now
    )
    if await is_ours(context, mailbox.id, arrival):
        verdict = OWN_MAIL
    elif digest.score is None:
        verdict = unjudged(digest)
    else:
        # Judged as in mode observe, without credits: nothing is moved or spent.
        facts = table.Facts(
            arrival=replace(arrival, labels=_as_if_new(arrival.labels)),
            owner=mailbox.owner,
            authentication=digest.authentication,
            preferences=replace(mailbox.preferences, mode=Mode.OBSERVE, paused_until=None),
            standing=replace(standing, credits=0),
            form=digest.form,
            read_limit=digest.read_limit,
        )
        thresholds = digest.thresholds[mailbox.preferences.strictness]
        verdict = table.decide(facts, digest.score, thresholds, (), now)
    ignored = verdict.outcome is Outcome.IGNORE
    verdict = replace(verdict, outcome=Outcome.IGNORE if ignored else Outcome.INBOX, spends_credit=False)
    view = _view(mailbox, arrival, screened, verdict)
    coming = arrival.received_at >= mailbox.created_at and "INBOX" in arrival.labels
    if coming:
        await context.store.request_duty(mailbox.id, Duty.SYNC, now)
        context.wake()
    else:
        sighting = Sighting(arrival.gmail_id, arrival.thread_id, None, Stage.SCREEN)
        await context.store.insert_unseen(mailbox.id, sighting, verdict, screened, now)
    return CardData(view, 0, standing, record), coming


def _as_if_new(labels: frozenset[str]) -> frozenset[str]:
    """Archived mail is judged as if it were still in the inbox; the owner's own mail is not."""
    return labels | {"INBOX"}


def _view(mailbox: Mailbox, arrival: Arrival, screened: Screened, verdict: Verdict) -> MessageView:
    score = verdict.score
    reasons = score.reasons if score else ()
    return MessageView(
        mailbox_id=mailbox.id,
        gmail_id=arrival.gmail_id,
        thread_id=arrival.thread_id,
        stage=None,
        placement=None if verdict.outcome is Outcome.IGNORE else Placement.INBOX,
        outcome=verdict.outcome,
        row=verdict.row,
        score=score.probability if score else None,
        reasons=tuple({"text": r.code, "weight": r.weight, "words": list(r.words)} for r in reasons),
        guards=verdict.guards,
        cause=verdict.cause,
        sender=screened.sender,
        sender_name=screened.sender_name,
        subject=screened.subject,
        model=score.model if score else "",
        first_seen_at=arrival.received_at,
        received_at=arrival.received_at,
        decided_at=arrival.received_at,
        changed_at=arrival.received_at,
        dead_letter=False,
        decided_by="",
    )
