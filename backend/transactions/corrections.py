"""Owners' decisions: applied at once, recorded with what was before, taken back cleanly.

The record keeps, for each thing a decision touched, what it was: placements (with the revision the
decision left), rules, voided challenges, refunds. Taking it back restores only what nobody has changed
since, so an undo never undoes somebody else's later word.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from backend.domain.entry.credits import forfeited, refunded
from backend.domain.errors import NotFound, Refused
from backend.domain.mailbox.decisions import (
    EFFECTS,
    Change,
    Correction,
    Decision,
    Effect,
    Origin,
    Touched,
    change_of,
    heard,
    out_of_reach,
)
from backend.domain.mailbox.message import Placement, Stage
from backend.transactions import asking, credits, decisions, voiding
from backend.transactions.jobs import due
from backend.transactions.mailboxes import lock
from backend.transactions.message_rows import MessageRow, ReachedRow
from backend.transactions.statement import Script, micros, number, packed, q
from backend.transactions.tables import CorrectionRow, OpenChallengeRow


@dataclass(slots=True)
class Trace:
    """What a decision did, as it is stored."""

    moved: list[str] = field(default_factory=list)
    messages: list[Touched] = field(default_factory=list)
    rules: list[dict[str, Any]] = field(default_factory=list)
    challenges: list[dict[str, Any]] = field(default_factory=list)
    refunds: list[dict[str, Any]] = field(default_factory=list)
    forfeits: list[dict[str, Any]] = field(default_factory=list)

    def note(self, row: ReachedRow, change: Change) -> None:
        """Keep what a message was."""
        self.messages.append(
            Touched(
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


def correct(mailbox_id: str, correction: Correction, now: datetime) -> Script[tuple[str, ...]]:
    """Apply an owner's decision: rule, placements, voided challenge, refund. Returns the messages that move.

    The same key again returns the same and changes nothing. Raises `NotFound` for an unknown message.
    """
    yield from lock(mailbox_id)
    known: CorrectionRow | None = yield q("correction", mailbox_id=mailbox_id, correction_key=correction.key)
    if known is not None:
        return tuple(json.loads(known["moved"]))
    row: MessageRow | None = yield q("message_for_write", mailbox_id=mailbox_id, gmail_id=correction.gmail_id)
    if row is None:
        raise NotFound("unknown_message")
    if heard(correction.decision, row["decided_by"]):
        return ()
    if out_of_reach(correction.decision, row["decided_by"]):
        raise Refused(f"put_away.{row['decided_by']}", field="decision")
    waits = row["stage"] == Stage.SCREEN and not row["set_aside"]
    trace = Trace()
    if not waits:
        yield from _apply(mailbox_id, correction, row, trace, now)
    yield q(
        "insert_correction",
        mailbox_id=mailbox_id,
        correction_key=correction.key,
        gmail_id=correction.gmail_id,
        decision=correction.decision,
        origin=correction.origin,
        pending=waits,
        moved=packed(trace.moved),
        before=trace.before(),
        now=micros(now),
    )
    yield from decisions.corrected(mailbox_id, correction, (correction.gmail_id, *trace.moved), now)
    yield from asking.acted(mailbox_id, correction.gmail_id, correction.decision, now)
    if trace.moved or trace.messages:
        yield from due(mailbox_id, now)
    return tuple(trace.moved)


def correct_if_known(mailbox_id: str, correction: Correction, now: datetime) -> Script[None]:
    """The same for a decision made in Gmail, where a message we never saw is nobody's mistake."""
    row: MessageRow | None = yield q("message", mailbox_id=mailbox_id, gmail_id=correction.gmail_id)
    if row is not None:
        yield from correct(mailbox_id, correction, now)


def apply_pending(record: CorrectionRow, now: datetime) -> Script[None]:
    """A decision that waited for its message to be screened. Gmail has not been touched yet, so what is
    to stay in the inbox needs no stage."""
    mailbox_id, gmail_id = record["mailbox_id"], record["gmail_id"]
    row: MessageRow = yield q("message_for_write", mailbox_id=mailbox_id, gmail_id=gmail_id)
    correction = Correction(
        record["correction_key"], gmail_id, Decision(record["decision"]), Origin(record["origin"])
    )
    trace = Trace()
    yield from _apply(mailbox_id, correction, row, trace, now)
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
        moved=packed(trace.moved),
        before=trace.before(),
    )
    yield from decisions.corrected(mailbox_id, correction, trace.moved, now)


def _apply(
    mailbox_id: str, correction: Correction, row: MessageRow, trace: Trace, now: datetime
) -> Script[None]:
    effect = EFFECTS[correction.decision]
    if effect.proven and not row["authenticated"]:
        effect = replace(effect, whose="message", rule=None, forfeits=False)
    subject = {"sender": row["sender"], "domain": row["sender_domain"]}.get(effect.whose, "")
    if effect.rule is not None and subject:
        before: str | None = yield q("rule", mailbox_id=mailbox_id, subject=subject)
        trace.rules.append({"subject": subject, "before": before, "after": effect.rule})
        yield from write_rule(mailbox_id, subject, effect.rule, now)
    if effect.voids:
        voided = yield from _void(mailbox_id, effect, row, now)
        trace.challenges += [{"id": v["id"], "state": v["state"], "gmail_id": v["gmail_id"]} for v in voided]
    others = yield from _others(mailbox_id, effect, row)
    reached: list[ReachedRow] = [row, *others]
    for one in reached:
        change = change_of(effect, one, meant=one is row, authenticated=bool(one["authenticated"]))
        if change is not None:
            yield from carry_out(mailbox_id, one["gmail_id"], change, now)
            trace.note(one, change)
    if effect.refunds:
        yield from _refund(mailbox_id, correction.key, row, trace, now)
    if effect.forfeits and row["sender"]:
        amount = yield from credits.balance(mailbox_id, row["sender"])
        if amount:
            entry = forfeited(row["sender"], amount, correction.key)
            yield from credits.enter(mailbox_id, entry, now, row["gmail_id"])
            trace.forfeits.append({"sender": row["sender"], "amount": amount})


def _void(mailbox_id: str, effect: Effect, row: MessageRow, now: datetime) -> Script[list[OpenChallengeRow]]:
    if effect.whose == "domain" and row["sender_domain"]:
        return (yield from voiding.of_domain(mailbox_id, row["sender_domain"], now))
    if effect.whose == "sender" and row["sender"]:
        return (yield from voiding.of_sender(mailbox_id, row["sender"], now))
    return (yield from voiding.of_message(mailbox_id, row["gmail_id"], now))


def _others(mailbox_id: str, effect: Effect, row: MessageRow) -> Script[list[ReachedRow]]:
    """The other held mail the decision reaches."""
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


def carry_out(mailbox_id: str, gmail_id: str, change: Change, now: datetime) -> Script[None]:
    """Order one message to its place, or only note who decided if it is meant to be there already."""
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


def write_rule(mailbox_id: str, subject: str, kind: str | None, now: datetime) -> Script[None]:
    """Set or remove a rule."""
    if kind is None:
        yield q("remove_rule", mailbox_id=mailbox_id, subject=subject)
    else:
        yield q("set_rule", mailbox_id=mailbox_id, subject=subject, kind=kind, now=micros(now))


def _refund(mailbox_id: str, key: str, row: MessageRow, trace: Trace, now: datetime) -> Script[None]:
    """Give back the credit spent on the message, unless it has been given back already."""
    gmail_id: str = row["gmail_id"]
    if not row["sender"] or (yield from number("paid_for", mailbox_id=mailbox_id, about=gmail_id)) >= 0:
        return
    # A refund that was taken back with an undo used up the plain key.
    posted = (yield from credits.enter(mailbox_id, refunded(row["sender"], gmail_id), now, gmail_id)) or (
        yield from credits.enter(mailbox_id, refunded(row["sender"], gmail_id, key), now, gmail_id)
    )
    if posted:
        trace.refunds.append({"sender": row["sender"], "gmail_id": gmail_id})
