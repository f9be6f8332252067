"""What is on record about one sender, and one message with what belongs to it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TypedDict

from backend.domain.errors import NotFound
from backend.domain.mailbox.decisions import Decision, RuleKind, RuleMatch
from backend.domain.mailbox.mailbox import Mailbox
from backend.domain.mailbox.message import MessageView
from backend.domain.mailbox.review import (
    CHECK_LINES,
    LEDGER_LINES,
    Booked,
    Check,
    Leaving,
    PastDecision,
    Position,
    SenderProfile,
    Shelf,
    Unsubscription,
)
from backend.transactions import credits, held_list, message_rows
from backend.transactions.mailboxes import mailbox_of
from backend.transactions.message_rows import MessageRow
from backend.transactions.records import News
from backend.transactions.review import FAR, of_sender, place_of
from backend.transactions.statement import Script, micros, moment, moment_or_none, number, packed, q
from backend.transactions.tables import Flag, MailboxRow, SenderRulesRow, SessionRow


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
    mailbox_id: str, address: str, domain: str, after: Position | None, limit: int
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
        balance=(yield from credits.balance(mailbox_id, address)),
        messages=tuple(message_rows.view(row) for row in shown),
        position=place_of(shown[-1]) if len(found) > limit else None,
        decisions=tuple(_past_decision(row) for row in decisions),
        checks=tuple(_check(row) for row in checks),
        ledger=tuple(_booked(row) for row in entries),
        unsubscriptions=tuple(_unsubscription(row) for row in leaving),
    )


def mail(mailbox_id: str, gmail_id: str) -> Script[tuple[MessageView, Mailbox, Unsubscription | None]]:
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
    mailbox_id: str, session_hash: str, after: int | None, limit: int, now: datetime
) -> Script[News]:
    """As `news` for a browser: `alive` while its session lives. Every event has its message as it
    is now, None for one that has no row any more.
    """
    session: SessionRow | None = yield q("session", token_hash=session_hash)
    alive = (
        session is not None and session["mailbox_id"] == mailbox_id and session["expires_at"] > micros(now)
    )
    news = yield from held_list.changes(mailbox_id, alive, after, limit)
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
