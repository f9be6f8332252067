"""archive: an owner downloads all their data, or brings it from another instance.

The file is written page by page as it is read, so a long history needs little memory. A restore checks the whole file
before it keeps anything, then adds it in batches: existing rows stay, so the same file again, or one interrupted by a
crash, adds only what is missing.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from backend.domain.errors import NotFound, Refused
from backend.domain.mail.message import MailboxId
from backend.domain.mailbox import archive
from backend.domain.mailbox.archive import TABLES, Table
from backend.domain.mailbox.mailbox import Mailbox, Preferences
from backend.pipeline.context import Context

PAGE = 500

Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Restored:
    """What a file added, by list. `skipped` messages had not been judged when it was written, so they are not
    history."""

    added: Mapping[str, int]
    skipped: int


@dataclass(frozen=True, slots=True)
class ArchiveService:
    """What the page about an owner's data and the command call."""

    context: Context

    async def mailbox(self, mailbox_id: MailboxId) -> Mailbox:
        """The mailbox. Raises `NotFound`."""
        found = await self.context.store.mailbox(mailbox_id)
        if found is None:
            raise NotFound("not_found.mailbox")
        return found

    async def export(self, mailbox_id: MailboxId) -> AsyncIterator[str]:
        """The file in pieces, together one JSON object. Raises `NotFound` before the first."""
        mailbox = await self.mailbox(mailbox_id)
        head = {
            "format": archive.FORMAT,
            "version": archive.VERSION,
            "made_at": self.context.clock.now().isoformat(timespec="microseconds"),
            "mailbox": _about(mailbox),
        }
        yield json.dumps(head, ensure_ascii=False)[:-1]
        for table in TABLES.values():
            yield f',\n"{table.name}": ['
            async for piece in self._list(mailbox_id, table):
                yield piece
            yield "]"
        yield "}\n"

    async def _list(self, mailbox_id: MailboxId, table: Table) -> AsyncIterator[str]:
        after, comma = "", ""
        while rows := await self.context.store.archive_page(mailbox_id, table.name, after, PAGE):
            lines = (json.dumps(archive.to_file(table, row), ensure_ascii=False) for row in rows)
            yield comma + "\n" + ",\n".join(lines)
            after, comma = str(rows[-1][table.key]), ","

    async def restore(self, mailbox_id: MailboxId, content: bytes) -> Restored:
        """Add the file's contents to this mailbox and take its settings. May run again.

        Raises `Refused` with field "file": malformed and other_mailbox before anything is kept, no_credit after the
        batches before the bad entry.
        """
        mailbox = await self.mailbox(mailbox_id)
        # A long history takes seconds, during which other owners' pages and pushes would wait.
        data, lists = await asyncio.to_thread(_looked_through, content)
        about = data.get("mailbox")
        if not isinstance(about, dict) or not _same(about.get("email"), mailbox):
            raise Refused("other_mailbox", email=mailbox.owner.email, field="file")
        preferences = _preferences(about)
        judged = [row for row in lists["messages"] if row["outcome"]]
        skipped, lists["messages"] = len(lists["messages"]) - len(judged), judged
        # Earned before spent, as it happened: no balance falls below 0 at any entry.
        lists["ledger"].sort(key=lambda row: (row["posted_at"], row["amount"] < 0, row["posting_key"]))
        added = {name: await self._add(mailbox_id, name, rows) for name, rows in lists.items()}
        await self.context.store.save_preferences(mailbox_id, preferences, self.context.clock.now())
        self.context.wake()
        return Restored(added, skipped)

    async def _add(self, mailbox_id: MailboxId, table: str, rows: Rows) -> int:
        added = 0
        for start in range(0, len(rows), PAGE):
            added += await self.context.store.restore_rows(
                mailbox_id, table, rows[start : start + PAGE], self.context.clock.now()
            )
        return added


def _about(mailbox: Mailbox) -> dict[str, Any]:
    return {
        "email": mailbox.owner.email,
        "name": mailbox.owner.name,
        "aliases": sorted(mailbox.owner.aliases),
        "connected_at": mailbox.created_at.isoformat(timespec="microseconds"),
        "scopes": sorted(mailbox.scopes),
        "preferences": mailbox.preferences.to_json(),
    }


def _opened(content: bytes) -> dict[str, Any]:
    try:
        data = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _no_archive() from error
    if not isinstance(data, dict) or data.get("format") != archive.FORMAT:
        raise _no_archive()
    if data.get("version") != archive.VERSION:
        raise Refused("malformed.file.newer", field="file")
    return data


def _looked_through(content: bytes) -> tuple[dict[str, Any], dict[str, Rows]]:
    """The file, with every entry of its lists checked."""
    data = _opened(content)
    return data, {table.name: _rows(data, table) for table in TABLES.values() if table.imported}


def _no_archive() -> Refused:
    return Refused("malformed.file.no_export", field="file")


def _same(email: object, mailbox: Mailbox) -> bool:
    known = {mailbox.owner.email, *mailbox.owner.aliases}
    return isinstance(email, str) and email.lower() in {address.lower() for address in known}


def _preferences(about: Mapping[str, Any]) -> Preferences:
    found = about.get("preferences")
    if not isinstance(found, dict):
        raise _no_archive()
    return Preferences.from_json(found)


def _rows(data: Mapping[str, Any], table: Table) -> Rows:
    entries = data.get(table.name, [])
    if not isinstance(entries, list):
        raise _no_archive()
    return [archive.from_file(table, number, entry) for number, entry in enumerate(entries, 1)]
