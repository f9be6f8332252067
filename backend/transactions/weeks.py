"""Weeks of mail, counted once they are over, and what the test of drift says of them."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from typing import TypedDict

from backend.domain.watching import drift
from backend.transactions.mailboxes import locked
from backend.transactions.statement import Script, q
from backend.transactions.tables import MailboxRow

KEPT = 53
"""Weeks that are kept beside the first ones: a year to look at."""


class ClassRow(TypedDict):
    """How many messages of a week are of the same classes."""

    week: int
    drift_class: str
    n: int


class WeekRow(TypedDict):
    """Of `mail_weeks`. `counts` is JSON."""

    week: int
    model: str
    counts: str


def count_weeks(mailbox_id: str, now: datetime) -> Script[None]:
    """Count the weeks that are over and were not counted, and test whether the mail has changed. Weeks older than a
    year are dropped, but for the first ones of the model in use.
    """
    mailbox = yield from locked(mailbox_id)
    weeks = yield from _weeks(mailbox_id)
    today = drift.week_of(now.astimezone(UTC))
    span = {"after": weeks[-1].number if weeks else 0, "before": today}
    fresh: list[ClassRow] = yield q("classes_by_week", mailbox_id=mailbox_id, **span)
    if not fresh:
        return
    for number, rows in groupby(fresh, key=itemgetter("week")):
        week = drift.counted(number, map(itemgetter("drift_class", "n"), rows))
        kept = {"week": number, "model": week.model, "counts": json.dumps(week.counts)}
        yield q("keep_week", mailbox_id=mailbox_id, **kept)
    weeks = yield from _weeks(mailbox_id)
    found = drift.judged(weeks, _change(mailbox))
    told = json.dumps(asdict(found.change)) if found.change else ""
    yield q("save_drift", mailbox_id=mailbox_id, state=found.state, change=told)
    first = {"model": weeks[-1].model, "reference": weeks[: drift.REFERENCE][-1].number}
    yield q("drop_weeks", mailbox_id=mailbox_id, before=today - KEPT, **first)


def state(mailbox_id: str) -> Script[drift.Drift]:
    """What the test said last, with the weeks of the model in use that are kept, oldest first."""
    row: MailboxRow | None = yield q("mailbox", mailbox_id=mailbox_id)
    return drift.Drift(_change(row) if row else None, (yield from _weeks(mailbox_id)))


def _weeks(mailbox_id: str) -> Script[tuple[drift.Counted, ...]]:
    rows: list[WeekRow] = yield q("mail_weeks", mailbox_id=mailbox_id)
    return tuple(drift.Counted(row["week"], row["model"], json.loads(row["counts"])) for row in rows)


def _change(row: MailboxRow) -> drift.Change | None:
    return drift.Change(**json.loads(row["drift_change"])) if row["drift_change"] else None
