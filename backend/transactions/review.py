"""The review page's lists, a page at a time, and what is on record about one sender or message. Cost does not grow
with the mailbox."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypedDict

from backend.domain.errors import NotFound
from backend.domain.mail.message import MailboxId
from backend.domain.mailbox.decisions import Decision, RuleKind, RuleMatch
from backend.domain.mailbox.mailbox import Mailbox
from backend.domain.mailbox.message import MessageView
from backend.domain.mailbox.review import (
    CHECK_LINES,
    LEDGER_LINES,
    MOST_COUNTED,
    Booked,
    Check,
    Leaving,
    Listing,
    PastDecision,
    Pile,
    Position,
    SenderProfile,
    Shelf,
    Unsubscription,
    Wanted,
)
from backend.domain.reading.topics import Topic
from backend.transactions import message_rows, senders
from backend.transactions import views as transactions_views
from backend.transactions.mailboxes import mailbox_of
from backend.transactions.message_rows import MessageRow
from backend.transactions.records import News
from backend.transactions.rows import Flag, MailboxRow, SenderRulesRow, SessionRow
from backend.transactions.statement import Script, micros, moment, moment_or_none, number, packed, q

# ---- The review page's lists
# What a page costs does not depend on what the mailbox holds. Messages are walked newest first along the index of
# their shelf, at most `MOST_WALKED` a page. A plain list shows a sender where their newest message stands, once; a
# narrowed one shows every match once, by sender within the page. The narrowing is done here: folding case beyond
# ASCII is what the two databases do differently.


CHUNK = 500
FIRST_CHUNK = 50
MOST_WALKED = 2_000
SHOWN_OF_SENDER = 3
MATCHES = 60
"""Messages on a page of a narrowed list."""

FAR: Position = (2**62, "")
"""Later than any time: where the first page begins."""


class WalkedRow(TypedDict):
    """A message on its shelf. `is_head`: it is the newest of its sender there, where that was asked for."""

    gmail_id: str
    sender: str
    sender_name: str
    subject: str
    score: float | None
    outcome: str
    has_note: Flag
    is_head: Flag
    at: int


class TopicsRow(TypedDict):
    """Of `messages`."""

    gmail_id: str
    topics: str


class ShelvedRow(MessageRow):
    """Of `messages`, with its place in lists."""

    at: int


def review(mailbox_id: MailboxId, wanted: Wanted, after: Position | None, limit: int) -> Script[Listing]:
    """One page of at most `limit` senders. The cost does not grow with what the mailbox holds.

    Raises `NotFound` when the mailbox is gone.
    """
    row: MailboxRow | None = yield q("mailbox", mailbox_id=mailbox_id)
    if row is None:
        raise NotFound("not_found.mailbox")
    latest = yield from number("latest_event", mailbox_id=mailbox_id)
    waiting = yield from number("count_shelf", mailbox_id=mailbox_id, shelf=Shelf.HELD, limit=MOST_COUNTED)
    listed = Listing((yield from mailbox_of(row)), latest, waiting, (), None, None)
    if wanted.narrow:
        return (yield from _narrowed(listed, wanted, after or FAR, limit))
    return (yield from _plain(listed, wanted.shelves, after or FAR, limit))


def _plain(listed: Listing, shelves: Sequence[Shelf], after: Position, limit: int) -> Script[Listing]:
    walk = Walk(listed.mailbox, shelves, heads=True, at=after)
    heads: list[WalkedRow] = []
    while len(heads) <= limit and not walk.over:
        heads += [row for row in (yield from walk.more()) if row["is_head"]]
    piles = []
    for head in heads[:limit]:
        piles.append((yield from _pile(listed.mailbox.id, head["sender"], shelves)))
    position = _before(heads[limit]) if len(heads) > limit else walk.rest
    return _listed(listed, piles, position, walk)


def _pile(mailbox_id: MailboxId, sender: str, shelves: Sequence[Shelf]) -> Script[Pile]:
    """The newest messages of a sender, and how many more they have."""
    found = yield from of_sender(mailbox_id, sender, shelves, FAR, SHOWN_OF_SENDER + 1)
    more = 0
    if len(found) > SHOWN_OF_SENDER:
        for shelf in shelves:
            more += yield from number(
                "count_shelf_of_sender",
                mailbox_id=mailbox_id,
                sender=sender,
                shelf=shelf,
                limit=MOST_COUNTED,
            )
        more = min(more, MOST_COUNTED) - SHOWN_OF_SENDER
    return Pile(sender, tuple(message_rows.view(row) for row in found[:SHOWN_OF_SENDER]), more)


def of_sender(
    mailbox_id: MailboxId, sender: str, shelves: Sequence[Shelf], after: Position, limit: int
) -> Script[list[ShelvedRow]]:
    """A sender's messages behind `after`, newest first."""
    found: list[ShelvedRow] = []
    for shelf in shelves:
        theirs: list[ShelvedRow] = yield q(
            "shelf_of_sender",
            mailbox_id=mailbox_id,
            sender=sender,
            shelf=shelf,
            at=after[0],
            gmail_id=after[1],
            limit=limit,
        )
        found += theirs
    return sorted(found, key=place_of, reverse=True)[:limit]


def _narrowed(listed: Listing, wanted: Wanted, after: Position, limit: int) -> Script[Listing]:
    start = min(after, (micros(wanted.until), "")) if wanted.until else after
    walk = Walk(listed.mailbox, wanted.shelves, heads=False, at=start)
    end = micros(wanted.since) if wanted.since else -FAR[0]
    found: dict[str, list[WalkedRow]] = {}
    count, stopped = 0, None
    while stopped is None and not walk.over:
        for row in (yield from walk.more()):
            if row["at"] < end:
                return (yield from _matches(listed, found, None, walk))
            if not fits(wanted, row):
                continue
            if count == MATCHES or (row["sender"] not in found and len(found) == limit):
                stopped = _before(row)
                break
            found.setdefault(row["sender"], []).append(row)
            count += 1
    return (yield from _matches(listed, found, stopped or walk.rest, walk))


def _matches(
    listed: Listing, found: dict[str, list[WalkedRow]], position: Position | None, walk: Walk
) -> Script[Listing]:
    ids = [row["gmail_id"] for group in found.values() for row in group]
    full: list[MessageRow] = yield q("messages_by_id", mailbox_id=listed.mailbox.id, ids=packed(ids))
    views = {row["gmail_id"]: message_rows.view(row) for row in full}
    piles = [Pile(sender, tuple(views[row["gmail_id"]] for row in group)) for sender, group in found.items()]
    return _listed(listed, piles, position, walk)


def fits(wanted: Wanted, row: WalkedRow) -> bool:
    """Whether a message is one of those wanted, its time aside."""
    score = row["score"]
    if wanted.least is not None and (score is None or score < wanted.least):
        return False
    if wanted.below is not None and (score is None or score >= wanted.below):
        return False
    if (wanted.note and not row["has_note"]) or (wanted.challenged and row["outcome"] != "challenge"):
        return False
    text = f"{row['sender']}\n{row['sender_name']}\n{row['subject']}"
    return wanted.words.casefold() in text.casefold()


def _listed(listed: Listing, piles: list[Pile], position: Position | None, walk: Walk) -> Listing:
    return Listing(
        listed.mailbox,
        listed.latest,
        listed.waiting,
        tuple(piles),
        position,
        moment(walk.at[0]) if position is not None and walk.at[0] < FAR[0] else None,
    )


def place_of(row: WalkedRow | ShelvedRow) -> Position:
    """Where a row stands in its list."""
    return row["at"], row["gmail_id"]


def _before(row: WalkedRow) -> Position:
    """The position whose next message is this one: a blank sorts before whatever an id may hold."""
    return row["at"], f"{row['gmail_id']} "


@dataclass(slots=True)
class Walk:
    """Messages of some shelves, newest first, in chunks that grow: most pages are full after the first."""

    mailbox: Mailbox
    shelves: Sequence[Shelf]
    heads: bool
    at: Position
    walked: int = 0
    size: int = field(default_factory=lambda: min(FIRST_CHUNK, CHUNK))
    ended: bool = False

    @property
    def over(self) -> bool:
        """Whether the page has to do with what it has."""
        return self.ended or self.walked >= MOST_WALKED

    @property
    def rest(self) -> Position | None:
        """Where the next page begins if this one found no better place."""
        return None if self.ended else self.at

    def more(self) -> Script[list[WalkedRow]]:
        """The next chunk."""
        found: list[WalkedRow] = []
        for shelf in self.shelves:
            place = {"mailbox_id": self.mailbox.id, "shelf": shelf, "at": self.at[0], "gmail_id": self.at[1]}
            query = "shelf_heads" if len(self.shelves) == 1 else "shelf_heads_of_all"
            more: list[WalkedRow] = yield q(query if self.heads else "shelf_rows", **place, limit=self.size)
            found += more
        chunk = sorted(found, key=place_of, reverse=True)[: self.size]
        self.walked += len(chunk)
        self.ended = len(chunk) < self.size
        self.size = min(self.size * 2, CHUNK)
        if chunk:
            self.at = place_of(chunk[-1])
        return chunk


def released_topics(mailbox_id: MailboxId, since: datetime) -> Script[tuple[frozenset[Topic], ...]]:
    """What was offered in the messages that the owner let in since then, the latest first; none without topics."""
    found: list[TopicsRow] = yield q(
        "released_topics", mailbox_id=mailbox_id, since=micros(since), limit=MATCHES
    )
    return tuple(message_rows.topics(row["topics"]) for row in found)


# ---- One sender, one message


class PastDecisionRow(TypedDict):
    """Of `corrections`: what was decided about a message."""

    gmail_id: str
    decision: str
    origin: str
    decided_at: int
    undone_at: int | None


class CheckRow(TypedDict):
    """Of `challenges`: how one went."""

    gmail_id: str
    state: str
    created_at: int
    expires_at: int
    sending_at: int | None
    sent_gmail_id: str
    started_at: int | None
    solved_at: int | None
    ended_at: int | None
    bounced_at: int | None
    cause: str
    is_open: Flag


class BookedRow(TypedDict):
    """Of `ledger`."""

    posted_at: int
    posting: str
    amount: int
    about: str


class UnsubscriptionRow(TypedDict):
    """Of `unsubscriptions`."""

    gmail_id: str
    state: str
    host: str
    cause: str
    asked_at: int
    tried_at: int | None


def sender_profile(
    mailbox_id: MailboxId, address: str, domain: str, after: Position | None, limit: int
) -> Script[SenderProfile]:
    """One sender; `domain` is the organisation they belong to. Raises `NotFound` when the mailbox is gone."""
    owner: MailboxRow | None = yield q("mailbox", mailbox_id=mailbox_id)
    if owner is None:
        raise NotFound("not_found.mailbox")
    latest = yield from number("latest_event", mailbox_id=mailbox_id)
    found = yield from of_sender(mailbox_id, address, tuple(Shelf), after or FAR, limit + 1)
    shown = found[:limit]
    stands: SenderRulesRow = yield q(
        "sender_rules", mailbox_id=mailbox_id, sender=address, sender_domain=domain
    )
    decisions: list[PastDecisionRow] = yield q(
        "said_about", mailbox_id=mailbox_id, ids=packed(row["gmail_id"] for row in shown)
    )
    checks: list[CheckRow] = yield q(
        "checks_of_sender", mailbox_id=mailbox_id, sender=address, limit=CHECK_LINES
    )
    entries: list[BookedRow] = yield q(
        "ledger_of_sender", mailbox_id=mailbox_id, sender=address, limit=LEDGER_LINES
    )
    leaving: list[UnsubscriptionRow] = yield q(
        "unsubscriptions_of_sender", mailbox_id=mailbox_id, sender=address, limit=CHECK_LINES
    )
    return SenderProfile(
        mailbox=(yield from mailbox_of(owner)),
        latest=latest,
        address=address,
        domain=domain,
        name=next((row["sender_name"] for row in shown if row["sender_name"]), ""),
        rules=RuleMatch(_rule(stands["address_rule"]), _rule(stands["domain_rule"])),
        corresponded=bool(stands["corresponded"]),
        balance=(yield from senders.balance(mailbox_id, address)),
        messages=tuple(message_rows.view(row) for row in shown),
        position=place_of(shown[-1]) if len(found) > limit else None,
        decisions=tuple(_past_decision(row) for row in decisions),
        checks=tuple(_check(row) for row in checks),
        ledger=tuple(_booked(row) for row in entries),
        unsubscriptions=tuple(_unsubscription(row) for row in leaving),
    )


def mail(mailbox_id: MailboxId, gmail_id: str) -> Script[tuple[MessageView, Mailbox, Unsubscription | None]]:
    """One message. Raises `NotFound`."""
    owner: MailboxRow | None = yield q("mailbox", mailbox_id=mailbox_id)
    row: MessageRow | None = yield q("message", mailbox_id=mailbox_id, gmail_id=gmail_id)
    if owner is None or row is None:
        raise NotFound("not_found.message")
    leaving: UnsubscriptionRow | None = yield q("unsubscription", mailbox_id=mailbox_id, gmail_id=gmail_id)
    return (
        message_rows.view(row),
        (yield from mailbox_of(owner)),
        _unsubscription(leaving) if leaving is not None else None,
    )


def review_news(
    mailbox_id: MailboxId, session_hash: str, after: int | None, limit: int, now: datetime
) -> Script[News]:
    """As `news` for a browser: `alive` while its session lives. Every event has its message as it
    is now, None for one that has no row any more.
    """
    session: SessionRow | None = yield q("session", token_hash=session_hash)
    alive = (
        session is not None and session["mailbox_id"] == mailbox_id and session["expires_at"] > micros(now)
    )
    news = yield from transactions_views.changes(mailbox_id, alive, after, limit)
    if not news.events:
        return news
    ids = packed(event.gmail_id for event in news.events if event.gmail_id)
    known: list[MessageRow] = yield q("messages_by_id", mailbox_id=mailbox_id, ids=ids)
    views = {row["gmail_id"]: message_rows.view(row) for row in known}
    events = tuple(replace(event, message=views.get(event.gmail_id)) for event in news.events)
    return replace(news, events=events)


def _past_decision(row: PastDecisionRow) -> PastDecision:
    return PastDecision(
        row["gmail_id"],
        Decision(row["decision"]),
        row["origin"],
        moment(row["decided_at"]),
        moment_or_none(row["undone_at"]),
    )


def _check(row: CheckRow) -> Check:
    # A failed one was tried, and never left.
    left = row["state"] in ("sent", "solved") or bool(row["sent_gmail_id"])
    return Check(
        gmail_id=row["gmail_id"],
        state=row["state"],
        created_at=moment(row["created_at"]),
        expires_at=moment(row["expires_at"]),
        sent_at=moment_or_none(row["sending_at"]) if left else None,
        started_at=moment_or_none(row["started_at"]),
        solved_at=moment_or_none(row["solved_at"]),
        ended_at=moment_or_none(row["ended_at"]),
        bounced_at=moment_or_none(row["bounced_at"]),
        cause=row["cause"],
        is_open=bool(row["is_open"]),
    )


def _booked(row: BookedRow) -> Booked:
    return Booked(moment(row["posted_at"]), row["posting"], row["amount"], row["about"])


def _unsubscription(row: UnsubscriptionRow) -> Unsubscription:
    return Unsubscription(
        row["gmail_id"],
        Leaving(row["state"]),
        row["host"],
        row["cause"],
        moment(row["asked_at"]),
        moment_or_none(row["tried_at"]),
    )


def _rule(value: str | None) -> RuleKind | None:
    return None if value is None else RuleKind(value)
