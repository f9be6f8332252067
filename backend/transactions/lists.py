"""The owner's lists, and the receipts of those who left."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypedDict

from backend.domain.errors import Refused
from backend.domain.mailbox.decisions import RuleKind
from backend.domain.mailbox.mailbox import Link
from backend.domain.mailbox.rules import MOST_RULES, DatedRule, Rule
from backend.transactions.mailboxes import lock, set_link
from backend.transactions.records import GrantEnd, Receipt
from backend.transactions.statement import Script, micros, moment, moment_or_none, number, packed, q


class KindRow(TypedDict):
    """Of `rules`: whom it is about, and what it says."""

    subject: str
    kind: str


class RuleRow(KindRow):
    """Of `rules`."""

    set_at: int


class ReceiptRow(TypedDict):
    """Of `receipts`."""

    mailbox_id: str
    asked_at: int
    left_at: int | None
    grant_end: str
    deleted: str


def rules(
    mailbox_id: str, kind: RuleKind | None, query: str, after: str, limit: int
) -> Script[tuple[DatedRule, ...]]:
    """Rules by subject from behind `after`; `query` is looked for in the subject."""
    found: list[RuleRow] = yield q(
        "rules",
        mailbox_id=mailbox_id,
        kind=kind or "",
        pattern=_containing(query.lower()),
        after=after,
        limit=limit,
    )
    return tuple(
        DatedRule(Rule(row["subject"], RuleKind(row["kind"])), moment(row["set_at"])) for row in found
    )


def count_rules(mailbox_id: str) -> Script[int]:
    """How many there are."""
    return (yield from number("count_rules", mailbox_id=mailbox_id))


def rules_of(mailbox_id: str, subjects: Sequence[str]) -> Script[Mapping[str, RuleKind]]:
    """The kinds of those of these subjects that have a rule."""
    found: list[KindRow] = yield q("rules_of", mailbox_id=mailbox_id, ids=packed(subjects))
    return {row["subject"]: RuleKind(row["kind"]) for row in found}


def put_rules(mailbox_id: str, wanted: Sequence[Rule], now: datetime) -> Script[None]:
    """Set all of them, or none. Raises `Refused` (too_many_rules), `NotFound`."""
    yield from lock(mailbox_id)
    rows = [(rule.subject, rule.kind) for rule in wanted]
    yield q("put_rules", mailbox_id=mailbox_id, rows=packed(rows), now=micros(now))
    if (yield from number("count_rules", mailbox_id=mailbox_id)) > MOST_RULES:
        raise Refused("too_many_rules", most=MOST_RULES, field="subject")


def ask_to_leave(mailbox_id: str, token_hash: str, now: datetime) -> Script[None]:
    """Order the leaving and open its receipt. Raises `NotFound`."""
    yield from set_link(mailbox_id, Link.LEAVING, now)
    yield q("insert_receipt", token_hash=token_hash, mailbox_id=mailbox_id, now=micros(now))


def receipt(token_hash: str) -> Script[Receipt | None]:
    """The receipt with this secret."""
    row: ReceiptRow | None = yield q("receipt", token_hash=token_hash)
    if row is None:
        return None
    return Receipt(
        mailbox_id=row["mailbox_id"],
        asked_at=moment(row["asked_at"]),
        left_at=moment_or_none(row["left_at"]),
        grant_end=GrantEnd(row["grant_end"]) if row["grant_end"] else None,
        deleted=json.loads(row["deleted"]),
    )


def drop_receipts(before: datetime) -> Script[int]:
    """Delete receipts asked for before then; returns how many."""
    return (yield from number("drop_receipts", before=micros(before)))


def _containing(text: str) -> str:
    for special in ("!", "%", "_"):
        text = text.replace(special, f"!{special}")
    return f"%{text}%"
