"""decide: apply an owner's decision at once, record what was before, and undo it cleanly."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypedDict

from backend.domain.challenge import adjusted_by_owner, forfeited, refunded, restored, unrefunded
from backend.domain.errors import NotFound, Refused
from backend.domain.mail.message import MailboxId
from backend.domain.mailbox.decisions import (
    EFFECTS,
    IN_SPAM_OR_BIN,
    Change,
    Correction,
    Decision,
    Effect,
    InapplicableOrder,
    Order,
    OrderResult,
    Origin,
    StateBefore,
    TakenBack,
    already_binned,
    change_of,
    ignored_in_spam_or_bin,
    refuse_shared_domain,
    sends_again,
    undo_change,
)
from backend.domain.mailbox.message import Placement, Stage
from backend.domain.mailbox.review import MOST_OF_A_PILE, Shelf
from backend.transactions import challenges, decisions, senders
from backend.transactions.jobs import request_duty
from backend.transactions.records import Duty
from backend.transactions.rows import CorrectionRow, Flag, MessageRow, OpenChallengeRow, ReachedRow
from backend.transactions.script import Script, each, lock, micros, moment, packed, q, row_count, wake

# ---- Owners' decisions
# The record keeps the earlier state of each thing a decision touched: placements (with the revision the decision left),
# rules, voided challenges, refunds. An undo restores only what has not changed since, so it never overrides a later
# decision.


@dataclass(slots=True)
class UndoRecord:
    """What a decision did, as stored."""

    moved: list[str] = field(default_factory=list)
    messages: list[StateBefore] = field(default_factory=list)
    rules: list[dict[str, Any]] = field(default_factory=list)
    challenges: list[dict[str, Any]] = field(default_factory=list)
    refunds: list[dict[str, Any]] = field(default_factory=list)
    forfeits: list[dict[str, Any]] = field(default_factory=list)

    def note(self, row: ReachedRow, change: Change) -> None:
        """Keep what a message was before."""
        self.messages.append(
            StateBefore(
                gmail_id=row["gmail_id"],
                placement=row["placement"],
                decided_by=row["decided_by"],
                revision=row["revision"] + (not change.noted),
                moved=change.moves,
                stage=row["stage"],
            )
        )
        if change.moves:
            self.moved.append(row["gmail_id"])

    def before(self) -> str:
        """The record an undo reads."""
        kept = ("messages", "rules", "challenges", "refunds", "forfeits")
        return json.dumps({name: getattr(self, name) for name in kept})


class SinceRow(TypedDict):
    """What was decided or undone since an order was given, and about whose message."""

    correction_key: str
    gmail_id: str
    decision: str
    sender: str | None
    sender_domain: str | None


class HeldOfSenderRow(TypedDict):
    """A held message from a sender, and whether Gmail vouches for them."""

    gmail_id: str
    authenticated: Flag


def decide(mailbox_id: MailboxId, order: Order, now: datetime) -> Script[OrderResult]:
    """Apply an owner's order: rule, placements, voided challenge, refund. The same order again changes nothing, and
    later decisions made elsewhere stand.

    Raises `Refused` for a malformed order and for a rule for a public mail domain. An order about one message can also
    raise `NotFound`, or `Refused` (put_away, key_reused).
    """
    yield from lock(mailbox_id)
    meant: list[str] = []
    for gmail_id in order.gmail_ids:
        meant += (yield from _with_earlier(mailbox_id, gmail_id)) if gmail_id in order.whole else [gmail_id]
    since = yield from _since(mailbox_id, order)
    applied: list[str] = []
    moved: list[str] = []
    lost = overruled = 0
    for gmail_id in dict.fromkeys(meant):
        correction = order.about(gmail_id)
        known: CorrectionRow | None = yield q(
            "correction", mailbox_id=mailbox_id, correction_key=correction.key
        )
        if known is not None:
            if _repeats(order, correction, known):
                applied.append(gmail_id)
                moved += json.loads(known["moved"])
            continue
        # Read only now: deciding about another message of the same sender may just have changed it.
        there: MessageRow | None = yield q("message_for_write", mailbox_id=mailbox_id, gmail_id=gmail_id)
        row = _fit(order, there)
        if row is None:
            lost += 1
        elif any(_concerns(one, row) for one in since):
            overruled += 1
        elif not already_binned(order.decision, row["decided_by"]):
            applied.append(gmail_id)
            moved += yield from _apply_to_message(mailbox_id, correction, row, now)
    return OrderResult(tuple(applied), tuple(dict.fromkeys(moved)), lost, overruled)


def _fit(order: Order, row: MessageRow | None) -> MessageRow | None:
    """The message, if there is something to decide about it. Raises if the order is about it alone."""
    if row is None:
        error: Refused = NotFound("not_found.message")
    elif ignored_in_spam_or_bin(order.decision, row["decided_by"]):
        error = Refused(f"put_away.{row['decided_by']}", field="decision")
    else:
        refuse_shared_domain(order.decision, row["sender"])
        return None if order.if_inapplicable is InapplicableOrder.COUNTED and row["error"] == "gone" else row
    if order.if_inapplicable is InapplicableOrder.REFUSED:
        raise error
    return None


def _repeats(order: Order, correction: Correction, known: CorrectionRow) -> bool:
    """Whether an order under a known key repeats its decision. A page's form sent again after an undo, or with another
    button, decides nothing."""
    same = (known["gmail_id"], known["decision"]) == (correction.gmail_id, correction.decision)
    if not same and order.if_inapplicable is InapplicableOrder.REFUSED:
        raise Refused("key_reused")
    return same and not (
        order.if_inapplicable is InapplicableOrder.COUNTED and known["undone_at"] is not None
    )


def _with_earlier(mailbox_id: MailboxId, gmail_id: str) -> Script[list[str]]:
    """A message and its sender's earlier held mail, which a list shows as one line. If the message is authenticated,
    the others must be too: the decision must not cover a forged From."""
    row: MessageRow | None = yield q("message", mailbox_id=mailbox_id, gmail_id=gmail_id)
    if row is None or not row["sender"]:
        return [gmail_id]
    earlier: list[HeldOfSenderRow] = yield q(
        "shelf_of_sender",
        mailbox_id=mailbox_id,
        sender=row["sender"],
        shelf=Shelf.HELD,
        at=row["received_at"] or row["first_seen_at"],
        gmail_id=gmail_id,
        limit=MOST_OF_A_PILE,
    )
    covered = [one["gmail_id"] for one in earlier if one["authenticated"] or not row["authenticated"]]
    return [gmail_id, *covered]


def _since(mailbox_id: MailboxId, order: Order) -> Script[list[SinceRow]]:
    """What was decided since the order was given, except what the owner's page already showed."""
    if order.late is None:
        return []
    decided: list[SinceRow] = yield q("decided_since", mailbox_id=mailbox_id, since=micros(order.late.at))
    own = order.late.earlier | {order.key}
    return [one for one in decided if one["correction_key"].partition(".")[0] not in own]


def _concerns(decided: SinceRow, row: MessageRow) -> bool:
    """Whether a decision was about this message, its sender or its domain."""
    whose = EFFECTS[Decision(decided["decision"])].whose
    if decided["gmail_id"] == row["gmail_id"]:
        return True
    if whose == "domain":
        return bool(row["sender_domain"]) and decided["sender_domain"] == row["sender_domain"]
    return whose != "message" and bool(row["sender"]) and decided["sender"] == row["sender"]


def _apply_to_message(
    mailbox_id: MailboxId, correction: Correction, row: MessageRow, now: datetime
) -> Script[tuple[str, ...]]:
    """Apply and record one decision; returns the messages that move. It waits while the message is not screened."""
    waits = row["stage"] == Stage.SCREEN and not row["set_aside"]
    done = UndoRecord()
    if not waits:
        yield from _apply(mailbox_id, correction, row, done, now)
    yield q(
        "insert_correction",
        mailbox_id=mailbox_id,
        correction_key=correction.key,
        gmail_id=correction.gmail_id,
        decision=correction.decision,
        origin=correction.origin,
        pending=waits,
        moved=packed(done.moved),
        before=done.before(),
        now=micros(now),
    )
    yield from decisions.log_correction(mailbox_id, correction, (correction.gmail_id, *done.moved), now)
    yield from decisions.note_decision(mailbox_id, correction.gmail_id, correction.decision)
    if done.moved or done.messages:
        yield wake(mailbox_id)
    return tuple(done.moved)


def apply_pending(record: CorrectionRow, now: datetime) -> Script[None]:
    """Apply a decision that waited for its message to be screened. Gmail has not been touched yet, so a message that
    stays in the inbox needs no stage."""
    mailbox_id, gmail_id = record["mailbox_id"], record["gmail_id"]
    row: MessageRow = yield q("message_for_write", mailbox_id=mailbox_id, gmail_id=gmail_id)
    correction = Correction(
        record["correction_key"], gmail_id, Decision(record["decision"]), Origin(record["origin"])
    )
    done = UndoRecord()
    yield from _apply(mailbox_id, correction, row, done, now)
    after: MessageRow = yield q("message_for_write", mailbox_id=mailbox_id, gmail_id=gmail_id)
    if after["placement"] == Placement.INBOX and after["stage"] == Stage.RELEASE:
        yield q(
            "settle_message",
            mailbox_id=mailbox_id,
            gmail_id=gmail_id,
            stage=None,
            due_at=None,
            now=micros(now),
        )
    yield q(
        "correction_applied",
        mailbox_id=mailbox_id,
        correction_key=correction.key,
        moved=packed(done.moved),
        before=done.before(),
    )
    yield from decisions.log_correction(mailbox_id, correction, done.moved, now)


def _apply(
    mailbox_id: MailboxId, correction: Correction, row: MessageRow, done: UndoRecord, now: datetime
) -> Script[None]:
    effect = EFFECTS[correction.decision]
    if effect.proven and not row["authenticated"]:
        effect = replace(effect, whose="message", rule=None, forfeits=False)
    subject = {"sender": row["sender"], "domain": row["sender_domain"]}.get(effect.whose, "")
    if effect.rule is not None and subject:
        before: str | None = yield q("rule", mailbox_id=mailbox_id, subject=subject)
        done.rules.append({"subject": subject, "before": before, "after": effect.rule})
        yield from senders.write_rule(mailbox_id, subject, effect.rule, now)
    if effect.voids:
        voided = yield from _void(mailbox_id, effect, row, now)
        done.challenges += [{"id": v["id"], "state": v["state"], "gmail_id": v["gmail_id"]} for v in voided]
    others = yield from _others(mailbox_id, effect, row)
    reached: list[ReachedRow] = [row, *others]
    for one in reached:
        change = change_of(effect, one, meant=one is row, authenticated=bool(one["authenticated"]))
        if change is not None:
            yield from carry_out(mailbox_id, one["gmail_id"], change, now)
            done.note(one, change)
    if effect.refunds:
        yield from _refund(mailbox_id, correction.key, row, done, now)
    if effect.forfeits and row["sender"]:
        amount = yield from senders.balance(mailbox_id, row["sender"])
        if amount:
            entry = forfeited(row["sender"], amount, correction.key)
            yield from senders.enter(mailbox_id, entry, now, row["gmail_id"])
            done.forfeits.append({"sender": row["sender"], "amount": amount})


def _void(
    mailbox_id: MailboxId, effect: Effect, row: MessageRow, now: datetime
) -> Script[list[OpenChallengeRow]]:
    if effect.whose == "domain" and row["sender_domain"]:
        return (yield from challenges.void_of_domain(mailbox_id, row["sender_domain"], now))
    if effect.whose == "sender" and row["sender"]:
        return (yield from challenges.void_of_sender(mailbox_id, row["sender"], now))
    return (yield from challenges.void_of_message(mailbox_id, row["gmail_id"], now))


def _others(mailbox_id: MailboxId, effect: Effect, row: MessageRow) -> Script[list[ReachedRow]]:
    """The other held mail that the decision covers."""
    found: list[ReachedRow] = []
    if effect.whose in ("sender", "earlier") and row["sender"]:
        theirs: list[ReachedRow] = yield q("held_of_sender", mailbox_id=mailbox_id, sender=row["sender"])
        found = theirs
        if effect.whose == "earlier":  # oldest first; what came after it was not on the owner's screen
            at = [one["gmail_id"] for one in theirs]
            found = theirs[: at.index(row["gmail_id"])] if row["gmail_id"] in at else []
    elif effect.whose == "domain" and row["sender_domain"]:
        domain = row["sender_domain"]
        of_domain: list[ReachedRow] = yield q("held_of_domain", mailbox_id=mailbox_id, sender_domain=domain)
        found = of_domain
    return [other for other in found if other["gmail_id"] != row["gmail_id"]]


def carry_out(mailbox_id: MailboxId, gmail_id: str, change: Change, now: datetime) -> Script[None]:
    """Order one message to its place, or only note the decision if it belongs there already."""
    about = {
        "mailbox_id": mailbox_id,
        "gmail_id": gmail_id,
        "decided_by": change.decided_by,
        "now": micros(now),
    }
    if change.noted:
        yield q("mark_decided", **about)
    else:
        yield q("order_message", **about, stage=change.stage, placement=change.placement)


def _refund(
    mailbox_id: MailboxId, key: str, row: MessageRow, done: UndoRecord, now: datetime
) -> Script[None]:
    """Give back the credit spent on the message, unless that was done already."""
    gmail_id: str = row["gmail_id"]
    if not row["sender"] or (yield from row_count("paid_for", mailbox_id=mailbox_id, about=gmail_id)) >= 0:
        return
    # If an undo took back an earlier refund, the plain key is used up.
    posted = (yield from senders.enter(mailbox_id, refunded(row["sender"], gmail_id), now, gmail_id)) or (
        yield from senders.enter(mailbox_id, refunded(row["sender"], gmail_id, key), now, gmail_id)
    )
    if posted:
        done.refunds.append({"sender": row["sender"], "gmail_id": gmail_id})


# ---- Undoing a decision
# By a button, or by moving a message out of Gmail's spam or bin.


class EntryRow(TypedDict):
    """Of `ledger`: which sender, and how much."""

    sender: str
    amount: int


def undo(mailbox_id: MailboxId, key: str, now: datetime) -> Script[tuple[str, ...]]:
    """Undo everything ordered under `key`, latest first: placements, rules and credits as before. Works once; returns
    the messages that move.

    Raises `NotFound`, or `Refused`: no_credit if given credits have been spent, put_away for what lies in spam or bin.
    """
    yield from lock(mailbox_id)
    entry: EntryRow | None = yield q("ledger_entry", mailbox_id=mailbox_id, posting_key=f"page:{key}")
    if entry is not None:
        back = adjusted_by_owner(entry["sender"], -entry["amount"], f"undo:{key}")
        yield from senders.enter(mailbox_id, back, now)
        return ()
    alone: CorrectionRow | None = yield q("correction", mailbox_id=mailbox_id, correction_key=key)
    made = yield from each(str, "ordered", mailbox_id=mailbox_id, first=f"{key}.", last=f"{key}/")
    if alone is None and not made:
        raise NotFound("unknown_correction")
    moved: list[str] = []
    for correction_key in made if alone is None else (key,):
        moved += yield from _undo_one(mailbox_id, correction_key, now)
    return tuple(dict.fromkeys(moved))


def _undo_one(mailbox_id: MailboxId, key: str, now: datetime) -> Script[tuple[str, ...]]:
    record: CorrectionRow = yield q("correction", mailbox_id=mailbox_id, correction_key=key)
    if record["undone_at"] is not None:
        return tuple(json.loads(record["undo_moved"]))
    if record["decision"] in IN_SPAM_OR_BIN:
        raise Refused(f"put_away.{record['decision']}", field="key")
    return (yield from _take_back(mailbox_id, record, now))


def returned(mailbox_id: MailboxId, back: TakenBack, now: datetime) -> Script[None]:
    """A message came out of spam or bin: undo the decision made by putting it there. If it is in the inbox although it
    should be held, the owner has released it."""
    made: list[CorrectionRow] = yield q("put_away", mailbox_id=mailbox_id, gmail_id=back.gmail_id)
    for record in made:
        yield from _take_back(mailbox_id, record, now, there=True)
    row: MessageRow | None = yield q("message", mailbox_id=mailbox_id, gmail_id=back.gmail_id)
    if made and row is not None and row["placement"] == Placement.HELD and not back.lies_held:
        key = f"gmail:{back.record or 'move'}:{back.gmail_id}:{Decision.RELEASE}"
        yield from decide(mailbox_id, Order(key, Decision.RELEASE, (back.gmail_id,), Origin.GMAIL), now)


def _take_back(
    mailbox_id: MailboxId, record: CorrectionRow, now: datetime, *, there: bool = False
) -> Script[tuple[str, ...]]:
    """Undo one decision. `there`: its message stays where the owner has put it."""
    key, before = record["correction_key"], json.loads(record["before"])
    moved: list[str] = []
    for rule in before["rules"]:
        present: str | None = yield q("rule", mailbox_id=mailbox_id, subject=rule["subject"])
        if present == rule["after"]:
            yield from senders.write_rule(mailbox_id, rule["subject"], rule["before"], now)
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
        if (yield from senders.balance(mailbox_id, refund["sender"])) > 0:
            # If it has been spent meanwhile, there is nothing to take back.
            entry = unrefunded(refund["sender"], refund["gmail_id"], key)
            yield from senders.enter(mailbox_id, entry, now, refund["gmail_id"])
    for forfeit in before.get("forfeits", ()):
        entry = restored(forfeit["sender"], forfeit["amount"], key)
        yield from senders.enter(mailbox_id, entry, now, record["gmail_id"])
    yield q(
        "correction_undone",
        mailbox_id=mailbox_id,
        correction_key=key,
        undo_moved=packed(moved),
        now=micros(now),
    )
    fields = {"decision": record["decision"], "by": record["origin"], "on": record["gmail_id"]}
    about = (record["gmail_id"], *moved)
    yield from decisions.log_about(mailbox_id, decisions.UNDONE, about, fields, now)
    yield q("note_act", mailbox_id=mailbox_id, gmail_id=record["gmail_id"], acted="")
    yield wake(mailbox_id)
    return tuple(moved)


def _put_back(mailbox_id: MailboxId, was: StateBefore, now: datetime, there: bool) -> Script[bool]:
    """Restore one message unless it has changed since; True if it moves. One in spam or bin changes only when it is
    taken out."""
    gmail_id = was["gmail_id"]
    row: MessageRow | None = yield q("message_for_write", mailbox_id=mailbox_id, gmail_id=gmail_id)
    if row is None or row["error"] == "gone":
        return False
    if row["revision"] != was["revision"] and not (there and row["decided_by"] in IN_SPAM_OR_BIN):
        return False
    yield from carry_out(mailbox_id, gmail_id, undo_change(was, moved_back=there), now)
    return was["moved"]


def _reopen(mailbox_id: MailboxId, challenge: dict[str, Any], now: datetime) -> Script[None]:
    """Reopen a voided challenge, and go on sending it if it was not sent. A time set for delivery is kept."""
    reopened = yield from challenges.reopen(mailbox_id, challenge["id"], challenge["state"], now)
    promised: int | None = yield q("promise_of", mailbox_id=mailbox_id, challenge_id=challenge["id"])
    if reopened and promised is not None:
        yield from request_duty(mailbox_id, Duty.DELIVER, max(now, moment(promised)))
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
