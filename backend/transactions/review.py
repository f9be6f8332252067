"""The review page's lists, page by page, and what is on record about one sender or message. Cost does not grow with the
mailbox."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypedDict

from backend.domain.errors import NotFound
from backend.domain.mail.message import MailboxId
from backend.domain.mailbox.mailbox import Mailbox
from backend.domain.mailbox.message import MessageView, ReadLimit
from backend.domain.mailbox.review import (
    CHECK_LINES,
    LEDGER_LINES,
    MOST_COUNTED,
    Check,
    LedgerLine,
    Listing,
    PastDecision,
    Position,
    ReviewFilter,
    SenderPile,
    SenderProfile,
    Shelf,
    Unsubscription,
)
from backend.transactions import rows, senders
from backend.transactions import views as transactions_views
from backend.transactions.mailboxes import mailbox_of
from backend.transactions.records import News, Session
from backend.transactions.rows import Flag, MailboxRow, MessageRow, Reader
from backend.transactions.script import (
    Script,
    each,
    maybe,
    micros,
    moment,
    moment_or_none,
    only,
    packed,
    q,
    row_count,
)

# ---- The review page's lists
# A page's cost does not depend on the mailbox's size. Messages are read newest first along the index of their shelf, at
# most `MOST_WALKED` per page. An unfiltered list shows each sender once, at their newest message; a filtered one shows
# every match once, by sender within the page. The filter runs here, since the two databases fold case beyond ASCII
# differently.


CHUNK = 500
FIRST_CHUNK = 50
MOST_WALKED = 2_000
SHOWN_OF_SENDER = 3
MATCHES = 60
"""Messages on a page of a filtered list."""

FAR: Position = (2**62, "")
"""Later than any time: where the first page begins."""


class WalkedRow(TypedDict):
    """A message on its shelf. `is_head`: it is its sender's newest there, if that was asked for."""

    gmail_id: str
    sender: str
    sender_name: str
    subject: str
    score: float | None
    outcome: str
    cause: str
    note: str
    is_head: Flag
    at: int


class ShelvedRow(MessageRow):
    """Of `messages`, with its place in lists."""

    at: int


def review(
    mailbox_id: MailboxId, wanted: ReviewFilter, after: Position | None, limit: int
) -> Script[Listing]:
    """One page of at most `limit` senders.

    Raises `NotFound` when the mailbox is gone.
    """
    row: MailboxRow | None = yield q("mailbox", mailbox_id=mailbox_id)
    if row is None:
        raise NotFound("not_found.mailbox")
    latest = yield from row_count("latest_event", mailbox_id=mailbox_id)
    waiting = yield from row_count("count_shelf", mailbox_id=mailbox_id, shelf=Shelf.HELD, limit=MOST_COUNTED)
    listed = Listing((yield from mailbox_of(row)), latest, waiting, (), None, None)
    if wanted.narrow:
        return (yield from _narrowed(listed, wanted, after or FAR, limit))
    if wanted.doubtful:
        return (yield from _doubtful(listed, after, limit))
    return (yield from _plain(listed, wanted.shelves, after or FAR, limit))


def _doubtful(listed: Listing, after: Position | None, limit: int) -> Script[Listing]:
    """Held mail, senders ordered by how little their newest message is like a pitch."""
    at, walked, ended = after or (-1, ""), 0, False
    heads: list[WalkedRow] = []
    while len(heads) <= limit and walked < MOST_WALKED and not ended:
        chunk: list[WalkedRow] = yield q(
            "doubtful_heads", mailbox_id=listed.mailbox.id, at=at[0], gmail_id=at[1], limit=CHUNK
        )
        heads += [row for row in chunk if row["is_head"]]
        walked, ended = walked + len(chunk), len(chunk) < CHUNK
        at = place_of(chunk[-1]) if chunk else at
    piles = []
    for head in heads[:limit]:
        piles.append((yield from _pile(listed.mailbox.id, head["sender"], (Shelf.HELD,))))
    if len(heads) > limit:
        return replace(listed, piles=tuple(piles), position=place_of(heads[limit - 1]))
    return replace(listed, piles=tuple(piles), position=None if ended else at)


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


def _pile(mailbox_id: MailboxId, sender: str, shelves: Sequence[Shelf]) -> Script[SenderPile]:
    """The newest messages of a sender, and how many more there are."""
    found = yield from of_sender(mailbox_id, sender, shelves, FAR, SHOWN_OF_SENDER + 1)
    more = 0
    if len(found) > SHOWN_OF_SENDER:
        for shelf in shelves:
            more += yield from row_count(
                "count_shelf_of_sender",
                mailbox_id=mailbox_id,
                sender=sender,
                shelf=shelf,
                limit=MOST_COUNTED,
            )
        more = min(more, MOST_COUNTED) - SHOWN_OF_SENDER
    return SenderPile(sender, tuple(rows.view(row) for row in found[:SHOWN_OF_SENDER]), more)


def of_sender(
    mailbox_id: MailboxId, sender: str, shelves: Sequence[Shelf], after: Position, limit: int
) -> Script[list[ShelvedRow]]:
    """A sender's messages after `after`, newest first."""
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


def _narrowed(listed: Listing, wanted: ReviewFilter, after: Position, limit: int) -> Script[Listing]:
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
    full = yield from each(rows.view, "messages_by_id", mailbox_id=listed.mailbox.id, ids=packed(ids))
    views = {view.gmail_id: view for view in full}
    piles = [
        SenderPile(sender, tuple(views[row["gmail_id"]] for row in group)) for sender, group in found.items()
    ]
    return _listed(listed, piles, position, walk)


def fits(wanted: ReviewFilter, row: WalkedRow) -> bool:
    """Whether a message matches the filter, apart from its time."""
    score = row["score"]
    if wanted.least is not None and (score is None or score < wanted.least):
        return False
    if wanted.below is not None and (score is None or score >= wanted.below):
        return False
    if (wanted.note and not row["note"]) or (wanted.challenged and row["outcome"] != "challenge"):
        return False
    if wanted.unread and row["cause"] not in tuple(ReadLimit):
        return False
    text = f"{row['sender']}\n{row['sender_name']}\n{row['subject']}\n{row['note']}"
    return wanted.words.casefold() in text.casefold()


def _listed(listed: Listing, piles: list[SenderPile], position: Position | None, walk: Walk) -> Listing:
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
    """The position just before this message: a blank sorts before anything in an id."""
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
        """Whether the page must do with what was found."""
        return self.ended or self.walked >= MOST_WALKED

    @property
    def rest(self) -> Position | None:
        """Where the next page begins if this one found no better place."""
        return None if self.ended else self.at

    def more(self) -> Script[list[WalkedRow]]:
        """The next chunk; `at` moves to its last message."""
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


# ---- One sender, one message


_past_decision = Reader(PastDecision, at="decided_at")
_ledger_line = Reader(LedgerLine, at="posted_at")


def _sent_at(state: str, sent_gmail_id: str, sending_at: int | None) -> datetime | None:
    """When it was sent; None for a failed one, which was only tried."""
    return moment_or_none(sending_at) if state in ("sent", "solved") or sent_gmail_id else None


_check = Reader(Check, sent_at=_sent_at)


def sender_profile(
    mailbox_id: MailboxId, address: str, domain: str, after: Position | None, limit: int
) -> Script[SenderProfile]:
    """One sender; `domain` is their organisation's. Raises `NotFound` when the mailbox was deleted."""
    owner: MailboxRow | None = yield q("mailbox", mailbox_id=mailbox_id)
    if owner is None:
        raise NotFound("not_found.mailbox")
    latest = yield from row_count("latest_event", mailbox_id=mailbox_id)
    found = yield from of_sender(mailbox_id, address, tuple(Shelf), after or FAR, limit + 1)
    shown = found[:limit]
    about: dict[str, Any] = {"mailbox_id": mailbox_id, "sender": address}
    known = yield from only(rows.sender_rules, "sender_rules", **about, sender_domain=domain)
    ids = packed(row["gmail_id"] for row in shown)
    return SenderProfile(
        mailbox=(yield from mailbox_of(owner)),
        latest=latest,
        address=address,
        domain=domain,
        name=next((row["sender_name"] for row in shown if row["sender_name"]), ""),
        rules=known.rules,
        corresponded=known.corresponded,
        balance=(yield from senders.balance(mailbox_id, address)),
        messages=tuple(rows.view(row) for row in shown),
        position=place_of(shown[-1]) if len(found) > limit else None,
        decisions=(yield from each(_past_decision, "said_about", mailbox_id=mailbox_id, ids=ids)),
        checks=(yield from each(_check, "checks_of_sender", **about, limit=CHECK_LINES)),
        ledger=(yield from each(_ledger_line, "ledger_of_sender", **about, limit=LEDGER_LINES)),
        unsubscriptions=(
            yield from each(Unsubscription, "unsubscriptions_of_sender", **about, limit=CHECK_LINES)
        ),
    )


def mail(mailbox_id: MailboxId, gmail_id: str) -> Script[tuple[MessageView, Mailbox, Unsubscription | None]]:
    """One message. Raises `NotFound`."""
    owner: MailboxRow | None = yield q("mailbox", mailbox_id=mailbox_id)
    view = yield from maybe(rows.view, "message", mailbox_id=mailbox_id, gmail_id=gmail_id)
    if owner is None or view is None:
        raise NotFound("not_found.message")
    request = yield from maybe(Unsubscription, "unsubscription", mailbox_id=mailbox_id, gmail_id=gmail_id)
    return view, (yield from mailbox_of(owner)), request


def review_news(
    mailbox_id: MailboxId, session_hash: str, after: int | None, limit: int, now: datetime
) -> Script[News]:
    """As `news` for a browser: `alive` while its session lives. Every event has its message as it is now, None if its
    row was deleted."""
    session = yield from maybe(Session, "session", token_hash=session_hash)
    alive = session is not None and session.mailbox_id == mailbox_id and session.expires_at > now
    news = yield from transactions_views.changes(mailbox_id, alive, after, limit)
    if not news.events:
        return news
    ids = packed(event.gmail_id for event in news.events if event.gmail_id)
    known = yield from each(rows.view, "messages_by_id", mailbox_id=mailbox_id, ids=ids)
    views = {view.gmail_id: view for view in known}
    events = tuple(replace(event, message=views.get(event.gmail_id)) for event in news.events)
    return replace(news, events=events)
