"""The policy: what is decided about a message. The first row of the table that matches decides.

A row the owner switched off is skipped; the rows in `ROWS_ALWAYS_ON` cannot be. Whatever the table cannot judge
stays in the inbox (`fail_open`).

Two promises hold across all rows. Mode *observe* moves nothing on a score: only the owner's own block rule
holds there. And an unauthenticated From profits from nothing that is on record about the address it
claims: not from a rule, the organisation, the history or the credits.
"""

from __future__ import annotations

from datetime import datetime

from backend.domain.mailbox.mailbox import ROWS_ALWAYS_ON, LabelIds, Mode, Preferences
from backend.domain.mailbox.verdict import FailOpen, Outcome, Row, Verdict
from backend.domain.policy.table import (
    NOT_INCOMING_LABELS,
    TABLE,
    Case,
    Facts,
    PolicyRow,
    incoming,
    leaves_alone,
)
from backend.domain.reading.score import Score, Thresholds

__all__ = [
    "NOT_AUTHENTICATED",
    "NOT_INCOMING_LABELS",
    "Facts",
    "PolicyRow",
    "decide",
    "fail_open",
    "prescreen",
    "rows",
]

_NO_LABELS = LabelIds()
_MAY_ANSWER = frozenset({Row.HELD_WITH_EARLIER, Row.QUARANTINE})
"""Rows that hold silently where a guard says no; the guards are named with them."""
NOT_AUTHENTICATED = "not_authenticated"
"""Name of the guard that is implied: an unauthenticated sender is never answered, whoever forgot to ask."""


def rows() -> tuple[PolicyRow, ...]:
    """The table in its order, for screens and documents."""
    return TABLE


def decide(
    facts: Facts, score: Score, thresholds: Thresholds, guards: tuple[str, ...], now: datetime
) -> Verdict:
    """The verdict of the first row that matches. Never raises.

    `guards` are the names of the challenge guards that said no, () if all passed or none was asked yet. A
    score that is no probability fails open unless a row above the scoring ones decides.
    """
    usable = 0.0 <= score.probability <= 1.0
    case = Case(facts, score.probability if usable else float("nan"), thresholds, guards, now)
    off = facts.preferences.rows_off - ROWS_ALWAYS_ON
    for entry in TABLE:
        if entry.reads_score and not usable:
            return fail_open(FailOpen.NO_PROBABILITY)
        if entry.row not in off and entry.applies(case):
            return Verdict(
                outcome=entry.outcome_of(case),
                row=entry.row,
                score=score if usable else None,
                guards=_named_guards(case) if entry.row in _MAY_ANSWER else (),
                spends_credit=entry.spends_credit,
            )
    return fail_open(FailOpen.NO_ROW)


def prescreen(
    labels: frozenset[str] | None,
    took_part: bool,
    preferences: Preferences,
    has_block_rules: bool,
    now: datetime,
    ours: LabelIds = _NO_LABELS,
) -> Verdict | None:
    """What history alone decides, without fetching the message; None: fetch it.

    `labels` is None when history did not tell. Only outcomes that move nothing come from here. A thread the
    owner took part in passes unauthenticated: Gmail put the message into it, and asking for proof would
    cost a fetch of every answer the owner gets. Block rules need the sender, so with any of them only mail
    that is not incoming is decided; the same goes for mail that carries our Block label (`ours`) already.
    """
    if labels is not None and not incoming(labels):
        return Verdict(Outcome.IGNORE, Row.NOT_INCOMING)
    off = preferences.rows_off - ROWS_ALWAYS_ON
    labelled = bool(ours.block) and labels is not None and ours.block in labels
    if (has_block_rules or labelled) and Row.BLOCKED not in off:
        return None
    if took_part and Row.CORRESPONDENT not in off:
        return Verdict(Outcome.INBOX, Row.CORRESPONDENT)
    if Row.LEFT_ALONE not in off and leaves_alone(preferences, labels or frozenset(), now):
        return Verdict(Outcome.INBOX, Row.LEFT_ALONE)
    return None


def fail_open(cause: FailOpen) -> Verdict:
    """The verdict where something broke: the mail stays in the inbox, nobody is answered, `cause` is kept."""
    return Verdict(Outcome.INBOX, Row.FAIL_OPEN, cause=cause)


def _named_guards(case: Case) -> tuple[str, ...]:
    """The guards that said no; the implied one is named where no other was asked."""
    implied = case.mode is Mode.CHALLENGE and not case.authenticated
    return case.guards or ((NOT_AUTHENTICATED,) if implied else ())
