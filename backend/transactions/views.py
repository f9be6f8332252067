"""Read models, counts, and the retention that keeps the tables small."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from backend.domain.mailbox.labels import Placement
from backend.domain.mailbox.mailbox import WATCH_ALARM
from backend.domain.mailbox.message_record import MessageView
from backend.transactions import rows
from backend.transactions.jobs import failing_seconds, next_due
from backend.transactions.statement import Row, Script, micros, q

PAGE = 500
"""No page of messages is longer, whoever asks."""

RETAINED = (
    "messages",
    "challenges",
    "code_tries",
    "notices",
    "answers",
    "corrections",
    "previews",
    "unsubscriptions",
)


def messages(
    mailbox_id: str, placement: Placement | None = None, limit: int = 50, before: str = ""
) -> Script[tuple[MessageView, ...]]:
    """One page, latest change first."""
    params: dict[str, Any] = {"mailbox_id": mailbox_id, "limit": max(0, min(limit, PAGE))}
    kind = "messages" if placement is None else "inbox" if placement is Placement.INBOX else "placed"
    if kind == "placed":
        params["placement"] = placement
    if before:
        params["before"] = before
    found: list[Row] = yield q(f"{'earlier' if before else 'latest'}_{kind}", **params)
    return tuple(rows.view(row) for row in found)


def census(now: datetime) -> Script[Mapping[str, int]]:
    """Counts of everything, keyed "group.name". Links and watches that want somebody's eye are there with 0 too: an
    alarm on a count that is missing would never ring."""
    counts: dict[str, int] = {"mailboxes": (yield q("count_mailboxes"))}
    links: Row = yield q("count_links", now=micros(now), soon=micros(now + WATCH_ALARM))
    counts["links.needs_reconnect"] = links["lost"]
    for state in ("unwatched", "lapsed", "lapsing"):
        counts[f"watches.{state}"] = links[state]
    messages: list[Row] = yield q("count_messages")
    for row in messages:
        for key in (f"messages.{row['outcome'] or 'undecided'}", f"stages.{row['stage'] or 'ended'}"):
            counts[key] = counts.get(key, 0) + row["n"]
    counts["released"] = yield q("count_released")
    counts["set_aside"] = yield q("count_aside")
    unjudged: list[Row] = yield q("count_unjudged")
    for row in unjudged:
        counts[f"fail_open.{row['cause']}"] = row["n"]
    challenges: list[Row] = yield q("count_challenges")
    for row in challenges:
        counts[f"challenges.{row['state']}"] = row["n"]
    notices: list[Row] = yield q("count_notices")
    for row in notices:
        counts[f"notices.{row['fate']}"] = row["n"]
        counts["notices.repeat"] = counts.get("notices.repeat", 0) + row["repeats"]
    tallies: list[Row] = yield q("tallies")
    for row in tallies:
        counts[row["name"]] = row["n"]
    due = yield from next_due()
    counts["failing_seconds"] = yield from failing_seconds(now)
    counts["oldest_due_seconds"] = 0 if due is None else max(0, int((now - due).total_seconds()))
    return counts


def retain(mailbox_id: str, before: datetime, limit: int) -> Script[int]:
    """Delete up to `limit` rows that ended before `before`."""
    deleted = 0
    for table in RETAINED:
        if deleted < limit:
            deleted += yield q(
                f"retain_{table}", mailbox_id=mailbox_id, before=micros(before), limit=limit - deleted
            )
    return deleted


def ping() -> Script[None]:
    """Read one thing."""
    yield q("count_mailboxes")
