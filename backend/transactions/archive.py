"""An owner's lists out and in. Every page, and every lot taken in, is a transaction of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from backend.domain.errors import Refused
from backend.domain.mailbox.archive import TABLES
from backend.transactions.mailboxes import lock
from backend.transactions.statement import Row, Script, number, q


def page(mailbox_id: str, table: str, after: str, limit: int) -> Script[tuple[Mapping[str, Any], ...]]:
    """Rows whose key comes behind `after` ("" begins), in the order of their keys, as the store has them."""
    found: list[Row] = yield q(f"archive_{table}", mailbox_id=mailbox_id, after=after, limit=limit)
    return tuple({name: row[name] for name in TABLES[table].columns} for row in found)


def restore(mailbox_id: str, table: str, rows: Iterable[Mapping[str, Any]], now: datetime) -> Script[int]:
    """Add those that are not there yet, in one commit; returns how many. What is there stays as it is.

    Ledger entries move balances and daily totals with them, and must come in the order they were posted:
    `Refused` (no_credit) if a balance would fall below 0. Challenges come back closed: their links lead to
    where they were sent from.
    """
    yield from lock(mailbox_id)
    added = 0
    for row in rows:
        if table == "ledger":
            added += yield from _entry(mailbox_id, row)
        else:
            secrets = _closed(row) if table == "challenges" else {}
            added += yield from number(f"restore_{table}", mailbox_id=mailbox_id, **row, **secrets)
    return added


def _closed(row: Mapping[str, Any]) -> dict[str, Any]:
    # A link is found by the hex digest of its token, and no digest reads like this.
    return {"token_hash": f"restored {row['id']}", "sealed_token": b""}


def _entry(mailbox_id: str, row: Mapping[str, Any]) -> Script[int]:
    """The entry and both sums, as of the day it was posted."""
    values = {name: row[name] for name in ("posting_key", "sender", "posting", "amount", "about", "day")}
    if not (yield from number("insert_entry", mailbox_id=mailbox_id, **values, now=row["posted_at"])):
        return 0
    query = "add_to_balance" if row["amount"] > 0 else "take_from_balance"
    if not (yield from number(query, mailbox_id=mailbox_id, sender=row["sender"], amount=row["amount"])):
        raise Refused("no_credit.file", field="file")
    yield q("add_to_day", mailbox_id=mailbox_id, day=row["day"], posting=row["posting"], amount=row["amount"])
    return 1
