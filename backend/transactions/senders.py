"""What there is between a sender and an owner: rules, credits, and the owner's request to unsubscribe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypedDict

from backend.domain.challenge import LedgerEntry
from backend.domain.errors import NotFound, Refused
from backend.domain.mail.message import MailboxId
from backend.domain.mailbox.decisions import RuleKind
from backend.domain.mailbox.review import UNSUBSCRIBE_SECONDS, UnsubscribeState
from backend.domain.mailbox.rules import MOST_RULES, DatedRule, Rule
from backend.transactions.rows import MessageRow
from backend.transactions.script import Script, each, lock, micros, packed, q, row_count

# ---- Rules: the owner's lists


def rules(
    mailbox_id: MailboxId, kind: RuleKind | None, query: str, after: str, limit: int
) -> Script[tuple[DatedRule, ...]]:
    """Rules in order of their subject (the address or domain a rule is about), after `after`; `query` is searched for
    in it."""
    return each(
        DatedRule,
        "rules",
        mailbox_id=mailbox_id,
        kind=kind or "",
        pattern=_containing(query.lower()),
        after=after,
        limit=limit,
    )


def _containing(text: str) -> str:
    for special in ("!", "%", "_"):
        text = text.replace(special, f"!{special}")
    return f"%{text}%"


def count_rules(mailbox_id: MailboxId) -> Script[int]:
    """How many rules there are."""
    return (yield from row_count("count_rules", mailbox_id=mailbox_id))


def rules_of(mailbox_id: MailboxId, subjects: Sequence[str]) -> Script[Mapping[str, RuleKind]]:
    """The kind of rule that each of these addresses and domains has; those without one are left out."""
    found = yield from each(Rule, "rules_of", mailbox_id=mailbox_id, ids=packed(subjects))
    return {rule.subject: rule.kind for rule in found}


def put_rules(mailbox_id: MailboxId, wanted: Sequence[Rule], now: datetime) -> Script[None]:
    """Set all of them, or none. Raises `Refused` (too_many_rules), `NotFound`."""
    yield from lock(mailbox_id)
    rows = [(rule.subject, rule.kind) for rule in wanted]
    yield q("put_rules", mailbox_id=mailbox_id, rows=packed(rows), now=micros(now))
    if (yield from row_count("count_rules", mailbox_id=mailbox_id)) > MOST_RULES:
        raise Refused("too_many_rules", most=MOST_RULES, field="subject")


def set_rule(mailbox_id: MailboxId, subject: str, kind: RuleKind | None, now: datetime) -> Script[None]:
    """Set, or with None remove, the rule for an address or a bare domain. Raises as `put_rules` does."""
    if kind is not None:
        yield from put_rules(mailbox_id, (Rule(subject.lower(), kind),), now)
        return
    yield from lock(mailbox_id)
    yield from write_rule(mailbox_id, subject.lower(), None, now)


def write_rule(mailbox_id: MailboxId, subject: str, kind: str | None, now: datetime) -> Script[None]:
    """Set or remove a rule."""
    if kind is None:
        yield q("remove_rule", mailbox_id=mailbox_id, subject=subject)
    else:
        yield q("set_rule", mailbox_id=mailbox_id, subject=subject, kind=kind, now=micros(now))


# ---- Credits: the ledger and its two aggregates, the sender's balance and the mailbox's daily totals


class DifferenceRow(TypedDict):
    """An aggregate (`kept`) that differs from the sum of its entries (`posted`)."""

    mailbox_id: MailboxId
    kept: int
    posted: int


class BalanceDifferenceRow(DifferenceRow):
    """A sender's balance."""

    sender: str


class DayDifferenceRow(DifferenceRow):
    """A day's total of one kind of entry."""

    day: str
    posting: str


def post(mailbox_id: MailboxId, entry: LedgerEntry, now: datetime) -> Script[int]:
    """Post one ledger entry and return the sender's balance. A known key posts nothing. `Refused` (no_credit) when
    the balance would fall below 0.
    """
    yield from lock(mailbox_id)
    yield from enter(mailbox_id, entry, now)
    return (yield from balance(mailbox_id, entry.sender))


def enter(mailbox_id: MailboxId, entry: LedgerEntry, now: datetime, about: str | None = None) -> Script[bool]:
    """Post `entry` and move both aggregates with it. False if its key is known.

    `about` is the message or challenge it is for; by default, what follows the key's first colon. Raises `Refused`
    (no_credit) when the balance would fall below 0.
    """
    day = now.astimezone(UTC).date().isoformat()
    posted = yield from row_count(
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
    if not (yield from row_count(query, mailbox_id=mailbox_id, sender=entry.sender, amount=entry.amount)):
        raise Refused("no_credit", sender=entry.sender)
    yield q("add_to_day", mailbox_id=mailbox_id, day=day, posting=entry.posting, amount=entry.amount)
    return True


def balance(mailbox_id: MailboxId, sender: str) -> Script[int]:
    """A sender's credits, 0 if there never were any."""
    found: int | None = yield q("balance", mailbox_id=mailbox_id, sender=sender)
    return found or 0


def differences() -> Script[tuple[Mapping[str, Any], ...]]:
    """Every balance or daily total that differs from the sum of its entries. Must always be empty."""
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


# ---- Unsubscribing


def begin_unsubscribe(mailbox_id: MailboxId, gmail_id: str, now: datetime) -> Script[bool]:
    """Note the owner's request to unsubscribe and begin it. False if it is done, or was begun elsewhere less than
    `UNSUBSCRIBE_SECONDS` ago. Raises `NotFound` for an unknown message."""
    row: MessageRow | None = yield q("message", mailbox_id=mailbox_id, gmail_id=gmail_id)
    if row is None:
        raise NotFound("not_found.message")
    yield q(
        "order_unsubscribe", mailbox_id=mailbox_id, gmail_id=gmail_id, sender=row["sender"], now=micros(now)
    )
    before = micros(now - timedelta(seconds=UNSUBSCRIBE_SECONDS))
    return bool(
        (
            yield from row_count(
                "claim_unsubscribe", mailbox_id=mailbox_id, gmail_id=gmail_id, now=micros(now), before=before
            )
        )
    )


def finish_unsubscribe(
    mailbox_id: MailboxId, gmail_id: str, state: UnsubscribeState, host: str, cause: str, now: datetime
) -> Script[None]:
    """Note the outcome. A finished one is not overwritten."""
    yield q(
        "unsubscribe_ended", mailbox_id=mailbox_id, gmail_id=gmail_id, state=state, host=host, cause=cause
    )
