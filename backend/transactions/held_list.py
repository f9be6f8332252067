"""What devices and the review page read and change beside the mailbox's own methods."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypedDict

from backend.domain.errors import Refused
from backend.domain.mailbox.decisions import Correction
from backend.domain.mailbox.mailbox import Preferences
from backend.domain.mailbox.message import MessageView
from backend.transactions import corrections, message_rows
from backend.transactions.devices import DeviceRow
from backend.transactions.mailboxes import lock, locked, mailbox_of, write_preferences
from backend.transactions.message_rows import MessageRow
from backend.transactions.records import Event, EventKind, HeldPage, HeldSender, News, Overview
from backend.transactions.statement import Script, micros, moment, number, packed, q
from backend.transactions.tables import CorrectionRow, MailboxRow

PER_SENDER = 20
"""Messages of one sender that a page lists."""

FAR = 2**62
"""Later than any time: where the first page begins."""


class HeldCountRow(TypedDict):
    """Held, undecided mail: messages and senders."""

    messages: int
    senders: int


class HeldSenderRow(TypedDict):
    """The same of one sender."""

    sender: str
    latest: int
    n: int


class TextRow(TypedDict):
    """What a search looks at."""

    gmail_id: str
    sender: str
    sender_name: str
    subject: str
    at: int


class EventRow(TypedDict):
    """Of `events`."""

    id: int
    kind: str
    gmail_id: str
    placement: str
    decided_by: str


def overview(mailbox_id: str) -> Script[Overview | None]:
    """Mailbox, counts and position of one snapshot."""
    row: MailboxRow | None = yield q("mailbox", mailbox_id=mailbox_id)
    if row is None:
        return None
    held: HeldCountRow = yield q("count_held", mailbox_id=mailbox_id)
    latest = yield from number("latest_event", mailbox_id=mailbox_id)
    return Overview((yield from mailbox_of(row)), held["messages"], held["senders"], latest)


def held(mailbox_id: str, query: str, cursor: tuple[int, str] | None, limit: int) -> Script[HeldPage]:
    """A page of held senders. `query` is looked for in sender, name and subject, whatever its case."""
    after = cursor or (FAR, "")
    if query:
        return (yield from _searched(mailbox_id, query.casefold(), after, limit))
    found: list[HeldSenderRow] = yield q(
        "held_senders", mailbox_id=mailbox_id, at=after[0], sender=after[1], limit=limit + 1
    )
    counted: HeldCountRow = yield q("count_held", mailbox_id=mailbox_id)
    shown = [(row["sender"], row["latest"], row["n"]) for row in found[:limit]]
    names = packed(sender for sender, _, _ in shown)
    newest: list[MessageRow] = yield q("held_messages", mailbox_id=mailbox_id, senders=names, most=PER_SENDER)
    views: dict[str, list[MessageView]] = {}
    for row in newest:
        views.setdefault(row["sender"], []).append(message_rows.view(row))
    senders = tuple(
        HeldSender(sender, n, moment(latest), tuple(views.get(sender, ()))) for sender, latest, n in shown
    )
    more = (shown[-1][1], shown[-1][0]) if len(found) > limit else None
    return HeldPage(senders, counted["senders"], more)


def _searched(mailbox_id: str, query: str, after: tuple[int, str], limit: int) -> Script[HeldPage]:
    """The search is done here: folding case beyond ASCII is what the two databases do differently."""
    groups: dict[str, list[TextRow]] = {}
    texts: list[TextRow] = yield q("held_texts", mailbox_id=mailbox_id)
    for row in texts:
        if query in f"{row['sender']}\n{row['sender_name']}\n{row['subject']}".casefold():
            groups.setdefault(row["sender"], []).append(row)
    order = sorted(((mail[0]["at"], sender) for sender, mail in groups.items()), reverse=True)
    behind = [key for key in order if key < after] if after[0] < FAR else order
    shown = behind[:limit]
    wanted = [row["gmail_id"] for _, sender in shown for row in groups[sender][:PER_SENDER]]
    found: list[MessageRow] = yield q("messages_by_id", mailbox_id=mailbox_id, ids=packed(wanted))
    views = {row["gmail_id"]: message_rows.view(row) for row in found}
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


def correct_once(mailbox_id: str, correction: Correction, now: datetime) -> Script[tuple[str, ...]]:
    """As `correct`, but the same key for another decision is `Refused` (key_reused)."""
    yield from lock(mailbox_id)
    known: CorrectionRow | None = yield q("correction", mailbox_id=mailbox_id, correction_key=correction.key)
    if known is not None and (known["gmail_id"], known["decision"]) != (
        correction.gmail_id,
        correction.decision,
    ):
        raise Refused("key_reused")
    return (yield from corrections.correct(mailbox_id, correction, now))


def change_preferences(mailbox_id: str, changes: Mapping[str, Any], now: datetime) -> Script[Preferences]:
    """Read, change and write in one: two who change different things both get theirs."""
    row = yield from locked(mailbox_id)
    before = Preferences.from_json(json.loads(row["preferences"]))
    after = before.changed(**changes)
    if after != before:
        yield from write_preferences(mailbox_id, after, max(micros(now), row["changed_at"] + 1))
    return after


def news(mailbox_id: str, device_id: str, after: int | None, limit: int) -> Script[News]:
    """Changes after number `after` (None: only the latest number), oldest first."""
    device: DeviceRow | None = yield q("device", mailbox_id=mailbox_id, id=device_id)
    return (yield from changes(mailbox_id, device is not None, after, limit))


def changes(mailbox_id: str, alive: bool, after: int | None, limit: int) -> Script[News]:
    """What anybody is told who is still let in."""
    latest = yield from number("latest_event", mailbox_id=mailbox_id)
    if after is None or after == latest or not alive:
        return News(alive, False, latest)
    first = (yield from number("first_event", mailbox_id=mailbox_id)) or latest + 1
    if not first - 1 <= after < latest:
        return News(alive, True, latest)
    found: list[EventRow] = yield q("events_after", mailbox_id=mailbox_id, after=after, limit=limit)
    wanted = [row["gmail_id"] for row in found if row["kind"] in (EventKind.HELD, EventKind.NOTE)]
    known: list[MessageRow] = yield q("messages_by_id", mailbox_id=mailbox_id, ids=packed(wanted))
    views = {row["gmail_id"]: message_rows.view(row) for row in known}
    events = tuple(
        Event(
            row["id"],
            EventKind(row["kind"]),
            row["gmail_id"],
            row["placement"],
            row["decided_by"],
            views.get(row["gmail_id"]),
        )
        for row in found
    )
    return News(alive, False, latest, events)
