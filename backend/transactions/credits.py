"""The ledger of credits and its two aggregates: the sender's balance and the mailbox's daily totals."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypedDict

from backend.domain.entry.challenge import Entry
from backend.domain.errors import Refused
from backend.transactions.mailboxes import lock
from backend.transactions.statement import Script, micros, number, q


class DifferenceRow(TypedDict):
    """An aggregate that is not the sum of its entries."""

    mailbox_id: str
    kept: int
    posted: int


class BalanceDifferenceRow(DifferenceRow):
    """A sender's."""

    sender: str


class DayDifferenceRow(DifferenceRow):
    """A day's."""

    day: str
    posting: str


def post(mailbox_id: str, entry: Entry, now: datetime) -> Script[int]:
    """Post one ledger entry; returns the balance. A known key posts nothing. `Refused` (no_credit) when
    the balance would fall below 0.
    """
    yield from lock(mailbox_id)
    yield from enter(mailbox_id, entry, now)
    return (yield from balance(mailbox_id, entry.sender))


def enter(mailbox_id: str, entry: Entry, now: datetime, about: str | None = None) -> Script[bool]:
    """Post `entry` and move both aggregates with it. False when its key is known.

    `about` is the message or challenge it is for; by default what stands behind the key's first colon.
    Raises `Refused` (no_credit) when the balance would fall below 0.
    """
    day = now.astimezone(UTC).date().isoformat()
    posted = yield from number(
        "insert_entry",
        mailbox_id=mailbox_id,
        posting_key=entry.key,
        sender=entry.sender,
        posting=entry.posting,
        amount=entry.amount,
        about=entry.key.partition(":")[2] if about is None else about,
        day=day,
        now=micros(now),
    )
    if not posted:
        return False
    query = "add_to_balance" if entry.amount > 0 else "take_from_balance"
    if not (yield from number(query, mailbox_id=mailbox_id, sender=entry.sender, amount=entry.amount)):
        raise Refused("no_credit", sender=entry.sender)
    yield q("add_to_day", mailbox_id=mailbox_id, day=day, posting=entry.posting, amount=entry.amount)
    return True


def balance(mailbox_id: str, sender: str) -> Script[int]:
    """Credits of a sender, 0 if there never were any."""
    found: int | None = yield q("balance", mailbox_id=mailbox_id, sender=sender)
    return found or 0


def differences() -> Script[tuple[Mapping[str, Any], ...]]:
    """Every balance or daily total that is not the sum of its entries. Must always be empty."""
    balances: list[BalanceDifferenceRow] = yield q("balance_differences")
    days: list[DayDifferenceRow] = yield q("daily_differences")
    return tuple(
        [
            {"aggregate": "balance", **{k: row[k] for k in ("mailbox_id", "sender", "kept", "posted")}}
            for row in balances
        ]
        + [
            {"aggregate": "day", **{k: row[k] for k in ("mailbox_id", "day", "posting", "kept", "posted")}}
            for row in days
        ]
    )
