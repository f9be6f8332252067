"""Counts for the insights page, all of one snapshot."""

from __future__ import annotations

from datetime import datetime, timedelta

from backend.domain.mailbox.insights import Figures, Funnel, SenderCount, Week
from backend.transactions.statement import Row, Script, micros, moment, q

WEEK = 604_800_000_000
THREE_DAYS = timedelta(days=3)


def figures(mailbox_id: str, since: datetime, senders: int) -> Script[Figures]:
    """See the port."""
    at = micros(since)
    weeks: list[Row] = yield q("held_by_week", mailbox_id=mailbox_id, since=at)
    most: list[Row] = yield q("held_by_sender", mailbox_id=mailbox_id, since=at, limit=senders)
    wrong: Row = yield q("owner_disagreed", mailbox_id=mailbox_id, since=at)
    funnel: Row = yield q("challenge_funnel", mailbox_id=mailbox_id, since=at)
    return Figures(
        weeks=tuple(
            Week((moment(row["week"] * WEEK) - THREE_DAYS).date(), row["held"], row["let_in"])
            for row in weeks
        ),
        wrong=wrong["wrong"],
        missed=wrong["missed"],
        senders=tuple(SenderCount(row["sender"], row["held"]) for row in most),
        funnel=Funnel(
            funnel["sent"], funnel["begun"], funnel["solved"], funnel["bounced"], funnel["regretted"]
        ),
    )
