"""Labelled messages from an owner's own mail: archives with Gmail's labels, folders, corrections.

Google's policy forbids training general models on Gmail data. What these loaders read may only train the model of its
own mailbox; `pitchgate-model` says so wherever it takes such mail."""

from __future__ import annotations

import json
import sys
import zlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from backend.domain.mail.message import Message, Owner
from backend.domain.mail.mime import parse
from backend.domain.mailbox.archive import FORMAT as EXPORT
from backend.domain.mailbox.decisions import EFFECTS
from backend.locale import error_words
from backend.offline.archives import Archive
from backend.offline.mbox import names_in, system_labels
from model_export.errands import SALES
from model_export.rows import OWN_MAIL, BadRow, Row, owner_of

PARTS = 5
"""An owner's mail is divided into this many parts to be left out; all mail of a sender is in one part."""
_BULK = frozenset({"f_unsubscribe_header", "f_automatic", "f_bulk_header", "f_mailing_list"})
_TAUGHT = {str(decision): effect.teaches for decision, effect in EFFECTS.items()}


def archive(path: Path, me: str, label: str) -> list[Row]:
    """Every message below `path` (mbox, Takeout zip, folder, .eml) that `me` did not write, all with one label."""
    return [_row(name, message, me, label, path.stem) for name, message in _received(path, me)]


def gmail_labels(path: Path, me: str, sales_labels: set[str]) -> list[Row]:
    """A Takeout archive in which one of `sales_labels` (ignoring case) marks a pitch. Drafts, chats, spam and trash are
    left out, because Gmail judged those and not the owner."""
    wanted = {label.lower() for label in sales_labels}
    rows = []
    for name, message in _received(path, me):
        labels = {name.lower() for name in names_in(message)}
        if system_labels(message) & {"SPAM", "TRASH", "DRAFT", "CHAT"}:
            continue
        rows.append(_row(name, message, me, "sales" if labels & wanted else "legit", path.stem))
    return rows


def corrections(export: Path, path: Path, me: str) -> list[Row]:
    """What an owner decided about their mail: their own data export, joined with their mail by Message-ID.

    These fields of the export (`backend.domain.mailbox.archive`) are read: `format`; of `messages`, `gmail_id` and
    `message_id`; of `corrections`, `gmail_id`, `decision`, `decided_at` and `undone_at`. It contains no bodies, so only
    decisions whose mail is in `path` (mbox, Takeout, .eml) become examples. Undone decisions do not count, and of
    several about a message the latest does. A decision about a sender labels only the message it was made on. Raises
    `BadRow` if the file is not such an export."""
    decided = _decisions(export)
    rows = []
    for name, message in _received(path, me):
        label = _TAUGHT.get(decided.get(message.message_id, ""), "")
        if label:
            rows.append(_row(name, message, me, label, "corrections"))
    return rows


def _decisions(export: Path) -> dict[str, str]:
    """The latest decision by Message-ID."""
    try:
        data = json.loads(export.read_text(encoding="utf-8"))
        if data["format"] != EXPORT:
            raise ValueError(f"its format is {data['format']!r}")
        identity = {m["gmail_id"]: m["message_id"] for m in data["messages"] if m.get("message_id")}
        standing = [c for c in data["corrections"] if c.get("undone_at") is None]
        latest = sorted(standing, key=lambda c: datetime.fromisoformat(c["decided_at"]))
        return {identity[c["gmail_id"]]: c["decision"] for c in latest if c["gmail_id"] in identity}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadRow(
            f"{export.name} is no data export of a mailbox ({type(error).__name__}: {error})"
        ) from error


def _received(path: Path, me: str) -> Iterator[tuple[str, Message]]:
    filed = Archive(path)
    for mail in filed:
        message = parse(mail.raw)
        if not me or message.sender.address != me.lower():
            yield mail.file, message
    filed.check()
    for unread in filed.unread.values():
        sys.stderr.write(f"Not read ({unread.count}): {' '.join(error_words('en', unread.first))}\n")


def _row(name: str, message: Message, me: str, label: str, group: str) -> Row:
    owner = Owner(me.lower()) if me else owner_of(message)
    part = zlib.crc32(message.sender.address.encode()) % PARTS
    row = Row(name, label, OWN_MAIL, SALES, f"{group}, part {part + 1}", message, owner)
    if label == SALES:
        return row
    return replace(row, errand="known" if _BULK.isdisjoint(row.text.split(" ")) else "bulk")
