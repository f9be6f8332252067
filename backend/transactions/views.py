"""Read models: counts, what devices, the review page and add-on cards read, and the retention that keeps the tables
small."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, TypedDict

from backend.domain.errors import Cause
from backend.domain.mail.message import MailboxId
from backend.domain.mailbox.mailbox import WATCH_ALARM, Preferences
from backend.domain.mailbox.message import PLACEMENT_OF, MessageView, Placement, Screened, Verdict
from backend.domain.policy.table import Standing
from backend.domain.watching.drift import State
from backend.domain.watching.trial import Finding, trial
from backend.transactions import decisions, rows, verdicts
from backend.transactions.jobs import failing_seconds, lanes
from backend.transactions.mailboxes import mailbox_of, write_preferences
from backend.transactions.records import (
    CardData,
    Device,
    Event,
    EventKind,
    HeldPage,
    HeldSender,
    MessageJob,
    News,
    Overview,
    SenderRecord,
    Sighting,
    Tenant,
)
from backend.transactions.rows import EXTRA, MailboxRow, MessageRow, Reader
from backend.transactions.script import (
    Script,
    each,
    lock,
    locked,
    maybe,
    micros,
    moment,
    only,
    packed,
    q,
    row_count,
)

# ---- Read models, counts, retention


PAGE = 500
"""Most messages of one page."""

RETENTION_TABLES = (
    "digest_links",
    "messages",
    "challenges",
    "code_tries",
    "answers",
    "corrections",
    "decisions",
    "decision_counts",
    "previews",
    "unsubscriptions",
)


class LinksRow(TypedDict):
    """How many mailboxes lost their link, get pushes, have no watch, an expired one, or one about to expire."""

    lost: int
    pushed: int
    unwatched: int
    lapsed: int
    lapsing: int


class StageCountRow(TypedDict):
    """How many messages there are, by decision and by what is still to do."""

    outcome: str
    stage: str | None
    n: int


class CountRow(TypedDict):
    """How many there are under a name."""

    name: str
    n: int


def messages(
    mailbox_id: MailboxId, placement: Placement | None = None, limit: int = 50, before: str = ""
) -> Script[tuple[MessageView, ...]]:
    """Latest change first. `before` is the `gmail_id` of the previous page's last one."""
    params: dict[str, Any] = {"mailbox_id": mailbox_id, "limit": max(0, min(limit, PAGE))}
    kind = "messages" if placement is None else "inbox" if placement is Placement.INBOX else "placed"
    if kind == "placed":
        params["placement"] = placement
    if before:
        params["before"] = before
    return each(rows.view, f"{'earlier' if before else 'latest'}_{kind}", **params)


def census(now: datetime) -> Script[Mapping[str, int]]:
    """Counts of everything, keyed "group.name". Links, watches, trials and failing jobs that need attention are present
    at 0 too: an alarm on a missing count would never ring."""
    counts: dict[str, int] = {"mailboxes": (yield from row_count("count_mailboxes"))}
    links: LinksRow = yield q("count_links", now=micros(now), soon=micros(now + WATCH_ALARM))
    counts["links.needs_reconnect"] = links["lost"]
    counts["notices.by_push"] = links["pushed"]
    for state in ("unwatched", "lapsed", "lapsing"):
        counts[f"watches.{state}"] = links[state]
    messages: list[StageCountRow] = yield q("count_messages")
    for row in messages:
        for key in (f"messages.{row['outcome'] or 'undecided'}", f"stages.{row['stage'] or 'ended'}"):
            counts[key] = counts.get(key, 0) + row["n"]
    counts["released"] = yield from row_count("count_released")
    counts["dead_letters"] = yield from row_count("count_dead_letters")
    unjudged: list[CountRow] = yield q("count_unjudged")
    challenges: list[CountRow] = yield q("count_challenges")
    for group, found in (("fail_open.", unjudged), ("challenges.", challenges)):
        for count in found:
            counts[group + count["name"]] = count["n"]
    drifts: list[CountRow] = yield q("count_drifts")
    counts |= dict.fromkeys((f"drift.{state}" for state in State), 0)
    counts |= {f"drift.{row['name']}": row["n"] for row in drifts}
    counts |= dict.fromkeys((f"trial.{finding}" for finding in Finding), 0)
    in_use = yield from decisions.models_in_use()
    if in_use.challenger is not None and in_use.since is not None:
        labels, usual = yield from decisions.trial_labels(in_use.challenger, in_use.since)
        counts[f"trial.{trial(labels, usual).finding}"] = 1
    failing: list[CountRow] = yield q("count_failing")
    counts |= dict.fromkeys((f"failing.{cause}" for cause in Cause), 0)
    counts |= {f"failing.{row['name']}": row["n"] for row in failing}
    due = min((at for at in (yield from lanes()).values() if at is not None), default=None)
    counts["failing_seconds"] = yield from failing_seconds(now)
    counts["oldest_due_seconds"] = 0 if due is None else max(0, int((now - due).total_seconds()))
    return counts


def retain(
    mailbox_id: MailboxId,
    now: datetime,
    before: datetime,
    limit: int,
    counts_before: datetime | None = None,
) -> Script[int]:
    """Delete up to `limit` rows that ended before `before`, counts for judging again before `counts_before` if that is
    later; returns how many. The log of decisions notes which of its entries were erased."""
    deleted = 0
    for table in RETENTION_TABLES:
        at = micros(max(before, counts_before or before) if table == "decision_counts" else before)
        if deleted < limit:
            deleted += yield from row_count(
                f"retain_{table}", mailbox_id=mailbox_id, before=at, limit=limit - deleted
            )
    if deleted:
        yield from decisions.log_erasure(mailbox_id, now)
    return deleted


def pulse(now: datetime) -> Script[None]:
    """A smallest possible write, to test the store."""
    yield q("pulse", now=micros(now))


# ---- Reads and changes of devices and review


PER_SENDER = 20
"""Messages of one sender that a page lists."""

FAR = 2**62
"""Later than any time: where the first page begins."""


class HeldCountRow(TypedDict):
    """Held, undecided mail: messages and senders."""

    messages: int
    senders: int


class HeldSenderRow(TypedDict):
    """The same for one sender."""

    sender: str
    latest: int
    n: int


class TextRow(TypedDict):
    """The texts that a search covers."""

    gmail_id: str
    sender: str
    sender_name: str
    subject: str
    at: int


_event = Reader(Event, message=EXTRA)


def overview(mailbox_id: MailboxId) -> Script[Overview | None]:
    """Mailbox, counts and position in one snapshot."""
    row: MailboxRow | None = yield q("mailbox", mailbox_id=mailbox_id)
    if row is None:
        return None
    held: HeldCountRow = yield q("count_held", mailbox_id=mailbox_id)
    latest = yield from row_count("latest_event", mailbox_id=mailbox_id)
    return Overview((yield from mailbox_of(row)), held["messages"], held["senders"], latest)


def held(mailbox_id: MailboxId, query: str, cursor: tuple[int, str] | None, limit: int) -> Script[HeldPage]:
    """A page of held senders. `query` is searched for in sender, name and subject, ignoring case."""
    after = cursor or (FAR, "")
    if query:
        return (yield from _searched(mailbox_id, query.casefold(), after, limit))
    found: list[HeldSenderRow] = yield q(
        "held_senders", mailbox_id=mailbox_id, at=after[0], sender=after[1], limit=limit + 1
    )
    counted: HeldCountRow = yield q("count_held", mailbox_id=mailbox_id)
    shown = [(row["sender"], row["latest"], row["n"]) for row in found[:limit]]
    names = packed(sender for sender, _, _ in shown)
    newest = yield from each(
        rows.view, "held_messages", mailbox_id=mailbox_id, senders=names, most=PER_SENDER
    )
    views: dict[str, list[MessageView]] = {}
    for view in newest:
        views.setdefault(view.sender, []).append(view)
    senders = tuple(
        HeldSender(sender, n, moment(latest), tuple(views.get(sender, ()))) for sender, latest, n in shown
    )
    more = (shown[-1][1], shown[-1][0]) if len(found) > limit else None
    return HeldPage(senders, counted["senders"], more)


def _searched(mailbox_id: MailboxId, query: str, after: tuple[int, str], limit: int) -> Script[HeldPage]:
    """The search is done here, since the two databases fold case beyond ASCII differently."""
    groups: dict[str, list[TextRow]] = {}
    texts: list[TextRow] = yield q("held_texts", mailbox_id=mailbox_id)
    for row in texts:
        if query in f"{row['sender']}\n{row['sender_name']}\n{row['subject']}".casefold():
            groups.setdefault(row["sender"], []).append(row)
    order = sorted(((mail[0]["at"], sender) for sender, mail in groups.items()), reverse=True)
    behind = [key for key in order if key < after] if after[0] < FAR else order
    shown = behind[:limit]
    wanted = [row["gmail_id"] for _, sender in shown for row in groups[sender][:PER_SENDER]]
    found = yield from each(rows.view, "messages_by_id", mailbox_id=mailbox_id, ids=packed(wanted))
    views = {view.gmail_id: view for view in found}
    senders = tuple(
        HeldSender(
            sender,
            len(groups[sender]),
            moment(at),
            tuple(views[row["gmail_id"]] for row in groups[sender][:PER_SENDER]),
        )
        for at, sender in shown
    )
    return HeldPage(senders, len(order), shown[-1] if len(behind) > limit else None)


def change_preferences(
    mailbox_id: MailboxId, changes: Mapping[str, Any], now: datetime
) -> Script[Preferences]:
    """Read, change and write in one transaction: two concurrent changes of different settings both count."""
    row = yield from locked(mailbox_id)
    before = Preferences.from_json(json.loads(row["preferences"]))
    after = before.changed(**changes)
    if after != before:
        yield from write_preferences(mailbox_id, after, max(micros(now), row["changed_at"] + 1))
    return after


def news(mailbox_id: MailboxId, device_id: str, after: int | None, limit: int) -> Script[News]:
    """Changes after number `after` (None: only the latest number), oldest first."""
    device = yield from maybe(Device, "device", mailbox_id=mailbox_id, id=device_id)
    return (yield from changes(mailbox_id, device is not None, after, limit))


def changes(mailbox_id: MailboxId, alive: bool, after: int | None, limit: int) -> Script[News]:
    """As `news`; `alive`: the device or session is still connected."""
    latest = yield from row_count("latest_event", mailbox_id=mailbox_id)
    if after is None or after == latest or not alive:
        return News(alive, False, latest)
    first = (yield from row_count("first_event", mailbox_id=mailbox_id)) or latest + 1
    if not first - 1 <= after < latest:
        return News(alive, True, latest)
    found = yield from each(_event, "events_after", mailbox_id=mailbox_id, after=after, limit=limit)
    wanted = packed(event.gmail_id for event in found if event.kind in (EventKind.HELD, EventKind.NOTE))
    known = yield from each(rows.view, "messages_by_id", mailbox_id=mailbox_id, ids=wanted)
    views = {view.gmail_id: view for view in known}
    events = tuple(replace(event, message=views.get(event.gmail_id)) for event in found)
    return News(alive, False, latest, events)


# ---- Reads and writes of the add-on


def tenant(sub: str) -> Script[Tenant | None]:
    """The mailbox of a Google account. Never looked up by address, which may change hands."""
    row: MailboxRow | None = yield q("mailbox_by_sub", sub=sub)
    return None if row is None else Tenant((yield from mailbox_of(row)), row["changed_at"])


def card_data(mailbox_id: MailboxId, gmail_id: str, now: datetime) -> Script[CardData | None]:
    """Everything a message's card shows; None for a message without a row."""
    row: MessageRow | None = yield q("message", mailbox_id=mailbox_id, gmail_id=gmail_id)
    if row is None:
        return None
    standing, record = yield from sender(
        mailbox_id, row["sender"], row["sender_domain"], row["thread_id"], now
    )
    return CardData(rows.view(row), row["revision"], standing, record)


def sender(
    mailbox_id: MailboxId, address: str, domain: str, thread_id: str, now: datetime
) -> Script[tuple[Standing, SenderRecord]]:
    """What is known of a sender, and what became of their mail so far."""
    standing = yield from verdicts.standing(mailbox_id, address, domain, thread_id, now)
    if not address:
        return standing, SenderRecord()
    return standing, (yield from only(SenderRecord, "sender_record", mailbox_id=mailbox_id, sender=address))


def insert_unseen(
    mailbox_id: MailboxId, seen: Sighting, verdict: Verdict, screened: Screened | None, now: datetime
) -> Script[bool]:
    """Insert a message that no sync will bring, with its verdict, and leave it where it is. False: it was known."""
    yield from lock(mailbox_id)
    values = [(seen.gmail_id, seen.thread_id, None, seen.stage)]
    new = yield from each(
        str,
        "insert_messages",
        mailbox_id=mailbox_id,
        rows=json.dumps(values),
        backlog=True,
        now=micros(now),
    )
    if not new:
        return False
    job = MessageJob(
        mailbox_id=mailbox_id,
        gmail_id=seen.gmail_id,
        thread_id=seen.thread_id,
        stage=seen.stage,
        attempt=1,
        revision=0,
        labels=None,
        placement=None,
        backlog=True,
        first_seen_at=now,
        due_at=now,
    )
    placement = PLACEMENT_OF[verdict.outcome] and Placement.INBOX  # not moved, whatever the verdict
    yield from verdicts.write_verdict(job, verdict, screened, now, placement=placement)
    return True


def save_preferences_unless_changed(
    mailbox_id: MailboxId, version: int, preferences: Preferences, now: datetime
) -> Script[bool]:
    """Save the settings if nothing changed since `version`; False if something did."""
    row = yield from locked(mailbox_id)
    if row["changed_at"] != version:
        return False
    # Two changes in one microsecond would look like none.
    yield from write_preferences(mailbox_id, preferences, max(micros(now), version + 1))
    return True
