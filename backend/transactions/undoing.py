"""Taking an owner's decision back: what it touched becomes what it was, unless somebody changed it since. They do so by
a button, or by taking a message out of Gmail's spam or bin."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from backend.domain.entry.credits import restored, unrefunded
from backend.domain.errors import NotFound, Refused
from backend.domain.mailbox.decisions import (
    AWAY,
    Correction,
    Decision,
    Origin,
    Returned,
    Touched,
    put_back,
    sends_again,
)
from backend.domain.mailbox.message import Placement, Stage
from backend.transactions import credits, decisions, voiding
from backend.transactions.corrections import carry_out, correct, write_rule
from backend.transactions.jobs import due, want
from backend.transactions.mailboxes import lock
from backend.transactions.message_rows import MessageRow
from backend.transactions.records import Duty
from backend.transactions.statement import Script, micros, moment, packed, q
from backend.transactions.tables import CorrectionRow


def undo(mailbox_id: str, key: str, now: datetime) -> Script[tuple[str, ...]]:
    """Take a correction back: placement and rules as before. Returns the messages that move."""
    yield from lock(mailbox_id)
    record: CorrectionRow | None = yield q("correction", mailbox_id=mailbox_id, correction_key=key)
    if record is None:
        raise NotFound("unknown_correction")
    if record["undone_at"] is not None:
        return tuple(json.loads(record["undo_moved"]))
    if record["decision"] in AWAY:
        raise Refused(f"put_away.{record['decision']}", field="key")
    return (yield from _taken_back(mailbox_id, record, now))


def returned(mailbox_id: str, back: Returned, now: datetime) -> Script[None]:
    """A message came out of spam or bin: what was decided by putting it there is taken back, and if it is in the inbox
    although it is meant to be held, the owner has released it."""
    made: list[CorrectionRow] = yield q("put_away", mailbox_id=mailbox_id, gmail_id=back.gmail_id)
    for record in made:
        yield from _taken_back(mailbox_id, record, now, there=True)
    row: MessageRow | None = yield q("message", mailbox_id=mailbox_id, gmail_id=back.gmail_id)
    if made and row is not None and row["placement"] == Placement.HELD and not back.lies_held:
        key = f"gmail:{back.record or 'move'}:{back.gmail_id}:{Decision.RELEASE}"
        release = Correction(key, back.gmail_id, Decision.RELEASE, Origin.GMAIL)
        yield from correct(mailbox_id, release, now)


def _taken_back(
    mailbox_id: str, record: CorrectionRow, now: datetime, *, there: bool = False
) -> Script[tuple[str, ...]]:
    """Undo one decision. `there`: its message lies where the owner has put it, and stays there."""
    key, before = record["correction_key"], json.loads(record["before"])
    moved: list[str] = []
    for rule in before["rules"]:
        present: str | None = yield q("rule", mailbox_id=mailbox_id, subject=rule["subject"])
        if present == rule["after"]:
            yield from write_rule(mailbox_id, rule["subject"], rule["before"], now)
    for message in before["messages"]:
        if (
            yield from _put_back(
                mailbox_id, message, now, there and message["gmail_id"] == record["gmail_id"]
            )
        ):
            moved.append(message["gmail_id"])
    for challenge in before["challenges"]:
        yield from _reopen(mailbox_id, challenge, now)
    for refund in before["refunds"]:
        if (yield from credits.balance(mailbox_id, refund["sender"])) > 0:
            # If it has been spent meanwhile there is nothing left to take.
            entry = unrefunded(refund["sender"], refund["gmail_id"], key)
            yield from credits.enter(mailbox_id, entry, now, refund["gmail_id"])
    for forfeit in before.get("forfeits", ()):
        entry = restored(forfeit["sender"], forfeit["amount"], key)
        yield from credits.enter(mailbox_id, entry, now, record["gmail_id"])
    yield q(
        "correction_undone",
        mailbox_id=mailbox_id,
        correction_key=key,
        undo_moved=packed(moved),
        now=micros(now),
    )
    told = {"decision": record["decision"], "by": record["origin"], "on": record["gmail_id"]}
    about = (record["gmail_id"], *moved)
    yield from decisions.noted(mailbox_id, decisions.UNDONE, about, told, now)
    yield q("unanswer_questions", mailbox_id=mailbox_id, gmail_id=record["gmail_id"])
    yield from due(mailbox_id, now)
    return tuple(moved)


def _put_back(mailbox_id: str, was: Touched, now: datetime, there: bool) -> Script[bool]:
    """Restore one message unless it was changed since; True if it moves. One that was put away is changed only by being
    taken out again."""
    gmail_id = was["gmail_id"]
    row: MessageRow | None = yield q("message_for_write", mailbox_id=mailbox_id, gmail_id=gmail_id)
    if row is None or row["error"] == "gone":
        return False
    if row["revision"] != was["revision"] and not (there and row["decided_by"] in AWAY):
        return False
    yield from carry_out(mailbox_id, gmail_id, put_back(was, there=there), now)
    return was["moved"]


def _reopen(mailbox_id: str, challenge: dict[str, Any], now: datetime) -> Script[None]:
    """Open a voided challenge again, and go on sending it if it had not left. A wait under way goes on."""
    reopened = yield from voiding.reopen(mailbox_id, challenge["id"], challenge["state"], now)
    promised: int | None = yield q("promise_of", mailbox_id=mailbox_id, challenge_id=challenge["id"])
    if reopened and promised is not None:
        yield from want(mailbox_id, Duty.DELIVER, max(now, moment(promised)))
    if not reopened:
        return
    row: MessageRow | None = yield q(
        "message_for_write", mailbox_id=mailbox_id, gmail_id=challenge["gmail_id"]
    )
    if row is not None and sends_again(challenge["state"], row):
        yield q(
            "order_message",
            mailbox_id=mailbox_id,
            gmail_id=challenge["gmail_id"],
            stage=Stage.CHALLENGE,
            placement=Placement.HELD,
            decided_by=row["decided_by"],
            now=micros(now),
        )
