"""Counts for the insights page, all of one snapshot."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict

from backend.domain.mailbox.insights import Figures, Funnel, SenderCount, Week
from backend.domain.watching.drift import monday_of
from backend.transactions.statement import Script, each, micros, q


class WeekRow(TypedDict):
    """A week's held mail. `week` counts them, as `monday_of` does."""

    week: int
    held: int
    let_in: int


class DisagreedRow(TypedDict):
    """What the owner saw otherwise."""

    wrong: int
    confirmed: int
    missed: int


class FunnelRow(TypedDict):
    """What became of challenges."""

    sent: int
    begun: int
    solved: int
    bounced: int
    regretted: int


def figures(mailbox_id: str, since: datetime, senders: int) -> Script[Figures]:
    """Everything decided since then. `weeks` holds only those with mail, oldest first; of the senders the
    `senders` with most.
    """
    at = micros(since)
    weeks: list[WeekRow] = yield q("held_by_week", mailbox_id=mailbox_id, since=at)
    most = yield from each(SenderCount, "held_by_sender", mailbox_id=mailbox_id, since=at, limit=senders)
    wrong: DisagreedRow = yield q("owner_disagreed", mailbox_id=mailbox_id, since=at)
    funnel: FunnelRow = yield q("challenge_funnel", mailbox_id=mailbox_id, since=at)
    return Figures(
        weeks=tuple(Week(monday_of(row["week"]), row["held"], row["let_in"]) for row in weeks),
        wrong=wrong["wrong"],
        missed=wrong["missed"],
        senders=most,
        funnel=Funnel(**funnel),
        confirmed=wrong["confirmed"],
    )
