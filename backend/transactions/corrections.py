"""Owners' decisions and lists: applied at once, recorded with what was before, taken back cleanly."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypedDict

from backend.domain.entry.challenge import forfeited, refunded, restored, unrefunded
from backend.domain.errors import NotFound, Refused
from backend.domain.mailbox.decisions import (
    AWAY,
    EFFECTS,
    Change,
    Correction,
    Decision,
    Effect,
    Origin,
    Returned,
    RuleKind,
    Touched,
    change_of,
    heard,
    out_of_reach,
    put_back,
    sends_again,
)
from backend.domain.mailbox.mailbox import Link
from backend.domain.mailbox.message import Placement, Stage
from backend.domain.mailbox.rules import MOST_RULES, DatedRule, Rule
from backend.transactions import credits, decisions, voiding
from backend.transactions.jobs import due, request_duty
from backend.transactions.mailboxes import lock, set_link
from backend.transactions.message_rows import MessageRow, ReachedRow
from backend.transactions.records import Duty, GrantEnd, Receipt
from backend.transactions.rows import CorrectionRow, OpenChallengeRow
from backend.transactions.statement import Script, micros, moment, moment_or_none, number, packed, q

# ---- Owners' decisions
# The record keeps, for each thing a decision touched, what it was: placements (with the revision the decision left),
# rules, voided challenges, refunds. Taking it back restores only what nobody has changed since, so an undo never
# undoes somebody else's later word.


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
    yield from decisions.acted(mailbox_id, correction.gmail_id, correction.decision, now)
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


# ---- Undoing a decision
# They do so by a button, or by taking a message out of Gmail's spam or bin.


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


# ---- The owner's lists, and the receipts of those who left.


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
