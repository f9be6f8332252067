"""archive: an owner downloads all their data, or brings it from another instance.

The file is written while it is read from the store, so a long history needs little memory. A restore checks the whole
file before it stores anything, then adds it in batches. Existing rows stay: restoring a file again, or after a crash,
adds only what is missing.
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
"""Rows that are read or added at once."""

Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Restored:
    """How many rows a file added to each table. `skipped`: messages left out because they had no verdict when the file
    was written."""

    added: Mapping[str, int]
    skipped: int


@dataclass(frozen=True, slots=True)
class ArchiveService:
    """For the page about an owner's data."""

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
            "mailbox": _mailbox_json(mailbox),
        }
        yield json.dumps(head, ensure_ascii=False)[:-1]  # without the closing brace
        for table in TABLES.values():
            yield f',\n"{table.name}": ['
            async for piece in self._rows_as_json(mailbox_id, table):
                yield piece
            yield "]"
        yield "}\n"

    async def _rows_as_json(self, mailbox_id: MailboxId, table: Table) -> AsyncIterator[str]:
        after, comma = "", ""
        while rows := await self.context.store.archive_page(mailbox_id, table.name, after, PAGE):
            lines = (json.dumps(archive.to_file(table, row), ensure_ascii=False) for row in rows)
            yield comma + "\n" + ",\n".join(lines)
            after, comma = str(rows[-1][table.key]), ","

    async def restore(self, mailbox_id: MailboxId, content: bytes) -> Restored:
        """Add the file's contents to this mailbox and take its settings. May run again.

        Raises `Refused` with field "file": malformed or other_mailbox before anything is stored; no_credit at the bad
        ledger entry, when the batches before it are stored.
        """
        mailbox = await self.mailbox(mailbox_id)
        # A long history takes seconds, during which other owners' pages and pushes would wait.
        data, lists = await asyncio.to_thread(_checked, content)
        source = data.get("mailbox")
        if not isinstance(source, dict) or not _is_address_of(source.get("email"), mailbox):
            raise Refused("other_mailbox", email=mailbox.owner.email, field="file")
        preferences = _preferences(source)
        judged = [row for row in lists["messages"] if row["outcome"]]
        skipped, lists["messages"] = len(lists["messages"]) - len(judged), judged
        # In the order of time, and earned before spent, so that no balance falls below 0 on the way.
        lists["ledger"].sort(key=lambda row: (row["posted_at"], row["amount"] < 0, row["posting_key"]))
        added = {name: await self._add(mailbox_id, name, rows) for name, rows in lists.items()}
        await self.context.store.save_preferences(mailbox_id, preferences, self.context.clock.now())
        self.context.wake()  # the lanes
        return Restored(added, skipped)

    async def _add(self, mailbox_id: MailboxId, table: str, rows: Rows) -> int:
        added = 0
        for start in range(0, len(rows), PAGE):
            added += await self.context.store.restore_rows(
                mailbox_id, table, rows[start : start + PAGE], self.context.clock.now()
            )
        return added


def _mailbox_json(mailbox: Mailbox) -> dict[str, Any]:
    return {
        "email": mailbox.owner.email,
        "name": mailbox.owner.name,
        "aliases": sorted(mailbox.owner.aliases),
        "connected_at": mailbox.created_at.isoformat(timespec="microseconds"),
        "scopes": sorted(mailbox.scopes),
        "preferences": mailbox.preferences.to_json(),
    }


def _parsed(content: bytes) -> dict[str, Any]:
    try:
        data = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _not_an_archive() from error
    if not isinstance(data, dict) or data.get("format") != archive.FORMAT:
        raise _not_an_archive()
    if data.get("version") != archive.VERSION:
        raise Refused("malformed.file.newer", field="file")
    return data


def _checked(content: bytes) -> tuple[dict[str, Any], dict[str, Rows]]:
    """The file, and the rows of its tables, all checked."""
    data = _parsed(content)
    return data, {table.name: _rows_of(data, table) for table in TABLES.values() if table.imported}


def _not_an_archive() -> Refused:
    return Refused("malformed.file.no_export", field="file")


def _is_address_of(email: object, mailbox: Mailbox) -> bool:
    known = {mailbox.owner.email, *mailbox.owner.aliases}
    return isinstance(email, str) and email.lower() in {address.lower() for address in known}


def _preferences(source: Mapping[str, Any]) -> Preferences:
    found = source.get("preferences")
    if not isinstance(found, dict):
        raise _not_an_archive()
    return Preferences.from_json(found)


def _rows_of(data: Mapping[str, Any], table: Table) -> Rows:
    entries = data.get(table.name, [])
    if not isinstance(entries, list):
        raise _not_an_archive()
    return [archive.from_file(table, number, entry) for number, entry in enumerate(entries, 1)]
