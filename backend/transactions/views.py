"""Read models, counts, and the retention that keeps the tables small."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypedDict

from backend.domain.mailbox.failing import Cause
from backend.domain.mailbox.mailbox import WATCH_ALARM
from backend.domain.mailbox.message import MessageView, Placement
from backend.domain.watching.drift import State
from backend.domain.watching.trial import TRIAL, Finding, trial
from backend.transactions import message_rows, models, trials
from backend.transactions.jobs import failing_seconds, next_due
from backend.transactions.message_rows import MessageRow
from backend.transactions.statement import Script, micros, number, q

PAGE = 500
"""No page of messages is longer, whoever asks."""

RETAINED = (
    "digest_links",
    "messages",
    "challenges",
    "code_tries",
    "notices",
    "answers",
    "corrections",
    "decisions",
    "decision_counts",
    "previews",
    "unsubscriptions",
)


class LinksRow(TypedDict):
    """Mailboxes whose link or watch wants somebody's eye."""

    lost: int
    pushed: int
    unwatched: int
    lapsed: int
    lapsing: int


class StageCountRow(TypedDict):
    """How many messages there are, by what was decided and what is still to do."""

    outcome: str
    stage: str | None
    n: int


class CountRow(TypedDict):
    """How many there are under a name."""

    name: str
    n: int


class NoticeCountRow(CountRow):
    """Notices of a fate, and how often one of them was told again."""

    repeats: int


def messages(
    mailbox_id: str, placement: Placement | None = None, limit: int = 50, before: str = ""
) -> Script[tuple[MessageView, ...]]:
    """Latest change first. `before` is the `gmail_id` of the last one of the page before."""
    params: dict[str, Any] = {"mailbox_id": mailbox_id, "limit": max(0, min(limit, PAGE))}
    kind = "messages" if placement is None else "inbox" if placement is Placement.INBOX else "placed"
    if kind == "placed":
        params["placement"] = placement
    if before:
        params["before"] = before
    found: list[MessageRow] = yield q(f"{'earlier' if before else 'latest'}_{kind}", **params)
    return tuple(message_rows.view(row) for row in found)


def census(now: datetime) -> Script[Mapping[str, int]]:
    """Counts of everything, keyed "group.name". Links, watches, trials and failing jobs that want somebody's eye are
    there with 0 too: an alarm on a count that is missing would never ring."""
    counts: dict[str, int] = {"mailboxes": (yield from number("count_mailboxes"))}
    links: LinksRow = yield q("count_links", now=micros(now), soon=micros(now + WATCH_ALARM))
    counts["links.needs_reconnect"] = links["lost"]
    counts["notices.by_push"] = links["pushed"]
    for state in ("unwatched", "lapsed", "lapsing"):
        counts[f"watches.{state}"] = links[state]
    messages: list[StageCountRow] = yield q("count_messages")
    for row in messages:
        for key in (f"messages.{row['outcome'] or 'undecided'}", f"stages.{row['stage'] or 'ended'}"):
            counts[key] = counts.get(key, 0) + row["n"]
    counts["released"] = yield from number("count_released")
    counts["dead_letters"] = yield from number("count_dead_letters")
    unjudged: list[CountRow] = yield q("count_unjudged")
    challenges: list[CountRow] = yield q("count_challenges")
    notices: list[NoticeCountRow] = yield q("count_notices")
    tallies: list[CountRow] = yield q("tallies")
    for group, found in (
        ("fail_open.", unjudged),
        ("challenges.", challenges),
        ("notices.", notices),
        ("", tallies),
    ):
        for count in found:
            counts[group + count["name"]] = count["n"]
    if notices:
        counts["notices.repeat"] = sum(notice["repeats"] for notice in notices)
    drifts: list[CountRow] = yield q("count_drifts")
    counts |= dict.fromkeys((f"drift.{state}" for state in State), 0)
    counts |= {f"drift.{row['name']}": row["n"] for row in drifts}
    counts |= dict.fromkeys((f"trial.{finding}" for finding in Finding), 0)
    at_work = yield from models.at_work()
    if at_work.challenger is not None and at_work.since is not None:
        labels = yield from trials.labels_of_model(TRIAL, at_work.challenger, at_work.since)
        counts[f"trial.{trial(labels).finding}"] = 1
    failing: list[CountRow] = yield q("count_failing")
    counts |= dict.fromkeys((f"failing.{cause}" for cause in Cause), 0)
    counts |= {f"failing.{row['name']}": row["n"] for row in failing}
    due = (yield from next_due()).first
    counts["failing_seconds"] = yield from failing_seconds(now)
    counts["oldest_due_seconds"] = 0 if due is None else max(0, int((now - due).total_seconds()))
    return counts


def retain(
    mailbox_id: str, before: datetime, limit: int, counts_before: datetime | None = None
) -> Script[int]:
    """Delete up to `limit` rows that ended before `before`, and counts that are kept to judge again before
    `counts_before`, if that is later; returns how many.
    """
    deleted = 0
    for table in RETAINED:
        at = micros(max(before, counts_before or before) if table == "decision_counts" else before)
        if deleted < limit:
            deleted += yield from number(
                f"retain_{table}", mailbox_id=mailbox_id, before=at, limit=limit - deleted
            )
    return deleted


def pulse(now: datetime) -> Script[None]:
    """Write one thing."""
    yield q("pulse", now=micros(now))
