"""What an owner orders on the review page: decisions about many messages at once, credits, unsubscribing.

Each message of an order has a correction of its own under the order's key, so what is known of one decision
(applied once, taken back cleanly) holds for all of them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import TypedDict

from backend.domain.entry.challenge import given
from backend.domain.errors import NotFound
from backend.domain.mailbox.decisions import EFFECTS, Correction, Decision, Origin, out_of_reach
from backend.domain.mailbox.review import LEASE_SECONDS, MOST_EARLIER, Done, Given, Leaving, Shelf
from backend.transactions import corrections, credits
from backend.transactions.mailboxes import lock
from backend.transactions.message_rows import MessageRow
from backend.transactions.review import of_sender
from backend.transactions.rows import CorrectionRow
from backend.transactions.statement import Script, micros, number, q


class EntryRow(TypedDict):
    """Of `ledger`: whose, and how much."""

    sender: str
    amount: int


class OrderedRow(TypedDict):
    """A decision made under an order's key."""

    correction_key: str


class SinceRow(TypedDict):
    """What was decided or taken back since an order was given, and about whose message."""

    correction_key: str
    gmail_id: str
    decision: str
    sender: str | None
    sender_domain: str | None


def order(
    mailbox_id: str,
    key: str,
    decision: Decision,
    gmail_ids: Sequence[str],
    now: datetime,
    whole: Collection[str] = (),
    given_at: Given | None = None,
) -> Script[Done]:
    """Decide about all of these messages at once. The same key and messages again change nothing. What the owner
    decided after they gave the order, somewhere else, stands.

    Each of them that is among `whole` stands for what its sender has waiting from before it, too (at most
    `MOST_EARLIER`); where it is proved to be theirs, only for what is as well.
    """
    yield from lock(mailbox_id)
    meant: list[str] = []
    for gmail_id in gmail_ids:
        meant += (yield from _with_earlier(mailbox_id, gmail_id)) if gmail_id in whole else [gmail_id]
    applied: list[str] = []
    moved: list[str] = []
    lost = overruled = 0
    since: list[SinceRow] = []
    if given_at is not None:
        decided: list[SinceRow] = yield q("decided_since", mailbox_id=mailbox_id, since=micros(given_at.at))
        own = given_at.earlier | {key}
        since = [one for one in decided if one["correction_key"].partition(".")[0] not in own]
    for gmail_id in dict.fromkeys(meant):
        row: MessageRow | None = yield q("message", mailbox_id=mailbox_id, gmail_id=gmail_id)
        if row is None or row["error"] == "gone" or out_of_reach(decision, row["decided_by"]):
            lost += 1
            continue
        correction = Correction(f"{key}.{gmail_id}", gmail_id, decision, Origin.PAGE)
        known: CorrectionRow | None = yield q(
            "correction", mailbox_id=mailbox_id, correction_key=correction.key
        )
        if known is not None and (known["undone_at"] is not None or known["decision"] != decision):
            continue  # sent again after it was taken back, or with another button: nothing is decided by that
        if known is None and any(_concerns(one, row) for one in since):
            overruled += 1
            continue
        moved += yield from corrections.correct(mailbox_id, correction, now)
        applied.append(gmail_id)
    return Done(tuple(applied), tuple(dict.fromkeys(moved)), lost, overruled)


def _concerns(decided: SinceRow, row: MessageRow) -> bool:
    """Whether a decision was about this message: itself, or its sender or domain."""
    whose = EFFECTS[Decision(decided["decision"])].whose
    if decided["gmail_id"] == row["gmail_id"]:
        return True
    if whose == "domain":
        return bool(row["sender_domain"]) and decided["sender_domain"] == row["sender_domain"]
    return whose != "message" and bool(row["sender"]) and decided["sender"] == row["sender"]


def _with_earlier(mailbox_id: str, gmail_id: str) -> Script[list[str]]:
    """A message and what its sender has waiting from before it, for a list shows them as one line. Where it is proved
    to be theirs, what is not stays out of it: a forged From profits from nobody's kindness."""
    row: MessageRow | None = yield q("message", mailbox_id=mailbox_id, gmail_id=gmail_id)
    if row is None or not row["sender"]:
        return [gmail_id]
    until = (row["received_at"] or row["first_seen_at"], gmail_id)
    earlier = yield from of_sender(mailbox_id, row["sender"], (Shelf.HELD,), until, MOST_EARLIER)
    return [
        gmail_id,
        *(one["gmail_id"] for one in earlier if one["authenticated"] or not row["authenticated"]),
    ]


def undo_order(mailbox_id: str, key: str, now: datetime) -> Script[tuple[str, ...]]:
    """Take everything back that was ordered under `key`, latest first; the messages that move. Once.

    Raises `NotFound`, or `Refused` (no_credit) when given credits have been spent.
    """
    yield from lock(mailbox_id)
    entry: EntryRow | None = yield q("ledger_entry", mailbox_id=mailbox_id, posting_key=f"page:{key}")
    if entry is not None:
        back = given(entry["sender"], -entry["amount"], f"undo:{key}")
        yield from credits.enter(mailbox_id, back, now)
        return ()
    made: list[OrderedRow] = yield q("ordered", mailbox_id=mailbox_id, first=f"{key}.", last=f"{key}/")
    moved: list[str] = []
    for record in made:
        moved += yield from corrections.undo(mailbox_id, record["correction_key"], now)
    if not made:
        # One decision made elsewhere is an order of one.
        moved += yield from corrections.undo(mailbox_id, key, now)
    return tuple(dict.fromkeys(moved))


def give(mailbox_id: str, key: str, address: str, amount: int, now: datetime) -> Script[int]:
    """Give (above 0) or take (below 0) credits; the balance. Once per key. Raises `Refused` (no_credit)."""
    return (yield from credits.post(mailbox_id, given(address, amount, f"page:{key}"), now))


def begin_unsubscribe(mailbox_id: str, gmail_id: str, now: datetime) -> Script[bool]:
    """Note the owner's order to unsubscribe and take it in hand. False if it is done, or somebody has it in
    hand for less than `LEASE_SECONDS`. Raises `NotFound` for an unknown message.
    """
    row: MessageRow | None = yield q("message", mailbox_id=mailbox_id, gmail_id=gmail_id)
    if row is None:
        raise NotFound("not_found.message")
    yield q("ask_off", mailbox_id=mailbox_id, gmail_id=gmail_id, sender=row["sender"], now=micros(now))
    before = micros(now - timedelta(seconds=LEASE_SECONDS))
    return bool(
        (
            yield from number(
                "try_off", mailbox_id=mailbox_id, gmail_id=gmail_id, now=micros(now), before=before
            )
        )
    )


def finish_unsubscribe(
    mailbox_id: str, gmail_id: str, state: Leaving, host: str, cause: str, now: datetime
) -> Script[None]:
    """Note how it ended. What is done stays done."""
    yield q("told_off", mailbox_id=mailbox_id, gmail_id=gmail_id, state=state, host=host, cause=cause)
